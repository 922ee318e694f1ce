"""Runs long work as jobs: in the app each in a child process, on the command line here.

What a job does is in the file of its kind (core.jobs.kinds), what other processes see of it in core.jobs.state.
"""

from __future__ import annotations

import _thread
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import filelock

from core.data.catalog import open_named
from core.data.dataset import Dataset
from core.errors import LadderError
from core.graph.resources import Models
from core.jobs.child import work_in_child
from core.jobs.keeper import JobKeeper, logging_end, run_job
from core.jobs.kinds import find_kind
from core.jobs.kinds.kind import JobKind
from core.jobs.locks import queue_guard
from core.jobs.queue import Place, line_up
from core.jobs.state import COMMAND_LINE, DONE, Job, find_same, forget_old_jobs, make_way, read_job
from core.progress import ProgressCallback, ignore_progress
from core.workspace import Workspace

_LOOK_SECONDS = 0.2


class JobRunner:
    """Runs this process's jobs; an experiment has its job's id. Create one per process and workspace.

    models: None does each job in a child process, which loads its own; with models jobs are threads of this process.
    """

    def __init__(self, workspace: Workspace, models: Models | None = None) -> None:
        self._workspace = workspace
        self._models = models

    def submit(self, job: Job, *, then: Callable[[], object] = lambda: None) -> str:
        """Queues a job, made by its kind's make_..._job(); returns its id. then: called when it has ended well.

        If the same work (kind, dataset, split, systems, options) is running or queued already, whoever started it, that one's
        id is returned: two browsers that press Start at once get one run. One that gives way is not the same as one that stays.
        """
        workspace, kind = self._workspace, find_kind(job.kind)
        with queue_guard(workspace):
            same = find_same(job, workspace)
            if same is not None and (job.gives_way or not same.gives_way):
                return same.id
            if not job.gives_way:
                make_way(workspace)
            forget_old_jobs(workspace)
            job, alive = line_up(job, workspace)
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

    def _run(self, job: Job, kind: JobKind[Any], alive: filelock.BaseFileLock, then: Callable[[], object]) -> None:
        workspace, models = self._workspace, self._models

        def work(keeper: JobKeeper) -> tuple[str, Any]:
            return kind.work(keeper, open_named(job.dataset, workspace), models)

        do = work if models is not None else work_in_child
        with logging_end(job):
            run_job(job, do, workspace=workspace, alive=alive, shows_ready=kind.shows_ready)
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
    on_wait: Callable[[Place], None] = lambda place: None,
) -> Any:
    """Does a job of this dataset in the calling thread, as one of the command line that the app shows and can cancel; returns
    what the work of its kind gives, once that is saved.

    on_wait(place): called about twice a second while other jobs are before it. Raises what went wrong, and Cancelled if
    the job was cancelled: what was computed until then stays in the caches, and a training's last checkpoint stays.
    """
    kind = find_kind(job.kind)
    with queue_guard(workspace):
        make_way(workspace)
        job, alive = line_up(replace(job, starter=COMMAND_LINE), workspace)

    def work(keeper: JobKeeper) -> tuple[str, Any]:
        with _stopping(keeper):
            return kind.work(keeper, dataset, models)

    return run_job(
        job,
        work,
        workspace=workspace,
        alive=alive,
        shows_ready=kind.shows_ready,
        on_progress=on_progress,
        on_wait=on_wait,
    )


@contextlib.contextmanager
def _stopping(keeper: JobKeeper) -> Iterator[None]:
    """Stops what the block does as Ctrl-C would if the job was cancelled elsewhere and it goes on for too long: a model that
    is loading asks nobody. Only the main thread can be stopped so."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_SECONDS):
            if keeper.cancel.cancelled:
                if not over.wait(keeper.job.stop_seconds):
                    _interrupt_main()
                return

    watcher = threading.Thread(target=watch, name="stop when cancelled", daemon=True)
    if threading.current_thread() is threading.main_thread():
        watcher.start()
    try:
        yield
    except KeyboardInterrupt:
        keeper.cancel.check()  # raises, if it came from there
        raise
    finally:
        over.set()


def _interrupt_main() -> None:
    """What Ctrl-C does; it ends a call that blocks as well, where the system can signal a single thread."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
