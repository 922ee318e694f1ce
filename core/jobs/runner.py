"""Runs long work as jobs: in the app each in a thread, a training in a child process; on the command line here.

What a job does is in the file of its kind (core.jobs.kinds), what other processes see of it in core.jobs.state.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import filelock

from core.data.catalog import open_named
from core.data.dataset import Dataset
from core.errors import Cancelled, LadderError
from core.graph.resources import Models
from core.jobs.child import watch_child
from core.jobs.keeper import run_job
from core.jobs.kinds import find_kind
from core.jobs.kinds.kind import JobKind
from core.jobs.locks import hold_alive
from core.jobs.state import COMMAND_LINE, DONE, Job, find_same, forget_old_jobs, make_way, read_job, write_job
from core.progress import ProgressCallback, ignore_progress
from core.workspace import Workspace

_log = logging.getLogger(__name__)


class JobRunner:
    """Runs this process's jobs, each in a thread; an experiment has its job's id. Create one per process and workspace."""

    def __init__(self, workspace: Workspace, models: Models) -> None:
        self._workspace = workspace
        self._models = models

    def submit(self, job: Job, *, then: Callable[[], object] = lambda: None) -> str:
        """Queues a job, made by its kind's make_..._job(); returns its id. then: called when it has ended well.

        If the same work (kind, dataset, split, systems, options) is running or queued already, whoever started it, that one's
        id is returned: two browsers that press Start at once get one run. One that gives way is not the same as one that stays.
        """
        workspace, kind = self._workspace, find_kind(job.kind)
        with filelock.FileLock(workspace.path("jobs", "submit.lock")):
            same = find_same(job, workspace)
            if same is not None and (job.gives_way or not same.gives_way):
                return same.id
            if not job.gives_way:
                make_way(workspace)
            forget_old_jobs(workspace)
            alive = None if kind.own_process else hold_alive(job.id, workspace)
            write_job(job, workspace)
        threading.Thread(target=self._run, args=(job, kind, alive, then), name=f"job {job.id}", daemon=True).start()
        return job.id

    def submit_once(self, name: str, start: Callable[[], str]) -> str | None:
        """Calls `start` unless that was done for this workspace before, by whatever process; returns its job id or None."""
        marker = self._workspace.path("jobs", f"{name}.once")
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:
            return None
        try:
            return start()
        except BaseException:
            marker.unlink(missing_ok=True)  # it was not done
            raise

    def _run(self, job: Job, kind: JobKind[Any], alive: filelock.BaseFileLock | None, then: Callable[[], object]) -> None:
        """alive: None if the job's own process holds it."""
        workspace = self._workspace
        if alive is None:
            watch_child(job, workspace)
        else:
            try:
                run_job(
                    job,
                    lambda keeper: kind.work(keeper, open_named(job.dataset, workspace), self._models),
                    workspace=workspace,
                    alive=alive,
                    shows_ready=kind.shows_ready,
                )
            except Cancelled:
                pass
            except LadderError:  # the job's state says what went wrong, the log where: nobody waits for this thread
                _log.warning("The job %s (%s) failed", job.id, job.kind, exc_info=True)
            except Exception:
                _log.exception("The job %s (%s) broke off", job.id, job.kind)
        with contextlib.suppress(LadderError):
            if read_job(job.id, workspace).state == DONE:
                then()


def run_here(
    job: Job,
    dataset: Dataset,
    *,
    workspace: Workspace,
    models: Models | None = None,
    on_progress: ProgressCallback = ignore_progress,
    on_wait: Callable[[str], None] = lambda holder: None,
) -> Any:
    """Does a job of this dataset in the calling thread, as one of the command line that the app shows and can cancel; returns
    what the work of its kind gives, once that is saved.

    on_wait(who): called about twice a second while another job holds the workspace. Raises what went wrong, and Cancelled if
    the job was cancelled: what was computed until then stays in the caches, and a training's last checkpoint stays.
    """
    kind = find_kind(job.kind)
    job = replace(job, starter=COMMAND_LINE)
    make_way(workspace)
    alive = hold_alive(job.id, workspace)
    write_job(job, workspace)
    return run_job(
        job,
        lambda keeper: kind.work(keeper, dataset, models),
        workspace=workspace,
        alive=alive,
        shows_ready=kind.shows_ready,
        on_progress=on_progress,
        on_wait=on_wait,
    )
