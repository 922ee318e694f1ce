"""Names and codes of languages, and which one a text is in."""

from __future__ import annotations

import numpy as np
import pytest

from core.text.languages import NAMES, SCRIPTS, STEMMERS, choose_languages, list_possible, measure_languages, parse_languages


@pytest.mark.parametrize(
    ("text", "codes"),
    [("de", ("de",)), ("de, en", ("de", "en")), ("German en de", ("de", "en")), ("auto", ("auto",)), ("NONE", ("none",))],
)
def test_codes_from_a_setting(text: str, codes: tuple[str, ...]) -> None:
    assert parse_languages(text) == codes


@pytest.mark.parametrize("text", ["", "xx", "auto, de", "none de", ","])
def test_settings_that_name_no_language(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be used; give auto, none or codes"):
        parse_languages(text)


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("打印机坏了", ("zh", "ja")),
        ("プリンターの紙", ("ja",)),
        ("CPU 使用率过高", ("zh", "ja")),  # letters of other scripts weigh more than Latin ones
        ("การลา", ("th",)),
        ("학점인정", ("ko",)),
        ("Ελλάδα", ("el",)),
        ("4012", ()),
    ],
)
def test_the_script_says_which_languages_are_possible(text: str, languages: tuple[str, ...]) -> None:
    assert list_possible(text) == languages


def test_every_language_has_a_name_and_every_stemmer_is_there() -> None:
    import Stemmer

    assert set(STEMMERS.values()) <= set(Stemmer.algorithms())
    assert STEMMERS.keys() | set(" ".join(SCRIPTS.values()).split()) <= NAMES.keys()


def test_each_text_has_its_likeliest_language() -> None:
    texts = ["Die Heizung wird im Oktober gewartet.", "The heating is serviced in October.", "4012"]
    assert choose_languages(texts, ("en", "de")) == ["de", "en", "en"]  # the first where a text does not tell
    assert choose_languages(texts, ("fr",)) == ["fr", "fr", "fr"]
    likely = measure_languages(texts, ("en", "de"))
    np.testing.assert_allclose(likely.sum(axis=1), 1)
    assert likely[2].tolist() == [0.5, 0.5]
