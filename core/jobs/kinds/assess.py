"""An assessment as a job: the ladder is climbed; the assessment and its experiment have the job's id."""

from __future__ import annotations

from core.data.dataset import Dataset
from core.graph.resources import Models
from core.jobs.keeper import JobKeeper
from core.jobs.kinds import ASSESS
from core.jobs.kinds.kind import JobKind, make_job
from core.jobs.state import DONE, Job
from core.ladder.goals import Goals
from core.recommendation.assess import Assessment, assess
from core.recommendation.files import save_assessment
from core.records import decode, encode


def make_assessment_job(dataset: str, goals: Goals, *, name: str = "", gives_way: bool = False) -> Job:
    """options: the goals. It chooses its systems itself. gives_way: see Job."""
    title = name or f"{dataset}, recommendation"
    return make_job(ASSESS, dataset, title=title, split="test", options=encode(goals), gives_way=gives_way)


def _work(keeper: JobKeeper, dataset: Dataset, models: Models | None) -> tuple[str, Assessment]:
    job = keeper.job
    assessment = assess(
        dataset,
        workspace=keeper.workspace,
        goals=decode(job.options, Goals),
        models=models,
        cancel=keeper.cancel,
        on_progress=keeper.report,
        name=job.title,
        experiment_id=job.id,
    )
    save_assessment(assessment, keeper.workspace)
    return DONE, assessment


# It runs one comparison after another, and shows none of their systems before it has a verdict.
KIND = JobKind(ASSESS, _work, shows_ready=False, counts_systems=False)
