"""Where paragraphs, lines, sentences, words and headed sections begin."""

from __future__ import annotations

import time

import pytest

from core.text.boundaries import find_boundaries, find_headings, find_sections, find_sentences


def test_heading_forms():
    text = (
        '<h2 id="x">Fish &amp; <b>chips</b></h2>rest\n'
        "### See [the guide](http://localhost) **now** {#now}\n"
        "- item\n---\n\nTwo\nlines\n===\n\n#\n\n---\nkey: value\n---\n"
    )
    assert [(heading.level, heading.title) for heading in find_headings(text)] == [
        (2, "Fish & chips"),
        (3, "See the guide now"),
        (1, ""),
    ]


def test_levels_close_deeper_headings():
    text = "# A\na\n### B\nb\n## C\nc\n# D\n# E\ne"
    assert [section.path for section in find_sections(text)] == ["A", "A > B", "A > C", "D", "E"]


def test_unclosed_fence_runs_to_the_end():
    assert [heading.title for heading in find_headings("# A\n````\n# b\n```\n# c")] == ["A"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It is. He said “no.” Then left!", ["It is. ", "He said “no.” ", "Then left!"]),
        ("See Fig. 2 by Dr. J. Smith, e.g. here. End.", ["See Fig. 2 by Dr. J. Smith, e.g. here. ", "End."]),
        ("1. Open it. 2. It cost 3.5 in 1999. Next", ["1. Open it. ", "2. ", "It cost 3.5 in 1999. ", "Next"]),
        ("a lift . the drag . )", ["a lift . ", "the drag . )"]),
        ("wrapped\nline. New\nLine\n\nnew", ["wrapped\nline. ", "New\n", "Line\n\n", "new"]),
        ("はい。いいえ！", ["はい。", "いいえ！"]),
    ],
)
def test_sentences(text, sentences):
    assert [text[start:end] for start, end in find_sentences(text, find_boundaries(text))] == sentences


def test_boundaries_by_level():
    #       0123 45678 9..
    text = " a b\nc\r\n\r\nd. e\x0cf "
    assert find_boundaries(text) == [[10, 15], [5], [13], [3]]


MANY = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "# a" + " " * MANY + "x",
        "# a" + " #" * MANY + "x",
        "# " + "[" * MANY,
        "# " + "![](" * MANY,
        "# [a](" + "(a)" * MANY,
        "# " + "{#" * MANY + "}",
        "# a" + " " * MANY + "{#b} c",
        "<h1>" + "<" * MANY + "</h1>",
        "<h1>" + "</h1 " * MANY,
        "\n" * MANY,
        "#\n" * (MANY // 4),
        "。" * MANY,
        "a" + ")" * MANY + " ",
    ],
    ids=range(13),
)
def test_time_is_in_proportion_to_the_text(text):
    started = time.process_time()
    find_sections(text)
    find_sentences(text, find_boundaries(text))
    assert time.process_time() - started < 2.5


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("# C# ", "C#"),
        ("## a ## ", "a"),
        ("# #", ""),
        ("#", ""),
        ("   # # #", "#"),
        ("# [![logo](a.png)](b)", "[logo](b)"),
        ("# see [Wi-Fi](http://x/(y)) now", "see Wi-Fi now"),
        ("# a {#b} {#c}", "a {#b}"),
        ("# a {b} {", "a {b} {"),
    ],
)
def test_titles(line, title):
    assert [heading.title for heading in find_headings(line)] == [title]


@pytest.mark.parametrize("line", ["    # code", "#a", "####### a", "a # b"])
def test_lines_that_are_no_heading(line):
    assert find_headings(line) == []
