"""Rows that hold a query with its passages, as MS MARCO and DPR write them, in JSON, JSON Lines or Parquet.

MS MARCO: query, query_id, answers, passages: {is_selected: [0, 1], passage_text: […], url: […]}, or a list of such objects.
DPR: question, answers, positive_ctxs, negative_ctxs, hard_negative_ctxs: lists of objects with title, text and maybe an id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.grades import Grade
from core.data.readers.cells import read_id, read_text_cell, to_text
from core.data.readers.columns import is_grade_name, simplify
from core.data.readers.contents import Contents
from core.data.readers.guesses import guess_mapping
from core.data.readers.json_tables import may_have_rows
from core.data.readers.jsonl import check_id
from core.data.readers.qrels import Judgment, collect_judgments, parse_relevance
from core.data.readers.table_files import Head, Row, read_rows, row_error
from core.data.readers.values import is_blank
from core.errors import InputError
from core.text.phrases import count_of

_QUERY = ("query", "question")
_QUERY_IDS = ("query_id", "question_id", "qid", "id")
_PASSAGE_IDS = ("passageid", "psgid", "docid", "id", "pid")
# column -> grade of its passages: 0 for those that were chosen because they do not hold the answer, None for no judgment
_CHOSEN: Mapping[str, Grade | None] = {"positive_ctxs": 1, "hard_negative_ctxs": 0, "negative_ctxs": None}
_RETRIEVED = ("passages", "ctxs")  # what a system found: judged where the passages say so themselves
_IN_JSON = ('"positive_ctxs"', '"passage_text"', '"ctxs"')
_MARCO_COLUMNS = re.compile(r'\{\s*"answers"\s*:\s*\{\s*"\d+"\s*:')  # answers of all rows, then passages of all rows
_NO_ANSWER = "No Answer Present."  # what MS MARCO writes for none


@dataclass(frozen=True)
class _Passage:
    """doc_id: "" for none. grade: None for no judgment."""

    doc_id: str
    title: str
    text: str
    url: str
    grade: Grade | None


@dataclass(frozen=True)
class _Asked:
    """A row: its file and number, its query, and its passages that have a text."""

    path: Path
    number: int
    query_id: str
    passages: tuple[_Passage, ...]


def are_passage_rows(head: Head) -> bool:
    """Whether a table has a query in each row with its passages as objects."""
    if not set(head.columns) & set(_QUERY):
        return False
    found = [name for name in (*_CHOSEN, *_RETRIEVED) if name in head.columns]
    return any(_are_passages(value) for name in found for value in head.values_of(name))


def may_be_passage_rows(start: str) -> bool:
    """Whether a JSON file that begins so holds such rows; a row, or a column, may be longer than what is looked at."""
    asked = any(f'"{name}"' in start for name in _QUERY) and any(map(start.count, _IN_JSON))
    return may_have_rows(start) and (asked or _MARCO_COLUMNS.match(start) is not None)


def read_passage_rows(paths: Iterable[Path]) -> Contents:
    """Queries with their passages as documents. Where every passage has an id, always with the same text, ids name them;
    else each distinct text is one document.

    Judgments are what the passages say (is_selected), and DPR's columns: positive 1, hard negative 0. Other negatives and
    passages without a label are documents alone. Raises InputError for rows of another shape.
    """
    contents = Contents()
    rows: list[_Asked] = []
    files = list(paths)
    known: dict[str, tuple[str, str]] = {}
    empty = 0
    for path in files:
        contents.queries_file = path
        for row in read_rows(path):
            passages = list(_list_passages(row, path))
            filled = tuple(passage for passage in passages if passage.text.strip())
            empty += len(passages) - len(filled)
            rows.append(_Asked(path, row.number, _add_query(row, path, contents, known), filled))
    documents = _add_documents(rows, contents)
    if not contents.corpus.ids:
        raise InputError("has queries, but no passage with a text; export it again", file=contents.queries_file)
    if empty:
        verb = "was" if empty == 1 else "were"
        contents.notes.append(f"{count_of(empty, 'passage')} without a text {verb} left out.")
    contents.judgments = collect_judgments((path, _judge(path, rows, documents)) for path in files)
    _note_labels(rows, contents)
    return contents


def _add_query(row: Row, path: Path, contents: Contents, known: dict[str, tuple[str, str]]) -> str:
    text = read_text_cell(row, next((name for name in _QUERY if name in row.values), _QUERY[0]), path)
    if not text.strip():
        raise row_error("the query is empty; fill it or delete the row", path, number=row.number)
    named = next((name for name in _QUERY_IDS if not is_blank(row.values.get(name))), None)
    key = read_id(row, named, path) if named else text
    if key in known:
        query_id, before = known[key]
        if before != text:
            raise row_error(f'the query id "{key}" occurs twice with different texts; rename one', path, number=row.number)
        return query_id
    query_id = key if named else f"q{len(known) + 1}"
    known[key] = (query_id, text)
    given = row.values.get("answers")
    answers = [one for one in (given if isinstance(given, list) else [given]) if not is_blank(one) and one != _NO_ANSWER]
    contents.queries.add(query_id, text, answer=to_text(answers[0]) if answers else "", line=row.number)
    return query_id


def _list_passages(row: Row, path: Path) -> Iterator[_Passage]:
    for column in (*_CHOSEN, *_RETRIEVED):
        for passage in _list_objects(row, column, path):
            mapping = guess_mapping(list(passage), role="corpus")
            if "text" not in mapping:
                names = ", ".join(passage) or "none"
                raise row_error(f'a passage in "{column}" has no text; its fields are {names}', path, number=row.number)
            named = next((name for name in passage if simplify(name) in _PASSAGE_IDS), "")
            doc_id = to_text(passage.get(named)).strip()
            problem = check_id(doc_id) if doc_id else None
            if problem:
                raise row_error(f'the id of a passage in "{column}" {problem}', path, number=row.number)
            yield _Passage(
                doc_id,
                to_text(passage.get(mapping.get("title", ""))),
                to_text(passage[mapping["text"]]),
                to_text(passage.get("url")),
                _CHOSEN[column] if column in _CHOSEN else _read_label(passage, column, row, path),
            )


def _list_objects(row: Row, column: str, path: Path) -> Sequence[Mapping[str, Any]]:
    """The passages of a cell: a list of objects, or an object of lists that belong together."""
    value = row.values.get(column)
    if value is None:
        return []
    if isinstance(value, dict) and all(isinstance(one, list | tuple) for one in value.values()):
        if len({len(one) for one in value.values()}) <= 1:
            return [dict(zip(value, one, strict=True)) for one in zip(*value.values(), strict=True)]
        raise row_error(f'the lists in "{column}" are not of one length; export it again', path, number=row.number)
    if isinstance(value, list | tuple) and all(isinstance(one, dict) for one in value):
        return value
    raise row_error(f'"{column}" holds no passages, which are objects with a text; correct it', path, number=row.number)


def _are_passages(value: Any) -> bool:
    try:
        objects = _list_objects(Row(1, {"": value}), "", Path())
    except InputError:
        return False
    return any("text" in guess_mapping(list(one), role="corpus") for one in objects)


def _read_label(passage: Mapping[str, Any], column: str, row: Row, path: Path) -> Grade | None:
    """What a passage says of itself; a number below 0 leaves it open. A system's score is no label."""
    named = next((name for name in passage if simplify(name) in ("isselected", "isrelevant")), None)
    named = named or next((name for name in passage if is_grade_name(name) and "score" not in name.lower()), None)
    value = passage.get(named) if named else None
    if is_blank(value):
        return None
    try:
        grade = parse_relevance(str(int(value) if isinstance(value, bool) else value))
    except ValueError as error:
        raise row_error(f'"{named}" of a passage in "{column}" is no grade; correct it', path, number=row.number) from error
    return grade if abs(grade) == grade else None  # below 0: not judged


def _add_documents(rows: Sequence[_Asked], contents: Contents) -> dict[tuple[str, str, str], str]:
    """Adds each passage once. Returns (its id, title, text) -> document id."""
    texts: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        for passage in row.passages:
            texts.setdefault(passage.doc_id, set()).add((passage.title, passage.text))
    named = "" not in texts and all(len(found) == 1 for found in texts.values())
    if not named and set(texts) != {""}:
        contents.notes.append("The ids of the passages do not tell all of them apart, so they are numbered: p1, p2 and so on.")
    documents: dict[tuple[str, str, str], str] = {}
    ids: dict[tuple[str, str, str], str] = {}
    urls: dict[str, str] = {}
    elsewhere = 0
    for row in rows:
        for passage in row.passages:
            key = (passage.doc_id if named else "", passage.title, passage.text)
            if key not in ids:
                doc_id = ids[key] = passage.doc_id if named else f"p{len(ids) + 1}"
                contents.corpus.add(doc_id, passage.title, passage.text, {"url": passage.url} if passage.url else {})
                urls[doc_id] = passage.url
            elsewhere += passage.url != urls[ids[key]]
            documents[passage.doc_id, passage.title, passage.text] = ids[key]
    if elsewhere:
        verb = "stands" if elsewhere == 1 else "stand"
        contents.notes.append(f"{count_of(elsewhere, 'passage')} {verb} at another address too; the first one was kept.")
    return documents


def _judge(path: Path, rows: Sequence[_Asked], documents: Mapping[tuple[str, str, str], str]) -> Iterator[Judgment]:
    """The judgments of a file, one for each query and document: the highest grade."""
    best: dict[tuple[str, str], tuple[int, Grade]] = {}
    for row in rows:
        for passage in row.passages if row.path == path else ():
            pair = (row.query_id, documents[passage.doc_id, passage.title, passage.text])
            if passage.grade is not None and (pair not in best or passage.grade > best[pair][1]):
                best[pair] = (row.number, passage.grade)
    yield from ((number, *pair, grade) for pair, (number, grade) in best.items())


def _note_labels(rows: Sequence[_Asked], contents: Contents) -> None:
    judged: dict[str, list[Grade]] = {}
    for row in rows:
        judged.setdefault(row.query_id, []).extend(one.grade for one in row.passages if one.grade is not None)
    without = sum(not grades for grades in judged.values())
    none = sum(bool(grades) and not any(grades) for grades in judged.values())
    if without:
        verb = "has passages without a label" if without == 1 else "have passages without labels"
        contents.notes.append(f"{count_of(without, 'query')} {verb}: what a system found is a document, but no judgment.")
    if none:
        verb = "has" if none == 1 else "have"
        contents.notes.append(f"{count_of(none, 'query')} {verb} no passage that is relevant.")
