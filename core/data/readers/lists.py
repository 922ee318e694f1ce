"""Several ids in one cell: a list of a Parquet or JSON file, or its text as JSON, Python or NumPy write it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from core.data.readers.columns import is_grade_name
from core.data.readers.encoding import replace_surrogates
from core.data.readers.jsonl import check_depth
from core.data.readers.values import is_blank, looks_like_list

_ID_NAMES = ("docid", "doc_id", "_id", "id", "document_id", "passage_id", "corpus_id", "corpus-id", "docno", "pid")
_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>['"])(?P<quoted>(?:\\.|(?!(?P=mark))[^\\])*+)(?P=mark)|(?P<bare>[^\[\](),'"]+)|[\[\](),])""", re.DOTALL
)
_ARRAY = re.compile(r"\b(?:array|list|tuple)\(|,\s*dtype=(?:'[^']*'|[\w.]+)|\)")
_SEPARATORS = (";", "|", ",", "\n", " ")


def list_entries(value: Any, *, known: Collection[str] = ()) -> list[tuple[str, Any]]:
    """The ids in a cell with their grades (None where the cell gives none), nested lists flattened, each id once.

    A mapping of ids to numbers gives grades; objects in a list give their id, and their grade if they have one. Text in
    square brackets is a list; other text is one id, unless it is unknown and some of its parts between ; | or line ends
    are known, or all between commas or white space. known: ids of documents.
    Raises ValueError that says what is wrong, as the rest of a sentence.
    """
    found: dict[str, Any] = {}
    for name, grade in _walk(value, known):
        found.setdefault(name, grade)
    return list(found.items())


def read_list(text: str) -> Any:
    """The list that a text is, as JSON, all numbers in it as text; else a tuple of its words, for how others write lists."""
    try:
        check_depth(text)
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)  # ids are text: 1e3 is not 1000
    except ValueError:
        return _read_tokens(text)


def _walk(value: Any, known: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    if is_blank(value):
        return
    if isinstance(value, str):
        yield from _read_text(replace_surrogates(value.strip()), known)
    elif isinstance(value, Mapping):
        yield from _read_mapping(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _walk(item)
    elif isinstance(value, float) and value.is_integer():
        yield str(int(value)), None  # whole numbers become floats in a column that once had a gap
    elif isinstance(value, (bool, bytes, float)):
        raise ValueError(f"holds {value!r}, expected an id")
    else:
        yield str(value), None


def _read_mapping(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    named = next((name for name in _ID_NAMES if name in value), None)
    if named is not None:
        graded_by = next((name for name in value if is_grade_name(str(name)) and not is_blank(value[name])), None)
        for doc_id, _ in _walk(value[named]):
            yield doc_id, None if graded_by is None else value[graded_by]
        return
    graded = {str(name): grade for name, grade in value.items() if grade is not None}
    try:
        for grade in graded.values():
            float(grade)
    except (TypeError, ValueError):
        raise ValueError(f"holds an object without an id ({', '.join(graded)})") from None
    yield from graded.items()


def _read_text(text: str, known: Collection[str]) -> Iterator[tuple[str, Any]]:
    if not text or text in known:
        yield from [(text, None)] if text else []
    elif looks_like_list(text) or (text.startswith("{") and text.endswith("}")):
        value = read_list(text)
        yield from ((name, None) for name in value) if isinstance(value, tuple) else _walk(value)
    else:
        cuts = {mark: _cut(text, mark) for mark in _SEPARATORS}
        parts = next((parts for parts in cuts.values() if parts and all(one in known for one in parts)), None)
        # Where some are known the others are documents that are not there, which is counted; commas and spaces are in ids, too.
        parts = parts or next((cuts[mark] for mark in ";|\n" if any(one in known for one in cuts[mark])), [text])
        yield from ((part, None) for part in parts)


def _cut(text: str, mark: str) -> list[str]:
    return [part.strip() for part in text.split(mark) if part.strip()]


def _read_tokens(text: str) -> tuple[str, ...]:
    """Python's and NumPy's way of writing lists, read word by word: Python would join NumPy's 'a' 'b' to one text."""
    text = _ARRAY.sub(" ", text)
    commas = "," in re.sub(r"'[^']*'|\"[^\"]*\"", "", text)
    found: list[str] = []
    for token in _TOKEN.finditer(text):
        if token["quoted"] is not None:
            found.append(re.sub(r"\\(.)", r"\1", token["quoted"]).strip())
        elif token["bare"] is not None:
            words = [token["bare"].strip()] if commas else token["bare"].split()
            found += [word for word in words if word and word != "None"]
    if "..." in found:
        raise ValueError("holds a list that was cut with ... when it was written")
    return tuple(name for name in found if name)
