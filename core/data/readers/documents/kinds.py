"""The kinds of files that are read as documents, each a line: a new one is its file and its line here."""

from __future__ import annotations

from pathlib import Path

from core.data.readers.documents.epub import read_epub
from core.data.readers.documents.json_texts import read_json, read_json_lines
from core.data.readers.documents.kind import Kind
from core.data.readers.documents.mail import read_mail, read_mailbox
from core.data.readers.documents.notebook import read_notebook
from core.data.readers.documents.open_document import read_open_document
from core.data.readers.documents.pdf import read_pdf
from core.data.readers.documents.plain import (
    SOURCE_SUFFIXES,
    is_text,
    read_markdown,
    read_source,
    read_text_file,
    read_web_page,
)
from core.data.readers.documents.sheets import read_sheets
from core.data.readers.documents.slides import read_slides
from core.data.readers.documents.trec_documents import read_collection_file
from core.data.readers.documents.word import read_word

KINDS = (
    Kind("txt", (".txt", ".text"), read_text_file, has_headings=False),
    Kind("md", (".md", ".markdown"), read_markdown),
    Kind("html", (".html", ".htm", ".xhtml"), read_web_page),
    Kind("pdf", (".pdf",), read_pdf),
    Kind("docx", (".docx", ".docm", ".dotx"), read_word),
    Kind("pptx", (".pptx", ".pptm", ".ppsx"), read_slides),
    Kind("", (".odt", ".odp", ".ott"), read_open_document),
    Kind("", (".xlsx", ".xlsm", ".xls", ".ods"), read_sheets, has_headings=False),
    Kind("epub", (".epub",), read_epub),
    Kind("eml", (".eml",), read_mail, has_headings=False),
    Kind("mbox", (".mbox",), read_mailbox, has_headings=False),
    Kind("ipynb", (".ipynb",), read_notebook),
    Kind("trec", (".trec", ".sgml", ".sgm"), read_collection_file, has_headings=False),
    Kind("json", (".json",), read_json, has_headings=False, beside_tables=False),
    Kind("", SOURCE_SUFFIXES, read_source, has_headings=False, beside_tables=False),
)
# Only beside other documents: alone it is a table, whose columns are named on the Data page.
LINES = Kind("jsonl", (".jsonl", ".ndjson"), read_json_lines, has_headings=False, beside_tables=False)

_BY_SUFFIX = {suffix: kind for kind in (*KINDS, LINES) for suffix in kind.suffixes}
# What people are told; source code has too many endings to list.
SHOWN = (
    ".txt .md .html .pdf .docx .pptx .odt .odp .xlsx .xls .ods .epub .eml .mbox .ipynb .json, source code (.py .java .sql …), "
    "and other text"
)
_SAMPLE = 8_192  # bytes


def find_kind(path: Path) -> Kind | None:
    """The kind of a file by its ending; a file without an ending is text if it begins like text."""
    if path.suffix:
        return _BY_SUFFIX.get(path.suffix.lower())
    try:
        with path.open("rb") as file:
            return _BY_SUFFIX[".txt"] if is_text(file.read(_SAMPLE)) else None
    except OSError:
        return None
