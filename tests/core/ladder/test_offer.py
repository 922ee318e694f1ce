"""What a ladder may try: glossaries of the user's own systems, and the trained models that may join."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.data.catalog import open_dataset
from core.data.dataset import Dataset
from core.ladder.offer import find_glossaries, find_joining_models
from core.stages.rewrite import Glossary
from core.systems.system import Lexical, System
from core.systems.trained import ADAPTER, EMBEDDING, RERANKER, TrainedModel, save_model
from core.workspace import Workspace
from tests.core.ladder.test_trained_rungs import make_model
from tests.support.small import write_small_dataset

SYNONYMS = Glossary(groups=(("battery", "accumulator"),))


def test_glossaries_of_the_users_own_systems() -> None:
    own = [System(name, lexical=Lexical(), rewrite=(SYNONYMS,)) for name in ("one", "two")]
    assert find_glossaries([*own, System("three", lexical=Lexical())]) == (SYNONYMS,)


@pytest.fixture
def store(workspace: Path) -> Workspace:
    write_small_dataset(workspace / "datasets" / "small")
    return Workspace(workspace)


@pytest.fixture
def dataset(store: Workspace) -> Dataset:
    return open_dataset("small", store)


def keep(store: Workspace, data: Dataset, kind: str, day: int, **changes: Any) -> TrainedModel:
    made = {"id": f"{kind}-{day:010}", "dataset": "small", "fingerprint": data.fingerprint}
    model = make_model(kind, created=f"2026-01-{day:02}T00:00:00", **{**made, **changes})
    save_model(model, store)
    return model


def test_the_newest_of_each_kind_joins(store: Workspace, dataset: Dataset) -> None:
    keep(store, dataset, ADAPTER, 1)
    newest, reranker = keep(store, dataset, ADAPTER, 3), keep(store, dataset, RERANKER, 2)
    assert find_joining_models(dataset, store) == (newest, reranker)


def test_only_ready_models_of_the_data_as_they_are_join(store: Workspace, dataset: Dataset) -> None:
    keep(store, dataset, ADAPTER, 1, fingerprint="of other data")
    keep(store, dataset, RERANKER, 2, state="unfinished")
    keep(store, dataset, EMBEDDING, 3, dataset="other")
    assert find_joining_models(dataset, store) == ()


def test_a_model_that_has_seen_the_newest_ones_test_queries_stays_out(store: Workspace, dataset: Dataset) -> None:
    """Drawn with another seed, so that queries which one tests on, the other has learned from; the third has not."""
    split = make_model(ADAPTER).split
    newest = keep(store, dataset, ADAPTER, 3, split={**split, "test": ["t9"], "learning": ["t1"], "validation": ["t2"]})
    keep(store, dataset, RERANKER, 2, split={**split, "seed": 1, "test": ["t1"], "learning": ["t9"], "validation": []})
    apart = {**split, "seed": 1, "test": ["t1"], "learning": ["t3"], "validation": ["t2"]}
    embedding = keep(store, dataset, EMBEDDING, 1, split=apart)
    assert find_joining_models(dataset, store) == (newest, embedding)
    stopped_by = keep(store, dataset, EMBEDDING, 2, split={**apart, "validation": ["t9"]})
    assert find_joining_models(dataset, store) == (newest, embedding), "what stopped a training was seen too"
    assert replace(stopped_by, split=apart).seen == {"t2", "t3"}
