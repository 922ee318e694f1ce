"""Where a Chroma collection lies, a folder or a server, as people write it; and a copy of a folder to read from.

A folder is never opened where it is: another version of Chroma migrates the files that it opens, and two processes on one
folder lose vectors.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.data.readers.guesses import hint_of
from core.data.readers.table_files import TABLE_SUFFIXES
from core.errors import InputError, SeveralDatasets
from core.schema import content_hash
from core.storage.scratch import scratch_folder
from core.text.phrases import first_five

DATABASE = "chroma.sqlite3"
_BEFORE_SQLITE = "chroma-collections.parquet"  # of Chroma before 0.4
LABELS = "queries.jsonl"
_PORT = 8000
# Path() makes one slash of two, so one is understood too.
_ADDRESS = re.compile(r"chroma(?P<tls>s?):/{1,2}(?P<host>\[[^\]/]+\]|[^:/\s]+)(?::(?P<port>\d{1,5}))?(?:/(?P<name>[^/\s]*))?/?")
_LOOKS_LIKE_ADDRESS = re.compile(r"chromas?:/")
_COLLECTIONS = "collections c JOIN databases d ON c.database_id = d.id"
_TRIES = 3  # to copy a folder whose files change meanwhile
_PAUSE = 0.5  # seconds between two of them


@dataclass(frozen=True)
class ChromaPlace:
    """folder: with chroma.sqlite3, or None for a server at host and port. collection: its name, or None if none is named.

    labels: the folder with queries.jsonl and judgments that belong to it, or None.
    """

    folder: Path | None = None
    host: str = ""
    port: int = _PORT
    tls: bool = False
    collection: str | None = None
    labels: Path | None = None

    def __str__(self) -> str:
        where = str(self.folder) if self.folder is not None else f"{self.scheme}://{self.host}:{self.port}"
        if self.collection is None:
            return where
        return where + ("#" if self.folder is not None else "/") + self.collection

    @property
    def scheme(self) -> str:
        """How the address of the server begins."""
        return "chromas" if self.tls else "chroma"

    def show_choice(self, name: str) -> str:
        """How this collection is written."""
        return str(ChromaPlace(self.folder, self.host, self.port, self.tls, name))


def find_place(written: str | Path) -> ChromaPlace | None:
    """What is written as a place of Chroma, or None if it is none.

    FOLDER (with chroma.sqlite3, or with one folder that has it), FOLDER#COLLECTION, or chroma://HOST:PORT/COLLECTION
    (chromas:// over TLS). Raises InputError for an address that cannot be one, and for a folder of Chroma before 0.4.
    """
    text = str(written).strip()
    if _LOOKS_LIKE_ADDRESS.match(text):
        return _read_address(text)
    name = None
    try:
        path = Path(text).expanduser()
        if not path.exists() and "#" in path.name:
            before, _, name = str(path).rpartition("#")
            path = Path(before)
        if not path.is_dir() or (path / "corpus.jsonl").is_file():
            return None
    except (OSError, RuntimeError, ValueError):  # no permission, nobody's home, a name that no file can have
        return None
    folder = _find_folder(path)
    if folder is None:
        return None
    if not (folder / DATABASE).is_file():
        raise InputError(
            "was written by Chroma before 0.4, which kept its data otherwise; bring it up to date with Chroma's own "
            "migration (pip install chroma-migrate) and give the new folder",
            file=folder,
        )
    labels = next((place for place in dict.fromkeys((folder, path, folder.parent)) if (place / LABELS).is_file()), None)
    labels = labels or next((place for place in dict.fromkeys((folder, path)) if _list_label_tables(place)), None)
    if labels is not None and (labels / "corpus.jsonl").is_file():
        labels = None  # the queries of another dataset
    return ChromaPlace(folder=folder.resolve(), collection=name or None, labels=labels)


def _list_label_tables(folder: Path) -> list[Path]:
    """Tables of queries and judgments in a folder, by their names."""
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name.lower().endswith(TABLE_SUFFIXES) and hint_of(path.name) in ("queries", "judgments") and path.is_file()
    ]


def _read_address(text: str) -> ChromaPlace:
    found = _ADDRESS.fullmatch(text)
    port = int(found["port"] or _PORT) if found else 0
    if found is None or not 0 < port < 65_536:
        raise InputError(
            f"{text!r} is no address of a Chroma server; write chroma://HOST:PORT/COLLECTION (chromas:// over TLS)"
        )
    return ChromaPlace(host=found["host"], port=port, tls=bool(found["tls"]), collection=found["name"] or None)


def _find_folder(folder: Path) -> Path | None:
    """The folder itself, or the only one in it that is Chroma's."""
    if _is_chroma(folder):
        return folder
    try:
        inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and _is_chroma(path)]
    except OSError:
        return None
    return inside[0] if len(inside) == 1 else None


def _is_chroma(folder: Path) -> bool:
    return (folder / DATABASE).is_file() or (folder / _BEFORE_SQLITE).is_file()


@dataclass(frozen=True)
class Listed:
    """A collection as the database lists it, by its tenant and database within Chroma."""

    name: str
    tenant: str
    database: str


@contextmanager
def copy_folder(folder: Path, place: ChromaPlace) -> Iterator[tuple[Path, Listed]]:
    """(a copy of the place's folder that goes away afterwards, the chosen collection).

    Copied are the database and, of the rest, what this collection needs.
    Raises InputError if the collection is not there or not the only one, and if the files cannot be read, are no
    database, or change while they are copied.
    """
    with scratch_folder() as temporary:
        target = temporary / "copy"
        for attempt in range(_TRIES):
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            try:
                before = _list_files(folder)
                chosen = _copy(folder, place, target)
                if _list_files(folder) == before:
                    break
            except OSError as error:
                raise InputError(
                    f"cannot be copied ({error.strerror}); check its permissions and the space in {tempfile.gettempdir()}",
                    file=folder,
                ) from error
            except InputError:
                if _list_files(folder) == before:
                    raise
            if attempt == _TRIES - 1:
                raise InputError(
                    "changes while it is read: another program writes to it; stop that program, or give the address of its "
                    "server (chroma://HOST:PORT/COLLECTION)",
                    file=folder,
                )
            time.sleep(_PAUSE)
        yield target, chosen


def _list_files(folder: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of every file that belongs to Chroma."""
    found = []
    for path in sorted([*folder.glob(f"{DATABASE}*"), *folder.glob("*/*")]):
        if path.is_file() and (path.parent != folder or path.name.startswith(DATABASE)):
            stat = path.stat()
            found.append((path.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns))
    return found


def _copy(folder: Path, place: ChromaPlace, target: Path) -> Listed:
    for path in folder.glob(f"{DATABASE}*"):  # with SQLite's own files beside it: a change that was not finished is undone
        shutil.copyfile(path, target / path.name)
    try:
        with closing(sqlite3.connect(target / DATABASE)) as database:
            listed = [
                Listed(name, tenant, inside)
                for name, tenant, inside in database.execute(
                    f"SELECT c.name, d.tenant_id, d.name FROM {_COLLECTIONS} ORDER BY 1, 2, 3"
                )
            ]
            chosen = choose(place, listed)
            segments = [
                name
                for (name,) in database.execute(
                    f"SELECT s.id FROM {_COLLECTIONS} JOIN segments s ON s.collection = c.id "
                    "WHERE c.name = ? AND d.tenant_id = ? AND d.name = ?",
                    (chosen.name, chosen.tenant, chosen.database),
                )
            ]
    except sqlite3.Error as error:
        raise InputError(
            f"{DATABASE} is no database of Chroma's, or damaged ({error}); give the folder that a PersistentClient writes to",
            file=folder,
        ) from error
    for name in segments:
        source = folder / name
        if source.is_dir():
            shutil.copytree(source, target / name, copy_function=shutil.copyfile)
    return chosen


def sign_place(place: ChromaPlace) -> str:
    """Changes when a file of the folder does, or of the queries and judgments beside it; "" for a server, which may always."""
    if place.folder is None:
        return ""
    files: list[object] = [list(item) for item in _list_files(place.folder)]
    if place.labels is not None:
        labels = [place.labels / LABELS, *sorted(place.labels.glob("qrels*")), *sorted(place.labels.glob("qrels/*"))]
        labels += _list_label_tables(place.labels)
        files += [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in labels if path.is_file()]
    return content_hash([str(place.labels), files])


def choose(place: ChromaPlace, listed: list[Listed]) -> Listed:
    """The collection that is named, or the only one. Raises InputError that lists what is there."""
    names = [one.name for one in listed]
    if not names:
        raise InputError("holds no collection; add documents to one first", file=str(place))
    shown = first_five(names)
    if place.collection is None:
        if len(names) > 1:
            raise SeveralDatasets(
                f"holds {len(names)} collections ({shown}); say which one, as in {place.show_choice(names[0])}",
                names=names,
                file=str(place),
            )
        return listed[0]
    found = [one for one in listed if one.name == place.collection]
    if not found:
        raise InputError(f"has no collection {place.collection!r}; there is {shown}", file=place.show_choice("").rstrip("#/"))
    if len(found) > 1:
        databases = ", ".join(f"{one.tenant}/{one.database}" for one in found)
        raise InputError(
            f"has the collection {place.collection!r} in {len(found)} databases ({databases}); rename one of them",
            file=str(place),
        )
    return found[0]
