"""What a training may read of a dataset: the passages of the start system, their vectors, and where the answers stand."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.data.split import Split, make_split
from core.evaluation.answers import COVERED
from core.experiment.system_runs import SystemRuns
from core.graph.node import Node
from core.graph.resources import Resources
from core.schema import list_passages, select_relevant
from core.stages.arithmetic import unit_rows
from core.stages.embed import EmbedChunks, EmbedQueries, model_revision
from core.systems.system import System
from core.training.request import VALIDATION_SHARE

DUPLICATE = 0.95  # cosine from which two passages, or two queries, say the same


@dataclass
class Material:
    """The dataset as the start system sees it. learning, validation: the two parts of the tuning queries.

    Everything a training learns from or is stopped by comes from here, and it never reads a test query's labels.
    """

    dataset: Dataset
    system: System
    split: Split
    groups: dict[str, int]
    resources: Resources
    seed: int = 0
    learn_from: tuple[str, ...] | None = None
    learning: list[str] = field(init=False)
    validation: list[str] = field(init=False)
    system_runs: SystemRuns = field(init=False)

    def __post_init__(self) -> None:
        self.system_runs = SystemRuns(self.dataset, {self.system.name: self.system}, "all", self.resources)
        relevant = select_relevant(self.dataset.judgments)
        here = set(self.dataset.indexed_documents["doc_id"])
        answerable = set(relevant.loc[relevant["doc_id"].isin(here), "query_id"])
        tuning = [query_id for query_id in self.split.tuning if query_id in answerable]
        self.learning, self.validation = split_off_validation(self.dataset, tuning, self.groups, seed=self.seed)
        if self.learn_from is not None:
            kept = set(self.learn_from)
            self.learning = [query_id for query_id in self.learning if query_id in kept]

    def with_parts(self, learning: Sequence[str], validation: Sequence[str]) -> Material:
        """The same material with other learning and validation queries (ids); what is computed already is shared."""
        part = copy.copy(self)
        part.learning, part.validation = list(learning), list(validation)
        return part

    @cached_property
    def model(self) -> tuple[str, str]:
        """(name, revision) of the embedding model whose vectors mine the negatives: the system's own."""
        name = self.system.dense.model if self.system.dense is not None else ""
        return name, model_revision(name)

    @cached_property
    def chunks(self) -> pd.DataFrame:
        """The chunks of the start system: see core.schema.CHUNKS."""
        node = self._target.get_first("chunks")
        frame: pd.DataFrame = self.system_runs.execution.output(node)
        return frame

    @property
    def _target(self) -> Node:
        return self.system_runs.targets[self.system.name]

    @cached_property
    def passages(self) -> list[str]:
        """The indexed texts of all chunks, in their order."""
        return list_passages(self.chunks)

    @cached_property
    def chunk_rows(self) -> np.ndarray:
        """Row in `chunks` of each passage."""
        return np.repeat(np.arange(len(self.chunks)), [len(group) for group in self.chunks["passages"]])

    @cached_property
    def doc_ids(self) -> np.ndarray:
        """The document of each passage."""
        return self.chunks["doc_id"].to_numpy(dtype=object)[self.chunk_rows]

    @cached_property
    def matrix(self) -> np.ndarray:
        """Unit vectors of the passages, float32, in their order; from the cache where they were embedded before."""
        node = self._target.get_first(EmbedChunks)
        return self._scale(self.system_runs.execution.output(node).matrix)

    def _scale(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors of unit length: those of a system that ranks by lengths have others."""
        by_length = self.system.dense is not None and self.system.dense.ranks_by_length
        return unit_rows(vectors) if by_length else vectors

    @cached_property
    def query_rows(self) -> dict[str, int]:
        """query id -> its row in `query_matrix`."""
        return {query_id: row for row, query_id in enumerate(self.system_runs.queries["query_id"])}

    @cached_property
    def query_matrix(self) -> np.ndarray:
        """Unit vectors of all judged queries, float32, in the order of the frame."""
        node = self._target.get_first(EmbedQueries)
        return self._scale(self.system_runs.execution.output(node))

    @cached_property
    def texts(self) -> dict[str, str]:
        """query id -> its text."""
        return dict(zip(self.dataset.queries["query_id"], self.dataset.queries["text"], strict=True))

    @cached_property
    def grades(self) -> dict[str, dict[str, float]]:
        """query id -> document -> relevance, judged ones only."""
        return _group_grades(self.dataset.judgments)

    @cached_property
    def relevant(self) -> dict[str, dict[str, float]]:
        """query id -> document -> relevance, relevant ones only."""
        return _group_grades(select_relevant(self.dataset.judgments))

    @cached_property
    def similarity(self) -> np.ndarray:
        """Cosines, judged queries x passages, as one product."""
        product: np.ndarray = self.query_matrix @ self.matrix.T
        return product

    @cached_property
    def rows_of(self) -> dict[str, np.ndarray]:
        """document -> its passages' rows."""
        order = np.argsort(self.doc_ids.astype(str), kind="stable")
        names, starts = np.unique(self.doc_ids[order].astype(str), return_index=True)
        return dict(zip(names, np.split(order, starts[1:]), strict=True))

    def relevant_rows(self, query_id: str) -> np.ndarray:
        """All passages of the documents that are relevant to a query."""
        return self._list_rows(self.relevant.get(query_id, {}))

    def closed_rows(self, query_id: str) -> np.ndarray:
        """All passages that may not be negatives of a query: of its relevant documents, and of those that it is itself."""
        return self._list_rows([*self.relevant.get(query_id, {}), *self.own_documents.get(query_id, ())])

    @cached_property
    def own_documents(self) -> dict[str, tuple[str, ...]]:
        """query id -> the documents that it is itself."""
        return self.dataset.left_out

    def _list_rows(self, doc_ids: Iterable[str]) -> np.ndarray:
        rows = [self.rows_of[doc_id] for doc_id in doc_ids if doc_id in self.rows_of]
        return np.concatenate(rows) if rows else np.zeros(0, dtype=int)

    def positive_rows(self, query_id: str) -> list[tuple[int, float]]:
        """(passage row, grade) of each relevant document, or of each passage of it that holds evidence.

        Where the query has evidence in a document: its passages that hold at least half of a span. Else the one passage that
        the model finds most similar, since nobody said which part of the document answers.
        """
        found: list[tuple[int, float]] = []
        row = self.query_rows[query_id]
        for doc_id, grade in self.relevant.get(query_id, {}).items():
            if doc_id not in self.rows_of:
                continue
            rows = self.rows_of[doc_id]
            holding = rows[self._holds(query_id, doc_id, rows)]
            if not len(holding):
                holding = rows[[int(np.argmax(self.similarity[row, rows]))]]
            found += [(int(one), grade) for one in sorted(holding)]
        return found

    @cached_property
    def _spans(self) -> dict[tuple[str, str], np.ndarray]:
        found: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for query_id, doc_id, start, end in self.dataset.evidence[["query_id", "doc_id", "start", "end"]].itertuples(
            index=False
        ):
            found.setdefault((str(query_id), str(doc_id)), []).append((int(start), int(end)))
        return {key: np.array(spans) for key, spans in found.items()}

    def _holds(self, query_id: str, doc_id: str, rows: np.ndarray) -> np.ndarray:
        spans = self._spans.get((query_id, doc_id))
        if spans is None:
            return np.zeros(len(rows), dtype=bool)
        chunk = self.chunk_rows[rows]
        starts, ends = (self.chunks[name].to_numpy(dtype=int)[chunk][:, None] for name in ("start", "end"))
        shared = np.minimum(ends, spans[:, 1]) - np.maximum(starts, spans[:, 0])
        holds: np.ndarray = (shared >= COVERED * (spans[:, 1] - spans[:, 0])).any(axis=1)
        return holds


def _group_grades(judgments: pd.DataFrame) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for query_id, doc_id, grade in judgments[["query_id", "doc_id", "relevance"]].itertuples(index=False):
        found.setdefault(str(query_id), {})[str(doc_id)] = grade
    return found


def split_off_validation(
    dataset: Dataset, tuning: list[str], groups: dict[str, int], *, seed: int
) -> tuple[list[str], list[str]]:
    """(learning, validation) ids of the tuning queries; groups stay whole. Deterministic for a seed."""
    queries = dataset.queries[dataset.queries["query_id"].isin(tuning)].reset_index(drop=True)
    if len(queries) < 2:
        return tuning, []
    own = {query_id: groups[query_id] for query_id in queries["query_id"]}
    inner = make_split(queries, dataset.evidence, groups=own, share=VALIDATION_SHARE, least=1, seed=seed, redraw=True)
    return list(inner.test), list(inner.tuning)
