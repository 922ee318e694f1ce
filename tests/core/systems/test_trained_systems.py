"""The systems that trained models give, and what those have learned from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from core.errors import InputError
from core.stages.rerank import CrossEncoderRerank
from core.systems.named import make_named_systems
from core.systems.system import Dense
from core.systems.trained import ADAPTER, EMBEDDING, RERANKER, remove_model, save_model
from core.systems.trained_systems import apply_model, count_seen, make_trained_systems, read_start
from core.systems.yaml_files import from_spec
from core.workspace import Workspace
from tests.support.model_records import make_model

NAMED = make_named_systems()


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
    model = make_model(ADAPTER)
    save_model(model, store)
    systems = make_named_systems() | make_trained_systems([model])
    specs = [systems[name].to_spec() for name in ("dense", "dense-adapter")]
    assert count_seen(specs, ["a", "c", "d"], store) == {"dense-adapter": 2}
    assert count_seen(specs, ["d"], store) == {}
    remove_model(model.id, store)
    assert count_seen(specs, ["a"], store) == {}
