"""The systems of an experiment while they run: their graphs over one dataset's queries, and what is found out about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from core.data.dataset import SPLITS, Dataset
from core.data.languages import keep_languages
from core.errors import InputError, LadderError
from core.graph.estimate import WorkEstimate, estimate_work
from core.graph.execute import Execution, TokenNodes
from core.graph.latency import measure_latency
from core.graph.node import Node
from core.graph.resources import Resources
from core.schema import LEAVE_OUT, RUN, content_hash
from core.settings import DEFAULT_MODEL
from core.stages.index_dense import IndexDense, measure_index_recall
from core.stages.retrieve import RetrieveDense
from core.stages.truncation import share_of_passages_cut, truncation_share
from core.systems.build import build, make_sources, resolve_language
from core.systems.system import System


@dataclass
class SystemRuns:
    """Graphs of systems that share one execution over a dataset's queries of a split.

    compare() runs all it is given; a ladder adds one after another.

    systems: by name. targets: name -> the graph's last node; broken: name -> why a system has no graph. documents, queries:
    the frames that are searched and asked; document_source, query_source: their nodes, shared by all graphs. Raises InputError
    for an unknown split, an empty corpus and a split without queries.
    """

    dataset: Dataset
    systems: Mapping[str, System]
    split: str
    resources: Resources
    execution: Execution = field(init=False)
    targets: dict[str, Node] = field(init=False)
    broken: dict[str, str] = field(init=False)
    documents: pd.DataFrame = field(init=False)
    queries: pd.DataFrame = field(init=False)
    document_source: Node = field(init=False)
    query_source: Node = field(init=False)
    _tokens: dict[str, int] = field(init=False, default_factory=dict)
    _token_nodes: TokenNodes = field(init=False, default_factory=TokenNodes)

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise InputError(f"the split {self.split!r} does not exist; it can be {', '.join(SPLITS)}")
        self.documents = self.dataset.indexed_documents
        self.queries = self.dataset.queries_of(self.split)
        if self.documents.empty:
            raise InputError(f"the dataset {self.dataset.name} has no document with a title or a text; add documents to search")
        if self.queries.empty:
            raise InputError(
                f"the dataset {self.dataset.name} has no queries in the split {self.split!r}; "
                "add queries.jsonl or choose another split"
            )
        keep_languages(self.dataset, self.resources.workspace)
        columns = [name for name in ("query_id", "text", "filter", LEAVE_OUT) if name in self.queries]
        fingerprint = content_hash(self.queries[columns].to_dict("records"))
        self.document_source, self.query_source = make_sources(self.dataset.corpus_fingerprint, fingerprint)
        self.targets, self.broken = self._build()
        for target in self.targets.values():
            self._token_nodes.add(target)
        self.execution = Execution(
            sources={self.document_source.key: self.documents, self.query_source.key: self.queries},
            resources=self.resources,
            token_nodes=self._token_nodes.keys,
        )

    def _build(self) -> tuple[dict[str, Node], dict[str, str]]:
        targets, broken = {}, {}
        for name, system in self.systems.items():
            try:
                targets[name] = self._build_one(system)
            except LadderError as error:
                broken[name] = str(error)
        return targets, broken

    def _build_one(self, system: System) -> Node:
        return build(resolve_language(system, self.dataset), documents=self.document_source, queries=self.query_source)

    def add(self, system: System) -> Node:
        """The system's graph over the same queries, built once. Raises what building raises."""
        if system.name not in self.targets:
            self.targets[system.name] = self._build_one(system)
            self._token_nodes.add(self.targets[system.name])
        return self.targets[system.name]

    def estimate(self) -> WorkEstimate:
        """What running the systems takes from here on; see estimate_work()."""
        return estimate_work(self.targets, self.execution)

    def place_hits(self, name: str, run: pd.DataFrame) -> pd.DataFrame:
        """The system's run with start and end of each hit's chunk, and its tokens if there is evidence to measure.

        Tokens are the default model's, whatever the system uses, so that contexts of all systems are of equal size.
        """
        nodes = [node for node in self.targets[name].walk() if node.gives == "chunks"]
        frames = [self.execution.output(node)[["chunk_id", "start", "end", "text"]] for node in nodes]
        chunks = pd.concat(frames, ignore_index=True).drop_duplicates("chunk_id")
        chunks = chunks[chunks["chunk_id"].isin(set(run["chunk_id"]))]
        columns = ["chunk_id", "start", "end"]
        if len(self.dataset.evidence):
            chunks = chunks.assign(tokens=self._count_tokens(chunks))
            columns.append("tokens")
        if run.empty:
            return run.reindex(columns=[*RUN, *columns[1:]])
        places = chunks[columns].set_index("chunk_id").reindex(run["chunk_id"])
        return run.assign(**{name: places[name].to_numpy() for name in columns[1:]}).reset_index(drop=True)

    def _count_tokens(self, chunks: pd.DataFrame) -> np.ndarray:
        """Tokens of each chunk; every chunk is counted once, whichever systems name it."""
        ids = chunks["chunk_id"].tolist()
        new = {chunk: text for chunk, text in zip(ids, chunks["text"], strict=True) if chunk not in self._tokens}
        counts = self.resources.tokenizer(DEFAULT_MODEL).count(list(new.values())) if new else []
        self._tokens.update(zip(new, counts, strict=True))
        return np.array([self._tokens[chunk] for chunk in ids], dtype=np.int64)

    def describe_index(self, name: str) -> dict[str, Any]:
        """Chunks, what the model does not read of them, and what the approximate index loses; kept with the cache."""
        target = self.targets[name]
        key = content_hash(["index facts", target.key])
        facts = self.resources.workspace.read_facts(key)
        if facts is None:
            facts = self._measure_index(target)
            self.resources.workspace.write_facts(key, facts)
        return facts

    def _measure_index(self, target: Node) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        index = target.find_first(IndexDense)
        chunk_node = target.find_first("chunks")
        if chunk_node is not None:
            facts["chunks"] = len(self.execution.output(chunk_node))
        if index is None:
            return facts
        vectors = index.inputs[0]
        chunks = self.execution.output(vectors.inputs[0])
        tokenizer = self.resources.tokenizer(vectors.stage.model)
        facts["chunks"] = len(chunks)
        facts["truncated_tokens"] = truncation_share(chunks, tokenizer=tokenizer)
        facts["truncated_passages"] = share_of_passages_cut(chunks, tokenizer=tokenizer)
        search = target.find_first(RetrieveDense)
        if search is not None:
            dense_index, query_vectors = self.execution.output(index), self.execution.output(search.inputs[1])
            facts["index_loss"] = 1.0 - measure_index_recall(dense_index, query_vectors) if dense_index.is_small else None
        return facts

    def latency(self) -> dict[str, dict[str, Any]]:
        """Latency of every system that has a run, remembered in the workspace.

        If one of them was never measured all are, together: times taken under different load cannot be compared.
        """
        workspace = self.resources.workspace
        ready = {name: node for name, node in self.targets.items() if name not in self.broken}
        # The number is raised when the facts get another form, so that none is read which lacks something.
        keys = {name: content_hash(["latency", 2, node.key]) for name, node in ready.items()}
        known = {name: facts for name, key in keys.items() if (facts := workspace.read_facts(key)) is not None}
        if set(known) != set(ready):
            measured = measure_latency(ready, self.queries, source=self.query_source, warm=self.execution)
            for name, facts in measured.items():
                workspace.write_facts(keys[name], facts)
            known.update(measured)
        return known
