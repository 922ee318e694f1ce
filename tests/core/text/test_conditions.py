"""What a filter means."""

from __future__ import annotations

from typing import Any

import pytest

from core.text.conditions import check_filter, is_scalar, match_filter


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
        # A day as an end is the whole day, a month and a year are the whole of them, whatever stands in the document.
        ({"date": "2024-05-01T15:00"}, {"date": {"lte": "2024-05-01"}}, True),
        ({"date": "2024-05-01T15:00:00.5Z"}, {"date": {"gte": "2024-05-01", "lte": "2024-05-01"}}, True),
        ({"date": "2024-05-02T00:00"}, {"date": {"lte": "2024-05-01"}}, False),
        ({"date": "2024-12-31"}, {"date": {"lte": "2024"}}, True),
        ({"date": "2024-02-29 23:59:59"}, {"date": {"gte": "2024-02", "lte": "2024-02"}}, True),
        ({"date": "2024-03-01"}, {"date": {"lte": "2024-02"}}, False),
        ({"date": "2024-05"}, {"date": {"gte": "2024-05-01"}}, True),  # a month stands for its first day
        ({"date": "2024-05"}, {"date": {"gte": "2024-05-02"}}, False),
        ({"date": "9999"}, {"date": {"lte": "9999"}}, True),
        # Time zones: 23:30 in New York is 03:30 of the next day in UTC; what has no zone is UTC.
        ({"date": "2024-05-01T23:30-04:00"}, {"date": {"lte": "2024-05-01"}}, False),
        ({"date": "2024-05-01T01:00+02:00"}, {"date": {"gte": "2024-05-01"}}, False),
        ({"date": "2024-05-01T10:00+02:00"}, {"date": {"gte": "2024-05-01T08:00Z", "lte": "2024-05-01 08:00:00"}}, True),
        ({"date": "2024-05-01T10:00+02:00"}, {"date": {"gte": "2024-05-01T08:00:01"}}, False),
        ({"date": "2024-05-01T10:00+0200"}, {"date": "2024-05-01T08:00:00Z"}, True),  # the same moment
        ({"date": "2024/5/1"}, {"date": ["2024-05-01"]}, True),
        ({"date": ["1.5.2024", "31. 12. 2024"]}, {"date": {"gte": "2024-12-31"}}, True),
        ({"date": "March 12th, 2024"}, {"date": "12 Mar 2024"}, True),
        ({"date": "2024年3月1日"}, {"date": {"lte": "1. 3. 2024"}}, True),
        ({"date": "12/3/2024"}, {"date": {"gte": "2000-01-01"}}, False),  # one of two days
        ({"date": "31 Ma 2024"}, {"date": {"gte": "2000-01-01"}}, False),
        ({"date": "30 February 2024"}, {"date": {"gte": "2000-01-01"}}, False),
        ({"date": "2024-05-01T00:00"}, {"date": "2024-05-01"}, False),  # a moment is no day
        ({"date": "2024-05-01 10:00 GMT"}, {"date": {"lte": "2024-05-01T12:00+02:00"}}, True),
        # What is no date is in no range of dates, whatever its letters; four digits may be a code.
        ({"date": "2024-02-30"}, {"date": {"lte": "2024-03-29"}}, False),
        ({"date": "unknown"}, {"date": {"gte": "2024-05-01"}}, False),
        ({"date": "unknown"}, {"date": {"gte": "2024"}}, False),
        ({"date": "01.06.2024"}, {"date": {"lte": "2024-05-01"}}, False),
        ({"date": ""}, {"date": {"lte": "2024-05-01"}}, False),
        ({"name": " "}, {"name": {"lte": "b"}}, False),
        ({"code": "1200-B"}, {"code": {"gte": "1000", "lte": "1300"}}, True),
        ({"version": "3.10"}, {"version": {"gte": "3.9"}}, False),
        ({"year": 2024}, {"year": {"gte": "2024"}}, False),  # a number is no text
        # No single item lies in between, though one is above the low end and one below the high end.
        ({"size": [1, 9]}, {"size": {"gte": 4, "lte": 6}}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
    ],
)
def test_match_filter(metadata: dict[str, Any], conditions: dict[str, Any], matches: bool) -> None:
    assert match_filter(metadata, conditions) is matches


@pytest.mark.parametrize(
    "given", [{}, {"v": "3.1"}, {"v": ["3.0", 3, True]}, {"v": {"gte": 1}}, {"v": {"gte": "a", "lte": "b"}}]
)
def test_filters_that_are_ones(given: dict[str, Any]) -> None:
    assert check_filter(given) is None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("3.1", "must be an object"),
        ({"v": {}}, 'may only have "gte" and "lte"'),
        ({"v": {"gt": 1}}, 'may only have "gte" and "lte"'),
        ({"v": {"gte": 1, "lte": "2"}}, "two numbers or two texts"),
        ({"v": {"gte": True}}, "two numbers or two texts"),
        ({"v": []}, "at least one"),
        ({"v": [None]}, "at least one"),
        ({"v": None}, "must be a value"),
        ({"v": float("nan")}, "must be a value"),
    ],
)
def test_filters_that_are_none_say_why(given: Any, why: str) -> None:
    assert why in str(check_filter(given))


def test_what_can_be_filtered_by() -> None:
    assert all(is_scalar(value) for value in ("", "a", 0, 1.5, False))
    assert not any(is_scalar(value) for value in (None, [], {}, float("inf"), float("nan")))
