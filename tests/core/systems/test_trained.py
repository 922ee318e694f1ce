"""Trained models as artefacts: kept, listed, removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import InputError, NotInWorkspace
from core.settings import DEFAULT_MODEL
from core.systems.named import make_named_systems
from core.systems.trained import (
    ADAPTER,
    EMBEDDING,
    READY,
    RERANKER,
    TrainedModel,
    list_models,
    load_model,
    model_folder,
    model_size,
    remove_model,
    save_model,
    training_folder,
    weights_folder,
)
from core.workspace import Workspace
from tests.support.model_records import make_model

NAMED = make_named_systems()


def put_weights(model: TrainedModel, workspace: Workspace, content: bytes = b"weights") -> None:
    folder = weights_folder(model.id, workspace)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(content)


def test_a_model_is_read_as_it_was_kept(workspace: Path) -> None:
    store = Workspace(workspace)
    model = make_model(
        EMBEDDING,
        curve=({"step": 1, "epoch": 0.5, "loss": 2.0}, {"step": 2, "epoch": 1.0, "validation": 1.0}),
        metrics={"validation": 1.0, "moved": True},
        seconds=12.5,
    )
    save_model(model, store)
    assert load_model(model.id, store) == model
    assert load_model("trained:embedding-1234567890", store) == model
    assert (model.reference, model.tag, model.is_ready) == ("trained:embedding-1234567890", "1234", True)
    assert model.seen == {"a", "b", "c"}
    file = model_folder(model.id, store) / "model.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "of a later version": 1}))
    assert load_model(model.id, store) == model


@pytest.mark.parametrize("name", ["adapter-1", "../experiments", "", "a/b"])
def test_what_a_model_that_is_not_here_says(name: str, workspace: Path) -> None:
    with pytest.raises(NotInWorkspace, match=f"The trained model '{name}' is not in this workspace"):
        load_model(name, Workspace(workspace))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"id": "adapter-1", "curve": null}', "{"])
def test_a_damaged_model_says_so_and_is_not_listed(content: str, workspace: Path) -> None:
    store = Workspace(workspace)
    file = model_folder("adapter-1", store) / "model.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(InputError, match="remove this model and train it again"):
        load_model("adapter-1", store)
    assert list_models(store) == list_models(store, unfinished=True) == []


def test_a_damaged_model_can_be_removed(workspace: Path) -> None:
    store = Workspace(workspace)
    file = model_folder("adapter-1", store) / "model.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    remove_model("adapter-1", store)
    assert not file.parent.exists()


def test_models_are_listed_newest_first_and_unfinished_ones_apart(workspace: Path) -> None:
    store = Workspace(workspace)
    assert list_models(store) == []
    for kind, digits, day, state, dataset in (
        (ADAPTER, "1111", "02", READY, "tiny"),
        (ADAPTER, "2222", "03", READY, "tiny"),
        (EMBEDDING, "3333", "04", READY, "other"),
        (RERANKER, "4444", "05", "unfinished", "tiny"),
    ):
        created = f"2026-01-{day}T03:04:05+00:00"
        save_model(make_model(kind, digits, created=created, state=state, dataset=dataset), store)

    def ids(**options: Any) -> list[str]:
        return [model.tag for model in list_models(store, **options)]

    assert ids() == ["3333", "2222", "1111"]
    assert ids(dataset="tiny") == ["2222", "1111"]
    assert ids(unfinished=True) == ["4444"]
    assert ids(dataset="other", unfinished=True) == []


def test_size_of_the_weights(workspace: Path) -> None:
    store, model = Workspace(workspace), make_model(ADAPTER)
    save_model(model, store)
    assert model_size(model, store) == 0
    put_weights(model, store, b"x" * 100)
    training_folder(model.id, store).mkdir()
    (training_folder(model.id, store) / "checkpoint").write_bytes(b"x" * 50)
    assert model_size(model, store) == 100


def test_a_removed_model_takes_what_was_computed_by_it_along(workspace: Path) -> None:
    store, model, other = Workspace(workspace), make_model(EMBEDDING), make_model(EMBEDDING, "999")
    one = {"h": np.ones(2)}
    for kept in (model, other):
        save_model(kept, store)
        put_weights(kept, store)
        for cache in (store.vectors, store.tokens, store.pairs):
            cache(kept.reference, "").write(one)
    store.vectors(DEFAULT_MODEL, "1").write(one)
    remove_model(model.reference, store)
    assert not model_folder(model.id, store).exists()
    for cache in (store.vectors, store.tokens, store.pairs):
        assert cache(model.reference, "").missing(["h"]) == ["h"]
        assert cache(other.reference, "").missing(["h"]) == []
    assert store.vectors(DEFAULT_MODEL, "1").missing(["h"]) == []
    assert [found.id for found in list_models(store)] == [other.id]
    assert [path.name for path in store.models.iterdir()] == [other.id]
    with pytest.raises(NotInWorkspace):
        remove_model(model.id, store)


@pytest.mark.parametrize(
    ("metrics", "learned"),
    [
        ({"validation_untrained": 1.1, "validation": 1.0}, True),
        ({"validation_untrained": 1.1, "validation": 1.1}, False),
        ({"validation_untrained": 1.1, "validation": 1.2}, False),
        ({"validation_untrained": None, "validation": None}, True),  # no query was kept to stop it
    ],
)
def test_a_training_that_does_no_better_on_the_queries_that_stopped_it_has_learned_nothing(
    metrics: dict[str, Any], learned: bool
) -> None:
    model = TrainedModel(
        id="reranker-0", kind="reranker", base="b", base_revision="", system={}, dataset="d", fingerprint="f", split={},
        plan={}, data={}, created="", metrics=metrics,
    )  # fmt: skip
    assert model.has_learned is learned
