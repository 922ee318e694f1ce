"""The conditions of a filter in words."""

from __future__ import annotations

import json


def describe_conditions(conditions: dict[str, object]) -> list[str]:
    """One phrase per field: "version is 3.1", "product is Hub or Desk", "year at least 2020, at most 2022"."""
    phrases = []
    for name, condition in conditions.items():
        if isinstance(condition, dict):
            words = {"gte": "at least", "lte": "at most"}
            ends = ", ".join(f"{words.get(end, end)} {_say(value)}" for end, value in condition.items())
            phrases.append(f"{name} {ends}")
        elif isinstance(condition, list):
            phrases.append(f"{name} is {' or '.join(_say(value) for value in condition)}")
        else:
            phrases.append(f"{name} is {_say(condition)}")
    return phrases


def _say(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
