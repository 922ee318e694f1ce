"""The same training on some of the queries: measured, then thrown away. The learning curve and cross-fitting are made of these.

Values are kept beside the model as NAME.parquet, so that a part that was measured is not trained again.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.evaluation.comparisons import Comparison
from core.progress import ProgressEvent
from core.storage.files import read_frame, remove_folder, write_frame
from core.systems.system import System
from core.systems.trained import model_folder
from core.systems.trained_systems import apply_weights
from core.trained_model.model_under_test import ModelUnderTest
from core.training.train import PreparedTraining, collect_parts, fit
from core.training.trainer import TrainingProgress


def train_part(
    subject: ModelUnderTest,
    prepared: PreparedTraining,
    learning: Sequence[str],
    validation: Sequence[str],
    *,
    label: str,
    name: str,
    query_ids: Sequence[str] | None = None,
) -> tuple[pd.Series, float, int]:
    """(values of a model trained on these queries alone, its seconds, its pairs); the model itself is not kept.

    label: what the progress begins with. name: of the part. query_ids: those it is measured on, None for the test queries.
    """
    folder = model_folder(subject.model.id, subject.workspace) / "parts" / name
    weights = folder / "weights"
    plan = prepared.plan
    learned, held = collect_parts(prepared.material, plan, learning, validation or learning)
    started = time.perf_counter()

    def report(text: str, done: float, total: float, curve: list[dict[str, Any]]) -> None:
        left = (time.perf_counter() - started) / done * (total - done) if done else None
        subject.on_progress(ProgressEvent(f"{label}: {text}", done, total, left))

    material = prepared.material.with_parts(learning, validation)
    progress = TrainingProgress(subject.cancel, report)
    fit(plan, prepared.base, material, learned, held, folder=folder / "training", target=weights, progress=progress)
    seconds = time.perf_counter() - started
    mixed = bool(subject.model.metrics.get("mixed", False))
    system = apply_weights(subject.model, subject.start, str(weights), depth=int(plan.depth), mixed=mixed)
    values = subject.measure(dataclasses.replace(system, name=name), query_ids=query_ids)
    _forget(subject, system)
    remove_folder(folder)
    return values, seconds, len(learned.positives())


def part_file(subject: ModelUnderTest, name: str) -> Path:
    """Where the values of a part are kept."""
    return model_folder(subject.model.id, subject.workspace) / f"{name}.parquet"


def read_part(subject: ModelUnderTest, name: str) -> pd.Series | None:
    """The values of a part by query id; None if it was not measured yet, or its file was damaged and set aside."""
    frame = subject.workspace.find_whole(part_file(subject, name), read_frame)
    return None if frame is None else frame["value"]


def write_part(subject: ModelUnderTest, name: str, values: pd.Series) -> None:
    """Keeps the values of a part, by query id."""
    write_frame(values.to_frame("value"), part_file(subject, name), index=True)


def describe_gain(values: pd.Series, gain: Comparison) -> dict[str, Any]:
    """{mean, delta to the base with its 95 % interval low to high, n} of the values of a part."""
    return {"mean": float(values.mean()), "delta": gain.delta, "low": gain.low, "high": gain.high, "n": gain.n}


def _forget(subject: ModelUnderTest, system: System) -> None:
    """Vectors and scores of a model that is not kept are of no use to anybody."""
    for node in subject.ladder.measurer.system_runs.add(system).walk():
        model = getattr(node.stage, "model", "")
        if str(model).startswith(str(model_folder(subject.model.id, subject.workspace))):
            subject.workspace.forget_model(node.stage.model, node.stage.revision)
