"""evaluation.json: parts are added, a damaged file is none, and writers at the same time lose nothing."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from core.systems.trained import ADAPTER, TrainedModel, model_folder
from core.trained_model import evaluation_file
from core.trained_model.evaluation_file import FILE, read_evaluation, write_evaluation
from core.workspace import Workspace
from tests.support.model_records import make_model

MODEL = make_model(ADAPTER)


def test_a_damaged_evaluation_is_none(tmp_path: Path) -> None:
    store = Workspace(tmp_path)
    assert read_evaluation(MODEL, store) == {}
    write_evaluation(MODEL, store, measure="AP")
    write_evaluation(MODEL, store, folds={"k": 2})
    assert read_evaluation(MODEL, store) == {"measure": "AP", "folds": {"k": 2}}, "parts are added"
    (model_folder(MODEL.id, store) / FILE).write_text("{", encoding="utf-8")
    assert read_evaluation(MODEL, store) == {}


def test_what_two_writers_add_at_once_survives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is slow between reading the file and writing it, so that without a lock the second would not see the first."""
    store = Workspace(tmp_path)
    write_evaluation(MODEL, store, measure="AP")
    both = threading.Barrier(2)

    def read_slowly(model: TrainedModel, workspace: Workspace) -> dict[str, Any]:
        known = read_evaluation(model, workspace)
        time.sleep(0.2)
        return known

    def add(**parts: Any) -> None:
        both.wait(timeout=30)
        write_evaluation(MODEL, store, **parts)

    monkeypatch.setattr(evaluation_file, "read_evaluation", read_slowly)
    writers = [
        threading.Thread(target=add, kwargs=parts) for parts in ({"folds": {"k": 2}}, {"learning_curve": {"points": []}})
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=30)
    assert read_evaluation(MODEL, store) == {"measure": "AP", "folds": {"k": 2}, "learning_curve": {"points": []}}
