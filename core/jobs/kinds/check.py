"""Systems beside a ladder as a job: checked on its test queries."""

from __future__ import annotations

from core.data.dataset import Dataset
from core.graph.resources import Models
from core.jobs.keeper import JobKeeper
from core.jobs.kinds import CHECK
from core.jobs.kinds.kind import JobKind
from core.jobs.kinds.score import make_job_beside
from core.jobs.state import DONE, Job
from core.recommendation.files import load_assessment
from core.recommendation.own_systems import Check, check_on_test
from core.systems.system import System
from core.systems.yaml_files import from_spec


def make_check_job(dataset: str, assessment: str, system: System) -> Job:
    """options: {assessment}, the id of whose test queries it is checked on."""
    return make_job_beside(CHECK, dataset, assessment, {system.name: system}, split="test", what=system.name)


def _work(keeper: JobKeeper, dataset: Dataset, models: Models | None) -> tuple[str, list[Check]]:
    assessment = load_assessment(str(keeper.job.options["assessment"]), keeper.workspace)
    checks = [
        check_on_test(
            assessment,
            dataset,
            from_spec(spec),
            workspace=keeper.workspace,
            models=models,
            cancel=keeper.cancel,
            on_progress=keeper.report,
        )
        for spec in keeper.job.systems
    ]
    return DONE, checks


KIND = JobKind(CHECK, _work)
