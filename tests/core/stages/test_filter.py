"""Which filter a query's text asks for, and which documents each query may see."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.graph.node import Node, Source
from core.schema import content_hash
from core.stages.filter import CollectSpellings, MetadataFilter
from core.text import words
from tests.support.models import make_documents, make_queries


def test_every_query_sees_what_its_own_filter_allows() -> None:
    documents = make_documents({"a": "x", "b": "y", "c": "z"}, {"a": {"v": 1}, "b": {"v": 2}})
    queries = make_queries({"all": "?", "one": "?", "none": "?"}, {"one": {"v": 1}, "none": {"v": 7}})
    allowed = MetadataFilter()(queries, documents)
    assert allowed.matrix.tolist() == [[True, True, True], [True, False, False], [False, False, False]]
    assert allowed.filters == ({}, {"v": 1}, {"v": 7})
    # Chunks repeat their document's column, in any order.
    assert allowed.columns(["c", "a", "a"]).tolist() == [[True] * 3, [False, True, True], [False] * 3]


def test_groups_that_may_read_a_document_are_matched_with_those_that_somebody_is_in() -> None:
    readers: dict[str, Any] = {"a": ["sales", "legal"], "b": ["hr"], "c": [], "d": "sales", "f": [["sales"]]}
    metadata = {name: {"groups": groups} for name, groups in readers.items()}
    documents = make_documents({name: "x" for name in "abcdef"}, metadata)  # e says nothing of groups
    filters: dict[str, Any] = {"sales": {"groups": ["sales"]}, "both": {"groups": ["hr", "legal"]}, "none": {"groups": "it"}}
    allowed = MetadataFilter()(make_queries({name: "?" for name in filters}, filters), documents)
    seen = [[doc for doc, open_ in zip(allowed.doc_ids, row, strict=True) if open_] for row in allowed.matrix]
    assert seen == [["a", "d"], ["a", "b"], []]


def test_a_query_without_a_filter_value_sees_everything() -> None:
    queries = make_queries({"q": "?"}).assign(filter=[None])
    allowed = MetadataFilter()(queries, make_documents({"a": "x"}))
    assert allowed.matrix.tolist() == [[True]]
    assert allowed.filters == ({},)


def test_no_documents_and_no_queries() -> None:
    assert MetadataFilter()(make_queries({"q": "?"}), make_documents({})).matrix.shape == (1, 0)
    assert MetadataFilter()(make_queries({}), make_documents({"a": "x"})).matrix.shape == (0, 1)
    assert MetadataFilter()(make_queries({"q": "?"}), make_documents({"a": "x"})).matrix.dtype == np.bool_


def test_a_filter_is_read_off_queries_without_their_own() -> None:
    documents = make_documents({"a": "x", "b": "y"}, {"a": {"product": "Hub"}, "b": {"product": "Desk"}})
    texts = {"own": "the desk", "named": "the desk", "both": "hub and desk", "other": "the probe"}
    queries = make_queries(texts, {"own": {"product": "Hub"}})
    allowed = MetadataFilter(infer=("product",))(queries, documents)
    assert allowed.filters == ({"product": "Hub"}, {"product": "Desk"}, {"product": ["Hub", "Desk"]}, {})
    assert allowed.matrix.tolist() == [[True, False], [False, True], [True, True], [True, True]]
    # without the queries' own filters, all of them are read
    spellings = CollectSpellings(("product", "version"))(documents)
    assert MetadataFilter(infer=("product",))(queries, documents, spellings).filters == allowed.filters
    alone = MetadataFilter(given=False, infer=("product",))(queries, documents)
    assert alone.filters[0] == {"product": "Desk"}
    assert MetadataFilter(given=False)(queries, documents).matrix.all()


def test_a_query_asked_alone_is_filtered_as_among_others() -> None:
    documents = make_documents({"a": "x", "b": "y"}, {"a": {"product": "Hub"}, "b": {"product": "Desk"}})
    queries = make_queries({name: "the hub" for name in "pqr"})
    stage = MetadataFilter(infer=("product",))
    assert stage(queries, documents).matrix[0].tolist() == stage(queries[:1], documents).matrix[0].tolist() == [True, False]


def test_runs_kept_before_there_were_inferred_filters_are_found_again() -> None:
    sources = (Node(Source("queries", "q")), Node(Source("documents", "d")))
    keys = [source.key for source in sources]
    assert Node(MetadataFilter(), sources).key == content_hash(["MetadataFilter", MetadataFilter.version, {}, keys, words.FORM])
    others = [MetadataFilter(infer=("a",)), MetadataFilter(infer=("a", "b")), MetadataFilter(given=False, infer=("a",))]
    assert len({Node(stage, sources).key for stage in [MetadataFilter(), *others]}) == 4
