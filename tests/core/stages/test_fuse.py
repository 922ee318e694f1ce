"""Fusion against arithmetic. Chunk "a1" is in document "a"."""

from __future__ import annotations

import pandas as pd
import pytest

from core.errors import InputError
from core.schema import RUN, check_run, empty
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion, scale_scores
from tests.support.models import make_run


def scores_of(run: pd.DataFrame, key: str = "doc_id") -> dict[str, float]:
    return dict(zip(run[key], run["score"], strict=True))


FIRST = make_run({"q": [("a1", 0.9), ("b1", 0.8), ("a2", 0.7), ("c1", 0.5)]})
SECOND = make_run({"q": [("c9", 12.0), ("a9", 6.0), ("d9", 2.0)]})


def test_reciprocal_rank_of_documents() -> None:
    fused = ReciprocalRankFusion(k=60)(FIRST, SECOND)
    # Documents of the first run: a 1, b 2, c 3 (a2 is not counted); of the second: c 1, a 2, d 3.
    assert scores_of(fused) == pytest.approx({"a": 1 / 61 + 1 / 62, "c": 1 / 63 + 1 / 61, "b": 1 / 62, "d": 1 / 63}, abs=1e-15)
    assert fused["doc_id"].tolist() == ["a", "c", "b", "d"]
    assert fused["rank"].tolist() == [1, 2, 3, 4]
    # The first run that has a document says which chunk stands for it.
    assert fused["chunk_id"].tolist() == ["a1", "c1", "b1", "d9"]


def test_three_runs_and_another_constant() -> None:
    fused = ReciprocalRankFusion(k=0)(FIRST, SECOND, SECOND)
    assert scores_of(fused) == pytest.approx({"a": 1 + 1 / 2 + 1 / 2, "c": 1 / 3 + 1 + 1, "b": 1 / 2, "d": 2 / 3})


def test_equal_sums_are_ordered_by_document_not_by_chunk() -> None:
    one = make_run({"q": [("z1", 2.0), ("a7", 1.0)]}, {"z1": "d1", "a7": "d2"})
    two = make_run({"q": [("a7", 2.0), ("z1", 1.0)]}, {"z1": "d1", "a7": "d2"})
    fused = ReciprocalRankFusion()(one, two)  # both documents are first once and second once
    assert fused["score"].nunique() == 1
    assert fused["doc_id"].tolist() == ["d1", "d2"]


def test_depth_cuts_each_run_before_fusing() -> None:
    fused = ReciprocalRankFusion(k=60, depth=1)(FIRST, SECOND)
    assert scores_of(fused) == pytest.approx({"a": 1 / 61, "c": 1 / 61})


def test_queries_do_not_mix_and_may_be_missing_in_one_run() -> None:
    one = make_run({"q1": [("a1", 1.0)], "q2": [("b1", 1.0)]})
    two = make_run({"q3": [("a1", 1.0)], "q1": [("c1", 1.0), ("a1", 0.5)]})
    fused = ReciprocalRankFusion(k=60)(one, two)
    by_query = {name: scores_of(group) for name, group in fused.groupby("query_id", sort=False)}
    assert list(by_query) == ["q1", "q2", "q3"]
    assert by_query["q1"] == pytest.approx({"a": 1 / 61 + 1 / 62, "c": 1 / 61})
    assert by_query["q2"] == pytest.approx({"b": 1 / 61})
    assert by_query["q3"] == pytest.approx({"a": 1 / 61})
    check_run(fused)


def test_chunks_are_fused_as_chunks() -> None:
    one = make_run({"q": [("a1", 3.0), ("a2", 2.0), ("b1", 1.0)]})
    two = make_run({"q": [("a2", 3.0), ("b1", 2.0)]})
    fused = ReciprocalRankFusion(k=60, level="chunk")(one, two)
    assert scores_of(fused, "chunk_id") == pytest.approx({"a2": 1 / 62 + 1 / 61, "b1": 1 / 63 + 1 / 62, "a1": 1 / 61})
    assert fused["chunk_id"].tolist() == ["a2", "b1", "a1"]
    assert fused["doc_id"].tolist() == ["a", "b", "a"]


def test_weighted_fusion_scales_each_query_to_0_and_1() -> None:
    fused = WeightedFusion(dense_share=0.7)(FIRST, SECOND)
    # first: a .9, b .8, c .5 over [.5, .9] -> 1, .75, 0; second: c 12, a 6, d 2 over [2, 12] -> 1, .4, 0
    assert scores_of(fused) == pytest.approx({"a": 0.7 + 0.3 * 0.4, "b": 0.7 * 0.75, "c": 0.3, "d": 0.0})
    assert fused["doc_id"].tolist() == ["a", "b", "c", "d"]


def test_equal_scores_count_as_1_for_the_query() -> None:
    one = make_run({"q": [("a1", 0.5), ("b1", 0.5)]})
    two = make_run({"q": [("b1", 4.0)]})
    assert scores_of(WeightedFusion(dense_share=0.6)(one, two)) == pytest.approx({"b": 0.6 + 0.4, "a": 0.6})


def test_scale_scores() -> None:
    run = make_run({"q1": [("a1", 3.0), ("b1", 2.0), ("c1", 1.0)], "q2": [("a1", -5.0)]})
    assert scale_scores(run).tolist() == [1.0, 0.5, 0.0, 1.0]
    assert len(scale_scores(empty(RUN))) == 0


@pytest.mark.parametrize("fusion", [ReciprocalRankFusion(), WeightedFusion(), ReciprocalRankFusion(level="chunk")])
def test_empty_runs(fusion: ReciprocalRankFusion | WeightedFusion) -> None:
    assert fusion(empty(RUN), empty(RUN)).empty
    one_sided = fusion(empty(RUN), SECOND)
    assert one_sided["doc_id"].tolist() == ["c", "a", "d"]
    assert list(one_sided.columns) == RUN
    check_run(one_sided)


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_constant_that_divides_by_zero_is_refused() -> None:
    with pytest.raises(InputError, match="k is -1; it must be at least 0"):
        ReciprocalRankFusion(k=-1)
