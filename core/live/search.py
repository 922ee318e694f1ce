"""One typed query through several systems at once, from warm indexes: what the page Try does.

The corpus side of a system is prepared once (core.live.warm does so in the background) and stays in memory; a typed query then
runs the query side alone, and is embedded once per model. Typed texts are not written to the caches on disk.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.data.own_documents import OwnDocuments
from core.errors import Cancelled, LadderError
from core.graph.estimate import find_unencoded, write_speed
from core.graph.execute import Execution, find_token_nodes
from core.graph.node import Node
from core.graph.resources import Models, Resources
from core.live.graph_parts import GraphParts
from core.live.typed_query import Answer, TypedResources, locate_hits, make_queries
from core.progress import CancelToken, ProgressCallback, ignore_progress
from core.schema import RUN_DEPTH, to_document_run
from core.stages.index_dense import IndexDense
from core.systems.build import build, make_sources, resolve_language
from core.systems.system import System
from core.workspace import Workspace

LOADING_MODEL = "loading the embedding model"
_MOST_GRAPHS = 500  # graphs kept; every position of a slider is a system of its own


@dataclass
class LiveSearch:
    """Keeps the corpus side of every system it was asked for in memory. Safe for several threads."""

    dataset: Dataset
    workspace: Workspace
    models: Models = field(default_factory=Models)
    _memory: dict[str, Any] = field(default_factory=dict)
    _parts: dict[System, GraphParts] = field(default_factory=dict)
    _spans: dict[tuple[str, ...], dict[str, tuple[int, int]]] = field(default_factory=dict)
    _warm: set[str] = field(default_factory=set)  # rerankers whose model or token vectors are there
    _tokens: OrderedDict[str, np.ndarray] = field(default_factory=OrderedDict)
    _tokens_guard: threading.Lock = field(default_factory=threading.Lock)
    # Word matching must not wait for embedding: systems without a model are prepared beside those with one.
    _guards: dict[bool, threading.Lock] = field(default_factory=lambda: {True: threading.Lock(), False: threading.Lock()})

    @cached_property
    def _documents(self) -> pd.DataFrame:
        return self.dataset.indexed_documents

    def adopt(self, system: System, make: Callable[[Node], Mapping[str, Any]]) -> None:
        """Takes outputs of corpus nodes that were made elsewhere. make(graph of the system) -> node key -> output."""
        self._memory.update(make(self._take_apart(system).target))

    def is_ready(self, systems: Mapping[str, System]) -> bool:
        """True if a typed query would be answered by all of them without any preparation."""
        return len(self.find_ready(systems)) == len(systems)

    def find_ready(self, systems: Mapping[str, System]) -> dict[str, System]:
        """Those of the systems that answer at once."""
        return {name: system for name, system in systems.items() if self._is_warm(system)}

    def _is_warm(self, system: System) -> bool:
        try:
            parts = self._take_apart(system)
        except LadderError:
            return False
        return (
            all(node.key in self._memory for node in parts.corpus)
            and all(node.key in self._warm for node in parts.rerankers)
            and all(self.models.is_loaded(model) for model, _ in parts.models)
        )

    def _take_apart(self, system: System) -> GraphParts:
        """The system's graph; its key does not depend on the typed texts, which are given to each execution."""
        parts = self._parts.get(system)
        if parts is None:
            if len(self._parts) > _MOST_GRAPHS:
                self._parts.clear()  # another thread may be about to read: whoever has found its graph keeps that
            documents, queries = self._sources
            target = build(resolve_language(system, self.dataset), documents=documents, queries=queries)
            parts = self._parts[system] = GraphParts.of(target)
        return parts

    @cached_property
    def _own(self) -> OwnDocuments:
        return OwnDocuments.of(self.dataset)

    @cached_property
    def _sources(self) -> tuple[Node, Node]:
        return make_sources(self.dataset.corpus_fingerprint, "typed")

    def prepare(
        self,
        systems: Mapping[str, System],
        *,
        on_progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> dict[str, str]:
        """Builds what the systems need of the corpus and loads their models; returns name -> error for those that fail.

        Systems without a model go first. Raises Cancelled; what was finished is kept.
        """
        execution = self.make_execution(systems.values(), on_progress, cancel)
        errors: dict[str, str] = {}
        for name in sorted(systems, key=lambda name: systems[name].dense is not None):
            try:
                if not self._is_warm(systems[name]):
                    self.prepare_system(systems[name], execution)
            except Cancelled:
                raise
            except LadderError as error:
                errors[name] = str(error)
        return errors

    def prepare_system(self, system: System, execution: Execution) -> None:
        """prepare() for one system, in what make_execution() gives. Raises the error instead of returning it."""
        parts, resources = self._take_apart(system), execution.resources
        with self._guards[bool(parts.models)]:
            for node in parts.chunkers:
                execution.output(node)
            for model, revision in parts.models:
                if not self.models.is_loaded(model):
                    resources.report(LOADING_MODEL)
                resources.encoder(model, revision)
            for node in parts.corpus:
                made = execution.output(node)
                if isinstance(node.stage, IndexDense) and not made.is_small:
                    made.open()
            for node in parts.rerankers:
                self._prepare_reranker(node, resources)
        write_speed(resources)

    def _prepare_reranker(self, node: Node, resources: Resources) -> None:
        if node.key in self._warm:
            return
        node.stage.warm_up(*(self._memory[source.key] for source in node.inputs if not source.per_query), resources=resources)
        self._warm.add(node.key)

    def find_missing(self, systems: Sequence[System]) -> dict[str, str]:
        """The texts of the corpus that the systems still have to embed, by their keys in the cache.

        Chunkers that have not run yet are run. Systems that cannot be built count as nothing.
        """
        execution = self.make_execution(systems)
        missing: dict[str, str] = {}
        for system in systems:
            try:
                for node in self._list_cold(self._take_apart(system)):
                    for source in node.encoded:
                        if not source.per_query:
                            missing.update(find_unencoded(node, source, execution))
            except LadderError:
                continue
        return missing

    def _list_cold(self, parts: GraphParts) -> list[Node]:
        """What has not prepared the corpus yet: it would embed passages first."""
        cold = [node for node in parts.corpus if node.key not in self._memory]
        return [*cold, *(node for node in parts.rerankers if node.key not in self._warm)]

    def search(
        self,
        texts: Sequence[str],
        systems: Mapping[str, System],
        *,
        filter: Mapping[str, Any] | None = None,
        depth: int = RUN_DEPTH,
    ) -> dict[str, Answer]:
        """Every system's answer to the texts; query ids are "1", "2", ... in order. One failing system leaves the others.

        filter: {field: test} applied by the systems that filter. depth: documents per query. Systems that are not ready
        are prepared first, which may take long: find_ready() tells.
        """
        errors = self.prepare(systems)
        ready = [system for name, system in systems.items() if name not in errors]
        execution = self.make_execution(ready, queries=make_queries(texts, filter, leave_out=self._own.find(texts)))
        return {
            name: Answer.fail(errors[name]) if name in errors else self._answer(system, execution, depth)
            for name, system in systems.items()
        }

    def _answer(self, system: System, execution: Execution, depth: int) -> Answer:
        started = time.perf_counter()
        try:
            parts = self._take_apart(system)
            run = execution.output(parts.target)
            seconds = sum(execution.timings.get(node.key, 0.0) for node in parts.per_query)
            spans = self._read_spans(parts)
            return Answer(locate_hits(to_document_run(run, depth=depth), spans), locate_hits(run, spans), seconds)
        except LadderError as error:
            return Answer.fail(str(error), seconds=time.perf_counter() - started)

    def _read_spans(self, parts: GraphParts) -> dict[str, tuple[int, int]]:
        key = tuple(node.key for node in parts.chunkers)
        if key not in self._spans:
            spans: dict[str, tuple[int, int]] = {}
            for name in reversed(key):  # the first chunker's word counts, as everywhere
                frame = self._memory[name]
                spans.update(zip(frame["chunk_id"], zip(frame["start"], frame["end"], strict=True), strict=True))
            self._spans[key] = spans
        return self._spans[key]

    def make_execution(
        self,
        systems: Iterable[System],
        on_progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
        *,
        queries: pd.DataFrame | None = None,
    ) -> Execution:
        """What prepares these systems, or answers the queries by them, with the models and token vectors that all searches
        share. Answers are not looked up on disk, nor kept there."""
        targets = []
        for system in systems:
            with contextlib.suppress(LadderError):  # said where the system is prepared
                targets.append(self._take_apart(system).target)
        resources = TypedResources(
            self.workspace,
            models=self.models,
            cancel=cancel or CancelToken(),
            on_progress=on_progress,
            _tokens=self._tokens,
            guard=self._tokens_guard,
            cached=False,  # scores of a typed query's pairs are not kept on disk either
        )
        sources = {self._sources[0].key: self._documents}
        if queries is not None:
            sources[self._sources[1].key] = queries
        return Execution(
            sources, resources, memory=self._memory, use_disk=queries is None, token_nodes=find_token_nodes(targets)
        )
