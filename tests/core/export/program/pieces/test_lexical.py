"""Matching words in a program, and changing a query by what they find, gives what the tool gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.export.program.pieces.chunks import Chunk
from core.export.program.pieces.corpus import Document
from core.export.program.pieces.feedback import add_terms
from core.export.program.pieces.lexical import LexicalIndex, list_chunks, list_documents
from core.stages.index_lexical import CountTerms, IndexBm25
from core.stages.retrieve import RetrieveLexical
from core.stages.rewrite import Rm3
from core.text.languages import choose_languages
from core.text.words import Analyzer
from tests.support.models import make_chunks, make_queries

TEXTS = [
    " ".join(np.random.default_rng(row).choice(["hub", "mail", "clock", "price", "the", "v3.1"], 4 + row)) for row in range(9)
]
QUERY = "Mail, mail or a clock of v3.1?"


@pytest.fixture
def index() -> LexicalIndex:
    chunks = [Chunk(number, text, (text,)) for number, text in enumerate(TEXTS)]
    return LexicalIndex(list_chunks(chunks), Analyzer(), languages=["en"] * len(chunks), k1=1.2, b=0.6)


def test_finds_and_feeds_back_as_the_tool_does(index: LexicalIndex) -> None:
    queries = make_queries({"q": QUERY})
    theirs = IndexBm25(languages=("en",), k1=1.2, b=0.6)(
        make_chunks({f"{number}x": (text,) for number, text in enumerate(TEXTS)})
    )
    terms = CountTerms()(queries, theirs)
    expected = RetrieveLexical()(queries, terms, theirs)
    weights = index.weigh(QUERY)
    run = index.search(weights, None)
    compare(run, expected)
    mixed = Rm3(documents=3, terms=2, feedback=0.4)(terms, queries, expected, theirs)
    added = add_terms(weights, run, index, documents=3, terms=2, weight=0.4)
    known = {term: float(mixed[0, row]) for term, row in theirs.vocabulary.items() if mixed[0, row]}
    assert added == pytest.approx(known)
    compare(index.search(added, None), RetrieveLexical()(queries, mixed, theirs))


def compare(run: list, expected: pd.DataFrame) -> None:
    assert [f"{hit.chunk}x" for hit in run] == expected["chunk_id"].tolist()
    assert [hit.score for hit in run] == pytest.approx(expected["score"].tolist(), abs=1e-9)


def test_a_filter_and_a_query_without_known_words(index: LexicalIndex) -> None:
    everything = index.search(index.weigh("mail"), None)
    allowed = {hit.document for hit in everything[1:3]}
    assert index.search(index.weigh("mail"), allowed) == everything[1:3]
    assert index.search(index.weigh("zebra"), None) == []
    assert add_terms({"zebra": 1.0}, [], index, documents=3, terms=2, weight=0.4) == {"zebra": 1.0}


@pytest.mark.parametrize("languages", [("de",), ("zh", "en", "de"), ("none",)])
def test_matches_other_languages_as_the_tool_does(languages: tuple[str, ...]) -> None:
    texts = [
        "Häuser ohne Keller",
        "The Who, houses, IT",
        "打印机坏了 C++",
        "绿茶 café",
        "Ein Haus. Der Keller und die Häuser",
        "it",
    ]
    own = choose_languages(texts, languages)
    index = LexicalIndex(
        list_chunks([Chunk(number, text, (text,)) for number, text in enumerate(texts)]),
        Analyzer(languages),
        languages=own,
        k1=1.5,
        b=0.75,
    )
    theirs = IndexBm25(languages=languages)(make_chunks({f"{number}x": (text,) for number, text in enumerate(texts)}))
    hits = 0
    for asked in ("Haus", "house cellar", "打印 坏了", "茶", "the who", "IT", "c++ CAFE", "🎸"):
        queries = make_queries({"q": asked})
        expected = RetrieveLexical()(queries, CountTerms()(queries, theirs), theirs)
        compare(index.search(index.weigh(asked), None), expected)
        hits += len(expected)
    assert hits >= 5


def test_documents_are_matched_with_their_titles() -> None:
    documents = [Document("a", "Hub", " text \n", {}), Document("b", "", "text", {})]
    assert [unit.text for unit in list_documents(documents)] == ["Hub\ntext", "text"]
