"""What goes wrong in the background: a sentence for the page, and the traceback in the log."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.graph.resources import Models
from core.live.search import LiveSearch
from core.live.warm import Background
from core.systems.named import make_named_systems
from core.workspace import Workspace
from tests.support.small import write_small_dataset


def test_what_should_not_go_wrong_is_logged_with_its_traceback(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_off(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    search = LiveSearch(load_dataset(write_small_dataset(tmp_path / "small")), Workspace(workspace), Models())
    monkeypatch.setattr(search, "prepare_system", break_off)
    background, systems = Background(search), {"bm25": make_named_systems()["bm25"]}
    with caplog.at_level(logging.ERROR, logger="core.live.warm"):
        background.start(systems)
        background.wait_for_words(20)
    sentence = "Something went wrong that should not: ZeroDivisionError: division by zero"
    assert background.find_errors(systems) == {"bm25": sentence}
    (record,) = [record for record in caplog.records if record.name == "core.live.warm"]
    assert "bm25" in record.getMessage()
    assert record.exc_info is not None and "break_off" in str(caplog.text)
