"""A workspace where nothing but training helps, and a model trained on it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from core.data.catalog import open_dataset
from core.errors import Cancelled
from core.systems.trained import load_model
from core.trained_model.evaluation_file import read_evaluation
from core.trained_model.model_under_test import ModelUnderTest
from core.training.request import make_plan
from core.training.train import PreparedTraining, fit, prepare_training, train
from core.workspace import Workspace
from tests.support.assessments import AxisModels
from tests.support.shifted import write_shifted_dataset

PLAN = make_plan("adapter")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(workspace, id of the model): trained, and nothing measured of it yet. To be copied."""
    folder = tmp_path_factory.mktemp("shifted")
    store = Workspace(folder)
    write_shifted_dataset(folder / "datasets" / "shifted")
    prepared = prepare_training(open_dataset("shifted", store), PLAN, workspace=store, models=AxisModels())
    return folder, train(prepared, workspace=store).id


class Desk:
    """A copy of the workspace with its model; `fitted` fills with the ids of the queries that each training learned from."""

    def __init__(self, made: tuple[Path, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copytree(made[0], folder, dirs_exist_ok=True)
        self.store = Workspace(folder)
        self.dataset = open_dataset("shifted", self.store)
        self.model = load_model(made[1], self.store)
        self.fitted: list[set[str]] = []
        self.stop_after = 99

        def watch(plan: Any, base: Any, material: Any, learning: Any, *args: Any, **options: Any) -> Any:
            if len(self.fitted) >= self.stop_after:
                raise Cancelled("Cancelled.")
            self.fitted.append(set(learning.frame["query_id"]))
            return fit(plan, base, material, learning, *args, **options)

        monkeypatch.setattr("core.trained_model.part_training.fit", watch)

    @property
    def subject(self) -> ModelUnderTest:
        return ModelUnderTest(self.dataset, self.model, self.store, AxisModels())

    @property
    def prepared(self) -> PreparedTraining:
        return prepare_training(self.dataset, PLAN, workspace=self.store, models=AxisModels())

    @property
    def told(self) -> dict[str, Any]:
        return read_evaluation(self.model, self.store)


@pytest.fixture
def desk(made: tuple[Path, str], workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(made, workspace, monkeypatch)
