"""PowerPoint files: the order of slides, and everything that stands on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.readers.documents.kind import Extracted, count_letters
from core.data.readers.documents.reading import Reading
from core.data.readers.documents.slides import read_slides
from core.errors import InputError
from tests.support.files import make_slides, make_zip, relate, shape


def read(*slides: str, notes: dict[int, str] | None = None) -> Extracted:
    return read_slides(make_slides(*slides, notes=notes), Path("x.pptx"), Reading())[0]


def test_slides_with_tables_groups_and_notes() -> None:
    cells = "".join(f"<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>" for text in ("code", "E7"))
    table = f"<p:graphicFrame><a:graphic><a:tbl><a:tr>{cells}</a:tr></a:tbl></a:graphic></p:graphicFrame>"
    group = f"<p:grpSp><p:grpSp>{shape('grouped')}</p:grpSp></p:grpSp>"
    extracted = read(
        shape("first"), group + table + shape("Codes", "title") + shape("2", "sldNum"), notes={0: shape("say hello")}
    )
    assert extracted.text == "first\n\nsay hello\n\n# Codes\n\ngrouped\n\ncode | E7"
    assert extracted.held == count_letters(extracted.text) + 1  # the slide's number


def test_formulas_are_read_and_comments_counted() -> None:
    ns = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    ns += 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    ns += 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    ratio = "<m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den></m:f>"
    ids = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "_rels/.rels": relate(a=("officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": f'<p:presentation {ns} xmlns:r="{ids}"><p:sldId r:id="s"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": relate(s=("slide", "slides/s.xml")),
        "ppt/slides/s.xml": f"<p:sld {ns}><p:sp><a:p><a:r><a:t>ratio </a:t></a:r>{ratio}</a:p></p:sp></p:sld>",
        "ppt/slides/_rels/s.xml.rels": relate(c=("comments", "../comments/c.xml")),
        "ppt/comments/c.xml": f"<p:cmLst {ns}><p:cm><p:text>no</p:text></p:cm><p:cm/></p:cmLst>",
    }
    extracted = read_slides(make_zip(parts), Path("x.pptx"), Reading())[0]
    assert (extracted.text, extracted.held) == ("ratio a/b", count_letters("ratio a/b"))
    assert [(note.what, note.detail) for note in extracted.notes] == [("comments in the margin are not read", "2")]


def test_damaged_files() -> None:
    with pytest.raises(InputError, match=r"is not a readable PowerPoint file \(BadZipFile\); open it in PowerPoint"):
        read_slides(b"PK", Path("x.pptx"), Reading())
