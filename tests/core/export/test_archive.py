"""Experiments as zips: out and in again without loss or surprise."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
import pytest

from core.errors import InputError
from core.experiment.history import list_experiments, load_experiment
from core.experiment.result import Experiment
from core.export.archive import export_experiment, import_experiment
from core.workspace import Workspace
from tests.support.assessments import make_assessment
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


def spoil_frame(data: bytes, column: str, value: object) -> bytes:
    """A Parquet file with other values in a column; without it for None."""
    frame = pd.read_parquet(io.BytesIO(data))
    frame = frame.drop(columns=column) if value is None else frame.assign(**{column: value})
    return frame.to_parquet()


def spoil_json(data: bytes, place: Sequence[str | int], value: object) -> bytes:
    """A file of JSON with another value at a place, and no checksum, as somebody would write it by hand."""
    content = json.loads(data)
    content.pop("checksum", None)
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return json.dumps(content).encode()


RUN = "runs/*"
HOSTILE_FIELDS: list[tuple[str, tuple[str | int, ...], object, str]] = [
    ("experiment.json", ("systems", 0, "measures"), [], "experiment.json: Expected `object`"),
    ("experiment.json", ("dataset", "name"), {"a": 1}, "dataset.name"),
    ("assessment.json", ("ladder",), "<script>", "assessment.json: Expected `array`.*ladder"),
    ("assessment.json", ("recommendation", "sentence"), ["x"], "recommendation.sentence"),
    ("assessment.json", ("analysis", "failures", "columns", 1), "<b>", "failures has no column query_id"),
    ("assessment.json", ("analysis", "slices"), "rows", "Expected a table"),
    ("assessment.json", ("analysis", "baseline"), "../x", "counts has nothing of"),
    ("tuning.json", ("systems", "k", "values", "q"), "=1+1", "tuning.json: Expected `float`"),
    ("checks.json", ("checks", 0, "spec"), "import os", "checks.json: Expected `object`.*spec"),
    ("checks.json", ("recommended",), None, "checks.json: Expected `object`.*recommended"),
    ("per_query.parquet", ("value",), "=cmd", "column value of per_query.parquet: expected floating or integer, found string"),
    ("per_query.parquet", ("query_id",), 7, "column query_id of per_query.parquet: expected string, found integer"),
    ("per_query.parquet", ("measure",), None, "per_query.parquet has no column measure"),
    (RUN, ("doc_id",), b"\x00", r"column doc_id of runs/.*: expected string, found bytes"),
    (RUN, ("rank",), 1.5, "column rank of runs/.*: expected integer, found floating"),
    (RUN, ("score",), np.inf, "column score of runs/.*: expected finite numbers"),
    (RUN, ("start",), "x", "column start of runs/.*: expected integer"),
    (RUN, ("chunk_id",), "one", "chunk_id'\\] must be unique"),
]


def test_every_field_of_an_import_is_checked(store: Workspace, tmp_path: Path) -> None:
    """And nothing of an archive with a hostile one is taken in, whichever file has it."""
    _, assessment = make_assessment(store.folder)
    folder = store.experiments / assessment.id
    score = {"name": "bm25", "values": {"q": 0.5}, "error": ""}
    look = {"key": "k", "system": "s", "spec": {}, "checked": "2030-01-01", "values": {"q": 0.5}}
    looks = {"measure": "nDCG@10", "min_gain": 0.01, "seed": 0, "recommended": {"system": "s", "values": {}}, "checks": [look]}
    (folder / "tuning.json").write_text(json.dumps({"format": 1, "systems": {"k": score}}), encoding="utf-8")
    (folder / "checks.json").write_text(json.dumps({"format": 1, **looks}), encoding="utf-8")
    source = zipfile.ZipFile(io.BytesIO(export_experiment(assessment.id, store)))
    whole: dict[str, str | bytes] = {name: source.read(name) for name in source.namelist()}
    elsewhere = Workspace(tmp_path / "elsewhere")
    for name, place, value, sentence in HOSTILE_FIELDS:
        changed = dict(whole)
        file = next(one for one in changed if PurePath(one).match(f"experiment/{name}"))
        data = whole[file]
        assert isinstance(data, bytes)
        changed[file] = spoil_frame(data, str(place[0]), value) if file.endswith("parquet") else spoil_json(data, place, value)
        with pytest.raises(InputError, match=sentence) as refused:
            import_experiment(write_zip(tmp_path / "e.zip", changed), elsewhere)
        assert str(refused.value).startswith("e.zip: is an exported experiment that cannot be read (experiment"), sentence
        assert list(elsewhere.experiments.iterdir()) == []
    taken = import_experiment(write_zip(tmp_path / "e.zip", whole), elsewhere)
    assert {path.name for path in (elsewhere.experiments / taken).iterdir()} == {path.name for path in folder.iterdir()}
