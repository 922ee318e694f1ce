"""Systems beside a ladder as jobs: scored on its tuning queries, or checked on its test queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from core.data.dataset import Dataset
from core.graph.resources import Models
from core.jobs.keeper import JobKeeper
from core.jobs.kinds import CHECK, SCORE
from core.jobs.kinds.kind import JobKind, make_job
from core.jobs.state import DONE, Job
from core.recommendation.files import load_assessment
from core.recommendation.own_systems import Check, check_on_test, score_on_tuning
from core.systems.system import System
from core.systems.yaml_files import from_spec


def make_scores_job(dataset: str, assessment: str, systems: Mapping[str, System]) -> Job:
    """options: {assessment}, the id of whose tuning queries they are. A score is there once its system is in `ready`."""
    what = next(iter(systems)) if len(systems) == 1 else f"{len(systems)} systems"
    return _make(SCORE, dataset, assessment, systems, split="tuning", what=what)


def make_check_job(dataset: str, assessment: str, system: System) -> Job:
    """options: {assessment}, the id of whose test queries it is checked on."""
    return _make(CHECK, dataset, assessment, {system.name: system}, split="test", what=system.name)


def _make(kind: str, dataset: str, assessment: str, systems: Mapping[str, System], *, split: str, what: str) -> Job:
    return make_job(
        kind,
        dataset,
        title=f"{dataset}, {what} on the {split} queries",
        split=split,
        systems=[system.to_spec() for system in systems.values()],
        options={"assessment": assessment},
    )


def _score(keeper: JobKeeper, dataset: Dataset, models: Models | None) -> tuple[str, pd.DataFrame]:
    assessment = load_assessment(str(keeper.job.options["assessment"]), keeper.workspace)
    return DONE, score_on_tuning(assessment, dataset, _read_systems(keeper.job), **_share(keeper, models))


def _check(keeper: JobKeeper, dataset: Dataset, models: Models | None) -> tuple[str, list[Check]]:
    assessment = load_assessment(str(keeper.job.options["assessment"]), keeper.workspace)
    shared = _share(keeper, models)
    return DONE, [check_on_test(assessment, dataset, system, **shared) for system in _read_systems(keeper.job)]


def _read_systems(job: Job) -> list[System]:
    return [from_spec(spec) for spec in job.systems]


def _share(keeper: JobKeeper, models: Models | None) -> dict[str, Any]:
    return {"workspace": keeper.workspace, "models": models, "cancel": keeper.cancel, "on_progress": keeper.report}


KINDS = (JobKind(SCORE, _score), JobKind(CHECK, _check))
