"""What becomes of a text's words."""

from __future__ import annotations

import hashlib

import pytest

from core.text.words import STOP_WORDS, is_identifier, make_tokenizer


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("ERR-4012", ["err-4012", "err", "4012"]),
        ("v3.2.1", ["v3.2.1", "v3", "2", "1"]),
        ("max_retry_count", ["max_retry_count", "max", "retry", "count"]),
        ("see ERR-4012.", ["see", "err-4012", "err", "4012"]),
        ("well-known and/or", ["well", "known", "and", "or"]),  # words joined by a hyphen are words
        ("http://hub:8080/x_y", ["http", "hub:8080/x_y", "hub", "8080", "x", "y"]),
        ("Größe ÜBER", ["größe", "über"]),
        ("!? -- __", []),
        ("", []),
    ],
)
def test_identifiers_survive_whole_and_in_parts(text: str, tokens: list[str]) -> None:
    assert make_tokenizer(stem=False, stop_words=False)(text) == tokens


def test_stop_words_and_stems() -> None:
    text = "The hubs were resetting the batteries"
    # Snowball's English stemmer: hubs -> hub, resetting -> reset, batteries -> batteri
    assert make_tokenizer(stem=True, stop_words=True)(text) == ["hub", "reset", "batteri"]
    assert make_tokenizer(stem=False, stop_words=True)(text) == ["hubs", "resetting", "batteries"]
    assert make_tokenizer(stem=True, stop_words=False)("The hubs") == ["the", "hub"]
    # An identifier is never stemmed as a whole, and keeps parts that would be stop words only inside it.
    assert make_tokenizer(stem=True, stop_words=True)("is_the_default") == ["is_the_default", "default"]


def test_is_identifier() -> None:
    assert [is_identifier(word) for word in ("a_b", "v3", "x:y", "3.2", "well-known", "and/or", "word")] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip


def test_the_stop_words_are_those_that_results_were_measured_with() -> None:
    # Another list gives another lexical index under the same key: whoever changes it raises the version of IndexBm25.
    assert len(STOP_WORDS) == 131
    digest = hashlib.sha256(" ".join(sorted(STOP_WORDS)).encode()).hexdigest()
    assert digest == "f7ab90eaf062da9e08654e8a99f25831c4386e8c2605e8ebf3c4708c0953fbfc"
