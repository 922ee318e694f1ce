"""OpenDocument texts and slides: text wherever it may stand, and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.readers.documents.kind import Extracted, count_letters
from core.data.readers.documents.open_document import read_open_document
from core.data.readers.documents.reading import Reading
from core.errors import InputError
from tests.support.files import make_open_document


def read(body: str, *, kind: str = "text", **parts: str) -> Extracted:
    return read_open_document(make_open_document(body, kind=kind, **parts), Path("x.odt"), Reading())[0]


def paragraph(text: str) -> str:
    return f"<text:p>{text}</text:p>"


def cell(content: str) -> str:
    return f"<table:table-cell>{content}</table:table-cell>"


def test_texts() -> None:
    note = f"<text:note-citation>1</text:note-citation><text:note-body>{paragraph('a note')}</text:note-body>"
    box = f"<draw:frame><draw:text-box>{paragraph('in a box')}</draw:text-box></draw:frame>"
    deleted = f"<text:tracked-changes><text:deletion>{paragraph('deleted')}</text:deletion></text:tracked-changes>"
    inner = f"<text:list><text:list-item>{paragraph('deeper')}</text:list-item></text:list>"
    head = f"<table:table-header-rows><table:table-row>{cell(paragraph('part'))}{cell(paragraph('price'))}</table:table-row>"
    comment = f"<office:annotation>{paragraph('why?')}</office:annotation>"
    words = f"Oil<text:s text:c='2'/>it<text:span> now</text:span><text:note>{note}</text:note>{box}.{comment}"
    ruby = "<text:ruby><text:ruby-base>東京</text:ruby-base><text:ruby-text>とう</text:ruby-text></text:ruby>"
    listed = f"<text:list><text:list-item>{paragraph('step')}{inner}</text:list-item></text:list>"
    row = f"<table:table-row>{cell(paragraph('motor'))}{cell(paragraph('5') + paragraph('7'))}</table:table-row>"
    extracted = read(
        f"{deleted}<text:h text:outline-level='2'>Pump</text:h>{paragraph(words)}{paragraph(ruby)}"
        f"<draw:frame><draw:object/></draw:frame><text:section>{listed}</text:section>"
        f"<table:table>{head}</table:table-header-rows>{row}</table:table>",
        styles=f"<style:header>{paragraph('Company')}</style:header><style:footer>{paragraph('Company')}</style:footer>",
    )
    assert extracted.text.split("\n\n") == [
        *("## Pump", "Oil  it now.", "a note", "in a box", "東京(とう)", "- step", "- deeper"),
        *("part | price\nmotor | 5 7", "Company"),
    ]
    assert extracted.held == count_letters(extracted.text)
    assert [(kept.what, kept.detail) for kept in extracted.notes] == [
        ("comments in the margin are not read", "1"),
        ("formulas, charts and files embedded in it are not read", "1"),
    ]


def test_slides() -> None:
    frames = "".join(
        f"<draw:frame presentation:class='{kind}'><draw:text-box>{paragraph(text)}</draw:text-box></draw:frame>"
        for kind, text in (("title", "Codes"), ("outline", "E7: no water"), ("page-number", "3"))
    )
    said = (
        f"<presentation:notes><draw:frame presentation:class='notes'>{paragraph('say hello')}</draw:frame></presentation:notes>"
    )
    extracted = read(f"<draw:page>{frames}{said}</draw:page>", kind="presentation")
    assert (extracted.text, extracted.held) == ("# Codes\n\nE7: no water\n\nsay hello", 22)


def test_files_that_cannot_be_read() -> None:
    locked = make_open_document("", manifest="<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>")
    with pytest.raises(InputError, match="is protected by a password; save a copy without protection"):
        read_open_document(locked, Path("x.odt"), Reading())
    with pytest.raises(InputError, match=r"is not a readable OpenDocument file \(BadZipFile\); open it in LibreOffice"):
        read_open_document(b"PK", Path("x.odt"), Reading())
