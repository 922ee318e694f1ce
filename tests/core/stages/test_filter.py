"""Which filter a query's text asks for, and which documents each query may see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.graph.node import Node, Source
from core.schema import content_hash
from core.stages.filter import CollectSpellings, MetadataFilter, collect_spellings, infer_filter
from tests.support.models import make_documents, make_queries


def test_every_query_sees_what_its_own_filter_allows() -> None:
    documents = make_documents({"a": "x", "b": "y", "c": "z"}, {"a": {"v": 1}, "b": {"v": 2}})
    queries = make_queries({"all": "?", "one": "?", "none": "?"}, {"one": {"v": 1}, "none": {"v": 7}})
    allowed = MetadataFilter()(queries, documents)
    assert allowed.matrix.tolist() == [[True, True, True], [True, False, False], [False, False, False]]
    assert allowed.filters == ({}, {"v": 1}, {"v": 7})
    # Chunks repeat their document's column, in any order.
    assert allowed.columns(["c", "a", "a"]).tolist() == [[True] * 3, [False, True, True], [False] * 3]


def test_a_query_without_a_filter_value_sees_everything() -> None:
    queries = make_queries({"q": "?"}).assign(filter=[None])
    allowed = MetadataFilter()(queries, make_documents({"a": "x"}))
    assert allowed.matrix.tolist() == [[True]]
    assert allowed.filters == ({},)


def test_no_documents_and_no_queries() -> None:
    assert MetadataFilter()(make_queries({"q": "?"}), make_documents({})).matrix.shape == (1, 0)
    assert MetadataFilter()(make_queries({}), make_documents({"a": "x"})).matrix.shape == (0, 1)
    assert MetadataFilter()(make_queries({"q": "?"}), make_documents({"a": "x"})).matrix.dtype == np.bool_


PRODUCTS = [
    {"product": "Hub", "version": "3.1"},
    {"product": "Hub Pro", "version": "3.1.2"},
    {"product": "Desk", "version": "2025.1"},
    {"product": ["hub", "API"], "version": "all", "year": 2024, "size": 12},
    {"product": "C++", "version": "v2", "year": 2025, "size": 300, "beta": True},
]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("reset the desk", {"product": "Desk"}),
        ("reset the HUB", {"product": ["Hub", "hub"]}),  # two values that are written alike: either will do
        ("hub  pro battery", {"product": "Hub Pro"}),  # the longest; spaces do not count
        ("hub pro or desk?", {"product": ["Hub Pro", "Desk"]}),  # in the order of the text
        ("desk, desk and desk", {"product": "Desk"}),
        ("hubs and desktops", {}),
        ("desk_top", {}),
        ("Desk-2025.1", {"product": "Desk", "version": "2025.1"}),
        ("firmware 3.1", {"version": "3.1"}),
        ("firmware 3.1.", {"version": "3.1"}),
        ("firmware v3.1?", {"version": "3.1"}),
        ("firmware 3.1.2", {"version": "3.1.2"}),
        ("firmware 3.1.3, 13.1 or 3.12", {}),
        ("between 3.1/2025.1", {"version": ["3.1", "2025.1"]}),
        ("/v2/devices", {"version": "v2"}),
        ("all of them", {}),  # "all" is a stop word
        ("since 2024 or later", {"year": 2024}),  # all of the field's numbers are years
        ("12 probes", {}),  # numbers of other kinds stand in queries for many reasons
        ("is it true", {}),
        ("c++ client", {"product": "C++"}),
        ("", {}),
    ],
)
def test_the_filter_that_a_text_asks_for(text: str, wanted: dict[str, Any]) -> None:
    values = collect_spellings(PRODUCTS, ["product", "version", "year", "size", "beta", "unknown"])
    assert infer_filter(text, values) == wanted


@pytest.mark.parametrize(
    ("values", "text", "named"),
    [
        ([3.0, 3.1], "on 3.1", 3.1),  # numbers that look like versions, as they are written
        ([3.0, 3.1], "on 3.10", None),
        ([3.0, 3.1], "on 3", None),
        ([2019, 2020], "in 2019", 2019),
        ([2019, 7], "in 2019", None),
        (["12", "13"], "12 probes", None),  # digits alone are numbers, also as text
        (["2024", "2024.1", "2024.2"], "on 2024", "2024"),
        (["x", "yy"], "x or yy", "yy"),  # one character is too short
        (["yy " * 30, "yy"], "yy " * 40, "yy"),  # a whole paragraph is too long
        (["the who", "who are you"], "the who", None),  # nothing but stop words
    ],
)
def test_which_values_can_be_named(values: list[Any], text: str, named: Any) -> None:
    found = infer_filter(text, collect_spellings([{"f": value} for value in values], ["f"]))
    assert found == ({} if named is None else {"f": named})


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
    assert Node(MetadataFilter(), sources).key == content_hash(["MetadataFilter", 1, {}, keys])
    others = [MetadataFilter(infer=("a",)), MetadataFilter(infer=("a", "b")), MetadataFilter(given=False, infer=("a",))]
    assert len({Node(stage, sources).key for stage in [MetadataFilter(), *others]}) == 4
