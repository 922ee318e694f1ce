"""What a kind of job is, and what the jobs of all kinds are made with."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from core.data.dataset import Dataset
from core.experiment.result import make_experiment_id
from core.graph.resources import Models
from core.jobs.keeper import JobKeeper
from core.jobs.state import APP, Job
from core.workspace import Workspace

Result = TypeVar("Result")


@dataclass(frozen=True)
class JobKind(Generic[Result]):
    """What the jobs of a kind do.

    name: as in Job.kind. work: does it, saves what came of it, and returns the state in which the job ended (DONE or
    CANCELLED) with its result; see run_job() for what it may raise. Without models it loads its own. started_on: the title
    of the page where one is started, for the app to name it when one broke off. shows_ready: a
    system is told as ready once it is finished; False where none is to be seen before all are. all_cores: it may
    use every core; others leave one to the pages of the app. counts_systems: how far one that
    ended early came is told as the number of its systems that were finished. keeps_parts: what was computed before it
    ended early stays. when_stopped: called for one that was cancelled and whose process had to be ended, which could not
    tell that in what it had saved.
    """

    name: str
    work: Callable[[JobKeeper, Dataset, Models | None], tuple[str, Result]]
    started_on: str = "Experiment"
    shows_ready: bool = True
    all_cores: bool = False
    counts_systems: bool = True
    keeps_parts: bool = True
    when_stopped: Callable[[Job, Workspace], None] = lambda job, workspace: None


def make_job(
    kind: str,
    dataset: str,
    *,
    title: str,
    split: str,
    systems: Sequence[dict[str, Any]] = (),
    options: Mapping[str, Any] | None = None,
    gives_way: bool = False,
) -> Job:
    """A job of the app that nobody has submitted yet. systems: their specs. The other parameters are those of Job."""
    return Job(
        id=make_experiment_id(),
        title=title,
        dataset=dataset,
        split=split,
        systems=tuple(systems),
        label="waiting to start",
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        starter=APP,
        kind=kind,
        options=dict(options or {}),
        gives_way=gives_way,
    )


def make_again(job: Job) -> Job:
    """The same work as a new job of the app, whatever became of the first."""
    return make_job(job.kind, job.dataset, title=job.title, split=job.split, systems=job.systems, options=job.options)
