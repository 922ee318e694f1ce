"""Ways to cut, on texts whose tokens are words; tests/core/stages/test_chunk.py has the nasty texts and real tokenizers."""

from __future__ import annotations

import re

import pytest

from core.text.cutting import (
    MeasuredText,
    Piece,
    cut_parents,
    cut_recursive,
    cut_sections,
    cut_tokens,
    cut_whole,
    cut_windows,
    write_passages,
)

TEXT = "One two. Three four.\n\n# Top\nFive six seven. Eight."


class WordTokenizer:
    """A token is a run of visible characters."""

    def count(self, texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\S+", text)]


def measure(text: str) -> MeasuredText:
    return MeasuredText(text, WordTokenizer)


def list_texts(pieces: list[Piece]) -> list[str]:
    return [TEXT[slice(*piece.span)] for piece in pieces]


def test_ways_to_cut() -> None:
    text = measure(TEXT)
    assert list_texts(cut_whole(TEXT)) == [TEXT]
    assert list_texts(cut_recursive(text, size=4, overlap=0)) == ["One two. Three four.", "# Top", "Five six seven. Eight."]
    assert list_texts(cut_tokens(text, size=5, overlap=0)) == [TEXT[:23], "Top\nFive six seven. Eight."]
    sections = cut_sections(text, size=9)
    assert [(piece.path, part) for piece, part in zip(sections, list_texts(sections), strict=True)] == [
        ("", "One two. Three four."), ("Top", "# Top\nFive six seven. Eight."),
    ]  # fmt: skip


def test_what_is_indexed_may_be_less_than_what_is_found() -> None:
    text = measure(TEXT)
    windows = cut_windows(text, sentences=3, size=9)
    assert list_texts(windows)[0] == "One two. Three four."
    assert [TEXT[slice(*span)] for span in windows[0].indexed] == ["One two."]
    parents = cut_parents(text, child_size=2, parent_size=4)
    assert list_texts(parents)[0] == "One two. Three four."
    assert [TEXT[slice(*span)] for span in parents[0].indexed] == ["One two.", "Three four."]


def test_nothing_gives_nothing() -> None:
    assert cut_whole(" \n") == cut_recursive(measure(" \n"), size=4, overlap=0) == cut_sections(measure(""), size=4) == []


@pytest.mark.parametrize(
    ("prefix", "passages"),
    [
        ("title", ("Hub\nbody", "hub of it")),  # it begins with the title
        ("always", ("Hub\nbody", "Hub\nhub of it")),
        ("none", ("body", "hub of it")),
    ],
)
def test_passages_carry_the_title(prefix: str, passages: tuple[str, ...]) -> None:
    assert write_passages("Hub", "body hub of it", Piece((0, 14), ((0, 4), (5, 14))), prefix=prefix) == passages


def test_passages_carry_the_path_and_are_distinct() -> None:
    assert write_passages("", "a b a", Piece((0, 5), ((0, 1), (2, 3), (4, 5)), "Top"), prefix="title") == ("Top\na", "Top\nb")
    assert write_passages(" Hub ", "", Piece((0, 0), ()), prefix="none") == ("Hub",)
