"""evaluation.json beside a trained model: what the test queries say of it, each part as soon as it is measured."""

from __future__ import annotations

from typing import Any, TypedDict, cast

import filelock

from core.records import RecordFile, keep_content
from core.systems.trained import TrainedModel, model_folder
from core.workspace import Workspace

FILE = "evaluation.json"
_LOCK = ".evaluation.lock"


class Evaluation(TypedDict, total=False):
    """What the test queries say of a trained model, as far as it was asked.

    measure, experiment (id), comparisons, regressions, adoption: see held_out. curve_points, learning_curve: see
    learning_curve. folds: see cross_fit.
    """

    measure: str
    experiment: str
    comparisons: list[dict[str, Any]]
    regressions: list[dict[str, Any]]
    adoption: dict[str, Any]
    curve_points: list[dict[str, Any]]
    learning_curve: dict[str, Any]
    folds: dict[str, Any]


_FILES = RecordFile(Evaluation, upgrades=[keep_content], cure="measure this model again")


def read_evaluation(model: TrainedModel, workspace: Workspace) -> Evaluation:
    """What is known of a model on the test queries; {} if nothing is, or the file was damaged and set aside: it is measured
    anew then."""
    return _FILES.find(model_folder(model.id, workspace) / FILE, root=workspace.folder) or {}


def write_evaluation(model: TrainedModel, workspace: Workspace, **parts: Any) -> None:
    """Adds parts to the file, or puts them in the place of older ones. One writer at a time, so that no part is lost."""
    folder = model_folder(model.id, workspace)
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / _LOCK):
        _FILES.write(folder / FILE, cast(Evaluation, {**read_evaluation(model, workspace), **parts}))
