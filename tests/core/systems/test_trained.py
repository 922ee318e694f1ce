"""Trained models as artefacts: kept, listed, removed, and the systems they give."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import InputError, NotInWorkspace
from core.settings import DEFAULT_MODEL
from core.stages.rerank import CrossEncoderRerank
from core.systems.available import list_available, save_own_system
from core.systems.named import make_named_systems
from core.systems.system import Dense, System
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
from core.systems.trained_systems import apply_model, find_learned, make_trained_systems, read_start
from core.systems.yaml_files import from_spec
from core.workspace import Workspace

NAMED = make_named_systems()


def make_model(kind: str, digits: str = "1234567890", *, start: str | None = None, **changes: Any) -> TrainedModel:
    system = NAMED[start or ("hybrid-rrf" if kind == RERANKER else "dense")]
    model = TrainedModel(
        id=f"{kind}-{digits}",
        kind=kind,
        base=DEFAULT_MODEL,
        base_revision="1",
        system=system.to_spec(),
        dataset="tiny",
        fingerprint="f",
        split={"tuning": ["a", "b", "c"], "test": ["d"], "learning": ["a", "b"], "validation": ["c"]},
        plan={"depth": 30},
        data={"form": "pairs"},
        created="2026-01-02T03:04:05+00:00",
        state=READY,
    )
    return dataclasses.replace(model, **changes)


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


def test_an_adapter_gives_dense_adapter() -> None:
    model = make_model(ADAPTER)
    systems = make_trained_systems([model])
    assert list(systems) == ["dense-adapter"]
    adapted = systems["dense-adapter"]
    assert adapted.name == "dense-adapter"
    assert adapted.dense == Dense(adapter="trained:adapter-1234567890")
    assert adapted.chunk == NAMED["dense"].chunk
    assert adapted.description == (
        "dense, query vectors moved by a query adapter trained on tiny, 2026-01-02; documents are not embedded again."
    )


def test_an_embedding_model_gives_dense_finetuned_and_hybrid_finetuned() -> None:
    systems = make_trained_systems([make_model(EMBEDDING)])
    assert list(systems) == ["dense-finetuned", "hybrid-finetuned"]
    dense, hybrid = systems.values()
    assert dense.dense == hybrid.dense == Dense(model="trained:embedding-1234567890")
    assert (dense.lexical, dense.fuse) == (None, None)
    assert (hybrid.lexical, hybrid.fuse) == (NAMED["hybrid-rrf"].lexical, NAMED["hybrid-rrf"].fuse)


def test_an_embedding_model_from_a_hybrid_gives_hybrid_finetuned_alone() -> None:
    assert list(make_trained_systems([make_model(EMBEDDING, start="hybrid-rrf")])) == ["hybrid-finetuned"]


@pytest.mark.parametrize("mixed", [True, False])
def test_a_reranker_gives_hybrid_rerank_finetuned(mixed: bool) -> None:
    systems = make_trained_systems([make_model(RERANKER, metrics={"mixed": mixed})])
    assert list(systems) == ["hybrid-rerank-finetuned"]
    system = systems["hybrid-rerank-finetuned"]
    assert system.rerank == CrossEncoderRerank(model="trained:reranker-1234567890", depth=30, mixed=mixed)
    assert dataclasses.replace(system, name="hybrid-rrf", rerank=None, description="") == dataclasses.replace(
        NAMED["hybrid-rrf"], description=""
    )


def test_the_newest_model_of_a_kind_has_the_plain_names() -> None:
    models = [make_model(ADAPTER, "aaaa1"), make_model(EMBEDDING, "bbbb2"), make_model(ADAPTER, "cccc3"),
              make_model(EMBEDDING, "dddd4", start="hybrid-rrf")]  # fmt: skip
    systems = make_trained_systems(models)
    assert {name: system.dense.adapter or system.dense.model for name, system in systems.items() if system.dense} == {
        "dense-adapter": "trained:adapter-aaaa1",
        "dense-finetuned": "trained:embedding-bbbb2",
        "hybrid-finetuned": "trained:embedding-bbbb2",
        "dense-adapter-cccc": "trained:adapter-cccc3",
        "hybrid-finetuned-dddd": "trained:embedding-dddd4",
    }
    assert all(system.name == name for name, system in systems.items())


def test_trained_systems_can_be_written_and_read() -> None:
    models = [make_model(kind, metrics={"mixed": True}) for kind in (ADAPTER, EMBEDDING, RERANKER)]
    systems = make_trained_systems(models)
    assert len(systems) == 4
    for system in systems.values():
        assert from_spec(json.loads(json.dumps(system.to_spec()))) == system


def test_what_can_be_chosen_for_a_dataset(workspace: Path) -> None:
    store = Workspace(workspace)
    save_model(make_model(ADAPTER), store)
    save_model(make_model(EMBEDDING, dataset="other"), store)
    save_model(make_model(RERANKER, state="unfinished"), store)
    save_own_system(System("own", chunk=NAMED["dense"].chunk, dense=Dense()), store)
    assert list(list_available(store, dataset="tiny")) == [*NAMED, "dense-adapter", "own"]


def test_a_model_in_another_system() -> None:
    system = dataclasses.replace(NAMED["hybrid-prf"], dense=Dense(adapter="trained:old"))
    assert apply_model(make_model(ADAPTER), system).dense == Dense(adapter="trained:adapter-1234567890")
    tuned = apply_model(make_model(EMBEDDING), system)
    assert tuned.dense == Dense(model="trained:embedding-1234567890")  # the adapter fitted the old model
    assert (tuned.name, tuned.rewrite) == (system.name, system.rewrite)
    reranked = apply_model(make_model(RERANKER), system)
    assert reranked.rerank == CrossEncoderRerank(model="trained:reranker-1234567890", depth=30)
    assert read_start(make_model(RERANKER)) == NAMED["hybrid-rrf"]


def test_a_model_that_does_not_fit_a_system_says_so() -> None:
    other = dataclasses.replace(NAMED["dense"], name="other", dense=Dense(model="some/model"))
    with pytest.raises(InputError) as error:
        apply_model(make_model(ADAPTER), other)
    assert str(error.value) == (
        "system 'other' embeds with some/model, and the adapter adapter-1234567890 was trained on vectors of all-MiniLM-L6-v2: "
        "each adapter fits one model"
    )
    for kind, words in ((ADAPTER, "query adapter"), (EMBEDDING, "embedding model")):
        with pytest.raises(InputError, match=f"system 'bm25' has no dense side that a trained {words} could serve"):
            apply_model(make_model(kind), NAMED["bm25"])


def test_systems_that_have_learned_from_the_queries_asked_are_told_apart(workspace: Path) -> None:
    """Of the queries a, b, c and d the model learned from a and b and was stopped by c."""
    store = Workspace(workspace)
    model = TrainedModel(
        id="adapter-0123456789", kind="adapter", base="all-MiniLM-L6-v2", base_revision="", dataset="small", fingerprint="f",
        system=make_named_systems()["dense"].to_spec(), plan={"depth": 30}, data={}, created="2026-11-25T00:00:00+00:00",
        split={"tuning": ["a", "b", "c"], "test": ["d"], "learning": ["a", "b"], "validation": ["c"]}, state="ready",
    )  # fmt: skip
    save_model(model, store)
    systems = make_named_systems() | make_trained_systems([model])
    specs = [systems[name].to_spec() for name in ("dense", "dense-adapter")]
    assert find_learned(specs, ["a", "c", "d"], store) == {"dense-adapter": 2}
    assert find_learned(specs, ["d"], store) == {}
    remove_model(model.id, store)
    assert find_learned(specs, ["a"], store) == {}


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
