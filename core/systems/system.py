"""Retrieval systems: what one is made of, the named ones, and how one becomes a graph of stages.

A system reads left to right: chunk -> embed -> index -> (rewrite) -> (filter) -> retrieve -> (fuse) -> (rerank).
The YAML spelling of a system is its fields:

    - name: my-hybrid
      description: what it is for
      chunk: {type: recursive, size: 128}
      dense: {model: all-MiniLM-L6-v2}
      lexical: {over: documents}
      filter: true
      infer_filters: [product, version]
      rewrite: [{type: prf}]
      fuse: {type: weighted, dense_share: 0.6}
      rerank: {type: late_interaction, depth: 50}
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from core.errors import InputError, check_range
from core.graph.node import Node, Source
from core.settings import DEFAULT_MODEL
from core.stages.adapt import AdaptQueries
from core.stages.chunk import ParentDocument, Recursive, SentenceWindow, WholeDocument
from core.stages.embed import EmbedChunks, EmbedQueries, model_revision
from core.stages.filter import CollectSpellings, MetadataFilter
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion
from core.stages.index_dense import IndexDense
from core.stages.index_lexical import CountTerms, IndexBm25
from core.stages.rerank import LateInteraction
from core.stages.retrieve import RetrieveDense, RetrieveLexical
from core.stages.rewrite import Glossary, Rm3, Rocchio

BASELINE = "dense"
PRESELECTED = ("dense", "dense-chunk128", "bm25", "hybrid-rrf", "hybrid-rerank")


def preselect(*, has_filters: bool) -> list[str]:
    """The systems that the page and the command line start with; dense-filtered too if queries carry filters."""
    return [*PRESELECTED, "dense-filtered"] if has_filters else list(PRESELECTED)


@dataclass(frozen=True)
class Dense:
    """The dense side. model: bundled name, hub name, folder, "endpoint:NAME" or "trained:ID"; prompts: None means the model's
    own. adapter: "trained:ID" of a query adapter that was trained on this model, or None."""

    type: ClassVar[str] = "dense"
    model: str = DEFAULT_MODEL
    query_prompt: str | None = None
    document_prompt: str | None = None
    adapter: str | None = None


@dataclass(frozen=True)
class Lexical:
    """The lexical side: BM25 over whole "documents" (title and text) or over the system's "chunks"."""

    type: ClassVar[str] = "lexical"
    over: str = "documents"
    k1: float = 1.5
    b: float = 0.75
    stem: bool = True
    stop_words: bool = True

    def __post_init__(self) -> None:
        check_range("k1", self.k1, low=0)
        check_range("b", self.b, low=0, high=1)


@dataclass(frozen=True)
class Feedback:
    """Pseudo-relevance feedback: Rocchio on the dense side, RM3 on the lexical side."""

    type: ClassVar[str] = "prf"
    chunks: int = 5
    dense_weight: float = 0.5
    documents: int = 10
    terms: int = 10
    lexical_weight: float = 0.5

    def __post_init__(self) -> None:
        for name in ("chunks", "documents", "terms"):
            check_range(name, getattr(self, name), low=1)
        check_range("dense_weight", self.dense_weight, low=0)
        check_range("lexical_weight", self.lexical_weight, low=0, high=1)


FOUND_OUT = ("revision", "tokenizer")  # fields of stages that build() fills in; nobody writes them
REWRITES: dict[str, type] = {"prf": Feedback, "glossary": Glossary}


@dataclass(frozen=True)
class System:
    """A retrieval system. At least one of dense and lexical; fuse if and only if both; chunk wherever chunks are read.

    filter: each query's own filter is applied. infer_filters: metadata fields whose values, where a query's text names them,
    become the filter of a query that has none of its own (or, without `filter`, of every query).
    """

    name: str
    description: str = ""
    chunk: Any = None
    dense: Dense | None = None
    lexical: Lexical | None = None
    filter: bool = False
    infer_filters: tuple[str, ...] = ()
    rewrite: tuple[Any, ...] = ()
    fuse: Any = None
    rerank: Any = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("a system needs a name")
        if self.dense is None and self.lexical is None:
            raise InputError(f"system {self.name!r} retrieves nothing: give it `dense`, `lexical` or both")
        if (self.dense is not None and self.lexical is not None) != (self.fuse is not None):
            raise InputError(f"system {self.name!r}: `fuse` joins a dense and a lexical side; give all three or only one side")
        if self.lexical is not None and self.lexical.over not in ("documents", "chunks"):
            raise InputError(f"system {self.name!r}: lexical.over is {self.lexical.over!r}; it can be documents or chunks")
        needs_chunks = self.dense is not None or self.rerank is not None or (self.lexical and self.lexical.over == "chunks")
        if needs_chunks and self.chunk is None:
            raise InputError(f"system {self.name!r} needs `chunk`, for example chunk: {{type: recursive, size: 200}}")
        level = getattr(self.fuse, "level", "document")
        if level not in ("document", "chunk"):
            raise InputError(f"system {self.name!r}: fuse.level is {level!r}; it can be document or chunk")
        if level == "chunk" and self.lexical is not None and self.lexical.over != "chunks":
            raise InputError(f"system {self.name!r}: fusing chunks needs lexical: {{over: chunks}}")

    def to_spec(self) -> dict[str, Any]:
        """The YAML spelling, without what is off: from_spec(to_spec()) gives an equal system."""
        spec: dict[str, Any] = {"name": self.name}
        if self.description:
            spec["description"] = self.description
        for part in ("chunk", "dense", "lexical"):
            if getattr(self, part) is not None:
                spec[part] = _spell(getattr(self, part))
        if self.filter:
            spec["filter"] = True
        if self.infer_filters:
            spec["infer_filters"] = list(self.infer_filters)
        if self.rewrite:
            spec["rewrite"] = [_spell(step) for step in self.rewrite]
        for part in ("fuse", "rerank"):
            if getattr(self, part) is not None:
                spec[part] = _spell(getattr(self, part))
        return spec


def _spell(part: Any) -> dict[str, Any]:
    fields = {name: value for name, value in dataclasses.asdict(part).items() if name not in FOUND_OUT and value is not None}
    fields = {
        name: [list(v) if isinstance(v, tuple) else v for v in value] if isinstance(value, tuple) else value
        for name, value in fields.items()
    }
    return {"type": part.type, **fields} if part.type not in ("dense", "lexical") else fields


def build(system: System, *, documents: Node, queries: Node) -> Node:
    """The graph of a system over a corpus and queries; its last node gives a run."""
    model = system.dense.model if system.dense else DEFAULT_MODEL
    chunks = None
    if system.chunk is not None:
        chunks = Node(dataclasses.replace(system.chunk, tokenizer=model), (documents,))
    allowed: tuple[Node, ...] = ()
    if system.filter or system.infer_filters:
        read = (Node(CollectSpellings(system.infer_filters), (documents,)),) if system.infer_filters else ()
        allowed = (Node(MetadataFilter(given=system.filter, infer=system.infer_filters), (queries, documents, *read)),)
    glossaries = [step for step in system.rewrite if isinstance(step, Glossary)]
    feedback = next((step for step in system.rewrite if isinstance(step, Feedback)), None)
    for glossary in glossaries:
        queries = Node(glossary, (queries,))
    runs = []
    if system.dense is not None and chunks is not None:
        runs.append(_build_dense(system.dense, chunks, documents, queries, allowed, feedback))
    if system.lexical is not None:
        units = (
            chunks
            if system.lexical.over == "chunks" and chunks is not None
            else Node(WholeDocument(prefix="always"), (documents,))
        )
        runs.append(_build_lexical(system.lexical, units, queries, allowed, feedback))
    run = runs[0] if system.fuse is None else Node(system.fuse, tuple(runs))
    if system.rerank is not None and chunks is not None:
        reranker = dataclasses.replace(system.rerank, revision=model_revision(system.rerank.model))
        run = Node(reranker, (queries, run, chunks))
    return run


def _build_dense(
    dense: Dense, chunks: Node, documents: Node, queries: Node, allowed: tuple[Node, ...], feedback: Feedback | None
) -> Node:
    revision = model_revision(dense.model)
    vectors = Node(EmbedChunks(model=dense.model, revision=revision, prompt=dense.document_prompt), (chunks,))
    index = Node(IndexDense(), (vectors, documents))
    asked = Node(EmbedQueries(model=dense.model, revision=revision, prompt=dense.query_prompt), (queries,))
    if dense.adapter is not None:
        asked = Node(AdaptQueries(adapter=dense.adapter, model=dense.model, revision=revision), (asked,))
    run = Node(RetrieveDense(), (queries, asked, index, *allowed))
    if feedback is None:
        return run
    moved = Node(Rocchio(chunks=feedback.chunks, feedback=feedback.dense_weight), (asked, queries, run, index))
    return Node(RetrieveDense(), (queries, moved, index, *allowed))


def _build_lexical(lexical: Lexical, units: Node, queries: Node, allowed: tuple[Node, ...], feedback: Feedback | None) -> Node:
    spec = IndexBm25(k1=lexical.k1, b=lexical.b, stem=lexical.stem, stop_words=lexical.stop_words)
    index = Node(spec, (units,))
    terms = Node(CountTerms(), (queries, index))
    run = Node(RetrieveLexical(), (queries, terms, index, *allowed))
    if feedback is None:
        return run
    rm3 = Rm3(documents=feedback.documents, terms=feedback.terms, feedback=feedback.lexical_weight)
    expanded = Node(rm3, (terms, queries, run, index))
    return Node(RetrieveLexical(), (queries, expanded, index, *allowed))


def make_sources(corpus_fingerprint: str, queries_fingerprint: str) -> tuple[Node, Node]:
    """The leaves that every system of a comparison shares: documents and queries."""
    return Node(Source("documents", corpus_fingerprint)), Node(Source("queries", queries_fingerprint))


_DESCRIPTIONS = {
    "dense": "Embeddings alone, chunks of 200 tokens. The baseline.",
    "dense-whole": "Embeddings of whole documents, cut where the model stops reading.",
    "dense-chunk64": "Embeddings of small chunks, 64 tokens.",
    "dense-chunk128": "Embeddings of smaller chunks, 128 tokens.",
    "dense-window": "Embeddings of single sentences; each hit brings its neighbours.",
    "dense-parent": "Embeddings of small pieces; each hit brings the larger chunk around it.",
    "bm25": "Word matching (BM25) over whole documents. No model needed.",
    "dense-filtered": "Embeddings, only among documents that match the query's metadata filter.",
    "bm25-filtered": "Word matching, only among documents that match the query's metadata filter.",
    "hybrid-rrf": "Embeddings and word matching together, merged by rank.",
    "hybrid-weighted": "Embeddings and word matching together, 70 % to 30 % by score.",
    "hybrid-filtered": "Both together, only among documents that match the query's metadata filter.",
    "hybrid-prf": "Both together; each query is enriched from its own first hits.",
    "dense-rerank": "Embeddings, then the first 50 hits are compared word by word.",
    "hybrid-rerank": "Both together, then the first 50 hits are compared word by word.",
}


def make_named_systems() -> dict[str, System]:
    """The systems that come with the product, by name, in the order in which they are listed."""
    dense: dict[str, Any] = {"chunk": Recursive(size=200, overlap=0), "dense": Dense()}
    words: dict[str, Any] = {"lexical": Lexical()}
    hybrid = {**dense, **words, "fuse": ReciprocalRankFusion()}
    parts = {
        "dense": dense,
        "dense-whole": {**dense, "chunk": WholeDocument()},
        "dense-chunk64": {**dense, "chunk": Recursive(size=64, overlap=0)},
        "dense-chunk128": {**dense, "chunk": Recursive(size=128, overlap=0)},
        "dense-window": {**dense, "chunk": SentenceWindow()},
        "dense-parent": {**dense, "chunk": ParentDocument()},
        "bm25": words,
        "dense-filtered": {**dense, "filter": True},
        "bm25-filtered": {**words, "filter": True},
        "hybrid-rrf": hybrid,
        "hybrid-weighted": {**hybrid, "fuse": WeightedFusion()},
        "hybrid-filtered": {**hybrid, "filter": True},
        "hybrid-prf": {**hybrid, "rewrite": (Feedback(),)},
        "dense-rerank": {**dense, "rerank": LateInteraction()},
        "hybrid-rerank": {**hybrid, "rerank": LateInteraction()},
    }
    return {name: System(name, _DESCRIPTIONS[name], **fields) for name, fields in parts.items()}
