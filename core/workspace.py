"""The workspace on disk: caches, indexes, experiments, uploads, jobs. The only module that knows its layout.

workspace/
  cache/vectors/MODEL.sqlite   one vector per text hash; shared by every system, run and process
  cache/tokens/MODEL.sqlite    token vectors, for late interaction
  cache/pairs/MODEL.sqlite     rerankers' scores of (query, passages) pairs
  cache/nodes/KEY.parquet      outputs of stages (chunks, runs); KEY.npz lexical indexes; KEY.json small facts
  indexes/KEY/                 one Chroma folder per dense index
  models/ID/                   one folder per trained model: model.json, weights/, and training/ while it is unfinished
  versions/DATASET/ID/         one folder per index version; live.json beside them names the one that answers
  datasets/NAME/               uploaded datasets, in the canonical layout; datasets.json names the folders opened by path
  prices.csv, scenarios/       prices that the user changed; what is expected of each dataset, for its costs
  systems.yaml                 systems that the user added
  experiments/ID/              one folder per experiment
  jobs/ID.json                 state and progress of long work
  log/NAME.log                 what went wrong where nobody was looking, with older files beside it
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import InputError
from core.schema import content_hash
from core.settings import REPOSITORY

WEIGHTS = "weights"  # folder of a trained model's files, below its own
# What reading a file raises that is cut off, or was written by something else (pyarrow's errors are ValueErrors).
_DAMAGED = (ValueError, OSError)
_SQL_BATCH = 500  # SQLite takes at most 999 parameters a statement in older builds


class Workspace:
    """A workspace folder. Cheap to create; any number of processes may use one folder at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, *parts: str) -> Path:
        """A path below the workspace; its parent folder is created."""
        target = self.folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def datasets(self) -> Path:
        """The folder of uploaded datasets."""
        return self._made("datasets")

    @property
    def experiments(self) -> Path:
        """The folder of experiments."""
        return self._made("experiments")

    @property
    def jobs(self) -> Path:
        """The folder of jobs."""
        return self._made("jobs")

    @property
    def models(self) -> Path:
        """The folder of trained models."""
        return self._made("models")

    def versions(self, dataset: str) -> Path:
        """The folder of a dataset's index versions."""
        return self._made("versions") / Path(dataset).name

    @property
    def systems_file(self) -> Path:
        """The file of the systems that the user added; it need not exist."""
        return self.path("systems.yaml")

    def index_folder(self, key: str) -> Path:
        """The folder of the dense index with this key; it need not exist, its parent does."""
        return self.path("indexes", key)

    def vectors(self, model: str, revision: str) -> VectorCache:
        """The vectors of texts by a model, float32."""
        return VectorCache(self.path("cache", "vectors", _file_name(model, revision)), dtype="float32")

    def tokens(self, model: str, revision: str) -> VectorCache:
        """The token vectors of texts by a model, float16."""
        return VectorCache(self.path("cache", "tokens", _file_name(model, revision)), dtype="float16")

    def pairs(self, model: str, revision: str) -> VectorCache:
        """Arrays of one number: scores that a reranker gave to pairs of texts."""
        return VectorCache(self.path("cache", "pairs", _file_name(model, revision)), dtype="float64")

    def forget_model(self, model: str, revision: str = "") -> None:
        """Drops what is kept of a model: vectors, token vectors, scores of pairs."""
        for kind in ("vectors", "tokens", "pairs"):
            file = self.path("cache", kind, _file_name(model, revision))
            for part in (file, *file.parent.glob(f"{file.name}-*")):  # SQLite's own files beside it
                part.unlink(missing_ok=True)

    def read_frame(self, key: str) -> pd.DataFrame | None:
        """A cached frame, or None; one that cannot be read (a full disk, say) is dropped and will be made again."""
        file = self.path("cache", "nodes", f"{key}.parquet")
        if not file.exists():
            return None
        try:
            return read_frame(file)
        except (OSError, ValueError):  # pyarrow's errors are ValueErrors
            file.unlink(missing_ok=True)
            return None

    def write_frame(self, key: str, frame: pd.DataFrame) -> None:
        """Keeps a frame in the cache under this key."""
        write_frame(frame, self.path("cache", "nodes", f"{key}.parquet"))

    def has_frame(self, key: str) -> bool:
        """Whether a frame is in the cache under this key."""
        return self.path("cache", "nodes", f"{key}.parquet").exists()

    def read_facts(self, key: str) -> dict[str, Any] | None:
        """Small facts about a node (latency, the hashes of the texts it embeds), or None; a damaged file is dropped: they are
        found out again.
        """
        file = self.path("cache", "nodes", f"{key}.json")
        try:
            return dict(read_json(file)) if file.exists() else None
        except (OSError, ValueError, TypeError):
            file.unlink(missing_ok=True)
            return None

    def write_facts(self, key: str, facts: dict[str, Any]) -> None:
        """Keeps small facts about a node."""
        write_json(self.path("cache", "nodes", f"{key}.json"), facts)

    def find_or_make(self, what: str, inputs: Any, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What make() gives, a JSON object: made once for these inputs by this code, and found again from then on.

        what: names it. inputs: a JSON value (anything else counts by its repr), all that make() depends on but our own code.
        """
        key = content_hash([what, inputs, hash_code()])
        found = self.read_facts(key)
        if found is None:
            self.write_facts(key, make())
            found = self.read_facts(key)
        return found or {}


@functools.cache
def hash_code() -> str:
    """A hash of everything in core and of what it stands on: another program may come to other results."""
    files = [REPOSITORY / "requirements.txt", *sorted((REPOSITORY / "core").rglob("*.py"))]
    return content_hash([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])


class VectorCache:
    """Arrays by text hash in one SQLite file; safe for many processes. Vectors of a model all have the same dtype.

    Rows are written in batches as they are encoded, so a killed run loses at most one batch.
    """

    def __init__(self, file: Path, *, dtype: str) -> None:
        self._file = file
        self._dtype = np.dtype(dtype)
        with self._connect() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (hash TEXT PRIMARY KEY, width INTEGER, data BLOB) WITHOUT ROWID"
            )

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._file, timeout=60.0)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            with connection:
                yield connection
        finally:
            connection.close()

    def missing(self, hashes: list[str]) -> list[str]:
        """Those of the hashes that are not in the cache, each once, in order."""
        with self._connect() as connection:
            present: set[str] = set()
            for part in _batches(hashes):
                marks = ",".join("?" * len(part))
                present.update(row[0] for row in connection.execute(f"SELECT hash FROM vectors WHERE hash IN ({marks})", part))
        return [name for name in dict.fromkeys(hashes) if name not in present]

    def width(self) -> int | None:
        """Numbers in each vector; None while the cache is empty."""
        with self._connect() as connection:
            row = connection.execute("SELECT width, LENGTH(data) FROM vectors LIMIT 1").fetchone()
        return None if row is None else int(row[0] or row[1] // self._dtype.itemsize)

    def read(self, hashes: list[str]) -> dict[str, np.ndarray]:
        """hash -> array, 1-d for vectors, tokens x dimensions for token vectors; hashes not in the cache are left out."""
        found: dict[str, np.ndarray] = {}
        with self._connect() as connection:
            for part in _batches(list(dict.fromkeys(hashes))):
                marks = ",".join("?" * len(part))
                for name, width, data in connection.execute(
                    f"SELECT hash, width, data FROM vectors WHERE hash IN ({marks})", part
                ):
                    array = np.frombuffer(data, dtype=self._dtype)
                    found[name] = array.reshape(-1, width) if width else array
        return found

    def write(self, vectors: dict[str, np.ndarray]) -> None:
        """Adds arrays; a hash that another process wrote meanwhile keeps its first value."""
        rows = []
        for name, array in vectors.items():
            data = np.ascontiguousarray(array, dtype=self._dtype)
            rows.append((name, data.shape[1] if data.ndim == 2 else 0, data.tobytes()))
        with self._connect() as connection:
            connection.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)", rows)


def _batches(items: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(items), _SQL_BATCH):
        yield items[start : start + _SQL_BATCH]


def _file_name(model: str, revision: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", model)[-60:].strip("_.")
    return f"{readable}-{content_hash([model, revision])[:10]}.sqlite"


@contextmanager
def replace_file(file: Path) -> Iterator[Path]:
    """A temporary file beside `file` that takes its place when the block ends well: readers see all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".part")
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def reading(file: Path | str, *, cure: str) -> Iterator[None]:
    """Around the lines that decode a file of the workspace, and only these: what a damaged or foreign file raises becomes an
    InputError ("FILE: cannot be read (KeyError); CURE"). Whatever is computed from it belongs after the block, where an
    error of ours stays one.
    """
    try:
        yield
    except _DAMAGED as error:
        raise InputError(f"cannot be read ({type(error).__name__}); {cure}", file=file) from error


def write_json(file: Path, value: Any) -> None:
    """Writes a JSON value, whole or not at all. Raises ValueError for NaN and infinity."""
    with replace_file(file) as aside:
        aside.write_text(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False), encoding="utf-8")


def read_json(file: Path) -> Any:
    """The JSON value in a file. Raises OSError or ValueError, see reading()."""
    return json.loads(file.read_text(encoding="utf-8"))


def write_frame(frame: pd.DataFrame, file: Path) -> None:
    """Writes a frame as Parquet, whole or not at all."""
    with replace_file(file) as aside:
        frame.to_parquet(aside, index=False, compression="zstd")


def read_frame(file: Path) -> pd.DataFrame:
    """A frame as it was written: ids as str objects, lists as tuples."""
    frame = pd.read_parquet(file)
    for column in frame.columns:
        if frame[column].dtype == object and len(frame) and isinstance(frame[column].iloc[0], np.ndarray):
            frame[column] = [tuple(value) for value in frame[column]]
        elif frame[column].dtype == "str":
            frame[column] = frame[column].astype(object)
    return frame


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def remove_folder(folder: Path) -> None:
    """Deletes a folder at once for every reader: renamed first, then removed."""
    if folder.is_dir():
        doomed = folder.with_name(f".{folder.name}.{threading.get_ident()}.removed")
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
