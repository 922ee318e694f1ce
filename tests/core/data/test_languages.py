"""Which languages a corpus is in."""

from __future__ import annotations

import pytest

from core.data.languages import detect_languages, estimate_shares, say_languages
from core.data.load import load_dataset
from tests.support.sources import REPOSITORY

DATA = REPOSITORY / "tests" / "support" / "data"
SAMPLES = REPOSITORY / "sample_corpora"


@pytest.mark.parametrize(
    ("folder", "languages"),
    [
        (SAMPLES / "product_docs", ["en"]),
        (SAMPLES / "legal_clauses", ["en"]),
        (DATA / "arabic", ["ar"]),
        (DATA / "german_stems", ["de"]),
        (DATA / "chinese_desk", ["zh"]),
        (DATA / "stop_words_and_signs", ["en"]),
        (DATA / "no_spaces", ["zh", "ja", "th"]),
        (DATA / "normal_forms", ["de", "ko", "tr"]),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_languages_of_collections(folder, languages: list[str]) -> None:  # type: ignore[no-untyped-def]
    shares = detect_languages(load_dataset(folder))
    assert list(shares) == languages
    assert sum(shares.values()) == pytest.approx(1)


def test_short_texts_are_taken_for_what_the_others_are() -> None:
    """Of twenty letters of a page one alone would be called Latin, Welsh or Javanese."""
    documents = load_dataset(SAMPLES / "product_docs").documents
    short = [text[5:25] for text in documents["text"]]
    assert estimate_shares(short)["en"] > 0.99


def test_a_minority_is_found_and_noise_is_not() -> None:
    english = [text[:80] for text in load_dataset(SAMPLES / "legal_clauses").documents["text"]]
    german = load_dataset(DATA / "german_stems").documents["text"].tolist()
    shares = estimate_shares([*english[:92], *german])
    assert list(shares)[:2] == ["en", "de"]
    assert shares["de"] == pytest.approx(0.08, abs=0.02)
    assert sum(share for code, share in shares.items() if code not in ("en", "de")) < 0.02


def test_texts_that_tell_nothing() -> None:
    assert estimate_shares([]) == {}
    assert estimate_shares(["", "4012", "!?"]) == {}


def test_say_languages() -> None:
    assert say_languages({"de": 1.0}) == "German"
    assert say_languages({"en": 0.9, "xx": 0.1}) == "English (90 %) and xx (10 %)"
