"""BM25: agreement with rank_bm25's own get_scores, and what becomes of a text's words."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from rank_bm25 import BM25Okapi

from core.errors import StageError
from core.stages.index_lexical import CountTerms, IndexBm25, LexicalIndex, encode_terms
from core.stages.retrieve import RetrieveLexical, find_matches, score_terms
from core.text.words import Analyzer
from tests.support.models import make_chunks, make_queries

WORDS = [
    "flow",
    "wing",
    "shock",
    "layer",
    "boundary",
    "heat",
    "plate",
    "supersonic",
    "pressure",
    "jet",
    "of",
    "the",
    "and",
    "in",
    "a",
    "edge",
    "mach",
    "number",
]


def make_corpus(size: int, seed: int) -> list[str]:
    """Texts of very different length, words drawn by rank, so that some stand in nearly every text and some in one."""
    draw = random.Random(seed)
    weights = [1 / (rank + 1) for rank in range(len(WORDS) + 40)]
    names = [*WORDS, *(f"rare{number}" for number in range(40))]
    return [" ".join(draw.choices(names, weights, k=draw.choice([1, 5, 40, 200]))) for _ in range(size)]


def make_index(texts: list[str], spec: IndexBm25 | None = None) -> LexicalIndex:
    chunks = make_chunks({f"c{row:04}": (text,) for row, text in enumerate(texts)})
    return (spec or IndexBm25(languages=("en",)))(chunks)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "spec",
    [IndexBm25(languages=("en",)), IndexBm25(languages=("en",), k1=0.9, b=0.4, epsilon=0.1, stem=False, stop_words=False)],
)
def test_scores_agree_with_rank_bm25(seed: int, spec: IndexBm25) -> None:
    texts = make_corpus(120, seed)
    asked = [*make_corpus(15, seed + 100), "wing wing wing shock", "unknownword", ""]
    index = make_index(texts, spec)
    analyzer = Analyzer(("en",), spec.stem, spec.stop_words)

    def tokenize(text: str) -> list[str]:
        return analyzer.index(text, "en").terms

    queries = [text for text in asked if tokenize(text) or not text]  # stop words alone are matched apart
    model = BM25Okapi([tokenize(text) for text in texts], k1=spec.k1, b=spec.b, epsilon=spec.epsilon)
    ours = score_terms(encode_terms(queries, index), index)
    theirs = np.array([model.get_scores(tokenize(query)) for query in queries])
    assert np.abs(theirs).max() > 1  # there is something to agree on
    np.testing.assert_allclose(ours, theirs, atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    "texts", [["hub"], ["hub", "clock"], ["hub", "hub"], ["hub clock", "hub mail", "hub"], ["hub", "", "clock"]]
)
def test_tiny_corpora_whose_weights_are_0_or_negative(texts: list[str]) -> None:
    index = make_index(texts, IndexBm25(languages=("en",), stem=False, stop_words=False))
    tokens = [text.split() for text in texts]
    model = BM25Okapi(tokens)
    ours = score_terms(encode_terms(["hub", "clock hub"], index), index)
    theirs = np.array([model.get_scores(["hub"]), model.get_scores(["clock", "hub"])])
    np.testing.assert_allclose(ours, theirs, atol=1e-9, rtol=0)
    # Whatever the weight is worth, a text that has the word is a hit, and no other is.
    terms = encode_terms(["hub"], index)
    assert find_matches(terms, score_terms(terms, index), index)[0].tolist() == ["hub" in words for words in tokens]


def test_a_word_in_half_of_two_documents_is_still_found() -> None:
    index = make_index(["hub reset", "clock wrong"])  # idf = ln(1.5) - ln(1.5) = 0 for every word
    queries = make_queries({"q": "reset"})
    run = RetrieveLexical()(queries, CountTerms()(queries, index), index)
    assert run["chunk_id"].tolist() == ["c0000"]
    assert run["score"].tolist() == [0.0]


def test_an_exact_code_finds_its_document_first() -> None:
    index = make_index(["error 4012 and err", "ERR-4012 means low power", "ERR-4013 means high power", "4012 err err err"])
    queries = make_queries({"q": "ERR-4012"})
    run = RetrieveLexical()(queries, CountTerms()(queries, index), index)
    assert run["chunk_id"].iloc[0] == "c0001"


@pytest.mark.parametrize("texts", [[], [""], ["!? --"]])
def test_a_corpus_without_words_finds_nothing(texts: list[str]) -> None:
    index = make_index(texts)
    assert index.vocabulary == {}
    queries = make_queries({"q": "hub", "p": ""})
    assert RetrieveLexical()(queries, CountTerms()(queries, index), index).empty


def test_all_passages_of_a_chunk_count() -> None:
    index = IndexBm25(languages=("en",))(make_chunks({"a": ("hub", "clock"), "b": ("mail",), "c": ("price",)}))
    scores = score_terms(encode_terms(["clock"], index), index)
    assert (scores > 0).tolist() == [[True, False, False]]
    assert index.counts.toarray().sum(axis=1).tolist() == [2, 1, 1]


def test_query_terms_count_repeats_and_leave_out_unknown_words() -> None:
    index = make_index(["hub clock", "mail", "price"])
    counts = encode_terms(["hub hub clock nowhere", "nowhere"], index).toarray()
    assert counts[0, [index.vocabulary["hub"], index.vocabulary["clock"]]].tolist() == [2, 1]
    assert counts.sum() == 3


def test_the_frame_is_not_changed() -> None:
    chunks = make_chunks({"a": ("hub",), "b": ("clock",)})
    before = chunks.copy(deep=True)
    IndexBm25(languages=("en",))(chunks)
    pd.testing.assert_frame_equal(chunks, before)


def rank(index: LexicalIndex, query: str) -> list[str]:
    queries = make_queries({"q": query})
    return RetrieveLexical()(queries, CountTerms()(queries, index), index)["chunk_id"].tolist()


def test_stop_words_and_single_letters_change_nothing_for_other_queries() -> None:
    """They have statistics of their own: lengths and weights of all other terms are as if they were not there."""
    texts = ["the hub and the clock", "a hub", "mail of the who", "绿茶 the 茶"]
    index = make_index(texts)
    own = [term for term in index.vocabulary if not term.startswith(" ")]
    model = BM25Okapi([Analyzer().index(text, "en").terms for text in texts])
    assert own == list(model.idf)
    weights = index.weights[[index.vocabulary[term] for term in own]].toarray()
    np.testing.assert_allclose(weights, [model.get_scores([term]) for term in own], atol=1e-9)
    assert index.counts.sum() == sum(model.doc_len)
    assert rank(index, "the who") == ["c0002", "c0000", "c0003"]
    assert rank(index, "茶") == ["c0003"]


def test_each_document_of_a_mixed_corpus_has_its_own_language() -> None:
    chunks = make_chunks(
        {
            "a": ("Häuser ohne Keller sind billiger zu bauen.",),
            "b": ("The houses without cellars are cheaper to build.",),
            "c": ("Preise",),  # too short alone: its document is German
            "d": ("Die Preise für Wohnungen sind im Herbst wieder gestiegen.",),
        },
        {"a": "a", "b": "b", "c": "d", "d": "d"},
    )
    index = IndexBm25(languages=("en", "de"))(chunks)
    assert rank(index, "Haus") == ["a"]
    assert rank(index, "house") == ["b"]
    assert set(rank(index, "Preis")) == {"c", "d"}
    assert set(rank(index, "cellar Keller")) == {"a", "b"}


def test_languages_that_nobody_found_are_refused() -> None:
    with pytest.raises(StageError, match="the language was not resolved"):
        IndexBm25()(make_chunks({"a": ("hub",)}))
