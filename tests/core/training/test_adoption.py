"""What it costs to adopt a model, and which models may join a ladder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.data.catalog import open_dataset
from core.data.dataset import Dataset
from core.graph.estimate import read_speed
from core.systems.trained import ADAPTER, EMBEDDING, RERANKER, TrainedModel, save_model, weights_folder
from core.training.adoption import Adoption, as_json, describe_duration, find_trained, measure_adoption
from core.workspace import Workspace
from tests.core.ladder.test_trained_rungs import make_model
from tests.support.models import make_resources
from tests.support.small import write_small_dataset

PASSAGES = ["x" * 1000, "y" * 500]
DURATIONS = [
    (0.2, "0 s"), (12.4, "12 s"), (89.0, "89 s"), (90.0, "2 min"), (240.0, "4 min"), (3569.0, "59 min"), (3600.0, "1 h 0 min"),
    (3900.0, "1 h 5 min"), (3585.0, "1 h 0 min"),
]  # fmt: skip


@pytest.mark.parametrize(("seconds", "words"), DURATIONS)
def test_durations(seconds: float, words: str) -> None:
    assert describe_duration(seconds) == words


def measure(kind: str, folder: Path, **metrics: int) -> Adoption:
    model = make_model(kind, seconds=30.0, metrics=metrics)
    weights = weights_folder(model.id, Workspace(folder))
    weights.mkdir(parents=True)
    (weights / "model.safetensors").write_bytes(b"0" * 2_000_000)
    return measure_adoption(model, make_resources(folder), passages=PASSAGES)


def test_an_embedding_model_needs_a_second_index(tmp_path: Path) -> None:
    cost = measure(EMBEDDING, tmp_path)
    assert (cost.training_seconds, cost.passages, cost.model_mb) == (30.0, 2, 2.0)
    assert cost.embed_seconds == pytest.approx(1500 / read_speed(make_resources(tmp_path)))  # 1,500 characters
    assert cost.index_mb == pytest.approx(0.003072)  # 2 passages of 384 floats of 4 bytes
    assert "2 passages anew" in cost.describe() and "keep the old index" in cost.describe()


def test_the_index_is_as_large_as_the_models_vectors(tmp_path: Path) -> None:
    assert measure(EMBEDDING, tmp_path, dimensions=32).index_mb == pytest.approx(2 * 32 * 4 / 1e6)


@pytest.mark.parametrize("kind", [ADAPTER, RERANKER])
def test_what_is_left_out_again_embeds_nothing(kind: str, tmp_path: Path) -> None:
    cost = measure(kind, tmp_path)
    assert (cost.passages, cost.embed_seconds, cost.index_mb) == (0, 0.0, 0.0)
    assert "leaving it out is the way back" in cost.describe()
    assert ("2 MB" in cost.describe()) is (kind == RERANKER)


def test_the_json_has_the_numbers_and_the_sentence(tmp_path: Path) -> None:
    cost = measure(RERANKER, tmp_path)
    content = as_json(cost)
    assert content.pop("sentence") == cost.describe()
    assert Adoption(**content) == cost


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
    assert find_trained(dataset, store) == (newest, reranker)


def test_only_ready_models_of_the_data_as_they_are_join(store: Workspace, dataset: Dataset) -> None:
    keep(store, dataset, ADAPTER, 1, fingerprint="of other data")
    keep(store, dataset, RERANKER, 2, state="unfinished")
    keep(store, dataset, EMBEDDING, 3, dataset="other")
    assert find_trained(dataset, store) == ()


def test_a_model_that_has_seen_the_newest_ones_test_queries_stays_out(store: Workspace, dataset: Dataset) -> None:
    """Drawn with another seed, so that queries which one tests on, the other has learned from; the third has not."""
    split = make_model(ADAPTER).split
    newest = keep(store, dataset, ADAPTER, 3, split={**split, "test": ["t9"], "learning": ["t1"], "validation": ["t2"]})
    keep(store, dataset, RERANKER, 2, split={**split, "seed": 1, "test": ["t1"], "learning": ["t9"], "validation": []})
    apart = {**split, "seed": 1, "test": ["t1"], "learning": ["t3"], "validation": ["t2"]}
    embedding = keep(store, dataset, EMBEDDING, 1, split=apart)
    assert find_trained(dataset, store) == (newest, embedding)
    stopped_by = keep(store, dataset, EMBEDDING, 2, split={**apart, "validation": ["t9"]})
    assert find_trained(dataset, store) == (newest, embedding), "what stopped a training was seen too"
    assert replace(stopped_by, split=apart).seen == {"t2", "t3"}
