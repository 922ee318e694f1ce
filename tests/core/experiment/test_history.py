"""The history: kept, listed, renamed and deleted without loss or surprise."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pandas as pd
import pytest

from core.errors import InputError, NotInWorkspace
from core.experiment.history import (
    delete_experiment,
    edit_experiment,
    list_damaged,
    list_experiments,
    load_experiment,
    save_experiment,
)
from core.experiment.result import Experiment
from core.workspace import Workspace
from tests.support.small import assert_equal


def test_saved_experiment_is_loaded_as_it_was(experiment: Experiment, store: Workspace) -> None:
    assert_equal(load_experiment(experiment.id, store), experiment)


def test_list_is_newest_first_with_size(experiment: Experiment, store: Workspace) -> None:
    older = replace(experiment, id="20200101-000000-0000", created="2020-01-01T00:00:00+00:00", name="Old")
    save_experiment(older, store)
    entries = list_experiments(store)
    assert [entry.name for entry in entries] == ["Small test", "Old"]
    entry = entries[0]
    folder = store.experiments / experiment.id
    assert entry.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert (entry.dataset, entry.systems, entry.split) == ("small", ("bm25", "bm25-filtered"), "all")
    assert entry.fingerprint == experiment.dataset["fingerprint"]


def test_rename_and_note_survive_the_rest_of_the_run(experiment: Experiment, store: Workspace) -> None:
    """Renaming a running experiment must not be undone when its next system is ready."""
    edit_experiment(experiment.id, store, name="Better name", note="looks good")
    save_experiment(experiment, store)
    loaded = load_experiment(experiment.id, store)
    assert (loaded.name, loaded.note) == ("Better name", "looks good")
    assert list_experiments(store)[0].name == "Better name"
    edit_experiment(experiment.id, store, note="")
    assert (list_experiments(store)[0].name, list_experiments(store)[0].note) == ("Better name", "")


def test_reader_of_an_older_partial_result_gets_the_right_runs(experiment: Experiment, store: Workspace) -> None:
    """A system that becomes ready later may stand before others: their runs must not change places on disk."""
    partial = replace(experiment, id="20260101-000000-part", status="running", systems=experiment.systems[1:])
    partial = replace(partial, runs={"bm25-filtered": experiment.runs["bm25-filtered"]})
    save_experiment(partial, store)
    description = (store.experiments / partial.id / "experiment.json").read_bytes()
    save_experiment(replace(experiment, id=partial.id), store)
    (store.experiments / partial.id / "experiment.json").write_bytes(description)  # as a slow reader saw it
    loaded = load_experiment(partial.id, store)
    pd.testing.assert_frame_equal(loaded.runs["bm25-filtered"], experiment.runs["bm25-filtered"], check_dtype=False)
    assert set(loaded.per_query["system"]) == {"bm25-filtered"}


def test_delete_removes_the_experiment_and_keeps_the_cache(experiment: Experiment, store: Workspace) -> None:
    cached = {path for path in (store.folder / "cache").rglob("*") if path.is_file()}
    delete_experiment(experiment.id, store)
    assert list_experiments(store) == []
    assert not (store.experiments / experiment.id).exists()
    assert {path for path in (store.folder / "cache").rglob("*") if path.is_file()} == cached != set()
    for call in (delete_experiment, load_experiment):
        with pytest.raises(NotInWorkspace, match="is not here"):
            call(experiment.id, store)
    with pytest.raises(NotInWorkspace):
        delete_experiment("../datasets", store)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": "x"}'])
def test_damaged_experiment_does_not_hide_the_others(experiment: Experiment, store: Workspace, content: str) -> None:
    broken = store.experiments / "20260101-000000-dead"
    broken.mkdir()
    (broken / "experiment.json").write_text(content)
    assert [entry.id for entry in list_experiments(store)] == [experiment.id]
    assert list_damaged(store) == [broken.name]
    with pytest.raises(InputError, match="cannot be read"):
        load_experiment(broken.name, store)
    delete_experiment(broken.name, store)
    assert list_damaged(store) == []


def test_experiment_whose_runs_are_gone_says_so(experiment: Experiment, store: Workspace) -> None:
    (store.experiments / experiment.id / "per_query.parquet").unlink()
    with pytest.raises(InputError, match="delete this experiment"):
        load_experiment(experiment.id, store)
    shutil.rmtree(store.experiments / experiment.id)
    assert list_experiments(store) == []
