"""What is known of systems before they run, and of their indexes afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.experiment.compare import compare
from core.experiment.system_runs import SystemRuns
from core.systems.named import make_named_systems
from core.workspace import Workspace
from tests.support.models import FakeModels, make_resources
from tests.support.small import write_small_dataset

NAMED = make_named_systems()
FEW = {name: NAMED[name] for name in ("bm25", "dense", "hybrid-rrf")}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return load_dataset(write_small_dataset(tmp_path / "small"))


def test_estimate(dataset: Dataset, workspace: Path) -> None:
    models = FakeModels()
    ahead = SystemRuns(dataset, FEW, "all", make_resources(workspace, models)).estimate()
    assert models.fake.asked == []
    done = compare(dataset, FEW, workspace=Workspace(workspace), models=models)
    assert ahead.texts == done.timings["encoded_texts"]
    # The estimate itself cut the documents into chunks; the run found those.
    assert (ahead.cached, ahead.steps) == (0, done.timings["nodes_run"] + 1)
    assert done.timings["nodes_cached"] == 1
    again = SystemRuns(dataset, FEW, "all", make_resources(workspace)).estimate()
    assert (again.texts, again.cached, again.steps) == (0, ahead.steps, ahead.steps)


def test_what_is_said_of_the_index(dataset: Dataset, workspace: Path) -> None:
    facts = {
        system.name: system.index
        for system in compare(dataset, FEW, workspace=Workspace(workspace), models=FakeModels()).systems
    }
    assert facts["bm25"] == {"chunks": 12}
    assert facts["dense"]["chunks"] == 12  # every text is shorter than a chunk
    assert facts["dense"]["truncated_passages"] == 0
    assert 0 <= facts["dense"]["index_loss"] <= 0.2
