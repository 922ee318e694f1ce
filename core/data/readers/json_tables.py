"""Tables in JSON: a list of objects, each a row, or one object of ids with texts, lists of ids, or grades.

[{"id": "q1", "query": "…", "relevant": ["d1"]}]      {"q1": "…"}      {"q1": ["d1"]}      {"q1": {"d1": 2, "d7": 0}}

Also an object that holds nothing but such a list, as {"data": […]}, columns as pandas writes them, {"id": {"0": "d1"}} or
{"id": ["d1"]}, and objects line by line (JSON Lines) under this name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.data.readers.columns import NAMES, simplify
from core.data.readers.encoding import read_text
from core.data.readers.jsonl import parse_json, read_jsonl
from core.data.readers.values import is_number
from core.errors import InputError
from core.text.phrases import join_words

_NAMES = (
    "data", "rows", "records", "items", "results", "entries", "examples", "corpus", "documents", "docs", "passages", "queries",
    "questions", "topics", "qrels", "judgments", "labels", "relevance",
)  # fmt: skip
_WRAPPED = re.compile(
    r'\{(?:\s*"[^"]*+"\s*:\s*(?:"[^"]*+"|[-\w.]++)\s*,)*+\s*"(?:' + "|".join(_NAMES) + r')"\s*:\s*\[(?=\s*\{)', re.IGNORECASE
)  # {"version": 1, "data": [{
_BY_COLUMN = re.compile(r'\{\s*"\w+"\s*:\s*\{\s*"\d+"\s*:')
_KNOWN = 2  # names that are known as columns, before an object is taken for a table by columns
_LINES = re.compile(r"\ufeff?\s*\{[^\n]*\}[ \t\r]*\n\s*\{")
_START = 65_536  # bytes in which the first row of a list is looked for


def read_json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (number from 1, row). Raises InputError for broken JSON, and for JSON of another shape."""
    text = read_text(path)
    if _LINES.match(text):
        yield from read_jsonl(path)
        return
    try:
        value = parse_json(text)
    except ValueError as error:
        raise InputError(f"broken JSON ({error}); correct it", file=path) from error
    lists = list_wrapped(value) if isinstance(value, dict) else []
    if len(lists) > 1:
        raise InputError(f"holds {len(lists)} tables ({join_words(lists)}); save each of them as a file of its own", file=path)
    rows = _list_rows(value[lists[0]] if lists else value)
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
    wrapped = _WRAPPED.match(start)
    if wrapped is None and not start.startswith("[") and not _LINES.match(start):
        return None
    begin = wrapped.end() if wrapped else int(start.startswith("["))
    try:
        value, _ = json.JSONDecoder().raw_decode(start[begin:].lstrip())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def may_have_rows(start: str) -> bool:
    """Whether JSON that begins so may be rows: a list, objects line by line, or columns of numbered rows."""
    return start.startswith("[") or _LINES.match(start) is not None or _BY_COLUMN.match(start) is not None


def holds_several_tables(path: Path) -> bool:
    """Whether a JSON file is an object of several lists of rows: documents, queries and judgments in one."""
    if not _WRAPPED.match(read_start(path)):
        return False
    try:
        value = parse_json(read_text(path))
    except (InputError, ValueError):
        return False
    return isinstance(value, dict) and len(list_wrapped(value)) > 1


def list_wrapped(value: Mapping[str, Any]) -> list[str]:
    """The names in an object under which lists of rows stand, if they are names that people give to such."""
    found = [name for name, rows in value.items() if isinstance(rows, list) and rows and isinstance(rows[0], dict)]
    return found if all(name.lower() in _NAMES for name in found) else []


def _list_columns(value: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Column -> values, of an object of columns as pandas writes it: lists of one length, or objects of row numbers; else {}.

    Names of columns tell it from ids with lists or grades.
    """
    if value.keys() == {"columns", "index", "data"} and all(isinstance(one, list) for one in value.values()):
        names, rows = map(str, value["columns"]), [row for row in value["data"] if isinstance(row, list)]
        return {name: [row[place] if place < len(row) else None for row in rows] for place, name in enumerate(names)}
    if sum(simplify(name) in NAMES for name in value) < _KNOWN:
        return {}
    inside = list(value.values())
    if all(isinstance(one, list) for one in inside) and len(set(map(len, inside))) == 1:
        return dict(value)
    if all(isinstance(one, dict) and one.keys() == inside[0].keys() for one in inside):
        return {name: [column[row] for row in inside[0]] for name, column in value.items()}
    return {}


def _list_rows(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return value if all(isinstance(row, dict) for row in value) else []
    if not isinstance(value, dict):
        return []
    columns = _list_columns(value)
    if columns:
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
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
