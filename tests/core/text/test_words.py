"""What becomes of a text's words."""

from __future__ import annotations

import hashlib
import time
import unicodedata

import pytest

from core.text.languages import OWN_LETTERS
from core.text.words import FORM, STOP_WORDS, Analyzer, drop_accents, find_phrase, fold, is_identifier, split_words


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


def test_whoever_changes_what_becomes_of_words_raises_their_form() -> None:
    """What was kept by the old form would be taken for the new one's. Raise FORM, then write it and the new digest here."""
    samples = {
        "en": "Re-set the Hub™'s IT_clock (v3.1), C++ or .NET; R&D: naïve ﬁle-\nname 🎸 €5",
        "de": "Die Kündigungs\u00adfristen für Größe ÜBER 5",
        "tr": "ISPARTA İzmir'de", "el": "το προϊόν των ΔΡΌΜΩΝ", "ar": "کتابهای مُدَرِّسَة", "hi": "हिन्दी की किताबें",
        "ja": "東京タワーの高さ A", "ko": "서울에서 만나요", "th": "ราคาน้ำมัน", "ru": "ёлки и паро\u0301м",
        "vi": "đường phố", "none": "Words as written",
    }  # fmt: skip
    analyzer = Analyzer(tuple(samples))
    formed = [[*analyzer.index(text, code), sorted(analyzer.ask(text).items())] for code, text in samples.items()]
    digest = hashlib.sha256(repr([formed, [split_words(text) for text in samples.values()]]).encode()).hexdigest()
    assert (FORM, digest[:16]) == (2, "4064d1ad7f4f8051")


def test_the_stop_words_are_those_that_results_were_measured_with() -> None:
    # Another list gives another lexical index under the same key: whoever changes it raises FORM.
    assert len(STOP_WORDS) == 131
    digest = hashlib.sha256(" ".join(sorted(STOP_WORDS)).encode()).hexdigest()
    assert digest == "f7ab90eaf062da9e08654e8a99f25831c4386e8c2605e8ebf3c4708c0953fbfc"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kündigung", "Ku\u0308ndigung"),  # composed, decomposed
        ("학점인정", "\u1112\u1161\u11a8\u110c\u1165\u11b7\u110b\u1175\u11ab\u110c\u1165\u11bc"),
        ("istanbul ofisi", "İSTANBUL OFİSİ"),
        ("straße", "STRASSE"),
        ("ΟΔΟΣ", "οδος"),  # a final sigma
        ("office file", "oﬃce ﬁle"),
        ("ABC123", "ＡＢＣ１２３"),
        ("カタカナ", "ｶﾀｶﾅ"),
        ("retrieval", "re\u00adtrie\u200bval"),  # a soft hyphen, a zero-width space
        ("می\u200cخواهم", "میخواهم"),
        ("كتاب", "كـــتاب"),  # stretched
        ("ERR-4012", "ERR\u20114012"),  # a hyphen that does not break
        ("room 34", "room ٣٤"),
        ("Hub Pro", "Hub™ Pro"),
        ("5kg", "5㎏"),
        ("☎\ufe0f call", "☎ call"),
    ],
)
def test_what_reads_the_same_is_the_same(one: str, other: str) -> None:
    assert split_words(one) == split_words(other) != []


def test_folding_twice_changes_nothing() -> None:
    """And whatever form a text comes in, its words are the same: all of Unicode's letters that have several."""
    every = map(chr, (*range(0x20, 0xAC10), *range(0xF900, 0x1F300), *range(0x2F800, 0x2FA20)))
    signs = [sign for sign in every if unicodedata.decomposition(sign) or sign.casefold() != sign]
    assert [sign for sign in signs if fold(fold(sign)) != fold(sign)] == []
    apart = [sign for sign in signs if fold(sign) != fold(unicodedata.normalize("NFD", sign))]
    assert apart == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी में किताबें", ["हिन्दी", "में", "किताबें"]),  # vowel signs belong to their word
        ("مَدْرَسَة", ["مَدْرَسَة"]),
        ("打印机坏了", ["打印", "印机", "机坏", "坏了"]),
        ("茶", ["茶"]),
        ("A4纸张", ["a4", "纸张"]),
        ("ค่าเดินทาง", ["ค่า", "าเ", "เดิ", "ดิน", "นท", "ทา", "าง"]),  # a tone mark stays on its letter
        ("ភាសា", ["ភាសា"]),
        ("retrie-\nval of well-\r\n  known", ["retrieval", "retrie", "val", "of", "wellknown", "well", "known"]),
        ("a -\nb", ["a", "b"]),
        (
            "C++, C# and F#; Notepad++ on .NET",
            ["c", "c", "and", "f", "notepad", "on", "net", ".net", "c++", "c#", "f#", "notepad++"],
        ),
        (
            "AT&T, R&D; ?a=1&b=2 salt&pepper a&lt;b",
            ["at", "t", "r", "d", "a", "1", "b", "2", "salt", "pepper", "a", "lt", "b", "at&t", "r&d"],
        ),
        ("a+b, x #5, end. Next", ["a", "b", "x", "5", "end", "next"]),
        ("snake_case 用户_名", ["snake_case", "snake", "case", "用户", "名"]),
    ],
)
def test_where_words_begin_and_end(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("de", "Häuser", "Haus"),
        ("de", "Kündigung", "kuendigen"),
        ("fr", "écoles", "ECOLE"),
        ("ru", "книгами", "книга"),
        ("ar", "المكتبات", "مكتبة"),
        ("fa", "كتاب‌ها", "کتاب"),  # from an Arabic keyboard
        ("tr", "IŞIKLAR", "ışık"),
        ("es", "CAMIÓN", "camion"),
        ("el", "ΑΘΗΝΑ", "Αθήνα"),
        ("el", "προϊόν", "προιον"),
        ("hi", "हिन्दी", "हिंदी"),
        ("mr", "सम्बन्ध", "संबंध"),
        ("hi", "चाँद", "चांद"),
        ("zh", "printers", "printer"),  # English words inside a Chinese text
    ],
)
def test_forms_of_a_word_are_one_term(language: str, one: str, other: str) -> None:
    analyzer = Analyzer((language,))
    assert analyzer.index(one, language).terms == analyzer.index(other, language).terms != []
    exact = Analyzer((language,), stem=False, fold_accents=False)
    assert exact.index(one, language).terms != exact.index(other, language).terms


def test_accents_are_overlooked_unless_they_make_another_letter() -> None:
    assert drop_accents("crème œuvre łódź") == "creme oeuvre lodz"
    assert drop_accents("för", OWN_LETTERS["sv"]) == "för"
    assert drop_accents("мой ёж") == "мой ёж"
    assert Analyzer(("ar",)).ask("المصرى") == Analyzer(("ar",)).ask("المصري")  # as Egypt writes it
    assert Analyzer(("en",), fold_accents=False).ask("café") != Analyzer(("en",)).ask("café") == Analyzer(("en",)).ask("cafe")


def test_a_query_of_stop_words_keeps_them() -> None:
    analyzer = Analyzer()
    assert analyzer.ask("The Who") == {" the": 1, " who": 1, " the who": 1}
    assert analyzer.ask("AT&T") == {"at&t": 1, "t": 1}
    assert analyzer.ask("IT") == {" it": 1, " IT": 1}
    assert analyzer.ask("the hub") == {"hub": 1}
    assert analyzer.ask("“…” ???") == {}
    assert analyzer.ask("❤️ 🎸 ???") == {" ❤": 1, " 🎸": 1}  # signs, where there is no word
    assert analyzer.ask("hub 🎸") == {"hub": 1}
    assert analyzer.index("Rock 🎸, 5 €", "en") == (["rock", "5"], [" 🎸", " €"])
    assert {" the", " who", " the who"} <= set(analyzer.index("The Who played", "en").apart)
    assert Analyzer(stop_words=False).ask("The Who") == {"the": 1, "who": 1}


def test_a_single_letter_is_looked_up_alone() -> None:
    analyzer = Analyzer(("zh",))
    assert analyzer.index("绿茶好喝", "zh") == (["绿茶", "茶好", "好喝"], [" 绿", " 茶", " 好", " 喝"])
    assert analyzer.ask("茶") == {" 茶": 1}
    assert analyzer.ask("茶 好喝") == {" 茶": 1, "好喝": 1}
    assert analyzer.ask("好喝") == {"好喝": 1}


def test_a_query_has_the_forms_of_all_languages_each_once() -> None:
    analyzer = Analyzer(("de", "en"))
    assert analyzer.ask("Häuser houses hub hub") == {"haus": 1, "hauser": 1, "hous": 1, "hub": 2}
    assert analyzer.ask("it is")[" it is"] == analyzer.ask("it is")["it"] == 1  # stop words in one of them


@pytest.mark.parametrize(
    ("text", "phrase", "stands"),
    [
        ("reset the wi-fi now", "wi-fi", True),
        ("hubs", "hub", False),
        ("我在北京的办公室", "北京", True),  # no spaces: words may begin anywhere
        ("काम करना", "का", False),  # but not between a letter and its vowel sign
        ("hub hubs", "hubs", True),  # the second place
        ("", "hub", False),
        ("hub", "", False),
    ],
)
def test_find_phrase(text: str, phrase: str, stands: bool) -> None:
    assert find_phrase(text, phrase) is stands


def test_long_runs_take_no_longer_than_their_length() -> None:
    started = time.process_time()
    for text in (
        "a" * 200_000,
        "a-" * 100_000,
        "-\n" * 100_000,
        ".a" * 100_000,
        "打" * 100_000,
        "a+" * 100_000,
        "a" * 100_000 + "-\n",
    ):
        split_words(text)
        find_phrase(fold(text), "zz")
    assert time.process_time() - started < 5
