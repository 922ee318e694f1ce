"""The cells of a table as ids, texts, grades and plain JSON; what cannot be one is said with its row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.data.readers.columns import ColumnMapping
from core.data.readers.encoding import replace_surrogates
from core.data.readers.grade_words import NOTHING
from core.data.readers.json_values import to_json
from core.data.readers.jsonl import check_id, kind_of, parse_json
from core.data.readers.lists import read_list
from core.data.readers.qrels import EXPECTED_GRADE, parse_relevance
from core.data.readers.table_files import Row, row_error
from core.data.readers.values import is_blank, looks_like_list
from core.text.phrases import shorten

_INTEGER = re.compile(r"0|-?[1-9]\d{0,14}")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)\.\d+")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+")  # 1,000: or is it 1.0?
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")


def read_id(row: Row, column: str, path: Path) -> str:
    """An id: text, or a whole number written as text. Raises InputError for anything else."""
    value = row.values.get(column)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # whole numbers become floats in a column that once had a gap
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise row_error(f'the id in column "{column}" is {kind_of(value)}, expected text', path, number=row.number)
    value = replace_surrogates(value.strip())
    problem = check_id(value)
    if problem:
        raise row_error(f'the id in column "{column}" {problem}', path, number=row.number)
    return value


def read_text_cell(row: Row, column: str, path: Path) -> str:
    """A text, "" for none. Raises InputError for what is not text."""
    value = row.values.get(column)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise row_error(
            f'column "{column}" holds {kind_of(value)}, expected text; choose another column', path, number=row.number
        )
    return replace_surrogates(value)


def read_json_cell(row: Row, mapping: ColumnMapping, field: str, *, path: Path) -> Any:
    """The value of a field whose cells hold JSON, None for none. Raises InputError for text that is not JSON."""
    value = row.values.get(mapping.get(field, ""))
    if not isinstance(value, str):
        return to_json(value)
    if not value.strip():
        return None
    try:
        return to_json(parse_json(value))
    except ValueError as error:
        raise row_error(
            f'column "{mapping[field]}" is not JSON ({error}); correct it or do not map it', path, number=row.number
        ) from error


def read_tags(value: Any) -> list[str]:
    """Tags of a list, or of text with ; , or | between them."""
    if isinstance(value, str):
        return [tag for tag in (part.strip(' "[]') for part in re.split(r"[;,|]", value)) if tag]
    return [to_text(item) for item in value] if isinstance(value, list) else []


def read_answer(value: Any) -> str:
    """A query's answer; several in a list, or in the text of one, stand one after the other with a semicolon between them."""
    if isinstance(value, str) and looks_like_list(value):
        value = read_list(value)
    if isinstance(value, list | tuple):
        return "; ".join(filter(None, map(read_answer, value)))
    return to_text(value)


def to_text(value: Any) -> str:
    """A value as text: "" for none, JSON for what is not text."""
    value = to_json(value)
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def type_columns(rows: list[Row]) -> dict[str, Callable[[str], Any]]:
    """For each column of a text table the function that gives its values their type."""
    types: dict[str, Callable[[str], Any]] = {}
    for name in rows[0].values:
        values = {row.values.get(name, "") for row in rows} - {""}
        if values and all(_is_exact_number(value) for value in values):
            types[name] = json.loads
        elif values and {value.lower() for value in values} <= {"true", "false"}:
            types[name] = lambda value: value.lower() == "true"
    return types


def _is_exact_number(text: str) -> bool:
    if _INTEGER.fullmatch(text):
        return True
    return _DECIMAL.fullmatch(text) is not None and repr(float(text)) == text


def read_grade(value: Any, number: int, path: Path, *, words: Mapping[str, Any]) -> Any:
    """A grade as parse_relevance() has it; None for an empty cell, which is no judgment. number: of the row. words: what words
    stand for."""
    text = str(value).strip()
    if is_blank(value) or text.lower() in NOTHING:
        return None
    if _THOUSANDS.fullmatch(text):
        what = f'the relevance is "{text}", which may be thousands or decimals; write it without the comma, or with a point'
        raise row_error(what, path, number=number)
    text = text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else str(words.get(text, text))
    try:
        return parse_relevance(text)
    except ValueError as error:
        raise row_error(
            f'the relevance is "{shorten(to_text(value))}", {EXPECTED_GRADE}; correct it', path, number=number
        ) from error
