"""Systems beside a ladder as a job: scored on its tuning queries."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from core.data.dataset import Dataset
from core.graph.resources import Models
from core.jobs.keeper import JobKeeper
from core.jobs.kinds import SCORE
from core.jobs.kinds.kind import JobKind, make_job
from core.jobs.state import DONE, Job
from core.recommendation.files import load_assessment
from core.recommendation.own_systems import score_on_tuning
from core.systems.system import System
from core.systems.yaml_files import from_spec


def make_scores_job(dataset: str, assessment: str, systems: Mapping[str, System]) -> Job:
    """options: {assessment}, the id of whose tuning queries they are. A score is there once its system is in `ready`."""
    what = next(iter(systems)) if len(systems) == 1 else f"{len(systems)} systems"
    return make_job_beside(SCORE, dataset, assessment, systems, split="tuning", what=what)


def make_job_beside(kind: str, dataset: str, assessment: str, systems: Mapping[str, System], *, split: str, what: str) -> Job:
    """A job about systems beside the ladder of an assessment (its id). what: the systems, in words."""
    return make_job(
        kind,
        dataset,
        title=f"{dataset}, {what} on the {split} queries",
        split=split,
        systems=[system.to_spec() for system in systems.values()],
        options={"assessment": assessment},
    )


def _work(keeper: JobKeeper, dataset: Dataset, models: Models | None) -> tuple[str, pd.DataFrame]:
    assessment = load_assessment(str(keeper.job.options["assessment"]), keeper.workspace)
    scores = score_on_tuning(
        assessment,
        dataset,
        [from_spec(spec) for spec in keeper.job.systems],
        workspace=keeper.workspace,
        models=models,
        cancel=keeper.cancel,
        on_progress=keeper.report,
    )
    return DONE, scores


KIND = JobKind(SCORE, _work)
