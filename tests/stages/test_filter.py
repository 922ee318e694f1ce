"""What a filter means, and which documents each query may see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.stages.filter import MetadataFilter, match_filter
from tests.support.models import make_documents, make_queries


@pytest.mark.parametrize(
    ("metadata", "conditions", "matches"),
    [
        ({"version": "3.1"}, {}, True),
        ({"version": "3.1"}, {"version": "3.1"}, True),
        ({"version": "3.1"}, {"version": 3.1}, False),  # text is not a number
        ({"version": 3}, {"version": 3.0}, True),
        ({"flag": True}, {"flag": 1}, False),  # true is not 1, though Python says so
        ({"flag": 1}, {"flag": True}, False),
        ({"flag": False}, {"flag": 0}, False),
        ({"version": "3.1"}, {"version": ["3.0", "3.1"]}, True),
        ({"version": "3.2"}, {"version": ["3.0", "3.1"]}, False),
        ({"version": ["3.0", "3.1"]}, {"version": "3.1"}, True),  # one matching item is enough
        ({"version": [1, "a"]}, {"version": "a"}, True),
        ({"version": []}, {"version": "a"}, False),
        ({}, {"version": "3.1"}, False),
        ({"version": None}, {"version": "3.1"}, False),
        ({"size": 5}, {"size": {"gte": 5, "lte": 5}}, True),
        ({"size": 5}, {"size": {"gte": 5.1}}, False),
        ({"size": "5"}, {"size": {"gte": 5}}, False),
        ({"size": True}, {"size": {"lte": 5}}, False),
        ({"date": "2024-09-18"}, {"date": {"gte": "2024-09-01", "lte": "2024-09-30"}}, True),
        ({"date": "2024-10-01"}, {"date": {"gte": "2024-09-01", "lte": "2024-09-30"}}, False),
        # No single item lies in between, though one is above the low end and one below the high end.
        ({"size": [1, 9]}, {"size": {"gte": 4, "lte": 6}}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
    ],
)
def test_match_filter(metadata: dict[str, Any], conditions: dict[str, Any], matches: bool) -> None:
    assert match_filter(metadata, conditions) is matches


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
