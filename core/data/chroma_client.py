"""Chroma: clients over a folder or a server. The only door to chromadb: its telemetry is off, and no collection is opened with
the embedding function that is stored with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def connect_folder(folder: Path, **within: str) -> Any:
    """A client of the collections in a folder; files of another version are migrated. within: tenant, database."""
    import chromadb

    return chromadb.PersistentClient(path=str(folder), settings=_make_settings(), **within)


def connect_server(host: str, port: int, *, tls: bool) -> Any:
    """A client of a server's default database. It waits without end: ask first whether anything answers there."""
    import chromadb

    return chromadb.HttpClient(host=host, port=port, ssl=tls, settings=_make_settings())


def get_version() -> str:
    """The version of chromadb that reads here."""
    import chromadb

    return str(chromadb.__version__)


def _make_settings() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)
