"""Assessments on disk, beside their experiments: experiments/ID/assessment.json."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd

from core.diagnosis.causes import FAILURES, RESCUES
from core.diagnosis.slices import SLICE_MEASURES
from core.errors import NotInWorkspace
from core.experiment.history import list_experiments, load_experiment, save_experiment
from core.experiment.result import Experiment
from core.ladder.goals import Goals
from core.recommendation.assess import Assessment
from core.recommendation.error_analysis import ErrorAnalysis
from core.recommendation.recommend import Recommendation
from core.records import as_records
from core.workspace import Workspace, read_json, reading, write_json

FILE = "assessment.json"
_FRAMES = {"failures": FAILURES, "rescues": [*RESCUES, "diagnosed"], "slices": SLICE_MEASURES}


def save_assessment(assessment: Assessment, workspace: Workspace) -> None:
    """Writes the assessment and its experiment."""
    save_experiment(assessment.experiment, workspace)
    analysis = {f.name: getattr(assessment.analysis, f.name) for f in dataclasses.fields(ErrorAnalysis)}
    content = {
        "goals": assessment.goals.to_json(),
        "primary": assessment.primary,
        "split": assessment.split,
        "ladder": list(assessment.ladder),
        "comparisons": list(assessment.comparisons),
        "readings": {**analysis, **{name: as_records(analysis[name]) for name in _FRAMES}},
        "recommendation": dataclasses.asdict(assessment.recommendation),
        "errors": assessment.errors,
        "timings": assessment.timings,
    }
    write_json(workspace.experiments / assessment.id / FILE, content)


def has_assessment(experiment_id: str, workspace: Workspace) -> bool:
    """Whether the experiment has a recommendation, damaged or not."""
    return (workspace.experiments / experiment_id / FILE).exists()


def load_assessment(experiment_id: str, workspace: Workspace, *, experiment: Experiment | None = None) -> Assessment:
    """Raises NotInWorkspace if there is none with this id, InputError if its files are damaged.

    experiment: its experiment, where the caller has it loaded.
    """
    file = workspace.experiments / experiment_id / FILE
    if not file.exists():
        raise NotInWorkspace(f"There is no recommendation with the id {experiment_id!r} here.")
    measured = experiment or load_experiment(experiment_id, workspace)
    with reading(file, cure="delete this experiment on the page Experiment and run it again"):
        return _read(read_json(file), measured)


def _read(content: dict[str, Any], experiment: Experiment) -> Assessment:
    analysis = dict(content["readings"])
    for name, columns in _FRAMES.items():
        analysis[name] = pd.DataFrame(analysis[name], columns=columns)
    advice: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content["recommendation"].items()
    }
    return Assessment(
        id=experiment.id,
        goals=Goals.from_json(content["goals"]),
        primary=content["primary"],
        split=content["split"],
        experiment=experiment,
        ladder=tuple(content["ladder"]),
        comparisons=tuple(content["comparisons"]),
        analysis=ErrorAnalysis(**analysis),
        recommendation=Recommendation(**advice),
        errors=content["errors"],
        timings=content.get("timings", {}),
    )


def find_assessments(dataset: str, workspace: Workspace) -> list[str]:
    """Ids of the dataset's experiments that have a recommendation, newest first."""
    return [
        entry.id for entry in list_experiments(workspace) if entry.dataset == dataset and has_assessment(entry.id, workspace)
    ]
