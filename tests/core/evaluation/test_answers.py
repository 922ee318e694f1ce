"""Ranks of answers worked out by hand: by span where a query has evidence, by document where it has none."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.evaluation.answers import find_holding_hits, measure_success, rank_answers
from core.schema import EVIDENCE, JUDGMENTS, RUN, empty
from tests.support.models import make_run

JUDGED = pd.DataFrame([("span", "a", 1), ("doc", "b", 1), ("doc", "c", 0), ("lost", "z", 1), ("no", "a", 0)], columns=JUDGMENTS)
EVIDENCED = pd.DataFrame([("span", "a", 0, 10)], columns=EVIDENCE)


def make_placed_run() -> pd.DataFrame:
    hits = {"span": [("a1", 9.0), ("a2", 8.0), ("a3", 7.0)], "doc": [("c1", 9.0), ("c2", 8.0), ("b1", 7.0)]}
    # a1 covers 4 of the 10 characters, a2 covers 5: half is enough; documents count once, so b is second
    return make_run(hits).assign(start=[6, 5, 0, 0, 0, 0], end=[30, 30, 10, 9, 9, 9])


def test_rank_by_half_a_span_and_by_document() -> None:
    ranks = rank_answers(make_placed_run(), JUDGED, EVIDENCED)
    assert ranks.to_dict() == {"span": 2.0, "doc": 2.0, "lost": np.inf}


def test_without_evidence_documents_count_for_all() -> None:
    ranks = rank_answers(make_placed_run(), JUDGED, empty(EVIDENCE))
    assert ranks.to_dict() == {"span": 1.0, "doc": 2.0, "lost": np.inf}


def test_holding_hits_are_listed_once() -> None:
    twice = pd.DataFrame([("span", "a", 0, 10), ("span", "a", 5, 9)], columns=EVIDENCE)
    found = find_holding_hits(make_placed_run(), twice)
    assert found[["chunk_id", "rank"]].values.tolist() == [["a1", 1], ["a2", 2], ["a3", 3]]
    assert find_holding_hits(empty([*RUN, "start", "end"]), twice).empty


def test_success_is_the_first_five() -> None:
    frame = measure_success(pd.Series({"a": 5.0, "b": 6.0, "c": np.inf}))
    assert frame["value"].tolist() == [1, 0, 0]


def test_no_labels() -> None:
    assert rank_answers(make_placed_run(), empty(JUDGMENTS), empty(EVIDENCE)).empty
