"""How a system becomes a graph of stages over a corpus and queries."""

from __future__ import annotations

import dataclasses
from typing import Any

from core.data.dataset import Dataset
from core.data.languages import detect_languages
from core.graph.node import Node, Source
from core.settings import DEFAULT_MODEL, UNSCALED_PREFIX
from core.stages.adapt import AdaptQueries
from core.stages.chunk import WholeDocument
from core.stages.embed import EmbedChunks, EmbedQueries, model_revision
from core.stages.filter import CollectSpellings, MetadataFilter
from core.stages.index_dense import COSINE, IndexDense
from core.stages.index_lexical import CountTerms, IndexBm25
from core.stages.retrieve import RetrieveDense, RetrieveLexical
from core.stages.rewrite import Feedback, Glossary, Rm3, Rocchio
from core.systems.system import Dense, Lexical, System
from core.text.languages import AUTO


def resolve_language(system: System, dataset: Dataset) -> System:
    """The system with the languages of the dataset's corpus where it leaves them to be found; else as it is."""
    if system.lexical is None or system.lexical.language != AUTO:
        return system
    found = ", ".join(detect_languages(dataset))
    return dataclasses.replace(system, lexical=dataclasses.replace(system.lexical, language=found))


def build(system: System, *, documents: Node, queries: Node) -> Node:
    """The graph of a system over a corpus and queries; its last node gives a run.

    It can be looked at in any case; what it says of words runs once resolve_language() has been asked.
    """
    model = system.dense.model if system.dense else DEFAULT_MODEL
    chunks = None
    if system.chunk is not None:
        chunks = Node(_fill_in(system.chunk, tokenizer=model), (documents,))
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
        runs.append(_build_dense(system.dense, chunks, documents, queries, allowed=allowed, feedback=feedback))
    if system.lexical is not None:
        units = (
            chunks
            if system.lexical.over == "chunks" and chunks is not None
            else Node(WholeDocument(prefix="always"), (documents,))
        )
        runs.append(_build_lexical(system.lexical, units, queries, allowed=allowed, feedback=feedback))
    run = runs[0] if system.fuse is None else Node(system.fuse, tuple(runs))
    if system.rerank is not None and chunks is not None:
        revision = model_revision(getattr(system.rerank, "model", ""))
        run = Node(_fill_in(system.rerank, revision=revision), (queries, run, chunks))
    return run


def _fill_in(stage: Any, **values: str) -> Any:
    """The stage with those values that it has a field for."""
    own = {field.name for field in dataclasses.fields(stage)}
    return dataclasses.replace(stage, **{name: value for name, value in values.items() if name in own})


def _build_dense(
    dense: Dense, chunks: Node, documents: Node, queries: Node, *, allowed: tuple[Node, ...], feedback: Feedback | None
) -> Node:
    revision = model_revision(dense.model)
    distance = dense.distance or COSINE
    model = dense.model if distance == COSINE else UNSCALED_PREFIX + dense.model
    vectors = Node(EmbedChunks(model=model, revision=revision, prompt=dense.document_prompt), (chunks,))
    index = Node(IndexDense(distance=distance), (vectors, documents))
    query_vectors = Node(EmbedQueries(model=model, revision=revision, prompt=dense.query_prompt), (queries,))
    if dense.adapter is not None:
        query_vectors = Node(AdaptQueries(adapter=dense.adapter, model=dense.model, revision=revision), (query_vectors,))
    run = Node(RetrieveDense(), (queries, query_vectors, index, *allowed))
    if feedback is None:
        return run
    moved_vectors = Node(Rocchio(chunks=feedback.chunks, feedback=feedback.dense_weight), (query_vectors, queries, run, index))
    return Node(RetrieveDense(), (queries, moved_vectors, index, *allowed))


def _build_lexical(
    lexical: Lexical, units: Node, queries: Node, *, allowed: tuple[Node, ...], feedback: Feedback | None
) -> Node:
    spec = IndexBm25(
        k1=lexical.k1,
        b=lexical.b,
        stem=lexical.stem,
        stop_words=lexical.stop_words,
        languages=lexical.languages,
        fold_accents=lexical.fold_accents,
    )
    index = Node(spec, (units,))
    terms = Node(CountTerms(), (queries, index))
    run = Node(RetrieveLexical(), (queries, terms, index, *allowed))
    if feedback is None:
        return run
    rm3 = Rm3(documents=feedback.documents, terms=feedback.terms, feedback=feedback.lexical_weight)
    expanded = Node(rm3, (terms, queries, run, index))
    return Node(RetrieveLexical(), (queries, expanded, index, *allowed))


def make_sources(corpus_fingerprint: str, queries_fingerprint: str) -> tuple[Node, Node]:
    """The leaves that all systems over one corpus and one set of queries share: documents and queries."""
    return Node(Source("documents", corpus_fingerprint)), Node(Source("queries", queries_fingerprint))
