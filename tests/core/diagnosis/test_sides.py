"""Whether word matching and a model could work at all: what is counted, where it tips, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.diagnosis.side_sentences import SUGGESTED_MULTILINGUAL, describe_trouble, explain_side, list_notes
from core.diagnosis.sides import (
    EMBEDDINGS,
    RERANKER,
    WORDS,
    ModelSide,
    Sides,
    WordSide,
    count_wordless,
    find_foreign,
    measure_model,
    merge_words,
)
from core.text.reading import Legibility, ScriptReading
from core.text.tokens import Tokenizer, load_tokenizer
from tests.support.models import WordTokenizer

ENGLISH = ["How do I reset the hub?", "The battery of the clock is empty, and nobody knows what it costs."]
RUSSIAN = ["Сотрудники должны подать заявление на отпуск в системе.", "Как подать заявление на отпуск?"]
CHINESE = ["员工请年假需要提前三天在系统里申请。", "打印机卡纸时先关闭电源再取出纸张。"]


@pytest.fixture(scope="module")
def bundled() -> Tokenizer:
    return load_tokenizer("all-MiniLM-L6-v2")


def measure(tokenizer: Tokenizer, documents: list[str], queries: list[str]) -> ModelSide:
    return measure_model("all-MiniLM-L6-v2", tokenizer, documents=documents, queries=queries)


def make_reading(unread: float, script: str = "Arabic") -> Legibility:
    scripts = (ScriptReading("Latin", 1 - unread, 0, 0, 5, True), ScriptReading(script, unread, 0, 1, 1, False))
    return Legibility(1, 1, tuple(one for one in scripts if one.share))


def make_side(**changes: object) -> ModelSide:
    sound = ModelSide(EMBEDDINGS, "model", (), 256, make_reading(0), make_reading(0), asked=40, cut=0, lost=0.0)
    return replace(sound, **changes)  # type: ignore[arg-type]


def test_english_texts_are_read_and_nothing_is_said(bundled):
    side = measure(bundled, ENGLISH, ENGLISH)
    assert side.reads and side.is_sound
    assert (side.limit, side.languages, side.asked, side.cut, side.lost) == (256, ("en",), 2, 0, 0.0)
    assert explain_side(side) == ""


def test_what_the_model_cannot_read_is_said_with_its_cure(bundled):
    side = measure(bundled, RUSSIAN, RUSSIAN)
    assert not side.reads
    assert explain_side(side) == (
        "The embedding model all-MiniLM-L6-v2 cannot read the documents and the queries: 99% of the Cyrillic letters it can "
        "only spell one by one. Its card names English alone. Use a multilingual embedding model, such as "
        f"{SUGGESTED_MULTILINGUAL}."
    )
    chinese = explain_side(measure(bundled, CHINESE, CHINESE))
    assert "% of the Chinese or Japanese letters are not in its vocabulary" in chinese


def test_queries_alone_in_another_script_hinder_too(bundled):
    side = measure(bundled, ENGLISH, RUSSIAN)
    assert not side.reads
    assert "cannot read the queries: 99% of the Cyrillic letters" in explain_side(side)


def test_queries_longer_than_the_model_reads():
    """WordTokenizer reads 62 words. Of 100, 70 and 10 words 38 + 8 of 180 are lost; only the first two are cut."""
    queries = [" ".join(f"w{place}x{number}" for place in range(size)) for number, size in enumerate((100, 70, 10))]
    side = measure(WordTokenizer(), ENGLISH, queries)  # type: ignore[arg-type]
    assert (side.asked, side.cut, side.alike) == (3, 2, 0)
    assert side.lost == pytest.approx(46 / 180)
    assert side.reads and not side.is_sound
    assert "2 of 3 queries are cut at 64 tokens: all-MiniLM-L6-v2 does not read what comes after, 26%" in explain_side(side)
    prompted = measure_model("m", WordTokenizer(), documents=ENGLISH, queries=["w " * 62], prompt="query: ")  # type: ignore[arg-type]
    assert prompted.cut == 1  # the prompt takes room too


def test_eight_essays_that_end_in_a_question(bundled):
    """Complaints of some 400 tokens that all begin alike; what is asked stands at their end, which the model does not read."""
    complaint = "We have used the device for many years in our small workshop and were content with it until last week. " * 18
    asked = [
        "How is it cleaned?",
        "Who repairs it?",
        "What does it cost?",
        "Is it safe?",
        "May I lend it?",
        "Where is it made?",
    ]
    queries = [f"{complaint}{question}" for question in (*asked, "How old is it?", "When can I call you?")]
    side = measure(bundled, ENGLISH, queries)
    assert (side.asked, side.cut, side.alike, side.reads) == (8, 8, 8, False)
    assert explain_side(side).startswith(
        "8 of 8 queries are cut at 256 tokens: all-MiniLM-L6-v2 does not read what comes after"
    )


def test_queries_that_differ_only_beyond_the_limit_cannot_be_told_apart():
    """Three essays that begin alike, one of them asked twice over: equal queries are no fault of the model's."""
    beginning = "the same words over and over again " * 10
    queries = [f"{beginning} {end}" for end in ("mail", "clock", "price", "price")]
    side = measure(WordTokenizer(), ENGLISH, queries)  # type: ignore[arg-type]
    assert (side.cut, side.alike) == (4, 3)
    assert not side.reads
    assert "4 of 4 queries are cut at 64 tokens" in explain_side(side)
    assert "What it reads of 3 of them is the same as of another one" in explain_side(side)


@pytest.mark.parametrize(
    ("changes", "reads", "said"),
    [
        ({"documents": make_reading(0.49)}, True, "49% of the letters of the documents"),
        ({"documents": make_reading(0.5)}, False, "50% of the letters of the documents"),
        ({"queries": make_reading(0.02)}, True, "cannot read 2% of the letters of the queries"),
        ({"queries": make_reading(0.019)}, True, ""),
        ({"cut": 40, "lost": 0.49}, True, "40 of 40 queries are cut"),
        ({"cut": 40, "lost": 0.5}, False, "50% of all that the queries say"),
        ({"cut": 1, "lost": 0.001}, True, "does not read what comes after; word"),
        ({"cut": 40, "lost": 0.3, "alike": 20}, True, "20 of them"),
        ({"cut": 40, "lost": 0.3, "alike": 21}, False, "21 of them"),
    ],
)
def test_half_decides_and_little_is_not_spoken_of(changes, reads, said):
    side = make_side(**changes)
    assert side.reads == reads
    assert said in explain_side(side)
    assert bool(said) == bool(explain_side(side)) == (not side.is_sound)


@pytest.mark.parametrize(
    ("unmatched", "finds", "is_sound"),
    [(0, True, True), (1, True, True), (2, True, False), (24, True, False), (25, False, False), (50, False, False)],
)
def test_word_matching_without_hits(unmatched, finds, is_sound):
    """Of 50 queries one is 2 %, which is not spoken of; half of them decide."""
    side = WordSide(asked=50, unmatched=unmatched, systems=("bm25", "hybrid-rrf"))
    assert (side.finds, side.is_sound) == (finds, is_sound)
    said = "" if is_sound else f"Word matching (bm25 and hybrid-rrf) returned nothing for {unmatched} of 50 queries"
    assert explain_side(side).startswith(said)
    assert bool(explain_side(side)) == (not is_sound)


def test_queries_of_signs_alone_have_another_cure():
    assert count_wordless(["???", "🎸", "C#", "茶", ""]) == 3
    some, all_of_them = WordSide(9, 5, ("bm25",), wordless=2), WordSide(9, 2, ("bm25",), wordless=2)
    assert "returned nothing for 5 of 9 queries" in explain_side(some)
    assert "2 queries have no word at all, only signs). Set the language" in explain_side(some)
    assert explain_side(all_of_them).endswith("only signs). Write words into these queries, or leave them out.")


def test_no_query_says_nothing():
    assert WordSide(asked=0, unmatched=0).finds
    assert list_notes(Sides(words=(WordSide(asked=0, unmatched=0),))) == []


def test_a_system_is_hindered_by_the_sides_that_it_uses():
    poor = make_side(documents=make_reading(1), systems=("dense", "hybrid"))
    reranker = make_side(kind=RERANKER, documents=make_reading(1), systems=("hybrid",))
    other = make_side(model="other", systems=("other",))
    words = WordSide(40, 40, ("bm25", "hybrid"))
    sides = Sides(models=(reranker, poor, other), words=(words,))
    assert sides.find_stuck("hybrid", (WORDS,)) == [words]
    assert sides.find_stuck("dense", (EMBEDDINGS, WORDS)) == [poor]
    assert sides.find_stuck("hybrid", (RERANKER,)) == [reranker]
    assert sides.find_stuck("other", (EMBEDDINGS, RERANKER, WORDS)) == []
    assert sides.list_stuck() == [poor, reranker, words]
    assert "The reranker model cannot read" in explain_side(reranker)
    assert "multilingual reranker" in explain_side(reranker)
    assert len(list_notes(sides)) == 3


def test_words_that_fare_alike_are_one_side():
    sides = [WordSide(40, 3, ("bm25",)), WordSide(40, 40, ("bm25-none",)), WordSide(40, 3, ("hybrid",))]
    assert merge_words(sides) == (WordSide(40, 3, ("bm25", "hybrid")), WordSide(40, 40, ("bm25-none",)))


@pytest.mark.parametrize(
    ("languages", "named", "foreign"),
    [
        ({"de": 1.0}, ("en",), {"de": 1.0}),
        ({"en": 0.88, "de": 0.12}, ("en",), {"de": 0.12}),
        ({"en": 0.95, "de": 0.05}, ("en",), {}),  # names and quotes
        ({"en": 0.9, "de": 0.05, "fr": 0.05}, ("en",), {"de": 0.05, "fr": 0.05}),
        ({"de": 1.0}, ("en", "de"), {}),
        ({"de": 1.0}, ("de-DE", "en_US"), {}),
        ({"de": 1.0}, (), {}),  # no card
        ({"de": 1.0}, ("multilingual",), {}),
        ({"de": 1.0}, ("en", "multilingual"), {}),
        ({"ar": 1.0}, ("en",), {}),  # its letters tell
    ],
)
def test_languages_that_a_card_does_not_name(languages, named, foreign):
    assert find_foreign(languages, named) == pytest.approx(foreign)


def test_a_language_that_is_read_poorly_is_told_but_hinders_nothing():
    side = make_side(foreign={"de": 0.6, "fr": 0.2}, languages=("en",))
    assert side.reads and not side.is_sound
    assert explain_side(side).startswith(
        "60% of the documents are in German and 20% in French, which the embedding model model may read poorly, in pieces of "
        "5.0 letters (of its own language a model has about five). Its card names English alone."
    )


def test_troubles_in_a_few_words():
    assert describe_trouble(WordSide(40, 30)) == "word matching returned nothing for 30 of 40 queries"
    assert describe_trouble(make_side(queries=make_reading(1))) == "model cannot read the queries"
    assert describe_trouble(make_side(cut=40, lost=0.62)) == "model does not read 62% of what the queries say"
    assert describe_trouble(make_side(cut=40, lost=0.3, alike=38)) == "model cannot tell 38 of 40 queries apart"


@pytest.mark.parametrize(("unmatched", "is_language"), [(2, False), (24, False), (25, True)])
def test_the_language_is_the_cure_where_half_of_the_queries_find_no_word(unmatched: int, is_language: bool) -> None:
    said = explain_side(WordSide(50, unmatched))
    assert ("Set the language" in said) == is_language
    assert ("a typing error" in said) == (not is_language)
