"""Evidence: quotes and spans of queries.jsonl as character offsets into the documents' texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.data.readers.corpus import Queries
from core.data.readers.jsonl import kind_of
from core.data.readers.qrels import match_spelling
from core.errors import InputError
from core.text.phrases import count_of, first_five, shorten
from core.text.words import fold

_FARTHEST = 2**40  # characters: more than a document can have, and few enough for arithmetic on 64 bits
Span = tuple[str, str, int, int]  # query id, document id, start, end (exclusive)


class _Unfit(Exception):
    """What is wrong with one piece of evidence, as the rest of a sentence that begins with its number and query."""


@dataclass
class Evidence:
    """Spans in the order of the queries; at most one per query, document and start."""

    spans: list[Span] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def resolve_evidence(queries: Queries, texts: Mapping[str, str], *, path: Path) -> Evidence:
    """Turns each query's evidence into spans. texts: document id -> text; path: queries.jsonl, for messages.

    A span on a document that is not in the corpus is kept as it is; a quote from one is kept with its length, at a
    place that is made up (from 0, one after the other), since nothing can ever be retrieved there: it counts as missed.
    Raises InputError for spans out of range, and for quotes that are not found or found twice.
    """
    ends: dict[tuple[str, str, int], int] = {}
    spell = match_spelling(texts)
    missing: list[str] = []
    twice: list[str] = []
    for query_id, entries, line in zip(queries.ids, queries.evidence, queries.lines, strict=True):
        unplaced: dict[str, int] = {}
        for number, entry in enumerate(entries, start=1):
            where = f'evidence {number} of query "{query_id}"'
            try:
                doc_id = spell(_take_doc_id(entry))
                if doc_id in texts:
                    start, end = _locate(entry, texts[doc_id], doc_id=doc_id)
                else:
                    missing.append(doc_id)
                    start, end = _place(entry, unplaced.get(doc_id, 0))
                    unplaced[doc_id] = end
            except _Unfit as error:
                raise InputError(f"{where} {error}", file=path, line=line) from error
            key = (query_id, doc_id, start)
            if key in ends:
                twice.append(query_id)
            ends[key] = max(end, ends.get(key, 0))
    result = Evidence(spans=[(*key, end) for key, end in ends.items()])
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        result.warnings.append(
            f"{count_of(len(missing), 'evidence span')} {verb} in documents that are not in the corpus "
            f"(kept: the answer is not in the corpus): {first_five(missing)}."
        )
    if twice:
        result.warnings.append(
            f"{count_of(len(twice), 'evidence span')} of the same query began at the same place as another; "
            f"the longest was kept: {first_five(twice)}."
        )
    return result


def _take_doc_id(entry: Any) -> str:
    if not isinstance(entry, dict):
        raise _Unfit(f"is {kind_of(entry)}, expected an object with doc_id and either quote or start and end")
    doc_id = entry.get("doc_id")
    if isinstance(doc_id, int) and not isinstance(doc_id, bool):
        return str(doc_id)
    if not isinstance(doc_id, str) or not doc_id:
        raise _Unfit('has no "doc_id"; add the id of the document it is in')
    return doc_id


def _take_span(entry: dict[str, Any]) -> tuple[int, int] | None:
    if "start" not in entry and "end" not in entry:
        return None
    start, end = entry.get("start"), entry.get("end")
    for name, value in (("start", start), ("end", end)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise _Unfit(f'has {kind_of(value)} as "{name}", expected a whole number of characters; correct it')
    return int(str(start)), int(str(end))


def _take_quote(entry: dict[str, Any]) -> str:
    quote = entry.get("quote")
    if quote is None:
        raise _Unfit('has neither "quote" nor "start" and "end"; add one of them')
    if not isinstance(quote, str) or not quote.strip():
        raise _Unfit('has an empty "quote" or one that is not text; copy it from the document')
    return quote


def _locate(entry: dict[str, Any], text: str, *, doc_id: str) -> tuple[int, int]:
    span = _take_span(entry)
    if span is not None:
        start, end = span
        if not 0 <= start < end <= len(text):
            raise _Unfit(
                f'is the span {start}-{end}, outside document "{doc_id}" of {count_of(len(text), "character")}; '
                "start must be below end and end at most the length"
            )
        quote = entry.get("quote")
        if quote is not None and quote != text[start:end]:
            raise _Unfit(
                f'has a quote that differs from the span {start}-{end} of document "{doc_id}", '
                f'which is "{shorten(text[start:end])}"; correct one of them'
            )
        return start, end
    quote = _take_quote(entry)
    start = text.find(quote)
    if start < 0:
        loosely = _squeeze(quote) in _squeeze(text)
        hint = " (it is there with other white space or case)" if loosely else ""
        raise _Unfit(
            f'has a quote that is not found in document "{doc_id}"{hint}: "{shorten(quote)}"; '
            "copy it letter for letter from the document's text"
        )
    if text.find(quote, start + 1) >= 0:
        raise _Unfit(
            f'has a quote that is found twice in document "{doc_id}": "{shorten(quote)}"; '
            "make it longer until it is unique, or give start and end"
        )
    return start, start + len(quote)


def _place(entry: dict[str, Any], after: int) -> tuple[int, int]:
    span = _take_span(entry)
    if span is None:
        return after, after + len(_take_quote(entry))
    if not 0 <= span[0] < span[1] <= _FARTHEST:
        raise _Unfit(f"is the span {span[0]}-{span[1]}; start must be at least 0 and below end, end at most {_FARTHEST:,}")
    return span


def _squeeze(text: str) -> str:
    return "".join(fold(text).split())
