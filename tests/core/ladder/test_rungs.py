"""The rungs: their order is their cost, each has a title, and an absent one says what to do."""

from __future__ import annotations

from core.ladder.rungs import CHEAP_RUNGS, KIND_OF_RUNG, RUNG_TITLES, RUNGS, TRAINED_RUNGS, explain_absence
from core.systems.trained import KINDS


def test_the_order_of_the_rungs() -> None:
    assert RUNGS == (
        "baseline", "chunking", "metadata_filters", "hybrid_search", "query_rewriting", "reranking",
        "fine_tuned_reranker", "fine_tuned_adapter", "fine_tuned_embedding",
    )  # fmt: skip


def test_every_rung_has_a_title_and_every_kind_of_model_a_rung() -> None:
    assert list(RUNG_TITLES) == list(RUNGS)
    assert tuple(KIND_OF_RUNG) == TRAINED_RUNGS and set(KIND_OF_RUNG.values()) == set(KINDS)


def test_an_absent_rung_says_why() -> None:
    reasons = {rung: explain_absence(rung) for rung in RUNGS[1:]}
    assert "Add filters" in reasons["metadata_filters"]
    assert {reasons[rung] for rung in CHEAP_RUNGS if rung != "metadata_filters"} == {reasons["chunking"]}
    assert len({reasons[rung] for rung in TRAINED_RUNGS}) == len(TRAINED_RUNGS), "each names the model to train"
