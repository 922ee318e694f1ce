"""What it costs to adopt a model, and which models may join a ladder."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.graph.estimate import read_speed
from core.systems.trained import ADAPTER, EMBEDDING, RERANKER, weights_folder
from core.training.adoption import Adoption, measure_adoption
from core.workspace import Workspace
from tests.core.ladder.test_trained_rungs import make_model
from tests.support.models import make_resources

PASSAGES = ["x" * 1000, "y" * 500]


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
    content = cost.to_json()
    assert content.pop("sentence") == cost.describe()
    assert Adoption(**content) == cost
