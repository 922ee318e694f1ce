"""Rewriting: a glossary, and feedback from the first hits worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import InputError
from core.schema import RUN, empty
from core.stages.embed import Vectors
from core.stages.index_dense import DenseIndex
from core.stages.index_lexical import CountTerms, IndexBm25
from core.stages.rewrite import Glossary, Rm3, Rocchio, parse_glossary
from tests.support.models import make_chunks, make_queries, make_run

GROUPS = (("Wi-Fi", "wireless", "WLAN"), ("bill", "invoice"), ("C++", "cpp"))


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("join the wlan", "join the wlan Wi-Fi wireless"),
        ("wi-fi wireless", "wi-fi wireless WLAN"),
        ("billing", "billing"),  # not a whole word
        ("a bill, wireless", "a bill, wireless Wi-Fi WLAN invoice"),
        ("c++ client", "c++ client cpp"),
        ("", ""),
        ("nothing known", "nothing known"),
    ],
)
def test_glossary(text: str, expanded: str) -> None:
    queries = make_queries({"q": text})
    assert Glossary(GROUPS)(queries)["text"].tolist() == [expanded]
    assert queries["text"].tolist() == [text]


def test_a_synonym_of_two_groups_is_added_once() -> None:
    both = Glossary((("a", "x"), ("b", "x")))(make_queries({"q": "a b"}))
    assert both["text"].tolist() == ["a b x"]


def test_parse_glossary() -> None:
    text = "# synonyms\n\nWi-Fi, wireless ,wireless\n  bill,invoice,\n"
    assert parse_glossary(text) == (("Wi-Fi", "wireless"), ("bill", "invoice"))
    assert parse_glossary("") == ()
    with pytest.raises(InputError) as error:
        parse_glossary("a, b\nlonely\n", file="words.txt")
    assert str(error.value) == (
        "words.txt, line 2: found 'lonely'; a glossary line holds two or more terms that mean the same, with commas between"
    )


def make_dense_index(matrix: list[list[float]], chunk_rows: list[int], names: list[str], folder: Path) -> DenseIndex:
    chunks = pd.DataFrame({"chunk_id": names, "doc_id": [name[0] for name in names]})
    vectors = Vectors(np.array(matrix, dtype=np.float32), np.array(chunk_rows), chunks, "key")
    return DenseIndex(vectors, [{}] * len(matrix), folder / "index")


def test_rocchio(tmp_path: Path) -> None:
    # a1 has two passages, x and y; b1 has one, z.
    index = make_dense_index([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 0, 1], ["a1", "b1"], tmp_path)
    asked = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    run = make_run({"q": [("a1", 1.0), ("b1", 0.5), ("b1x", 0.1)]})
    moved = Rocchio(chunks=2, original=1.0, feedback=0.5)(asked, make_queries({"q": "", "without hits": ""}), run, index)
    # a1's mean is (.5, .5, 0), b1's (0, 0, 1); their mean (.25, .25, .5); x + .5 of it = (1.125, .125, .25)
    expected = np.array([1.125, 0.125, 0.25]) / np.sqrt(1.125**2 + 0.125**2 + 0.25**2)
    np.testing.assert_allclose(moved[0], expected, atol=1e-6)
    np.testing.assert_allclose(moved[1], [0, 1, 0], atol=1e-6)
    assert asked.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert moved.dtype == np.float32


def test_rocchio_without_any_hit(tmp_path: Path) -> None:
    index = make_dense_index([[1, 0]], [0], ["a1"], tmp_path)
    asked = np.array([[0.6, 0.8]], dtype=np.float32)
    np.testing.assert_allclose(Rocchio()(asked, make_queries({"q": ""}), empty(RUN), index), asked, atol=1e-6)


def expand(texts: dict[str, str], query: str, hits: list[tuple[str, float]], spec: Rm3) -> dict[str, float]:
    index = IndexBm25(languages=("en",), stem=False, stop_words=False)(
        make_chunks({name: (text,) for name, text in texts.items()})
    )
    queries = make_queries({"q": query})
    run = make_run({"q": hits}) if hits else empty(RUN)
    row = spec(CountTerms()(queries, index), queries, run, index).toarray()[0]
    return {term: row[number] for term, number in index.vocabulary.items() if row[number]}


def test_rm3() -> None:
    texts = {"a": "hub reset button button", "b": "hub light", "c": "mail price clock"}
    weights = expand(texts, "hub nowhere", [("a", 3.0), ("b", 1.0)], Rm3(documents=2, terms=2, feedback=0.5))
    # P = 3/4 of a's (hub 1/4, reset 1/4, button 2/4) + 1/4 of b's (hub 1/2, light 1/2)
    #   hub .1875 + .125 = .3125, button .375, reset .1875, light .125; the best two: button, hub, sum .6875
    # query: hub 1 of 1 known term -> .5 * 1
    assert weights == pytest.approx({"hub": 0.5 + 0.5 * 0.3125 / 0.6875, "button": 0.5 * 0.375 / 0.6875})


def test_rm3_with_scores_of_0_weighs_all_alike() -> None:
    texts = {"a": "hub reset", "b": "hub light"}
    weights = expand(texts, "hub", [("a", 0.0), ("b", 0.0)], Rm3(documents=2, terms=10, feedback=1.0))
    assert weights == pytest.approx({"hub": 0.5, "reset": 0.25, "light": 0.25})


def test_rm3_without_hits_keeps_the_query() -> None:
    assert expand({"a": "hub", "b": "mail"}, "hub hub", [], Rm3()) == {"hub": 2.0}


def test_rm3_reads_only_the_first_documents() -> None:
    texts = {"a": "hub reset", "b": "hub light"}
    weights = expand(texts, "hub", [("a", 2.0), ("b", 1.0)], Rm3(documents=1, terms=10, feedback=0.4))
    assert weights == pytest.approx({"hub": 0.6 + 0.4 * 0.5, "reset": 0.4 * 0.5})
