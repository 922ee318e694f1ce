"""Systems that can be chosen: the named ones, the workspace's own, and those of models trained on a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InputError
from core.systems.available import delete_own_system, list_available, list_own_systems, list_systems, save_own_system
from core.systems.named import make_named_systems
from core.systems.system import Dense, Lexical, System
from core.systems.trained import ADAPTER, EMBEDDING, RERANKER, save_model
from core.workspace import Workspace
from tests.support.model_records import make_model

NAMED = make_named_systems()


def test_own_systems_of_a_workspace(workspace: Path) -> None:
    store = Workspace(workspace)
    assert list_own_systems(store) == {}
    own = System("mine", "mine: 50 %", lexical=Lexical(k1=1.2))
    save_own_system(own, store)
    save_own_system(System("other", lexical=Lexical()), store)
    assert list_own_systems(store)["mine"] == own
    assert list(list_systems(store)) == [*NAMED, "mine", "other"]
    save_own_system(System("mine", lexical=Lexical()), store)
    assert list_own_systems(store)["mine"].description == ""
    with pytest.raises(InputError) as error:
        save_own_system(System("bm25", lexical=Lexical()), store)
    assert str(error.value) == "the name 'bm25' belongs to a system that comes with the product; choose another name"
    delete_own_system("mine", store)
    delete_own_system("other", store)
    assert list_own_systems(store) == {}


def test_a_broken_file_of_own_systems_is_named(workspace: Path) -> None:
    store = Workspace(workspace)
    store.systems_file.write_text("- name: x\n")
    with pytest.raises(InputError) as error:
        list_own_systems(store)
    assert str(error.value).startswith(f"{store.systems_file}: system 'x' retrieves nothing")
    assert list_systems(store).keys() == NAMED.keys()  # who can go on without them does


def test_what_can_be_chosen_for_a_dataset(workspace: Path) -> None:
    store = Workspace(workspace)
    save_model(make_model(ADAPTER), store)
    save_model(make_model(EMBEDDING, dataset="other"), store)
    save_model(make_model(RERANKER, state="unfinished"), store)
    save_own_system(System("own", chunk=NAMED["dense"].chunk, dense=Dense()), store)
    assert list(list_available(store, dataset="tiny")) == [*NAMED, "dense-adapter", "own"]
