"""What processes tell each other through files: cancel, and who holds the workspace."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from core.errors import Cancelled
from core.jobs.locks import JobCancel, hold_alive, is_alive, release_alive
from core.jobs.state import RUNNING, Job, cancel_job, read_job, write_job
from core.workspace import Workspace


@pytest.fixture
def store(workspace: Path) -> Workspace:
    return Workspace(workspace)


def test_cancel_reaches_a_job_through_its_file(store: Workspace) -> None:
    job = Job(id="20260101-000000-aaaa", title="t", dataset="small", split="all", systems=(), state=RUNNING)
    write_job(job, store)
    cancel_job(job.id, store)
    cancel = JobCancel(job.id, store)
    with pytest.raises(Cancelled):
        cancel.check()
    cancel.drop()
    assert cancel.cancelled, "a token that was set stays so"
    assert not JobCancel(job.id, store).cancelled


def test_a_held_lock_says_that_the_process_lives_whatever_its_id(store: Workspace) -> None:
    lock = hold_alive("20260101-000000-aaaa", store)
    assert is_alive("20260101-000000-aaaa", store, pid=-1, host="elsewhere")
    release_alive(lock)
    assert list(store.jobs.glob("*.alive")) == []


def test_a_process_that_is_about_to_hold_its_lock_lives(store: Workspace) -> None:
    """Its file is there a moment before it is held: whoever looked just then took the process for gone."""
    job, over = (
        Job(id="20260101-000000-aaaa", title="t", dataset="small", split="all", systems=(), state=RUNNING),
        threading.Event(),
    )

    def look() -> None:
        while not over.is_set():
            read_job(job.id, store)

    write_job(job, store)
    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(100):
            lock = hold_alive(job.id, store)
            release_alive(lock)
            assert read_job(job.id, store).state == RUNNING
    finally:
        over.set()
        for looker in lookers:
            looker.join()


def test_without_a_lock_another_machine_is_believed(store: Workspace) -> None:
    assert is_alive("20260101-000000-aaaa", store, pid=os.getpid(), host="elsewhere")
