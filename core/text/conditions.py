"""What a filter means: which conditions there are, and whether a document's metadata satisfies them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def match_filter(metadata: Mapping[str, Any], conditions: Mapping[str, Any]) -> bool:
    """Whether a document's metadata satisfies every condition of a filter; an empty filter matches everything.

    A condition is a value, a list of values (any of them), or {"gte": low, "lte": high} with one or both ends. Text,
    numbers and true/false are different types: 3.1 is not "3.1"; 3 and 3.0 are the same number. If a document's value is
    a list, one matching item is enough. Dates are text such as 2024-09-18, whose order is their alphabetical order.
    """
    return all(match_condition(metadata.get(field), condition) for field, condition in conditions.items())


def match_condition(value: Any, condition: Any) -> bool:
    """Whether one metadata value (None if the field is absent) satisfies one condition."""
    if isinstance(value, list | tuple):
        return any(match_condition(item, condition) for item in value)
    if isinstance(condition, list | tuple):
        return any(_same(value, item) for item in condition)
    if isinstance(condition, Mapping):
        if any(name_type(value) != name_type(end) for end in condition.values()):
            return False
        return bool(condition.get("gte", value) <= value <= condition.get("lte", value))
    return _same(value, condition)


def _same(value: Any, wanted: Any) -> bool:
    return name_type(value) == name_type(wanted) and bool(value == wanted)


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
