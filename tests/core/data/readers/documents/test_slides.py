"""PowerPoint files: the order of slides, and everything that stands on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.readers.documents.kind import Extracted, count_letters
from core.data.readers.documents.reading import Reading
from core.data.readers.documents.slides import read_slides
from core.errors import InputError
from tests.support.files import make_slides, shape


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


def test_damaged_files() -> None:
    with pytest.raises(InputError, match=r"is not a readable PowerPoint file \(BadZipFile\); open it in PowerPoint"):
        read_slides(b"PK", Path("x.pptx"), Reading())
