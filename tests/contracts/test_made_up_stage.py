"""A stage is one class: whoever adds one meets it in systems, on the pages and on the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest

from core.cli.main import main
from core.experiment.history import list_experiments, load_experiment
from core.schema import rank_run
from core.stages.base import DEPTH, Stage
from core.stages.registry import STAGES
from core.systems.system import System
from core.systems.yaml_files import read_systems, write_systems
from core.workspace import Workspace
from pages.parts.experiment.system_editor import list_stages
from pages.shared.show.tables import make_stages
from tests.pages.conftest import quiet_app  # noqa: F401  what pages are opened in
from tests.support.pages import open_page
from tests.support.small import write_small_dataset

YAML = "- {name: short, chunk: whole, lexical: true, rerank: {type: shortest, depth: 3}}"


@dataclass(frozen=True)
class ShortestFirst(Stage):
    """The first `depth` hits, the shortest chunk first."""

    type: ClassVar[str] = "shortest"
    takes: ClassVar[tuple[str, ...]] = ("queries", "run", "chunks")
    gives: ClassVar[str] = "run"
    role: ClassVar[str] = "rerank"
    label: ClassVar[str] = "the shortest first"
    summary: ClassVar[str] = "shortest of the first {depth}"
    step: ClassVar[str] = "measure lengths"
    depth: int = field(default=10, metadata=DEPTH)

    def __call__(self, queries: pd.DataFrame, run: pd.DataFrame, chunks: pd.DataFrame, *, resources: Any) -> pd.DataFrame:
        first = run[run["rank"] <= self.depth]
        lengths = dict(zip(chunks["doc_id"], chunks["text"].str.len(), strict=True))
        return rank_run(first.assign(score=-first["doc_id"].map(lengths).astype(float)))


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gone again after the test."""
    monkeypatch.setitem(STAGES, ShortestFirst.__name__, ShortestFirst)


@pytest.fixture
def system() -> System:
    return read_systems(YAML)["short"]


def test_a_system_may_name_it(system: System) -> None:
    assert system.rerank == ShortestFirst(depth=3)
    assert read_systems(write_systems([system]))["short"] == system


def test_the_editor_offers_it_and_draws_it(system: System, workspace: Path) -> None:
    assert list_stages(system)[-1] == [("Rerank", "shortest of the first 3")]
    write_small_dataset(workspace / "datasets" / "small")
    app = open_page("experiment", dataset="small", experiment_part="Systems")
    app.toggle(key="system_adding").set_value(True).run()
    chosen = next(box for box in app.selectbox if box.key and box.key.endswith("_rerank_type"))
    assert "the shortest first" in chosen.options
    chosen.set_value("shortest").run()
    assert "Depth" in [number.label for number in app.number_input]


def test_it_runs_on_the_command_line_and_its_step_is_shown(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "own.yaml"
    config.write_text(YAML)
    folder = write_small_dataset(tmp_path / "small")
    assert main(["compare", str(folder), "--config", str(config)]) == 0
    assert "short" in capsys.readouterr().out
    store = Workspace(workspace)
    experiment = load_experiment(list_experiments(store)[0].id, store)
    found = experiment.runs["short"]
    assert found.loc[found["query_id"] == "q-reset", "doc_id"].tolist()[0] == "hub-reset-2"  # shorter than hub-reset-3
    assert list(make_stages(experiment).columns) == ["System", "read words", "search words", "measure lengths"]
