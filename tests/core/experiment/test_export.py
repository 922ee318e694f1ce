"""Experiments as zips: out and in again without loss or surprise."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from core.experiment.export import export_experiment, import_experiment
from core.experiment.history import list_experiments, load_experiment
from core.experiment.result import Experiment
from core.workspace import Workspace
from tests.support.small import assert_equal, write_small_dataset


def write_zip(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


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
