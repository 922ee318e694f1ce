"""One typed query through several systems at once, from warm indexes: what the page Try does."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from core.data.dataset import Dataset
from core.errors import LadderError
from core.graph.execute import Execution
from core.graph.node import Node
from core.graph.resources import Models, Resources
from core.progress import ProgressCallback, ignore_progress
from core.schema import QUERIES, RUN_DEPTH, content_hash, to_document_run
from core.store import Workspace
from core.systems import System, build, make_sources


@dataclass(frozen=True)
class Answer:
    """One system's answer to typed queries.

    documents: schema.DOCUMENT_RUN with start and end of the chunk that stands for each document. run: the chunk run, same
    columns. seconds: time of the system's own stages; error: why there is none.
    """

    documents: pd.DataFrame
    run: pd.DataFrame
    seconds: float
    error: str | None = None


@dataclass
class LiveSearch:
    """Keeps the corpus side of every system it was asked for in memory. Safe for several threads."""

    dataset: Dataset
    workspace: Workspace
    models: Models = field(default_factory=Models)
    _memory: dict[str, Any] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self, systems: Mapping[str, System], *, on_progress: ProgressCallback = ignore_progress) -> dict[str, str]:
        """Builds what the systems need of the corpus; returns name -> error for those that cannot be had."""
        resources = self._resources(systems, on_progress)
        documents, queries = make_sources(self.dataset.corpus_fingerprint, "prepare")
        errors: dict[str, str] = {}
        with self._guard:
            execution = Execution({documents.key: self.dataset.indexed_documents}, resources, memory=self._memory)
            for name, system in systems.items():
                try:
                    target = build(system, documents=documents, queries=queries)
                    for node in target.walk():
                        if not node.per_query and node.inputs:
                            execution.output(node)
                except LadderError as error:
                    errors[name] = str(error)
        return errors

    def search(
        self,
        texts: Sequence[str],
        systems: Mapping[str, System],
        *,
        filter: Mapping[str, Any] | None = None,
        depth: int = RUN_DEPTH,
    ) -> dict[str, Answer]:
        """Every system's answer to the texts; query ids are "1", "2", ... in order. One failing system leaves the others.

        filter: {field: test} applied by the systems that filter. depth: documents per query.
        """
        self.prepare(systems)
        frame = make_queries(texts, filter)
        documents, queries = make_sources(self.dataset.corpus_fingerprint, content_hash([list(texts), dict(filter or {})]))
        resources = self._resources(systems, ignore_progress)
        sources = {documents.key: self.dataset.indexed_documents, queries.key: frame}
        execution = Execution(sources, resources, memory=self._memory, use_disk=False)
        answers = {}
        for name, system in systems.items():
            started = time.perf_counter()
            try:
                target = build(system, documents=documents, queries=queries)
                run = self._locate(execution.output(target), target)
                seconds = sum(execution.timings.get(node.key, 0.0) for node in target.walk() if node.per_query)
                best = to_document_run(run, depth=depth)
                spans = run[["chunk_id", "start", "end"]].drop_duplicates("chunk_id")
                answers[name] = Answer(best.merge(spans, on="chunk_id", how="left"), run, seconds)
            except LadderError as error:
                nothing = to_document_run(pd.DataFrame())
                answers[name] = Answer(nothing, nothing, time.perf_counter() - started, str(error))
        return answers

    def _locate(self, run: pd.DataFrame, target: Node) -> pd.DataFrame:
        frames = [self._memory[node.key] for node in target.walk() if node.gives == "chunks"]
        spans = pd.concat([frame[["chunk_id", "start", "end"]] for frame in frames]).drop_duplicates("chunk_id")
        return run.merge(spans, on="chunk_id", how="left") if len(run) else run.assign(start=[], end=[])

    def _resources(self, systems: Mapping[str, System], on_progress: ProgressCallback) -> Resources:
        tokens = frozenset[str]().union(*(system.token_models for system in systems.values()))
        return Resources(self.workspace, models=self.models, on_progress=on_progress, token_models=tokens)


def make_queries(texts: Sequence[str], filter: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """A queries frame of typed texts with one filter for all; ids "1", "2", ..."""
    rows = [
        {"query_id": str(number), "text": text, "split": "", "filter": dict(filter or {}), "tags": (), "answer": ""}
        for number, text in enumerate(texts, start=1)
    ]
    return pd.DataFrame(rows, columns=QUERIES)
