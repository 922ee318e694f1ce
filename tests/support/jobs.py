"""Jobs of the app, which run in threads of the test's own process: waiting for them, and records of them."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any

from core.jobs.locks import holds_lock, workspace_lock
from core.jobs.state import DONE, RUNNING, Job, read_job, write_job
from core.workspace import Workspace

WAIT_SECONDS = 60


def wait_until(is_so: Callable[[], bool], *, seconds: float = WAIT_SECONDS, every: float = 0.02) -> None:
    """Fails once that takes too long. every: seconds between two looks, which cost the work itself time where they are many."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited too long"
        threading.Event().wait(every)


def wait_for_end(job_id: str, store: Workspace) -> Job:
    """The job as it ended, once whoever ran it has let go of it."""
    wait_until(lambda: not read_job(job_id, store).is_active and holds_lock(job_id, store) is None)
    return read_job(job_id, store)


class Held:
    """The workspace, held until the block ends. title: of the job that seems to do so; without one no job is to be seen."""

    def __init__(self, store: Workspace, title: str = "") -> None:
        self._store, self._title = store, title

    def __enter__(self) -> None:
        self._lock = workspace_lock(self._store)
        self._lock.acquire()
        if self._title:
            self._job = write_running(self._store, "compare", dataset="small", title=self._title)

    def __exit__(self, *_: object) -> None:
        if self._title:
            write_job(dataclasses.replace(self._job, state=DONE), self._store)
        self._lock.release()


def write_running(store: Workspace, kind: str, *, dataset: str, **changes: Any) -> Job:
    """A job as another process keeps it in the workspace: running, unless `changes` say otherwise."""
    job = Job(
        id="20990101-000000-aaaa", title=f"{dataset}, {kind}", dataset=dataset, split="test", systems=(), kind=kind,
        state=RUNNING, label="embedding 180 of 310 chunks", progress=0.4, seconds_left=20.0,
    )  # fmt: skip
    job = dataclasses.replace(job, **changes)
    write_job(job, store)
    return job
