"""A live search over the small dataset, whose encoder counts words."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.graph.resources import Models
from core.live.search import LiveSearch
from core.workspace import Workspace
from tests.support.live import WordEncoder
from tests.support.small import write_small_dataset


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture
def live(tmp_path: Path, workspace: Path, encoder: WordEncoder) -> LiveSearch:
    dataset = load_dataset(write_small_dataset(tmp_path / "small"), name="small")
    return LiveSearch(dataset, Workspace(workspace), Models(load=lambda *_, **__: encoder))
