"""evaluation.json beside a trained model: what the test queries say of it, each part as soon as it is measured."""

from __future__ import annotations

from typing import Any

import filelock

from core.systems.trained import TrainedModel, model_folder
from core.workspace import Workspace, read_json, write_json

FILE = "evaluation.json"
_LOCK = ".evaluation.lock"


def read_evaluation(model: TrainedModel, workspace: Workspace) -> dict[str, Any]:
    """What is known of a model on the test queries; {} if nothing is, or the file is damaged.

    measure, experiment (id), comparisons, regressions, adoption: see held_out. curve_points, learning_curve: see
    learning_curve. folds: see cross_fit.
    """
    file = model_folder(model.id, workspace) / FILE
    try:
        return dict(read_json(file)) if file.exists() else {}
    except (OSError, ValueError):
        return {}


def write_evaluation(model: TrainedModel, workspace: Workspace, **parts: Any) -> None:
    """Adds parts to the file, or puts them in the place of older ones. One writer at a time, so that no part is lost."""
    folder = model_folder(model.id, workspace)
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / _LOCK):
        write_json(folder / FILE, {**read_evaluation(model, workspace), **parts})
