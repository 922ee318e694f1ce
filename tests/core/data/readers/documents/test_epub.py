"""E-books: chapters in the order of reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.readers.documents.epub import read_epub
from core.data.readers.documents.reading import Reading
from core.errors import InputError
from tests.support.files import make_epub

CHAPTERS = {"b.xhtml": "<h1>Two</h1><p>Later.", "a b.xhtml": "<nav>Contents</nav><h1>One</h1><p>First."}


def test_chapters_in_order() -> None:
    book = read_epub(make_epub(CHAPTERS, spine=["a b.xhtml", "b.xhtml", "gone.xhtml"]), Path("x.epub"), Reading())[0]
    assert book.text == "# One\n\nFirst.\n\n# Two\n\nLater."
    assert (book.title, book.metadata) == ("The book", {"creator": "A. Writer"})
    assert [(note.what, note.detail) for note in book.notes] == [("chapters that the e-book names are not in it", "1")]
    assert book.left_out


def test_pages_without_a_place_are_counted() -> None:
    book = read_epub(make_epub(CHAPTERS, spine=["b.xhtml"]), Path("x.epub"), Reading())[0]
    assert [(note.what, note.detail) for note in book.notes] == [
        ("pages that have no place in the e-book's order of reading are not read", "1")
    ]


def test_a_chapter_with_an_empty_title_is_read() -> None:
    chapter = "<html xmlns='http://www.w3.org/1999/xhtml'><head><title/></head><body><p>Walnut</p></body></html>"
    (book,) = read_epub(make_epub({"a": chapter}, spine=["a"]), Path("x.epub"), Reading())
    assert book.text == "Walnut"


def test_a_protected_book() -> None:
    lock = '<encryption xmlns:e="urn:e"><e:CipherReference URI="in/{}"/></encryption>'
    font = make_epub(CHAPTERS, spine=["b.xhtml"], encryption=lock.format("font.otf"))
    assert read_epub(font, Path("x.epub"), Reading())[0].text == "# Two\n\nLater."
    with pytest.raises(InputError, match=r"x.epub: the e-book is protected against copying; use a copy without protection"):
        read_epub(make_epub(CHAPTERS, spine=["b.xhtml"], encryption=lock.format("b.xhtml")), Path("x.epub"), Reading())


def test_a_chapter_that_is_named_often_is_read_once() -> None:
    data = make_epub({"a.html": "<p>" + "Long. " * 2_000}, spine=["a.html"] * 20_000)
    [book] = read_epub(data, Path("x.epub"), Reading())
    assert len(book.text.split()) == 2_000
