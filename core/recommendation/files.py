"""Assessments on disk, beside their experiments: experiments/ID/assessment.json."""

from __future__ import annotations

from pathlib import Path

from core.errors import NotInWorkspace
from core.experiment.history import list_experiments, load_experiment, save_experiment
from core.experiment.result import Experiment
from core.recommendation.assess import Assessment
from core.records import Content, RecordFile
from core.storage.names import find_entry
from core.workspace import Workspace

FILE = "assessment.json"
# What the frames of an analysis held in format 0, where rows named their columns: never to change again.
_COLUMNS_0 = {
    "failures": ["system", "query_id", "cause", "evidence", "holds"],
    "rescues": ["cause", "system", "rescued", "broken", "net", "used", "diagnosed"],
    "slices": ["slice", "system", "n", "mean", "low", "high", "small"],
}


def _name_columns(content: Content) -> Content:
    """Readings became `analysis`, and its frames say their columns once, also where they have no row."""
    analysis = content["readings"]
    frames = {
        name: {"columns": columns, "rows": [[row.get(column) for column in columns] for row in analysis[name]]}
        for name, columns in _COLUMNS_0.items()
    }
    kept = {name: value for name, value in content.items() if name != "readings"}
    return {**kept, "analysis": {**analysis, **frames}}


_FILES = RecordFile(
    Assessment,
    upgrades=[_name_columns],
    cure="delete this experiment on the page Experiment and run it again",
    leave_out=("id", "experiment"),
)


def save_assessment(assessment: Assessment, workspace: Workspace) -> None:
    """Writes the assessment and its experiment."""
    save_experiment(assessment.experiment, workspace)
    _FILES.write(workspace.experiments / assessment.id / FILE, assessment)


def has_assessment(experiment_id: str, workspace: Workspace) -> bool:
    """Whether the experiment has a recommendation, damaged or not."""
    folder = find_entry(workspace.experiments, experiment_id)
    return folder is not None and (folder / FILE).exists()


def load_assessment(experiment_id: str, workspace: Workspace, *, experiment: Experiment | None = None) -> Assessment:
    """Raises NotInWorkspace if there is none with this id, InputError if its files are damaged.

    experiment: its experiment, where the caller has it loaded.
    """
    if not has_assessment(experiment_id, workspace):
        raise NotInWorkspace(f"There is no recommendation with the id {experiment_id!r} here.")
    measured = experiment or load_experiment(experiment_id, workspace)
    return read_assessment(workspace.experiments / experiment_id / FILE, measured)


def read_assessment(file: Path, experiment: Experiment) -> Assessment:
    """The assessment in a file, in a workspace or not, of this experiment. Raises InputError if it is damaged."""
    return _FILES.read(file, id=experiment.id, experiment=experiment)


def find_assessments(dataset: str, workspace: Workspace) -> list[str]:
    """Ids of the dataset's experiments that have a recommendation, newest first."""
    return [
        entry.id for entry in list_experiments(workspace) if entry.dataset == dataset and has_assessment(entry.id, workspace)
    ]
