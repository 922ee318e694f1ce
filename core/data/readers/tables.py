"""Tables (CSV, TSV, JSONL, Parquet) as corpus, queries or judgments: fields mapped to columns, a row's bad id, grade or filter
said with its line.

A mapping is {canonical field: column}; fields mapped to "" are not mapped. Columns of a corpus that are not mapped
become metadata. Values of CSV and TSV columns become numbers or true/false if every value of the column can be written
back letter for letter: 3.1 and 3.2 are numbers, but with 3.10 among them all stay text.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from core.data.readers.archive import move_whole
from core.data.readers.encoding import replace_surrogates
from core.data.readers.jsonl import check_id, kind_of
from core.data.readers.qrels import EXPECTED_GRADE, parse_relevance
from core.data.readers.table_files import Row, is_text_table, place, preview_rows, read_rows, row_error
from core.data.write import write_jsonl, write_qrels
from core.errors import InputError

ColumnMapping = Mapping[str, str]

# role -> canonical field -> column names that suggest it, likeliest first, in lower case without punctuation
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "corpus": {
        "id": ("id", "docid", "documentid", "docno", "corpusid", "passageid", "pid", "uid", "uuid", "key"),
        "title": ("title", "headline", "heading", "subject", "name"),
        "text": ("text", "body", "content", "contents", "passage", "pagecontent", "document", "abstract"),
        "metadata": ("metadata", "meta"),
    },
    "queries": {
        "id": ("id", "queryid", "qid", "questionid", "topicid", "uid", "uuid", "key"),
        "text": ("text", "query", "question", "querytext", "title", "topic"),
        "filter": ("filter", "filters"),
        "tags": ("tags", "tag", "labels", "category"),
        "answer": ("answer", "expectedanswer", "groundtruth", "reference"),
        "evidence": ("evidence",),
    },
    "judgments": {
        "query_id": ("queryid", "qid", "query", "questionid", "topicid", "topic"),
        "doc_id": ("docid", "corpusid", "documentid", "docno", "passageid", "pid", "document", "doc"),
        "relevance": ("relevance", "score", "rel", "label", "grade", "judgment", "judgement"),
    },
}
REQUIRED: dict[str, tuple[str, ...]] = {"corpus": ("text",), "queries": ("text",), "judgments": ("query_id", "doc_id")}
_INTEGER = re.compile(r"0|-?[1-9]\d{0,14}")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)\.\d+")


def preview_table(path: Path, *, rows: int = 5) -> pd.DataFrame:
    """The first rows of a table with all its columns, values as read. Raises InputError if it cannot be read."""
    columns, head = preview_rows(Path(path), rows=rows)
    return pd.DataFrame([[row.values.get(name) for name in columns] for row in head], columns=columns, dtype=object)


def guess_mapping(columns: list[str], *, role: str) -> dict[str, str]:
    """Canonical field -> column for the columns whose names suggest one; no column is used twice.

    role: "corpus" (id, title, text, metadata), "queries" (id, text, filter, tags, answer, evidence) or "judgments"
    (query_id, doc_id, relevance). Fields without a likely column are left out.
    """
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(re.sub(r"[^a-z0-9]", "", column.lower()), column)
    mapping: dict[str, str] = {}
    for field, names in _fields_of(role).items():
        free = [by_name[name] for name in names if name in by_name and by_name[name] not in mapping.values()]
        if free:
            mapping[field] = free[0]
    return mapping


def check_mapping(mapping: ColumnMapping, *, role: str) -> str | None:
    """Why this mapping cannot be loaded, as a sentence for the user, or None if it can.

    Ids of a corpus and of queries need no column: then rows are numbered from 1. Without a relevance column every
    judgment is 1.
    """
    fields = _fields_of(role)
    used = {field: column for field, column in mapping.items() if column}
    unknown = [field for field in used if field not in fields]
    if unknown:
        return f'"{unknown[0]}" is not a field of {role}; the fields are {", ".join(fields)}.'
    for field in REQUIRED[role]:
        if field not in used:
            return f"Choose the column that holds the {field.replace('_id', ' id')} of the {role}."
    for field, column in used.items():
        other = next((name for name in used if name != field and used[name] == column), None)
        if other is not None:
            return f'The column "{column}" is used for both {field} and {other}; choose another one for one of them.'
    return None


def tables_to_dataset_folder(tables: Mapping[str, tuple[str | Path, ColumnMapping]], folder: Path) -> None:
    """Writes tables as the canonical corpus.jsonl, queries.jsonl and qrels.tsv, all at once, for load_dataset to read.

    tables: role -> (path, mapping); "corpus" is required. folder must not exist yet or be empty.
    Raises InputError for a mapping that does not fit, and for rows that do not, with the table's file and line.
    """
    if "corpus" not in tables:
        raise InputError("no table is used as the corpus; choose the table that holds the documents")
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for role, (path, mapping) in tables.items():
            reason = check_mapping(mapping, role=role)
            if reason is not None:
                raise InputError(reason, file=path)
            _WRITERS[role](Path(path), {field: column for field, column in mapping.items() if column}, aside)
        move_whole(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _fields_of(role: str) -> dict[str, tuple[str, ...]]:
    if role not in FIELDS:
        raise InputError(f'"{role}" is not a role of a table; the roles are {", ".join(FIELDS)}')
    return FIELDS[role]


def _write_corpus(path: Path, mapping: ColumnMapping, folder: Path) -> None:
    rows = _read_mapped(path, mapping)
    convert = _column_types(rows) if is_text_table(path) else {}
    rest = [name for name in dict.fromkeys(name for row in rows for name in row.values) if name not in mapping.values()]

    def make_records() -> Iterator[dict[str, Any]]:
        for row, doc_id in _with_ids(rows, path, mapping, what="document"):
            metadata = _read_json(row, mapping, "metadata", path=path) or {}
            if not isinstance(metadata, dict):
                raise row_error("the metadata is not a JSON object; correct it or unmap it", path, number=row.number)
            for name in rest:
                value = row.values.get(name)
                value = convert.get(name, _to_json)(value) if value != "" else None
                if value is not None:
                    metadata = {**metadata, name: value}
            title = _to_text(row.values.get(mapping.get("title", "")))
            yield {"_id": doc_id, "title": title, "text": _text_cell(row, mapping["text"], path), "metadata": metadata}

    write_jsonl(folder / "corpus.jsonl", make_records())


def _write_queries(path: Path, mapping: ColumnMapping, folder: Path) -> None:
    def make_records() -> Iterator[dict[str, Any]]:
        for row, query_id in _with_ids(_read_mapped(path, mapping), path, mapping, what="query"):
            text = _text_cell(row, mapping["text"], path)
            if not text.strip():
                raise row_error("the query is empty; fill it or delete the row", path, number=row.number)
            optional = {
                "filter": _read_json(row, mapping, "filter", path=path),
                "tags": _read_tags(row.values.get(mapping.get("tags", ""))),
                "answer": _to_text(row.values.get(mapping.get("answer", ""))),
                "evidence": _read_json(row, mapping, "evidence", path=path),
            }
            yield {"_id": query_id, "text": text, **{name: value for name, value in optional.items() if value}}

    write_jsonl(folder / "queries.jsonl", make_records())


def _write_judgments(path: Path, mapping: ColumnMapping, folder: Path) -> None:
    found: dict[tuple[str, str], tuple[float, int]] = {}  # (query, document) -> (relevance, row number)
    for row in _read_mapped(path, mapping):
        pair = (_id_cell(row, mapping["query_id"], path), _id_cell(row, mapping["doc_id"], path))
        value = row.values.get(mapping["relevance"]) if "relevance" in mapping else 1
        try:
            relevance = int(value) if isinstance(value, bool) else parse_relevance(str(value).strip())
        except ValueError as error:
            raise row_error(
                f'the relevance is "{_to_text(value)}", {EXPECTED_GRADE}; correct it',
                path,
                number=row.number,
            ) from error
        known = found.setdefault(pair, (relevance, row.number))
        if known[0] != relevance:
            raise row_error(
                f'document "{pair[1]}" is judged {relevance} for query "{pair[0]}", '
                f"but {known[0]} in {place(path, known[1])}; keep one of them",
                path,
                number=row.number,
            )
    write_qrels(folder / "qrels.tsv", ((*pair, relevance) for pair, (relevance, _) in found.items()))


_WRITERS: dict[str, Callable[[Path, ColumnMapping, Path], None]] = {
    "corpus": _write_corpus,
    "queries": _write_queries,
    "judgments": _write_judgments,
}


def _read_mapped(path: Path, mapping: ColumnMapping) -> list[Row]:
    rows = list(read_rows(path))
    columns = {name for row in rows for name in row.values}
    for field, column in mapping.items():
        if column not in columns:
            raise InputError(
                f'has no column "{column}", which is chosen for {field}; found {", ".join(sorted(columns))}', file=path
            )
    return rows


def _with_ids(rows: list[Row], path: Path, mapping: ColumnMapping, *, what: str) -> Iterator[tuple[Row, str]]:
    seen: dict[str, int] = {}
    for position, row in enumerate(rows, start=1):
        value = _id_cell(row, mapping["id"], path) if "id" in mapping else str(position)
        if value in seen:
            raise row_error(
                f'the {what} id "{value}" was already used in {place(path, seen[value])}; '
                "ids must be unique: rename or delete one",
                path,
                number=row.number,
            )
        seen[value] = row.number
        yield row, value


def _id_cell(row: Row, column: str, path: Path) -> str:
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


def _text_cell(row: Row, column: str, path: Path) -> str:
    value = row.values.get(column)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise row_error(
            f'column "{column}" holds {kind_of(value)}, expected text; choose another column', path, number=row.number
        )
    return replace_surrogates(value)


def _read_json(row: Row, mapping: ColumnMapping, field: str, *, path: Path) -> Any:
    value = row.values.get(mapping.get(field, ""))
    if not isinstance(value, str):
        return _to_json(value)
    if not value.strip():
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise row_error(
            f'column "{mapping[field]}" is not JSON ({error}); correct it or do not map it', path, number=row.number
        ) from error


def _read_tags(value: Any) -> list[str]:
    if isinstance(value, str):
        return [tag for tag in (part.strip(' "[]') for part in re.split(r"[;,|]", value)) if tag]
    return [_to_text(item) for item in value] if isinstance(value, list) else []


def _to_text(value: Any) -> str:
    value = _to_json(value)
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _to_json(value: Any) -> Any:
    """A value of a table as plain JSON: dates as ISO text, decimals as numbers, NaN and raw bytes as None."""
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, decimal.Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime.date, datetime.datetime, datetime.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _to_json(item) for name, item in value.items()}
    if value is None or isinstance(value, bytes):
        return None
    return value if isinstance(value, (bool, int)) else str(value)


def _column_types(rows: list[Row]) -> dict[str, Callable[[str], Any]]:
    """For each column of a text table the function that gives its values their type."""
    types: dict[str, Callable[[str], Any]] = {}
    for name in rows[0].values:
        values = {row.values[name] for row in rows} - {""}
        if values and all(_is_exact_number(value) for value in values):
            types[name] = json.loads
        elif values and {value.lower() for value in values} <= {"true", "false"}:
            types[name] = lambda value: value.lower() == "true"
    return types


def _is_exact_number(text: str) -> bool:
    if _INTEGER.fullmatch(text):
        return True
    return _DECIMAL.fullmatch(text) is not None and repr(float(text)) == text
