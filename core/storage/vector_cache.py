"""Arrays by text hash in one SQLite file, each row with its checksum: what is damaged is not there, and is made again.

A row's checksum is the CRC-32 of its hash, its width and its bytes. A file of before there were checksums gets them when it is
first opened, as it is then. What SQLite itself cannot read is set aside, and an empty file takes its place.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import filelock
import numpy as np

from core.storage.damage import set_aside
from core.storage.disk import check_room

Value = TypeVar("Value")
_TABLE = "CREATE TABLE vectors (hash TEXT PRIMARY KEY, width INTEGER, data BLOB, checksum INTEGER) WITHOUT ROWID"
_TABLE_BEFORE = "CREATE TABLE vectors (hash TEXT PRIMARY KEY, width INTEGER, data BLOB) WITHOUT ROWID"
_SQL_BATCH = 500  # SQLite takes at most 999 parameters a statement in older builds
_OF_THE_FILE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)
# A folder in its place, no right to read it, a header that says read-only: or a disk that cannot be written.
_OF_EITHER = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_OF_THE_DISK = {  # SQLite's code -> the system's
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EACCES,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_IOERR: errno.EIO,
}


_ROOM_OF_ITS_OWN = 100_000  # bytes that SQLite wants for its files beside; without them it speaks of the disk, not of room


class _Broken(Exception):
    """The file is no whole database, or not one of ours."""


class VectorCache:
    """Arrays by text hash; safe for many processes. Vectors of a model all have the same dtype.

    Rows are written in batches as they are encoded, so a killed run loses at most one batch. root: the workspace, in which a
    damaged file is set aside; None: the file's folder.
    """

    def __init__(self, file: Path, *, dtype: str, root: Path | None = None) -> None:
        self._file = file
        self._root = root or file.parent
        self._dtype = np.dtype(dtype)
        self._use(lambda connection: None)

    def missing(self, hashes: list[str]) -> list[str]:
        """Those of the hashes that are not in the cache, each once, in order. Rows are not looked into, see read()."""

        def find(connection: sqlite3.Connection) -> set[str]:
            return {
                row[0]
                for part in _batches(hashes)
                for row in connection.execute(f"SELECT hash FROM vectors WHERE hash IN ({_marks(part)})", part)
            }

        present = self._use(find)
        return [name for name in dict.fromkeys(hashes) if name not in present]

    def width(self) -> int | None:
        """Numbers in each vector; None while the cache is empty."""

        def look(connection: sqlite3.Connection) -> int | None:
            for name, width, data, checksum in connection.execute("SELECT hash, width, data, checksum FROM vectors LIMIT 10"):
                if _is_whole(name, width, data, checksum):
                    return int(width or len(data) // self._dtype.itemsize)
            return None

        return self._use(look)

    def row_bytes(self) -> float | None:
        """Bytes of a row, the mean of some; None while the cache is empty."""
        query = "SELECT AVG(LENGTH(data)) FROM (SELECT data FROM vectors LIMIT 50)"
        found = self._use(lambda connection: connection.execute(query).fetchone()[0])
        return None if found is None else float(found)

    def read(self, hashes: list[str]) -> dict[str, np.ndarray]:
        """hash -> array, 1-d for vectors, tokens x dimensions for token vectors; hashes that are not in the cache are left out,
        and those whose row is damaged, which is dropped."""
        found: dict[str, np.ndarray] = {}
        damaged: list[str] = []

        def find(connection: sqlite3.Connection) -> None:
            for part in _batches(list(dict.fromkeys(hashes))):
                query = f"SELECT hash, width, data, checksum FROM vectors WHERE hash IN ({_marks(part)})"
                for name, width, data, checksum in connection.execute(query, part):
                    if _is_whole(name, width, data, checksum):
                        array = np.frombuffer(data, dtype=self._dtype)
                        found[name] = array.reshape(-1, width) if width else array
                    else:
                        damaged.append(name)
            if damaged:
                connection.executemany("DELETE FROM vectors WHERE hash = ?", [(name,) for name in damaged])

        self._use(find)
        return found

    def write(self, vectors: dict[str, np.ndarray]) -> None:
        """Adds arrays; a hash that another process wrote meanwhile keeps its first value. Raises OSError if the disk is full or
        cannot be written."""
        rows = []
        for name, array in vectors.items():
            data = np.ascontiguousarray(array, dtype=self._dtype)
            width, raw = data.shape[1] if data.ndim == 2 else 0, data.tobytes()
            rows.append((name, width, raw, checksum_of(name, width, raw)))

        def add(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?, ?)", rows)
            for part in _batches(list(vectors)):
                query = f"SELECT COUNT(*) FROM vectors WHERE hash IN ({_marks(part)})"
                if connection.execute(query, part).fetchone()[0] != len(part):
                    raise _Broken("rows that were written are not found")

        self._use(add)

    def check_room(self, rows: int, *, row_bytes: float) -> None:
        """Raises OSError (ENOSPC) if the disk has no room for so many more rows; row_bytes: of one, while none is known."""
        check_room(self._file, rows * ((self.row_bytes() or row_bytes) + 100))

    @classmethod
    def find_damage(cls, file: Path) -> str | None:
        """What is wrong with a file, or None: every page and every row is looked at. Nothing is set aside."""

        def look(connection: sqlite3.Connection) -> str | None:
            problem = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
            if problem != "ok":
                raise _Broken(problem)
            rows = connection.execute("SELECT hash, width, data, checksum FROM vectors")
            damaged = sum(not _is_whole(*row) for row in rows)
            return f"{damaged} {'row has' if damaged == 1 else 'rows have'} a wrong checksum" if damaged else None

        try:
            return _try(file, look)
        except _Broken as error:
            return str(error)

    def drop_damaged(self) -> None:
        """Drops rows whose checksum is wrong."""
        names = self._use(lambda connection: [row[0] for row in connection.execute("SELECT hash FROM vectors")])
        for part in _batches(names):
            self.read(part)

    def find_size(self, hashes: Iterable[str]) -> tuple[int, int]:
        """(rows, their bytes) of those of the hashes that are in the cache."""

        def add(connection: sqlite3.Connection) -> tuple[int, int]:
            query = "SELECT COUNT(*), COALESCE(SUM(LENGTH(data)), 0) FROM vectors WHERE hash IN ({})"
            sums = [connection.execute(query.format(_marks(part)), part).fetchone() for part in _batches(sorted(set(hashes)))]
            return sum(count for count, _ in sums), sum(size for _, size in sums)

        return self._use(add)

    def remove(self, hashes: Iterable[str]) -> None:
        """Drops rows, and gives their room back to the disk where there is enough to do so."""

        def drop(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM vectors WHERE hash = ?", [(name,) for name in hashes])

        self._use(drop)
        with suppress(OSError):  # it needs as much room again for a moment; what is not given back is used for later rows
            self._use(lambda connection: connection.execute("VACUUM"))

    def _use(self, work: Callable[[sqlite3.Connection], Value]) -> Value:
        """What work() gives over the database; if that is broken, over an empty one in its place."""
        identity = _identify(self._file)
        try:
            return _try(self._file, work)
        except _Broken as error:
            with filelock.FileLock(f"{self._file}.lock"):
                if _identify(self._file) == identity:  # else another process was quicker
                    beside = sorted(self._file.parent.glob(f"{self._file.name}-*"))  # SQLite's own files
                    set_aside(self._file, str(error), root=self._root, beside=beside)
        try:
            return _try(self._file, work)
        except _Broken as error:
            raise OSError(errno.EIO, f"cannot be written and read again ({error})", str(self._file)) from error


def checksum_of(name: str, width: int, data: bytes) -> int:
    """The checksum of a row."""
    return zlib.crc32(data, zlib.crc32(f"{name}|{width}".encode()))


def _is_whole(name: Any, width: Any, data: Any, checksum: Any) -> bool:
    """Whether a row is as it was written; damage may have changed the types too."""
    if not (isinstance(name, str) and isinstance(width, int) and isinstance(data, bytes)):
        return False
    return bool(checksum == checksum_of(name, width, data))


def _prepare(connection: sqlite3.Connection) -> None:
    """Makes the table, or gives the rows of an older one their checksums."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")  # of two processes one does it
        known = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'vectors'").fetchone()
        if known is None:
            connection.execute(_TABLE)
        elif known == (_TABLE_BEFORE,):
            connection.create_function("checksum_of", 3, checksum_of, deterministic=True)
            connection.execute("ALTER TABLE vectors ADD COLUMN checksum INTEGER")
            connection.execute("UPDATE vectors SET checksum = checksum_of(hash, width, data)")
        elif known != (_TABLE,):
            raise _Broken("its table is another one")


def _try(file: Path, work: Callable[[sqlite3.Connection], Value]) -> Value:
    """work() over the database. Raises _Broken, and OSError for trouble with the disk."""
    try:
        with _connect(file) as connection:
            return work(connection)
    except sqlite3.Error as error:
        extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        code = extended & 0xFF
        if code in _OF_THE_FILE or extended in _OF_THE_FILE or (code in _OF_EITHER and _takes_files(file.parent)):
            raise _Broken(str(error)) from error
        if code == sqlite3.SQLITE_IOERR and shutil.disk_usage(file.parent).free < _ROOM_OF_ITS_OWN:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file)) from error
        if code in _OF_THE_DISK:
            raise OSError(_OF_THE_DISK[code], str(error), str(file)) from error
        raise


@contextmanager
def _connect(file: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(file, timeout=60.0)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            known = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'vectors'").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # the header names a format that nobody has written
                raise _Broken(str(error)) from error
            raise
        if known != (_TABLE,):
            _prepare(connection)
        with connection:
            yield connection
    finally:
        connection.close()


def _identify(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _takes_files(folder: Path) -> bool:
    """Whether a file can be written in the folder: then what fails is one file's fault."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(65_536))
    except OSError:
        return False
    return True


def _marks(part: list[str]) -> str:
    return ",".join("?" * len(part))


def _batches(items: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(items), _SQL_BATCH):
        yield items[start : start + _SQL_BATCH]
