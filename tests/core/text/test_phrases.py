"""Counted, listed, joined and cut words of a sentence."""

from __future__ import annotations

import pytest

from core.text.phrases import count_of, describe_duration, first_five, join_words, plural, shorten

DURATIONS = [
    (0.2, "0 s"), (12.4, "12 s"), (89.0, "89 s"), (90.0, "2 min"), (240.0, "4 min"), (3569.0, "59 min"), (3600.0, "1 h 0 min"),
    (3900.0, "1 h 5 min"), (3585.0, "1 h 0 min"),
]  # fmt: skip


def test_words_are_joined() -> None:
    assert [join_words(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_things_are_counted() -> None:
    assert [count_of(number, "judgment") for number in (0, 1, 2, 1837)] == [
        "0 judgments", "1 judgment", "2 judgments", "1,837 judgments",
    ]  # fmt: skip
    assert [plural(number, "test query") for number in (0, 1, 2)] == ["test queries", "test query", "test queries"]


@pytest.mark.parametrize(("seconds", "words"), DURATIONS)
def test_durations(seconds: float, words: str) -> None:
    assert describe_duration(seconds) == words


def test_five_distinct_ids_are_named() -> None:
    assert first_five(["b", "a", "b"]) == "b, a"
    assert first_five(list("abcde")) == "a, b, c, d, e"
    assert first_five(list("abcdefg")) == "a, b, c, d, e, …"


def test_a_quoted_text_is_one_line_of_limited_width() -> None:
    assert shorten("two\n  lines") == "two lines"
    assert shorten("a" * 60) == "a" * 60
    assert shorten("a" * 61) == "a" * 59 + "…"
    assert shorten("abcdef", width=4) == "abc…"
