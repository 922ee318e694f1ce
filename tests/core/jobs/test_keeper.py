"""One job's state while it is done: how it ends, and what is told of its systems."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from core.jobs.keeper import JobKeeper, run_job
from core.jobs.locks import hold_alive
from core.jobs.state import DONE, FAILED, Job, read_job, write_job
from core.progress import ProgressEvent, ignore_progress
from core.workspace import Workspace

JOB = Job(id="20260101-000000-aaaa", title="t", dataset="small", split="all", systems=())


@pytest.fixture
def store(workspace: Path) -> Workspace:
    store = Workspace(workspace)
    write_job(JOB, store)
    return store


def run(store: Workspace, error: Exception) -> Job:
    def break_off(keeper: JobKeeper) -> tuple[str, None]:
        raise error

    with pytest.raises(type(error)):
        run_job(JOB, break_off, workspace=store, alive=hold_alive(JOB.id, store))
    return read_job(JOB.id, store)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ZeroDivisionError("division by zero"), "Something went wrong that should not: ZeroDivisionError: division by zero"),
        (InputError("the dataset small has no queries; add some"), "the dataset small has no queries; add some"),
    ],
)
def test_what_went_wrong_is_told_in_a_sentence(store: Workspace, error: Exception, told: str) -> None:
    job = run(store, error)
    assert (job.state, job.error) == (FAILED, told)


@pytest.mark.parametrize(("shows_ready", "ready"), [(True, ("bm25",)), (False, ())])
def test_finished_systems_are_told_where_the_kind_shows_them(
    store: Workspace, shows_ready: bool, ready: tuple[str, ...]
) -> None:
    keeper = JobKeeper(replace(JOB), store, ignore_progress, shows_ready=shows_ready)
    keeper.report(ProgressEvent("bm25 is ready", system="bm25"))
    assert read_job(JOB.id, store).ready == ready
    keeper.finish(DONE)
    assert (read_job(JOB.id, store).state, read_job(JOB.id, store).progress) == (DONE, 1.0)
