"""The small experiment, run in the test's workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.experiment.result import Experiment
from core.workspace import Workspace
from tests.support.small import run_small_experiment


@pytest.fixture
def experiment(workspace: Path) -> Experiment:
    return run_small_experiment(workspace)


@pytest.fixture
def store(workspace: Path) -> Workspace:
    return Workspace(workspace)
