"""Evidence counted in characters, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from core.evaluation.spans import (
    CONTEXT_RECALL,
    count_characters,
    count_overlap,
    measure_context,
    measure_evidence,
    merge_spans,
    score_spans,
)
from core.schema import EVIDENCE, RUN, empty
from tests.support.models import make_run


def as_table(frame: pd.DataFrame) -> dict[tuple[str, str], float]:
    return {(query, measure): value for query, measure, value in frame.itertuples(index=False)}


def test_spans() -> None:
    assert merge_spans([(5, 9), (0, 3), (3, 4), (8, 12), (20, 20)]) == [(0, 4), (5, 12)]
    assert merge_spans([]) == []
    assert count_characters([(0, 4), (5, 12)]) == 11
    assert count_overlap([(0, 4), (6, 12)], [(2, 8), (11, 30)]) == 2 + 2 + 1


@pytest.mark.parametrize(
    ("wanted", "hits", "recall", "precision", "iou"),
    [
        # 10 asked, 5 of them in a chunk of 20: 5 / (20 + 5 missed)
        ([("a", (0, 10))], [("a", (5, 25))], 5 / 10, 5 / 20, 5 / 25),
        # overlapping chunks: found once, but both count as retrieved
        ([("a", (0, 10))], [("a", (0, 10)), ("a", (5, 15))], 1, 10 / 20, 10 / 20),
        # the same characters of another document
        ([("a", (0, 10))], [("b", (0, 10))], 0, 0, 0),
        # two documents: 10 of a found, none of the 10 of b; 30 retrieved
        ([("a", (0, 10)), ("b", (0, 10))], [("a", (0, 20)), ("b", (10, 20))], 10 / 20, 10 / 30, 10 / (30 + 10)),
        # several spans in one chunk
        ([("a", (0, 5)), ("a", (10, 15))], [("a", (0, 20))], 1, 10 / 20, 10 / 20),
        ([("a", (0, 5))], [], 0, 0, 0),
        ([], [("a", (0, 5))], 0, 0, 0),
        ([], [], 0, 0, 0),
    ],
)
def test_evidence_by_hand(wanted: list, hits: list, recall: float, precision: float, iou: float) -> None:
    assert score_spans(wanted, hits) == pytest.approx(
        {"evidence_recall": recall, "evidence_precision": precision, "evidence_iou": iou}
    )


def test_evidence_reads_the_first_chunks_of_the_chunk_run() -> None:
    evidence = pd.DataFrame([("q", "a", 0, 10), ("none", "a", 0, 10)], columns=EVIDENCE)
    # a3, the one with the answer, is sixth; two chunks of one document are two chunks
    run = make_run({"q": [("a1", 9.0), ("a2", 8.0), ("b1", 7.0), ("b2", 6.0), ("b3", 5.0), ("a3", 4.0)], "x": [("a3", 1.0)]})
    chunks = pd.DataFrame(
        [("a1", 8, 28), ("a2", 20, 40), ("a3", 0, 10), ("b1", 0, 20), ("b2", 0, 20), ("b3", 0, 20)],
        columns=["chunk_id", "start", "end"],
    )
    run = run.merge(chunks, on="chunk_id")
    found = as_table(measure_evidence(evidence, run))
    assert found == pytest.approx(
        {
            ("q", "evidence_recall@5"): 2 / 10,
            ("q", "evidence_precision@5"): 2 / 100,
            ("q", "evidence_iou@5"): 2 / (100 + 8),
            ("none", "evidence_recall@5"): 0,
            ("none", "evidence_precision@5"): 0,
            ("none", "evidence_iou@5"): 0,
        }
    )
    assert as_table(measure_evidence(evidence, run, depth=6))["q", "evidence_recall@6"] == 1
    assert measure_evidence(evidence, empty([*RUN, "start", "end"]))["value"].sum() == 0


def test_context_is_filled_in_rank_order_up_to_the_budget() -> None:
    evidence = pd.DataFrame([("q", "a", 0, 10), ("q", "b", 0, 10), ("none", "a", 0, 10)], columns=EVIDENCE)
    run = make_run({"q": [("c1", 9.0), ("a1", 8.0), ("b1", 7.0)]}).assign(
        start=[0, 0, 0], end=[100, 10, 20], tokens=[30, 10, 20]
    )
    # 60 tokens hold all three: 20 of 20 characters; 50 hold half of b1, its first 10 characters: still all of it;
    # 45 hold a quarter of b1: 10 + 5 of 20; 30 hold only c1
    for budget, recall in ((60, 1), (50, 1), (45, 15 / 20), (40, 10 / 20), (30, 0)):
        found = as_table(measure_context(evidence, run, budget=budget))
        assert found == pytest.approx({("q", CONTEXT_RECALL): recall, ("none", CONTEXT_RECALL): 0})
