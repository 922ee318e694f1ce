"""Texts of the data inside a figure: escaped, on one line, cut or broken."""

from __future__ import annotations

from core.report.figures.text import escape, shorten, wrap, wrap_words


def test_nothing_is_html_any_more() -> None:
    text = "<b>a\n & \tb</b>"
    assert escape(text) == "&lt;b&gt;a &amp; b&lt;/b&gt;"
    assert shorten(text, width=40) == wrap(text, width=40) == wrap_words(text, width=40) == escape(text)


def test_a_long_text_is_cut_before_it_is_escaped() -> None:
    assert shorten("a & b & c", width=9) == "a &amp; b &amp; c"
    assert shorten("a & b & c", width=8) == "a &amp; b &amp;…"
    assert shorten("a & b & c", width=7) == "a &amp; b…", "no space before the sign"


def test_lines_break_at_hyphens_and_inside_long_words() -> None:
    assert wrap("hybrid-rrf of two & more", width=8) == "hybrid-<br>rrf of<br>two &amp;<br>more"
    assert wrap("abcdefghij", width=4) == "abcd<br>efgh<br>ij"
    assert wrap("", width=4) == ""


def test_lines_break_between_words_only() -> None:
    assert wrap_words("hybrid-rrf of two", width=8) == "hybrid-rrf<br>of two"
    assert wrap_words("a abcdefghij b", width=4) == "a<br>abcdefg…<br>b"
    assert wrap_words(" ", width=4) == ""
