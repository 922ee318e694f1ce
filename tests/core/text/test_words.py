"""What becomes of a text's words."""

from __future__ import annotations

import hashlib

import pytest

from core.text.words import STOP_WORDS, Analyzer, is_identifier, split_words


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("ERR-4012", ["err-4012", "err", "4012"]),
        ("v3.2.1", ["v3.2.1", "v3", "2", "1"]),
        ("max_retry_count", ["max_retry_count", "max", "retry", "count"]),
        ("see ERR-4012.", ["see", "err-4012", "err", "4012"]),
        ("well-known and/or", ["well", "known", "and", "or"]),  # words joined by a hyphen are words
        ("http://hub:8080/x_y", ["http", "hub:8080/x_y", "hub", "8080", "x", "y"]),
        ("Größe ÜBER", ["grösse", "über"]),
        ("!? -- __", []),
        ("", []),
    ],
)
def test_identifiers_survive_whole_and_in_parts(text: str, tokens: list[str]) -> None:
    assert split_words(text) == tokens


def test_stop_words_and_stems() -> None:
    text = "The hubs were resetting the batteries"
    # Snowball's English stemmer: hubs -> hub, resetting -> reset, batteries -> batteri
    assert Analyzer().index(text, "en").terms == ["hub", "reset", "batteri"]
    assert Analyzer(stem=False).index(text, "en").terms == ["hubs", "resetting", "batteries"]
    assert Analyzer(stop_words=False).index("The hubs", "en").terms == ["the", "hub"]
    # An identifier is never stemmed as a whole, and keeps parts that would be stop words only inside it.
    assert Analyzer().index("is_the_default", "en").terms == ["is_the_default", "default"]


def test_is_identifier() -> None:
    assert [is_identifier(word) for word in ("a_b", "v3", "x:y", "3.2", "well-known", "and/or", "word")] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip


def test_the_stop_words_are_those_that_results_were_measured_with() -> None:
    # Another list gives another lexical index under the same key: whoever changes it raises the version of IndexBm25.
    assert len(STOP_WORDS) == 131
    digest = hashlib.sha256(" ".join(sorted(STOP_WORDS)).encode()).hexdigest()
    assert digest == "f7ab90eaf062da9e08654e8a99f25831c4386e8c2605e8ebf3c4708c0953fbfc"
