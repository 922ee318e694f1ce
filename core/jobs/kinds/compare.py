"""A comparison as a job: systems are run and measured, and its experiment has the job's id."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from core.data.dataset import Dataset
from core.errors import LadderError
from core.experiment.compare import compare
from core.experiment.history import edit_experiment, save_experiment
from core.experiment.result import Experiment
from core.graph.resources import Models
from core.jobs.keeper import JobKeeper
from core.jobs.kinds import COMPARE
from core.jobs.kinds.kind import JobKind, make_job
from core.jobs.state import APP, CANCELLED, DONE, Job
from core.systems.system import System
from core.systems.yaml_files import from_spec
from core.workspace import Workspace


def make_comparison_job(dataset: str, systems: Mapping[str, System], *, split: str, name: str = "") -> Job:
    """split: which queries, "all", "tuning" or "test". name: the experiment's; without one it is called after the data."""
    title = f"{dataset}, {len(systems)} systems" if len(systems) != 1 else f"{dataset}, {next(iter(systems))}"
    specs = [system.to_spec() for system in systems.values()]
    return make_job(COMPARE, dataset, title=name or title, split=split, systems=specs)


def _work(keeper: JobKeeper, dataset: Dataset, models: Models | None) -> tuple[str, Experiment]:
    job, workspace = keeper.job, keeper.workspace

    def keep(partial: Experiment) -> None:
        save_experiment(partial, workspace)

    experiment = compare(
        dataset,
        {str(spec["name"]): from_spec(spec) for spec in job.systems},
        workspace=workspace,
        split=job.split,
        name=job.title,
        models=models,
        cancel=keeper.cancel,
        on_progress=keeper.report,
        on_partial=keep if job.starter == APP else None,  # whose pages show what is ready
        experiment_id=job.id,
    )
    if experiment.ready or experiment.status != CANCELLED:  # a run cancelled before its first result leaves nothing
        save_experiment(experiment, workspace)
    return (CANCELLED if experiment.status == CANCELLED else DONE), experiment


def _mark_cancelled(job: Job, workspace: Workspace) -> None:
    with contextlib.suppress(LadderError):  # no system was finished, or somebody has deleted it
        edit_experiment(job.id, workspace, status=CANCELLED)


KIND = JobKind(COMPARE, _work, when_stopped=_mark_cancelled)
