"""The history: kept, listed, renamed, deleted, compared, exported and imported without loss or surprise."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import InputError, NotInWorkspace
from core.experiment.compare import Experiment, SystemResult
from core.experiment.history import (
    compare_experiments,
    delete_experiment,
    describe_changes,
    edit_experiment,
    export_experiment,
    import_experiment,
    list_damaged,
    list_experiments,
    load_experiment,
    save_experiment,
)
from core.systems.named import make_named_systems
from core.workspace import Workspace
from tests.support.small import run_small_experiment, write_small_dataset


@pytest.fixture
def experiment(workspace: Path) -> Experiment:
    return run_small_experiment(workspace)


@pytest.fixture
def store(workspace: Path) -> Workspace:
    return Workspace(workspace)


def assert_equal(first: Experiment, second: Experiment) -> None:
    assert first.to_json() == second.to_json()
    # Text columns come back as object, as schema.py wants them, whatever pandas made of them before.
    pd.testing.assert_frame_equal(first.per_query, second.per_query, check_dtype=False)
    assert list(first.runs) == list(second.runs)
    for name, run in first.runs.items():
        pd.testing.assert_frame_equal(run, second.runs[name], check_dtype=False)


def write_zip(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


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


def test_export_and_import_give_the_same_experiment_and_dataset(
    experiment: Experiment, store: Workspace, tmp_path: Path
) -> None:
    (store.experiments / experiment.id / "runs" / "killed.part").write_text("half")
    archive = tmp_path / "e.zip"
    archive.write_bytes(export_experiment(experiment.id, store, dataset_folder=store.datasets / "small"))
    assert not [name for name in zipfile.ZipFile(archive).namelist() if name.endswith(".part")]
    elsewhere = Workspace(tmp_path / "elsewhere")
    assert import_experiment(archive, elsewhere) == experiment.id
    assert_equal(load_experiment(experiment.id, elsewhere), experiment)
    assert (elsewhere.datasets / "small" / "corpus.jsonl").read_bytes() == (
        store.datasets / "small" / "corpus.jsonl"
    ).read_bytes()
    assert list((elsewhere.folder / "imports").iterdir()) == []


def test_import_again_gets_a_new_id_and_shares_the_dataset(experiment: Experiment, store: Workspace, tmp_path: Path) -> None:
    archive = tmp_path / "e.zip"
    archive.write_bytes(export_experiment(experiment.id, store, dataset_folder=store.datasets / "small"))
    copy = import_experiment(archive, store)
    assert copy != experiment.id
    assert_equal(load_experiment(copy, store), replace(experiment, id=copy))
    assert [path.name for path in store.datasets.iterdir()] == ["small"]


def test_import_of_another_dataset_of_the_same_name_renames_it(
    experiment: Experiment, store: Workspace, tmp_path: Path
) -> None:
    archive = tmp_path / "e.zip"
    archive.write_bytes(export_experiment(experiment.id, store, dataset_folder=store.datasets / "small"))
    elsewhere = Workspace(tmp_path / "elsewhere")
    other = write_small_dataset(elsewhere.datasets / "small", labels=False)
    before = (other / "queries.jsonl").read_bytes()
    loaded = load_experiment(import_experiment(archive, elsewhere), elsewhere)
    assert loaded.dataset["name"] == "small-2"
    assert (elsewhere.datasets / "small-2" / "qrels.tsv").is_file()
    assert (other / "queries.jsonl").read_bytes() == before and not (other / "qrels.tsv").exists()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"readme.txt": "hello"}, "e.zip: is not an exported experiment"),
        ({"experiment/experiment.json": "{"}, "e.zip: is an exported experiment that cannot be read"),
        ({"experiment/experiment.json": "{}"}, "e.zip: is an exported experiment that cannot be read"),
        ({"../evil.txt": "x"}, "evil.txt"),
    ],
)
def test_import_refuses_what_is_not_an_export(
    store: Workspace, tmp_path: Path, files: dict[str, str | bytes], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        import_experiment(write_zip(tmp_path / "e.zip", files), store)
    assert list_experiments(store) == []
    assert list((store.folder / "imports").iterdir()) == []


def test_import_with_a_broken_dataset_takes_nothing_in(experiment: Experiment, store: Workspace, tmp_path: Path) -> None:
    source = zipfile.ZipFile(io.BytesIO(export_experiment(experiment.id, store)))
    files: dict[str, str | bytes] = {name: source.read(name) for name in source.namelist()}
    archive = write_zip(tmp_path / "e.zip", {**files, "dataset/corpus.jsonl": '{"_id": "a"'})
    elsewhere = Workspace(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="line 1"):
        import_experiment(archive, elsewhere)
    assert list_experiments(elsewhere) == [] and list(elsewhere.datasets.iterdir()) == []


@pytest.mark.parametrize("given", ["../../evil", "", ".", "a b/c"])
def test_import_does_not_trust_the_id(experiment: Experiment, store: Workspace, tmp_path: Path, given: str) -> None:
    folder = store.experiments / experiment.id
    content = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))
    (folder / "experiment.json").write_text(json.dumps({**content, "id": given}), encoding="utf-8")
    archive = tmp_path / "e.zip"
    archive.write_bytes(export_experiment(experiment.id, store))
    elsewhere = Workspace(tmp_path / "elsewhere")
    taken = import_experiment(archive, elsewhere)
    assert [path.name for path in elsewhere.experiments.iterdir()] == [taken]
    assert load_experiment(taken, elsewhere).id == taken != given


def make_values(values: dict[str, list[float]], queries: list[str]) -> pd.DataFrame:
    rows = [
        {"system": system, "query_id": query, "measure": "nDCG@10", "value": value}
        for system, column in values.items()
        for query, value in zip(queries, column, strict=True)
    ]
    return pd.DataFrame(rows)


def test_comparison_of_two_is_over_their_shared_queries(experiment: Experiment) -> None:
    specs = {name: system.to_spec() for name, system in make_named_systems().items()}

    def make(values: dict[str, list[float]], queries: list[str], chunk: int) -> Experiment:
        dense = {**specs["dense"], "chunk": {**specs["dense"]["chunk"], "size": chunk}}
        systems = tuple(SystemResult(name, dense if name == "dense" else specs[name]) for name in values)
        return replace(experiment, systems=systems, per_query=make_values(values, queries))

    first = make({"dense": [0.0, 0.5, 1.0], "bm25": [1.0, 1.0, 1.0]}, ["a", "b", "c"], 200)
    second = make({"dense": [1.0, 1.0, 0.0], "hybrid-rrf": [0.5, 0.5, 0.5]}, ["b", "c", "d"], 128)
    changes = {change.system: change for change in compare_experiments(first, second, "nDCG@10")}
    # Shared: b and c. dense: (0.5 + 1.0) / 2 = 0.75, then (1.0 + 1.0) / 2 = 1.0; differences 0.5 and 0.0, mean 0.25.
    dense = changes["dense"]
    assert (dense.first, dense.second) == (0.75, 1.0)
    assert dense.difference is not None and dense.difference.mean == 0.25 and dense.difference.n == 2
    assert dense.difference.low == 0.0 and dense.difference.high == 0.5
    assert dense.changes == ("chunk size: 200, now 128",)
    assert (changes["bm25"].first, changes["bm25"].second, changes["bm25"].difference) == (1.0, None, None)
    assert (changes["hybrid-rrf"].first, changes["hybrid-rrf"].second) == (None, 0.5)
    assert compare_experiments(first, second, "AP") == []
    elsewhere = replace(second, per_query=second.per_query.assign(query_id=["x", "y", "z", "x", "y", "z"]))
    assert compare_experiments(first, elsewhere, "nDCG@10") == []
    assert not np.isnan(dense.difference.mean)


def test_changes_of_a_definition_are_told_in_words() -> None:
    named = {name: system.to_spec() for name, system in make_named_systems().items()}
    assert describe_changes(named["dense"], named["dense"]) == ()
    assert describe_changes(named["dense"], named["dense-chunk128"]) == ("chunk size: 200, now 128",)
    assert describe_changes(named["dense"], named["dense-window"]) == ("chunk: recursive, now window",)
    assert describe_changes(named["dense"], named["dense-filtered"]) == ("filter: off, now on",)
    assert describe_changes(named["hybrid-rrf"], named["hybrid-prf"]) == ("rewrite: off, now prf",)
    assert describe_changes(named["hybrid-rerank"], named["hybrid-rrf"]) == ("rerank: late_interaction, now off",)
    reading = {**named["dense-filtered"], "infer_filters": ["product", "version"]}
    assert describe_changes(named["dense-filtered"], reading) == ("infer_filters: off, now product, version",)
    glossary = {"rewrite": [{"type": "glossary", "groups": [["a", "b"]]}]}
    assert describe_changes(glossary, {"rewrite": [{"type": "glossary", "groups": [["a", "c"]]}]}) == (
        "rewrite: other settings of glossary",
    )


def test_experiment_whose_runs_are_gone_says_so(experiment: Experiment, store: Workspace) -> None:
    (store.experiments / experiment.id / "per_query.parquet").unlink()
    with pytest.raises(InputError, match="delete this experiment"):
        load_experiment(experiment.id, store)
    shutil.rmtree(store.experiments / experiment.id)
    assert list_experiments(store) == []
