"""The workspace on disk: caches, indexes, experiments, uploads, jobs. The only module that knows its layout.

workspace/
  cache/vectors/MODEL.sqlite   one vector per text hash; shared by every system, run and process
  cache/tokens/MODEL.sqlite    token vectors, for late interaction
  cache/pairs/MODEL.sqlite     rerankers' scores of (query, passages) pairs
  cache/nodes/KEY.parquet      outputs of stages (chunks, runs); KEY.json small facts
  cache/made_for/CORPUS.jsonl  which of them, and which indexes, were made for a corpus, and by which models
  indexes/KEY/                 one Chroma folder per dense index
  models/ID/                   one folder per trained model: model.json, weights/, and training/ while it is unfinished
  versions/DATASET/ID/         one folder per index version; live.json beside them names the one that answers
  datasets/NAME/               uploaded datasets, in the canonical layout; datasets.json names the folders opened by path
  prices.csv, scenarios/       prices that the user changed; what is expected of each dataset, for its costs
  systems.yaml                 systems that the user added
  experiments/ID/              one folder per experiment
  jobs/ID.json                 state and progress of long work
  log/NAME.log                 what went wrong where nobody was looking, with older files beside it
  scratch/                     working folders of jobs, gone when they end
  damaged/TIME/                what could not be read and was set aside, under the path that it had
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from core.schema import content_hash
from core.settings import REPOSITORY
from core.storage.damage import find_whole, set_aside
from core.storage.files import Damaged, read_frame, read_json, write_frame, write_json
from core.storage.made_for import MadeFor
from core.storage.names import place_entry
from core.storage.vector_cache import VectorCache

Value = TypeVar("Value")
WEIGHTS = "weights"  # folder of a trained model's files, below its own


class Workspace:
    """A workspace folder. Cheap to create; any number of processes may use one folder at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made_for: dict[str, MadeFor] = {}

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
        """The folder of a dataset's index versions. Raises InputError for what is no name."""
        return place_entry(self._made("versions"), dataset)

    @property
    def systems_file(self) -> Path:
        """The file of the systems that the user added; it need not exist."""
        return self.path("systems.yaml")

    def index_folder(self, key: str) -> Path:
        """The folder of the dense index with this key; it need not exist, its parent does."""
        return self.path("indexes", key)

    def made_for(self, corpus: str) -> MadeFor:
        """What was made for a corpus, by its fingerprint."""
        return self._made_for.setdefault(corpus, MadeFor(self.folder / "cache" / "made_for" / f"{corpus}.jsonl"))

    def vectors(self, model: str, revision: str) -> VectorCache:
        """The vectors of texts by a model, float32."""
        return VectorCache(self.path("cache", "vectors", name_cache(model, revision)), dtype="float32", root=self.folder)

    def tokens(self, model: str, revision: str) -> VectorCache:
        """The token vectors of texts by a model, float16."""
        return VectorCache(self.path("cache", "tokens", name_cache(model, revision)), dtype="float16", root=self.folder)

    def pairs(self, model: str, revision: str) -> VectorCache:
        """Arrays of one number: scores that a reranker gave to pairs of texts."""
        return VectorCache(self.path("cache", "pairs", name_cache(model, revision)), dtype="float64", root=self.folder)

    def forget_model(self, model: str, revision: str = "") -> None:
        """Drops what is kept of a model: vectors, token vectors, scores of pairs."""
        for kind in ("vectors", "tokens", "pairs"):
            file = self.path("cache", kind, name_cache(model, revision))
            for part in (file, *file.parent.glob(f"{file.name}-*")):  # SQLite's own files beside it
                part.unlink(missing_ok=True)

    def find_whole(self, file: Path, read: Callable[[Path], Value]) -> Value | None:
        """read(file), for what can be made again: None if it is not there, or damaged and therefore set aside."""
        return find_whole(file, read, root=self.folder)

    def set_aside(self, path: Path, why: str) -> Path | None:
        """Moves something damaged to damaged/TIME/, where it can be looked at; returns where, None if it is gone already."""
        return set_aside(path, why, root=self.folder)

    def read_frame(self, key: str) -> pd.DataFrame | None:
        """A cached frame, or None; a damaged one is set aside and will be made again."""
        return self.find_whole(self.path("cache", "nodes", f"{key}.parquet"), read_frame)

    def write_frame(self, key: str, frame: pd.DataFrame) -> None:
        """Keeps a frame in the cache under this key."""
        write_frame(frame, self._clear(self.path("cache", "nodes", f"{key}.parquet")))

    def has_frame(self, key: str) -> bool:
        """Whether a frame is in the cache under this key."""
        return self.path("cache", "nodes", f"{key}.parquet").exists()

    def read_facts(self, key: str) -> dict[str, Any] | None:
        """Small facts about a node (latency, the hashes of the texts it embeds), or None; a damaged file is set aside: they are
        found out again.
        """
        return self.find_whole(self.path("cache", "nodes", f"{key}.json"), _read_facts)

    def write_facts(self, key: str, facts: dict[str, Any]) -> None:
        """Keeps small facts about a node."""
        write_json(self._clear(self.path("cache", "nodes", f"{key}.json")), facts)

    def _clear(self, file: Path) -> Path:
        """The file, after a folder in its place was set aside."""
        if file.is_dir():
            self.set_aside(file, "it is a folder")
        return file

    def find_or_make(self, what: str, inputs: Any, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What make() gives, a JSON object: made once for these inputs by this code, and found again from then on.

        what: names it. inputs: a JSON value (anything else counts by its repr), all that make() depends on but our own code.
        """
        key = content_hash([what, inputs, hash_code()])
        found = self.read_facts(key)
        if found is None:
            made = make()
            self.write_facts(key, made)
            found = self.read_facts(key) or made  # as everybody after this will find it
        return found


@functools.cache
def hash_code() -> str:
    """A hash of everything in core and of what it stands on: another program may come to other results."""
    files = [REPOSITORY / "requirements.txt", *sorted((REPOSITORY / "core").rglob("*.py"))]
    return content_hash([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])


def _read_facts(file: Path) -> dict[str, Any]:
    facts = read_json(file)
    if not isinstance(facts, dict):
        raise Damaged(f"expected facts by name, found {type(facts).__name__}")
    return facts


def name_cache(model: str, revision: str) -> str:
    """The name of the files that hold what a model made of texts."""
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", model)[-60:].strip("_.")
    return f"{readable}-{content_hash([model, revision])[:10]}.sqlite"
