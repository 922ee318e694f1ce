"""Lists of ids in a cell, however they were written; ids stay text."""

from __future__ import annotations

from typing import Any

import pytest

from core.data.readers.lists import list_entries


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("a", ["a"]),
        ("007", ["007"]),
        ('["a", "b"]', ["a", "b"]),
        ("['a', 'b']", ["a", "b"]),
        ("['a' 'b']", ["a", "b"]),
        ("['a'\n 'b'\n 'c']", ["a", "b", "c"]),
        ("[['a', 'b'], ['c']]", ["a", "b", "c"]),
        ("[array(['c-3', 'c-4'], dtype=object)]", ["c-3", "c-4"]),
        ("[array(['c-3'], dtype='<U3') array(['c-4'], dtype='<U3')]", ["c-3", "c-4"]),
        ("[1e3, 7, 1.0]", ["1e3", "7", "1.0"]),
        ("[007, 7]", ["007", "7"]),
        ("[7 8]", ["7", "8"]),
        ("[NaN]", ["NaN"]),
        ('["it\'s", "a, b"]', ["it's", "a, b"]),
        ("[\"it's\", 'b']", ["it's", "b"]),
        ("[doc 1, doc 2]", ["doc 1", "doc 2"]),
        ("[]", []),
        ("", []),
        (None, []),
        (float("nan"), []),
        ([], []),
        ([[]], []),
        ([["a", "b"], ["c"]], ["a", "b", "c"]),
        (["a, b"], ["a, b"]),
        ([7, "007", 3.0, None], ["7", "007", "3"]),
        ([{"docid": "a", "text": "x"}, {"docid": "b"}], ["a", "b"]),
        (["a", "a"], ["a"]),
        ("k1;k2", ["k1", "k2"]),
        ("k1, k2", ["k1", "k2"]),
        ("k1, zz", ["k1, zz"]),
        ("k3, k1", ["k3, k1"]),
    ],
)
def test_ids_of_a_cell(value: Any, ids: list[str]) -> None:
    assert list_entries(value, known={"k1", "k2", "k3, k1"}) == [(name, None) for name in ids]


def test_grades_of_a_cell() -> None:
    assert list_entries({"a": 2, "b": None, "c": 0}) == [("a", 2), ("c", 0)]
    assert list_entries('{"a": 2, "b": 0.5}') == [("a", "2"), ("b", "0.5")]
    graded = [{"doc_id": "a", "grade": 3, "text": "x"}, {"doc_id": "b", "grade": 0}, {"doc_id": "c", "grade": None}]
    assert list_entries(graded) == [("a", 3), ("b", 0), ("c", None)]
    assert list_entries('[{"id": "a", "Relevance": 0.5}]') == [("a", "0.5")]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, "holds True, expected an id"),
        ([1.5], "holds 1.5, expected an id"),
        (b"x", "holds b'x', expected an id"),
        ([{"text": "x"}], "holds an object without an id (text)"),
        ("['a' 'b' ... 'z']", "holds a list that was cut with ... when it was written"),
    ],
)
def test_what_is_no_list_of_ids(value: Any, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        list_entries(value)
    assert str(error.value) == reason
