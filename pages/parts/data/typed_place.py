"""What people type for a place on the machine that runs the app, or a server that it can reach: read here and nowhere else."""

from __future__ import annotations

from pathlib import Path

from core.data.readers.chroma_place import ChromaPlace, find_place


def read_path(typed: str) -> Path:
    """The path, from the root; it need not exist."""
    return Path(typed.strip()).expanduser().resolve()


def read_collection_place(typed: str, collection: str) -> ChromaPlace | None:
    """The place of a Chroma collection, or None if nothing of Chroma's is there. collection: its name, or "" for the only one.

    Raises InputError for an address that cannot be one.
    """
    written = typed.strip()
    if "://" not in written:
        path = read_path(written)
        return find_place(f"{path}#{collection}" if collection else path)
    return find_place(f"{written.rstrip('/')}/{collection}" if collection else written)
