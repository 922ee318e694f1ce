"""What a filter means: which conditions there are, and whether a document's metadata satisfies them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from core.text.dates import read_date


def match_filter(metadata: Mapping[str, Any], conditions: Mapping[str, Any]) -> bool:
    """Whether a document's metadata satisfies every condition of a filter; an empty filter matches everything.

    A condition is a value, a list of values (any of them), or {"gte": low, "lte": high} with one or both ends. Text,
    numbers and true/false are different types: 3.1 is not "3.1"; 3 and 3.0 are the same number. If a document's value is
    a list, one matching item is enough: so groups that may read a document are matched with the groups that somebody is in.

    Dates are text, see read_date(), and are compared as times however they are written: "gte" means from the beginning of
    a year, month or day on, "lte" to its end, and a document's date stands for its beginning. Text that is no date is in no
    range of dates, and empty text is in none at all; other text is compared by its letters.
    """
    return all(match_condition(metadata.get(field), condition) for field, condition in conditions.items())


def match_condition(value: Any, condition: Any) -> bool:
    """Whether one metadata value (None if the field is absent) satisfies one condition."""
    return any(_match_item(item, condition) for item in (value if isinstance(value, list | tuple) else [value]))


def _match_item(value: Any, condition: Any) -> bool:
    if isinstance(condition, list | tuple):
        return any(_same(value, item) for item in condition)
    if isinstance(condition, Mapping):
        return all(_is_within(value, name, end) for name, end in condition.items())
    return _same(value, condition)


def _is_within(value: Any, name: str, end: Any) -> bool:
    """Whether a value is on the right side of the end of a range. name: "gte" or "lte"."""
    if name_type(value) != name_type(end):
        return False
    if isinstance(value, str):
        known, limit = read_date(value), read_date(end)
        if known is not None and limit is not None:
            return known.first >= limit.first if name == "gte" else known.first <= limit.last
        if not value.strip() or is_day(end) or (limit is not None and not value.strip()[0].isdigit()):
            return False
    return bool(value >= end if name == "gte" else value <= end)


def is_day(value: Any) -> bool:
    """Whether a value is a date beyond doubt: with a month, since four digits alone may be a code."""
    return isinstance(value, str) and not value.strip().isdecimal() and read_date(value) is not None


def _same(value: Any, wanted: Any) -> bool:
    if name_type(value) != name_type(wanted):
        return False
    return bool(value == wanted) or (isinstance(value, str) and read_date(value) == read_date(wanted) is not None)


def name_type(value: Any) -> str:
    """The type of a metadata value in plain words; values of different types never match."""
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__


def check_filter(value: Any) -> str | None:
    """Why this JSON value is no filter ("filter ..." as the start of a sentence), or None."""
    if not isinstance(value, dict):
        return '"filter" must be an object such as {"version": "3.1"}'
    for field, condition in value.items():
        if isinstance(condition, dict):
            ends = list(condition.values())
            if not condition or set(condition) - {"gte", "lte"}:
                return f'"filter" on "{field}" may only have "gte" and "lte", found {json.dumps(condition)}'
            if any(not is_scalar(end) or isinstance(end, bool) for end in ends) or len(set(map(name_type, ends))) > 1:
                return f'"filter" on "{field}" needs "gte" and "lte" to be two numbers or two texts'
        elif isinstance(condition, list):
            if not condition or not all(is_scalar(item) for item in condition):
                return f'"filter" on "{field}" must be a list with at least one text, number or true/false'
        elif not is_scalar(condition):
            return f'"filter" on "{field}" must be a value, a list of values, or {{"gte": …, "lte": …}}'
    return None


def is_scalar(value: Any) -> bool:
    """Whether a metadata value can be filtered by: one text, finite number or true/false."""
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
