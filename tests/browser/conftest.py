"""The app that all tests of this folder share, unless one needs a workspace that no other test may see."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from core.systems.available import save_own_system
from core.systems.named import make_named_systems
from core.systems.system import System
from core.workspace import Workspace
from tests.support.app import AppServer, assert_stayed, run_app
from tests.support.assessments import make_assessment
from tests.support.small import HOSTILE, make_experiment


@pytest.fixture(scope="session")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """See app."""
    folder = tmp_path_factory.mktemp("app") / "workspace"
    folder.mkdir()
    make_experiment(folder)
    make_assessment(folder)
    shutil.rmtree(folder / "cache")  # a stand-in's vectors, under the name of the model that the app has
    bm25 = make_named_systems()["bm25"]
    save_own_system(System(f"odd {HOSTILE[:20]}", HOSTILE, lexical=bm25.lexical), Workspace(folder))
    with run_app(folder) as server:
        yield server


@pytest.fixture
def app(shared_app: AppServer) -> Iterator[AppServer]:
    """One server for all tests. It has the dataset small with its experiment, labelled with its recommendation, and a system
    whose name and description are hostile. A test that writes brings a dataset of its own."""
    yield shared_app
    assert_stayed(shared_app)
