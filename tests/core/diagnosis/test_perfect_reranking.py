"""Perfect reranking, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.diagnosis.perfect_reranking import rerank_perfectly
from core.evaluation.per_query import measure_one
from core.schema import EVIDENCE, JUDGMENTS, RUN, empty
from tests.support.letters import make_dataset, order_of, run_in_order
from tests.support.models import make_run


def test_relevant_documents_first_by_grade() -> None:
    judgments = make_dataset({"q": {"d": 1, "c": 2, "b": 0, "z": 3}, "p": {"a": 1}}).judgments
    reranked = rerank_perfectly(run_in_order({"q": "abcde", "p": "cb"}), judgments, empty(EVIDENCE))
    assert order_of(reranked) == "cdabe"
    assert order_of(reranked, "p") == "cb"  # nothing to move
    # the best order of c (2) and d (1), with z (3), which is not among the hits, missing from it
    expected = (2 + 1 / np.log2(3)) / (3 + 2 / np.log2(3) + 1 / 2)
    assert measure_one(reranked, judgments, empty(EVIDENCE), "nDCG@10")["q"] == pytest.approx(expected)


def test_all_chunks_of_a_relevant_document_move() -> None:
    judgments = make_dataset({"q": {"b": 1}}).judgments
    run = make_run({"q": [("a1", 9.0), ("b1", 8.0), ("a2", 7.0), ("b2", 6.0)]})
    assert rerank_perfectly(run, judgments, empty(EVIDENCE))["chunk_id"].tolist() == ["b1", "b2", "a1", "a2"]


def test_only_the_first_hundred_documents_are_reranked() -> None:
    names = [f"d{number:03}" for number in range(120)]
    run = make_run({"q": [(name, -float(place)) for place, name in enumerate(names)]}, {name: name for name in names})
    judgments = pd.DataFrame([("q", "d099", 1), ("q", "d100", 2)], columns=JUDGMENTS)
    reranked = rerank_perfectly(run, judgments, empty(EVIDENCE))
    assert reranked["doc_id"].tolist()[:3] == ["d099", "d000", "d001"]
    assert reranked["doc_id"].tolist()[100:102] == ["d100", "d101"]


def test_evidence_is_covered_greedily() -> None:
    # wanted: a 0-30, b 0-10. Hits: c; a 20-40 (10 characters); a 0-25 (25); a 5-28 (23, of which 3 are new by then); b (10)
    run = make_run({"q": [("c1", 9.0), ("a1", 8.0), ("a2", 7.0), ("a3", 6.0), ("b1", 5.0)]})
    run = run.assign(start=[0, 20, 0, 5, 0], end=[10, 40, 25, 28, 10])
    evidence = pd.DataFrame([("q", "a", 0, 30), ("q", "b", 0, 10)], columns=EVIDENCE)
    judgments = pd.DataFrame([("q", "c", 1), ("q", "a", 1), ("q", "b", 1)], columns=JUDGMENTS)
    # a2 adds 25; then b1 10; then a1 5 (25-30), which leaves nothing for a3; the rest keep their order
    assert rerank_perfectly(run, judgments, evidence)["chunk_id"].tolist() == ["a2", "b1", "a1", "c1", "a3"]
    deep = make_run({"q": [(f"c{number}", -float(number)) for number in range(100)] + [("a1", -200.0)]})
    assert rerank_perfectly(deep.assign(start=0, end=10), judgments, evidence)["chunk_id"].iloc[0] == "c0"


def test_reranking_nothing() -> None:
    assert rerank_perfectly(empty(RUN), empty(JUDGMENTS), empty(EVIDENCE)).empty
    run = run_in_order({"q": "ab"})
    assert order_of(rerank_perfectly(run, empty(JUDGMENTS), empty(EVIDENCE))) == "ab"
