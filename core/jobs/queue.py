"""The queue of a workspace: one heavy job runs, the others wait in the order in which they came, in whatever process.

A job's file is its ticket: it has the job's turn, and whoever started it holds the job's lock as long as it waits. One whose
process is gone is passed over, and jobs that nobody asked for stand behind all others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import filelock

from core.jobs.locks import hold_alive, holds_lock, workspace_lock
from core.jobs.state import RUNNING, Job, find_active, write_job
from core.text.phrases import describe_duration, shorten
from core.workspace import Workspace

_POLL_SECONDS = 0.5
_ORDINALS = ("next", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@dataclass(frozen=True)
class Place:
    """Where a job stands in the queue. running: the job at work; before: those that run before this one, the next first."""

    running: Job | None
    before: tuple[Job, ...] = ()

    @property
    def ids(self) -> list[str]:
        """Of the jobs before it, the running one first."""
        return [job.id for job in (self.running, *self.before) if job is not None]

    def describe(self) -> str:
        """ "third in line, behind “product_docs, 3 systems”, about 4 min" """
        number = len(self.before)
        place = f"{_ORDINALS[number]} in line" if number < len(_ORDINALS) else f"number {number + 1} in line"
        job = self.running or next(iter(self.before), None)
        if job is None:
            return f"{place}, behind another job in this workspace"
        words = f"{place}, behind “{shorten(job.title, width=50)}”"
        if job.cancelling:
            return f"{words}, which is being cancelled"
        if job.seconds_left is None:
            return words
        return f"{words}, {'more than' if self.before else 'about'} {describe_duration(max(1.0, job.seconds_left))}"


def line_up(job: Job, workspace: Workspace) -> tuple[Job, filelock.BaseFileLock]:
    """Puts a job at the end of the queue; returns it as it stands there, and the lock that says that its process lives.

    Call it while queue_guard() is held.
    """
    job = replace(job, turn=1 + max((other.turn for other in find_active(workspace)), default=0))
    alive = hold_alive(job.id, workspace)
    write_job(job, workspace)
    return job, alive


def find_place(job: Job, workspace: Workspace) -> Place:
    """Where a job that waits stands now."""
    others = [other for other in find_active(workspace) if other.id != job.id]
    running = next((other for other in others if other.state == RUNNING), None)
    waiting = [other for other in others if other.state != RUNNING and _order(other) < _order(job)]
    return Place(running, tuple(sorted((other for other in waiting if holds_lock(other.id, workspace)), key=_order)))


def _order(job: Job) -> tuple[bool, int, str]:
    return job.gives_way, job.turn, job.id


@contextmanager
def hold_workspace(job: Job, workspace: Workspace, *, on_wait: Callable[[Place], None]) -> Iterator[None]:
    """Holds the workspace for a job that has lined up, once it is its turn; until then on_wait(place) is called about twice a
    second. What it raises ends the waiting.

    Who runs is decided by the lock, whatever the files say: a job that stands there as running and does not hold it, since
    its machine is gone, keeps nobody waiting.
    """
    lock = workspace_lock(workspace)
    while True:
        place = find_place(job, workspace)
        if not place.before:
            try:
                lock.acquire(blocking=False)
                break
            except filelock.Timeout:
                pass
        on_wait(place)
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()
