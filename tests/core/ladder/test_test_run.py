"""The sides of a drawn split are written into the queries, and nothing else changes."""

from __future__ import annotations

from core.data.split import Split
from core.ladder.test_run import mark_sides
from tests.core.ladder.test_resplits import make_dataset


def test_a_query_is_on_its_side_or_on_none() -> None:
    dataset = make_dataset(size=4)
    marked = mark_sides(dataset, Split(("q0",), ("q1", "q3"), 4))
    assert dict(zip(marked.queries["query_id"], marked.queries["split"], strict=True)) == {
        "q0": "tuning",
        "q1": "test",
        "q2": "",
        "q3": "test",
    }
    assert set(dataset.queries["split"]) == {""}, "the dataset itself stays as it was"
    assert marked.documents is dataset.documents
