"""Tables in JSON: a list of objects, each a row, or one object of ids with texts, lists of ids, or grades.

[{"id": "q1", "query": "…", "relevant": ["d1"]}]      {"q1": "…"}      {"q1": ["d1"]}      {"q1": {"d1": 2, "d7": 0}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data.readers.encoding import read_text
from core.data.readers.jsonl import parse_json
from core.data.readers.values import is_number
from core.errors import InputError

_START = 65_536  # bytes in which the first row of a list is looked for


def read_json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (number from 1, row). Raises InputError for broken JSON, and for JSON of another shape."""
    try:
        value = parse_json(read_text(path))
    except ValueError as error:
        raise InputError(f"broken JSON ({error}); correct it", file=path) from error
    rows = _list_rows(value)
    if not rows:
        raise InputError(
            "is JSON, but neither a list of objects nor an object of ids with texts, lists of ids, or grades; "
            "write it as a table",
            file=path,
        )
    yield from enumerate(rows, start=1)


def read_start(path: Path) -> str:
    """How a JSON file begins, "" for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_START).decode("utf-8-sig", "ignore").lstrip()
    except OSError:
        return ""


def first_json_row(path: Path) -> dict[str, Any] | None:
    """The first object of a list; None for other files, and where it is longer than what is looked at."""
    start = read_start(path)
    try:
        value, _ = json.JSONDecoder().raw_decode(start[1:].lstrip()) if start.startswith("[") else (None, 0)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _list_rows(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return value if all(isinstance(row, dict) for row in value) else []
    if not isinstance(value, dict):
        return []
    inside = list(value.values())
    if all(isinstance(one, str) for one in inside):
        return [{"id": name, "text": text} for name, text in value.items()]
    if all(isinstance(one, list) for one in inside):
        return [{"query_id": name, "doc_id": ids} for name, ids in value.items()]
    if all(isinstance(one, dict) and all(map(is_number, one.values())) for one in inside):
        return [
            {"query_id": name, "doc_id": doc_id, "relevance": grade}
            for name, grades in value.items()
            for doc_id, grade in grades.items()
        ]
    return []
