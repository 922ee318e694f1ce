"""The split of a dataset: which queries say the same, and who tunes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.data.split import DEFAULT_SHARE
from core.errors import InputError
from core.experiment.drawn_split import draw_split, embed_queries, group_dataset
from core.settings import DEFAULT_MODEL
from tests.support.materials import make_labelled
from tests.support.models import FakeModels, make_resources, vector_of

TEXTS = {"two": "The battery lasts for five years. The clock of it is right.", "hub": "The hub is reset by hand."}


def test_groups_of_a_dataset_go_by_text_evidence_and_vectors(workspace: Path) -> None:
    queries = {"q1": "clock hub", "q2": "hub and clock", "q3": "Mail!", "q4": "mail", "q5": "battery", "q6": "price"}
    quotes = [("q5", "two", "five years"), ("q6", "two", "years")]
    groups = group_dataset(make_labelled(TEXTS, queries, {}, quotes=quotes), make_resources(workspace))
    # q1 and q2 have the same two keywords, q3 and q4 the same word, q5 and q6 overlapping evidence
    assert [groups[name] for name in queries] == [0, 0, 1, 1, 2, 2]


def test_two_queries_are_compared_by_the_default_model_as_queries(workspace: Path) -> None:
    models = FakeModels()
    vectors = embed_queries(["hub", "clock and mail"], make_resources(workspace, models))
    assert np.allclose(vectors, [vector_of("hub"), vector_of("clock mail")])
    assert sorted(models.fake.asked) == [("query", "clock and mail"), ("query", "hub")]
    assert models.is_loaded(DEFAULT_MODEL)


def test_the_split_is_the_data_s_own_or_drawn_with_share_and_seed() -> None:
    ids = [f"q{n}" for n in range(100)]
    dataset = make_labelled(TEXTS, {name: f"question {name}" for name in ids}, {})
    own = {name: n for n, name in enumerate(ids)}
    assert len(draw_split(dataset, own).tuning) == 100 * DEFAULT_SHARE
    half = draw_split(dataset, own, share=0.5, seed=1)
    assert len(half.tuning) == 50 and not half.given
    assert half == draw_split(dataset, own, share=0.5, seed=1) != draw_split(dataset, own, share=0.5, seed=2)
    sides = ["tuning" if n < 10 else "test" for n in range(100)]
    given = draw_split(dataclasses.replace(dataset, queries=dataset.queries.assign(split=sides)), own, share=0.5)
    assert (list(given.tuning), given.given) == (ids[:10], True)
    with pytest.raises(InputError, match="must lie between 0 and 1"):
        draw_split(dataset, own, share=1.0)
