"""import as a user types it: what is kept, what is said, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.compare import choose_systems
from core.cli.main import EXIT_BAD_INPUT, main
from core.data.catalog import list_datasets
from core.graph.resources import Models
from core.workspace import Workspace
from tests.support.chroma import make_collection
from tests.support.models import FakeModels
from tests.support.shards import write_parts


def own(workspace: Path) -> list[str]:
    return [entry.name for entry in list_datasets(Workspace(workspace)) if entry.kind == "uploaded"]


@pytest.fixture(autouse=True)
def fake_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.experiment.take_collection.Resources.open", make_open())


def make_open() -> object:
    from core.graph.resources import Resources

    real = Resources.open

    def open_with_fakes(workspace: Workspace, *, models: Models | None = None, **options: object) -> Resources:
        return real(workspace, models=models or FakeModels(), **options)  # type: ignore[arg-type]

    return open_with_fakes


def test_a_collection_is_imported_and_its_system_is_compared(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_collection(tmp_path / "store")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "queries.jsonl").write_text('{"_id": "q", "text": "battery"}\n')
    arguments = ["import", str(folder), "--model", "any", "--labels", str(tmp_path / "labels"), "--name", "mine"]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert shown.out == "mine: 8 documents, 1 query, 0 judgments\n"
    assert "note: 8 vectors of the collection are taken as any's" in shown.err
    chosen = choose_systems(None, None, workspace=Workspace(workspace), dataset="mine", has_filters=False)
    assert list(chosen)[-1] == "chroma-mine" and own(workspace) == ["mine"]


def test_other_data_is_imported_too(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_parts(tmp_path / "set", corpus="corpus/corpus", queries="queries/queries", qrels="qrels/test")
    assert main(["import", str(folder)]) == 0
    assert capsys.readouterr().out == "set: 5 documents, 3 queries, 3 judgments\n" and own(workspace) == ["set"]
    assert main(["import", str(folder), "--model", "any"]) == EXIT_BAD_INPUT
    assert "is no Chroma collection; --model and --labels are for one" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "nothing")]) == EXIT_BAD_INPUT
    assert "no such folder or zip" in capsys.readouterr().err


def test_the_same_again_under_the_same_name_is_here_already(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_parts(tmp_path / "set", corpus="corpus/corpus", queries="queries/queries", qrels="qrels/test")
    arguments = ["import", str(folder), "--name", "mine"]
    assert main(arguments) == 0
    first = capsys.readouterr()
    assert main(arguments) == 0
    again = capsys.readouterr()
    assert again.out == first.out and "note: mine is here already, with the same data" in again.err
    other = tmp_path / "other"
    other.mkdir()
    (other / "corpus.jsonl").write_text('{"_id": "a", "text": "battery"}\n')
    assert main(["import", str(other), "--name", "mine"]) == EXIT_BAD_INPUT
    assert "There is already a dataset “mine”" in capsys.readouterr().err and own(workspace) == ["mine"]
