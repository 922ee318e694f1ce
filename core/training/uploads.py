"""Training examples from a file: a table in one of the five forms, recognised by its columns."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from core.data.readers.table_files import TABLE_SUFFIXES, read_rows, row_error
from core.errors import InputError
from core.training.examples import COLUMNS, Examples

LINE = "line"  # the line of the file that an example stands on
_NAMES = {
    "query": ("query", "anchor", "question", "sentence1", "text1"),
    "positive": ("positive", "pos", "answer", "positivepassage"),
    "negative": ("negative", "neg", "negativepassage", "hardnegative"),
    "document": ("document", "passage", "doc", "sentence2", "text2", "text"),
    "label": ("label", "relevance", "relevant"),
    "score": ("score", "similarity", "similarityscore"),
}
_NUMBERED = re.compile(r"(?:hard)?neg(?:ative)?s?(?:passage)?(\d+)")
_EXPECTED = (
    "expected the columns of one form: query, positive (pairs); query, document, label (labelled); query, positive, negative "
    "(triplets); query, positive, negative_1, negative_2, ... (hard negatives); query, document, score (scores)"
)


def read_examples(path: Path) -> Examples:
    """The examples of a CSV, TSV, JSONL or Parquet file; query_id is "" throughout, `line` says where each stands.

    Raises InputError, with file and line, for columns of no form, empty cells, labels other than 0 and 1, and scores outside
    0 to 1.
    """
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise InputError("is not a table; expected a .csv, .tsv, .jsonl or .parquet file", file=path)
    rows = list(read_rows(path))
    if not rows:
        raise InputError("has no rows; expected at least one example", file=path)
    columns = list(dict.fromkeys(name for row in rows for name in row.values))
    names = _map_columns(columns)
    form = _find_form(names, columns, path)
    wanted = [
        *COLUMNS[form],
        *(sorted((n for n in names if n.startswith("negative_")), key=_number) if form == "hard_negatives" else []),
    ]
    records = []
    for row in rows:
        record: dict[str, Any] = {"query_id": "", LINE: row.number}
        for name in wanted:
            value = row.values.get(names[name])
            record[name] = (
                _read_number(value, name, path, row.number)
                if name in ("label", "score")
                else _read_text(value, name, path, row.number)
            )
        records.append(_fill_negatives(record, wanted[2:], path) if form == "hard_negatives" else record)
    return Examples(form, pd.DataFrame(records, columns=["query_id", *wanted, LINE]), path.name, str(path))


def _map_columns(columns: list[str]) -> dict[str, str]:
    """canonical name -> column; numbered negatives as negative_1, negative_2, ..."""
    found: dict[str, str] = {}
    for column in columns:
        plain = re.sub(r"[^a-z0-9]", "", column.lower())
        numbered = _NUMBERED.fullmatch(plain)
        if numbered:
            found[f"negative_{int(numbered[1])}"] = column
            continue
        for name, spellings in _NAMES.items():
            if plain in spellings:
                found.setdefault(name, column)
    if "negative" in found and any(name.startswith("negative_") for name in found):
        found.setdefault("negative_0", found.pop("negative"))
    if found.keys() & {"label", "score"} and not any(name == "document" or name.startswith("negative") for name in found):
        found |= {"document": found.pop("positive")} if "positive" in found else {}  # the label says whether it is one
    return found


def _find_form(names: Mapping[str, str], columns: list[str], path: Path) -> str:
    numbered = any(name.startswith("negative_") for name in names)
    if "query" in names:
        if "positive" in names and numbered:
            return "hard_negatives"
        if "positive" in names:
            return "triplets" if "negative" in names else "pairs"
        if "document" in names and "label" in names:
            return "labelled"
        if "document" in names and "score" in names:
            return "scores"
    raise InputError(f"has the columns {', '.join(map(str, columns))}; {_EXPECTED}", file=path)


def _number(name: str) -> int:
    return int(name.rsplit("_", 1)[1])


def _fill_negatives(record: dict[str, Any], names: list[str], path: Path) -> dict[str, Any]:
    """The example with its own negatives in place of blank ones, since a loss reads every column of every row."""
    given = [record[name] for name in names if record[name]]
    if not given:
        raise row_error(f"{names[0]} is nothing; expected text", path, number=record[LINE])
    return {**record, **dict(zip([name for name in names if not record[name]], itertools.cycle(given), strict=False))}


def _read_text(value: Any, name: str, path: Path, line: int) -> str:
    text = value.strip() if isinstance(value, str) else ""
    blank = value is None or (isinstance(value, str) and not text)
    if not text and not (name.startswith("negative_") and blank):
        found = "nothing" if blank else repr(value)
        raise row_error(f"{name} is {found}; expected text", path, number=line)
    return text


def _read_number(value: Any, name: str, path: Path, line: int) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if name == "label" and number not in (0.0, 1.0):
        raise row_error(f"label is {value!r}; it can be 1 (belongs together) or 0", path, number=line)
    if not 0 <= number <= 1:
        raise row_error(f"score is {value!r}; it must lie between 0 and 1", path, number=line)
    return int(number) if name == "label" else number
