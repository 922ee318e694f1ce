"""Dense index: exact search in memory for quality, a Chroma collection on disk for speed."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from core.data.chroma_client import connect_folder
from core.errors import WorkspaceBusy
from core.progress import CancelToken
from core.schema import content_hash
from core.settings import EXACT_SEARCH_LIMIT
from core.stages.base import Resources, Stage
from core.stages.embed import Vectors
from core.stages.indexed_chunks import IndexedChunks
from core.storage.damage import set_aside
from core.storage.sealed_folder import find_broken_collection, seal_collection
from core.text.conditions import is_scalar, match_condition, match_filter

COSINE, L2, INNER_PRODUCT = "cosine", "l2", "ip"  # as Chroma calls them
# What scores are: the cosine, the squared Euclidean distance with a minus, the inner product. More is nearer.
DISTANCES = (COSINE, L2, INNER_PRODUCT)
_COLLECTION = "passages"
_ADD_BATCH = 5_000  # Chroma takes at most 5,461 rows a call
_QUERY_BATCH = 50  # 225 queries x 300 results in one call fail with "too many SQL variables"
_MOST_VALUES = 20_000  # values that one filter may compare with inside Chroma
_LOCK_SECONDS = 300.0
_FORMAT = 2  # raised when the content of a collection changes, so that no older one is read


@dataclass
class DenseIndex:
    """Vectors with two ways to search them. Scores are cosines, or as `distance` says: see DISTANCES.

    exact(): every vector compared, reproducible. approximate(): the Chroma collection under `folder`, built on first use.
    names: ids of the passages in the collection, for one that is kept up to date; None: their row numbers.
    """

    vectors: Vectors
    metadata: list[dict[str, Any]]  # one per passage: its document's metadata
    folder: Path
    cancel: CancelToken = field(default_factory=CancelToken)
    names: list[str] | None = None
    distance: str = COSINE
    root: Path | None = None  # the workspace, in which a damaged collection is set aside; None: the folder's parent
    _client: Any = None
    _collection: Any = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def indexed(self) -> IndexedChunks:
        """What ranking needs to know of the chunks."""
        return IndexedChunks.of(self.vectors.chunks)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names or [])}

    def _find_rows(self, ids: list[str]) -> np.ndarray:
        if self.names is None:
            return np.array(ids, dtype=int)
        return np.array([self._row_of[name] for name in ids], dtype=int)

    @property
    def size(self) -> int:
        """Passages in the index."""
        return len(self.vectors.matrix)

    @property
    def is_small(self) -> bool:
        """True if quality runs search exactly."""
        return self.size <= EXACT_SEARCH_LIMIT

    def exact(self, query_vectors: np.ndarray) -> np.ndarray:
        """Score of every query with every passage, float32, queries x passages: one matrix product."""
        if not self.size or not len(query_vectors):
            return np.zeros((len(query_vectors), self.size), dtype=np.float32)
        return score_vectors(query_vectors, self.vectors.matrix, self.distance)

    def approximate(
        self, query_vectors: np.ndarray, filters: Sequence[Mapping[str, Any]], *, depth: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Per query the rows of the nearest passages and their score, best first, at most `depth`.

        filters: one {field: test} per query ({} for none), turned into Chroma's `where`; a filter that more values pass
        than Chroma takes in a call is searched exactly.
        """
        collection = self.open()
        found: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(0, dtype=int), np.zeros(0))] * len(query_vectors)
        groups: dict[str, list[int]] = {}
        for row, wanted in enumerate(filters):
            groups.setdefault(content_hash(dict(wanted)), []).append(row)
        for rows in groups.values():
            where = make_where(filters[rows[0]], self.metadata)
            if where == NOTHING or not self.size:
                continue
            if count_values(where) > _MOST_VALUES:
                for row in rows:
                    self.cancel.check()
                    found[row] = self._compare_matching(query_vectors[row], filters[row], depth=depth)
                continue
            for start in range(0, len(rows), _QUERY_BATCH):
                self.cancel.check()
                part = rows[start : start + _QUERY_BATCH]
                answer = collection.query(
                    query_embeddings=query_vectors[part],
                    n_results=min(depth, self.size),
                    where=where,
                    include=["distances"],
                )
                for row, ids, distances in zip(part, answer["ids"], answer["distances"], strict=True):
                    found[row] = (self._find_rows(ids), (0.0 if self.distance == L2 else 1.0) - np.array(distances))
        return found

    def _compare_matching(
        self, query_vector: np.ndarray, wanted: Mapping[str, Any], *, depth: int
    ) -> tuple[np.ndarray, np.ndarray]:
        rows = np.flatnonzero([match_filter(item, wanted) for item in self.metadata])
        scores = score_vectors(query_vector[None], self.vectors.matrix[rows], self.distance)[0]
        best = np.argsort(-scores, kind="stable")[:depth]
        return rows[best], scores[best].astype(float)

    def open(self) -> Any:
        """The collection, built first if the folder is not there yet."""
        with self._guard:
            if self._collection is None:
                self._client, self._collection = open_collection(
                    self.folder,
                    self.vectors.matrix,
                    self.metadata,
                    cancel=self.cancel,
                    names=self.names,
                    distance=self.distance,
                    root=self.root,
                )
        return self._collection

    def close(self) -> None:
        """Lets go of the collection's files before its folder is removed; it opens again when it is asked. Other indexes over
        the same folder stay open."""
        with self._guard:
            if self._client is not None:
                self._client.close()
                self._client = self._collection = None


def score_vectors(query_vectors: np.ndarray, matrix: np.ndarray, distance: str) -> np.ndarray:
    """Scores of every query with every row, float32, queries x rows; for the cosine both must be of unit length."""
    product: np.ndarray = query_vectors @ matrix.T
    if distance != L2:
        return product
    # -|q - d|² = 2 q·d - |d|² - |q|²
    lengths = [np.einsum("ij,ij->i", rows, rows) for rows in (query_vectors, matrix)]
    return 2 * product - lengths[1][None, :] - lengths[0][:, None]


NOTHING: dict[str, Any] = {"nothing": {"$eq": "matches"}}  # stands for a filter that no document passes


def make_where(wanted: Mapping[str, Any], metadata: list[dict[str, Any]]) -> dict[str, Any] | None:
    """A filter as Chroma's `where`; None for no filter, NOTHING if no passage can match.

    Chroma compares numbers only and wants one type per list, so every test becomes the list of the values
    in the index that pass it: dates as text, mixed types and lists in the metadata behave as in core.stages.filter.
    """
    clauses = []
    for name, test in wanted.items():
        single: set[str] = set()
        listed: set[str] = set()
        for item in metadata:
            value = item.get(name)
            is_list = isinstance(value, list | tuple)
            for entry in value if isinstance(value, list | tuple) else [value]:
                if is_scalar(entry) and match_condition(entry, test):
                    (listed if is_list else single).add(_spell(entry))
        options: list[dict[str, Any]] = [{_field(name): {"$in": sorted(single)}}] if single else []
        options.extend({_field(name): {"$contains": value}} for value in sorted(listed))
        if not options:
            return NOTHING
        clauses.append(options[0] if len(options) == 1 else {"$or": options})
    if not clauses:
        return None
    return clauses[0] if len(clauses) == 1 else {"$and": clauses}


def count_values(where: Any) -> int:
    """How many values a `where` compares with; Chroma fails above 32,766 ("too many SQL variables")."""
    if isinstance(where, Mapping):
        return sum(count_values(value) for value in where.values())
    return sum(count_values(value) for value in where) if isinstance(where, list) else int(where is not None)


def clean_metadata(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """Metadata as the collection holds it: every value as JSON text, so that lists may mix types and no number is rounded.

    What no filter can match (nothing, objects, empty lists) is left out; None if nothing is left.
    """
    kept: dict[str, Any] = {}
    for name, value in metadata.items():
        if isinstance(value, list | tuple):
            entries = [_spell(entry) for entry in value if is_scalar(entry)]
            if entries:
                kept[_field(name)] = entries
        elif is_scalar(value):
            kept[_field(name)] = _spell(value)
    return kept or None


def _spell(value: Any) -> str:
    return json.dumps(value)


def _field(name: str) -> str:
    return f"field {name}"  # Chroma keeps some names for itself, and names that begin with $ are operators


def open_collection(
    folder: Path,
    matrix: np.ndarray,
    metadata: list[dict[str, Any]],
    *,
    cancel: CancelToken,
    names: list[str] | None = None,
    distance: str = COSINE,
    root: Path | None = None,
) -> tuple[Any, Any]:
    """(client, collection) of `folder`; the collection is built aside and renamed when whole, so that no reader meets half an
    index. One that is not as it was built is set aside in the workspace `root`, and built again. The files are held until the
    client is closed.

    Raises WorkspaceBusy when another process has been building the same index for longer than five minutes.
    """
    import filelock

    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(f"{folder}.lock", timeout=_LOCK_SECONDS):
            damage = find_broken_collection(folder) if folder.exists() else None
            if damage is not None:
                set_aside(folder, damage, root=root or folder.parent)
            if not folder.exists():
                aside = folder.with_name(folder.name + ".building")
                shutil.rmtree(aside, ignore_errors=True)
                build_collection(aside, matrix, metadata, cancel=cancel, names=names, distance=distance)
                aside.rename(folder)
    except filelock.Timeout as error:
        raise WorkspaceBusy(
            f"Another process has been building the index {folder.name} for five minutes. "
            "Wait for it, or stop it and try again."
        ) from error
    client = connect_folder(folder)
    return client, client.get_collection(_COLLECTION, embedding_function=None)


def build_collection(
    folder: Path,
    matrix: np.ndarray,
    metadata: list[dict[str, Any]],
    *,
    cancel: CancelToken,
    names: list[str] | None = None,
    distance: str = COSINE,
) -> None:
    """Writes a new collection with all vectors; their ids are `names`, or the row numbers."""
    client = connect_folder(folder)
    try:
        hnsw = {"space": distance, "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}
        collection = client.create_collection(_COLLECTION, configuration={"hnsw": hnsw}, embedding_function=None)
        ids = names if names is not None else [str(row) for row in range(len(matrix))]
        _add(collection, ids, matrix, metadata, cancel=cancel)
    finally:
        client.close()  # left open, it would hold the files of the folder that the next attempt removes
    seal_collection(folder)


def update_collection(
    folder: Path,
    *,
    remove: list[str],
    add: tuple[list[str], np.ndarray, list[dict[str, Any]]],
    relabel: tuple[list[str], list[dict[str, Any]]],
    cancel: CancelToken,
) -> int:
    """Changes a collection in place; returns how many passages it holds then. Not safe against a kill: work on a copy.

    remove: ids that go. add: ids, vectors and metadata that come. relabel: ids whose metadata changed, and the new ones.
    """
    client = connect_folder(folder)
    try:
        collection = client.get_collection(_COLLECTION, embedding_function=None)
        for part in _batches(len(remove)):
            cancel.check()
            collection.delete(ids=remove[part])
        names, matrix, metadata = add
        _add(collection, names, matrix, metadata, cancel=cancel)
        same, changed = relabel
        for row, name in enumerate(same):  # an update merges, so that a field that is gone has to be named
            cancel.check()
            _relabel(collection, name, clean_metadata(changed[row]) or {})
        count = int(collection.count())
    finally:
        client.close()
    seal_collection(folder)
    return count


def _relabel(collection: Any, name: str, wanted: dict[str, Any]) -> None:
    found = collection.get(ids=[name], include=["metadatas"])["metadatas"]
    gone = {key: None for key in (found[0] or {}) if key not in wanted} if found else {}
    if wanted or gone:
        collection.update(ids=[name], metadatas=[{**gone, **wanted}])


def _add(collection: Any, ids: list[str], matrix: np.ndarray, metadata: list[dict[str, Any]], *, cancel: CancelToken) -> None:
    cleaned = [clean_metadata(item) for item in metadata]
    for part in _batches(len(ids)):
        cancel.check()
        collection.add(ids=ids[part], embeddings=matrix[part], metadatas=cleaned[part])


def _batches(count: int) -> Iterator[slice]:
    return (slice(start, start + _ADD_BATCH) for start in range(0, count, _ADD_BATCH))


@dataclass(frozen=True)
class IndexDense(Stage):
    """vectors, documents -> DenseIndex. distance: of DISTANCES; other than cosine, vectors keep their lengths."""

    type: ClassVar[str] = "chroma"
    takes: ClassVar[tuple[str, ...]] = ("vectors", "documents")
    gives: ClassVar[str] = "dense_index"
    role: ClassVar[str] = "index"
    distance: str = field(default=COSINE, metadata={"later": True})

    def __call__(self, vectors: Vectors, documents: pd.DataFrame, *, resources: Resources) -> DenseIndex:
        """The index, whose collection is built when it is first searched; its folder is named by vectors and metadata."""
        by_id = dict(zip(documents["doc_id"], documents["metadata"], strict=True))
        doc_ids = vectors.chunks["doc_id"].tolist()
        metadata = [by_id[doc_ids[row]] for row in vectors.chunk_rows]
        key = content_hash([_FORMAT, vectors.key, metadata, *([] if self.distance == COSINE else [self.distance])])
        folder = resources.index_folder(key)
        root = folder.parent.parent
        return DenseIndex(vectors, metadata, folder, cancel=resources.cancel, distance=self.distance, root=root)


def measure_index_recall(index: DenseIndex, query_vectors: np.ndarray, *, depth: int = 100) -> float:
    """Share of the exact first `depth` passages that the approximate index also finds, mean over queries, in [0, 1]."""
    if not index.size or not len(query_vectors):
        return 1.0
    depth = min(depth, index.size)
    scores = index.exact(query_vectors)
    exact = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
    found = index.approximate(query_vectors, [{}] * len(query_vectors), depth=depth)
    shares = [len(np.intersect1d(best, rows)) / depth for best, (rows, _) in zip(exact, found, strict=True)]
    return float(np.mean(shares))
