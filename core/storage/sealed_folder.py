"""Sealed folders: the hashes of their files lie beside them in .sealed.json, so that a changed or lost one is seen."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from core.storage.damage import is_damage, say_damage
from core.storage.files import read_json, write_json

SEAL = ".sealed.json"
DATABASE = "chroma.sqlite3"
_KEPT_GRAPH = "index_metadata.pickle"  # Chroma writes it with a graph that is on disk; before that the files mean nothing
_OF_USE = ("acquire_write", "maintenance_log")  # tables that change whenever a collection is opened


def seal_folder(folder: Path, names: Iterable[str] | None = None) -> None:
    """Writes down the SHA-256 of the files in a folder: of all, or of these alone (paths below it)."""
    files = names if names is not None else list_files(folder)
    write_json(folder / SEAL, {"files": {name: _hash_file(folder / name) for name in sorted(files)}})


def list_files(folder: Path) -> list[str]:
    """Paths of all files below a folder but its seal."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != SEAL]


def find_broken_seal(folder: Path) -> str | None:
    """Which file is not as it was sealed, in words; None if all are, or the folder was never sealed."""
    return _compare(folder, lambda name: _hash_file(folder / name), must=False)


def seal_collection(folder: Path) -> None:
    """seal_folder() for a Chroma folder that nobody has open: what changes by opening it is left out."""
    write_json(folder / SEAL, {"files": {name: _hash_part(folder / name) for name in _list_parts(folder)}})


def find_broken_collection(folder: Path) -> str | None:
    """Why a Chroma folder must not be opened, in words; None if it is as it was sealed. Opening a damaged one may end the
    process, or give other neighbours."""
    return _compare(folder, lambda name: _hash_part(folder / name), must=True)


def _compare(folder: Path, hash_one: Callable[[str], str], *, must: bool) -> str | None:
    try:
        if not folder.is_dir():
            return "it is no folder"
        if not (folder / SEAL).exists():
            return "nobody wrote down what it holds" if must else None
        sealed = read_json(folder / SEAL)["files"]
    except (OSError, ValueError) as error:
        if not is_damage(error):
            raise
        return f"{SEAL}: {say_damage(error)}"
    for name, wanted in sealed.items():
        try:
            if hash_one(name) != wanted:
                return f"{name} is not as it was written"
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, OSError) and not isinstance(error, FileNotFoundError) and not is_damage(error):
                raise
            return f"{name} cannot be read, {type(error).__name__}"
    return None


def _list_parts(folder: Path) -> list[str]:
    graphs = [path.parent for path in folder.glob(f"*/{_KEPT_GRAPH}")]
    return [DATABASE, *(path.relative_to(folder).as_posix() for graph in sorted(graphs) for path in sorted(graph.iterdir()))]


def _hash_part(path: Path) -> str:
    return _hash_database(path) if path.name == DATABASE else _hash_file(path)


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_database(file: Path) -> str:
    """Of the rows of all tables, after SQLite has looked at every page and index."""
    if not file.is_file():
        raise FileNotFoundError(file)
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=60.0)) as database:
        database.text_factory = bytes
        problem = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if problem != b"ok":
            raise sqlite3.DatabaseError(problem)
        found = zlib.crc32(repr(database.execute("SELECT type, name, sql FROM sqlite_master").fetchall()).encode())
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
            table = name.decode()
            if table not in _OF_USE and not table.startswith(("sqlite_", "embedding_fulltext_search")):
                for row in database.execute(f'SELECT * FROM "{table}"'):
                    found = zlib.crc32(repr(row).encode(), found)
    return f"{found:08x}"
