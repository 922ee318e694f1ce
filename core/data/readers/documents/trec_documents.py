"""TREC's collections: many documents in a file, each between <DOC> and </DOC> with its id in <DOCNO>."""

from __future__ import annotations

import html
import re
from pathlib import Path

from core.data.readers.documents.kind import Extracted
from core.data.readers.documents.reading import Reading
from core.data.readers.encoding import decode_text
from core.errors import InputError

_BEGINNING = re.compile(r"\s*<DOC>\s*<DOCNO>", re.IGNORECASE)
_NUMBER = re.compile(r"<DOCNO>([^<]*)</DOCNO>", re.IGNORECASE)
_TITLE = re.compile(r"<(HEADLINE|TITLE|HEAD|TTL|HL)>([^<]*)</\1>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


def is_collection(text: str) -> bool:
    """Whether a text is such a collection."""
    return _BEGINNING.match(text[:1_000]) is not None


def read_collection_file(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """The documents of a collection. Raises InputError if it is none, and for a document without a number."""
    text = decode_text(data, path)
    if not is_collection(text):
        raise InputError("does not begin with <DOC> and <DOCNO> as TREC's collections do; rename it to what it is", file=path)
    return list_documents(text, path)


def list_documents(text: str, path: Path) -> list[Extracted]:
    """The documents of a collection's text. Raises InputError for a document without a number."""
    documents: list[Extracted] = []
    for part in re.split(r"<DOC>", text, flags=re.IGNORECASE)[1:]:
        body = re.split(r"</DOC>", part, maxsplit=1, flags=re.IGNORECASE)[0]
        number = _NUMBER.search(body)
        if number is None or not number[1].strip():
            raise InputError(f"document {len(documents) + 1} has no number; add <DOCNO>", file=path)
        title = _TITLE.search(body)
        shown = html.unescape(_TAG.sub(" ", body[: number.start()] + body[number.end() :]))
        lines = [" ".join(line.split()) for line in shown.split("\n")]
        name = number[1].strip()
        heading = " ".join(html.unescape(title[2]).split()) if title else ""
        documents.append(Extracted("\n".join(filter(None, lines)), title=heading, part=name, doc_id=name))
    return documents
