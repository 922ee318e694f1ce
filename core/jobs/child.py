"""A job in a process of its own: the app's side, which starts it and watches, and the child's, which does the work.

So nothing that a job does holds up a page: two threads of one process take turns at Python's interpreter, whatever the cores. A
child can be stopped while a model loads, and its lack of memory is not the app's.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from core.data.catalog import open_named
from core.errors import LadderError
from core.graph.resources import Models
from core.jobs.keeper import JobKeeper, logging_end
from core.jobs.kinds import find_kind
from core.jobs.log import keep_log
from core.jobs.state import CANCELLED, FAILED, look_at_job
from core.progress import ignore_progress
from core.settings import REPOSITORY, get_threads, quieten_libraries
from core.workspace import Workspace

_log = logging.getLogger(__name__)
_NICE = 10  # of a job that leaves no core to the pages: they go first
_LOOK_SECONDS = 0.1


def work_in_child(keeper: JobKeeper) -> tuple[str, None]:
    """Does the work of a job whose turn it is in a child process, which ends with this one; see run_job() for what it gives.

    A child that was cancelled has `Job.stop_seconds` to stop by itself, then it is ended: a model that is loading cannot be
    asked. Raises LadderError with what the child said, or what became of it.
    """
    job, workspace = keeper.job, keeper.workspace
    command = [sys.executable, "-m", "core.jobs.child", str(workspace.folder.absolute()), job.id]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
        with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=told) as child:
            stopped = _wait(child, keeper)
        told.seek(0)
        errors = told.read().strip()
    if "Traceback" in errors and not stopped:  # it is shown nowhere else
        _log.error("The job %s broke off in its process:\n%s", job.id, errors)
    keeper.job = now = look_at_job(job.id, workspace)
    if now.state == FAILED:
        raise LadderError(now.error or "It failed.")
    if not now.is_active:
        return now.state, None
    if stopped:
        find_kind(job.kind).when_stopped(now, workspace)
        return CANCELLED, None
    if child.returncode < 0:
        raise LadderError(
            f"The process of this job was ended by the system (signal {-child.returncode}), most often because memory ran out. "
            "What was computed is kept, of a training up to its last checkpoint: start again, a training with a smaller batch."
        )
    last = errors.splitlines()[-1] if errors else ""
    raise LadderError(f"The process of this job ended (status {child.returncode}). {last}".strip())


def _wait(child: subprocess.Popen[bytes], keeper: JobKeeper) -> bool:
    """Waits for the child's end; returns whether it had to be ended since it was cancelled and went on."""
    latest: float | None = None
    while True:
        try:
            child.wait(_LOOK_SECONDS)
            return False
        except subprocess.TimeoutExpired:
            pass
        if latest is None and keeper.cancel.cancelled:
            latest = time.monotonic() + look_at_job(keeper.job.id, keeper.workspace).stop_seconds
        if latest is not None and time.monotonic() > latest:
            child.kill()
            child.wait()
            return True


def run_as_child(workspace: Workspace, job_id: str) -> None:
    """Does the work of a job whose turn it is, in this process: what work_in_child() starts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the app's terminal ends the app, and with it this
    threading.Thread(target=_end_with_parent, name="end with the app", daemon=True).start()
    quieten_libraries()
    keep_log(workspace, "child")
    job = look_at_job(job_id, workspace)
    kind = find_kind(job.kind)
    keeper = JobKeeper(job, workspace, ignore_progress, shows_ready=kind.shows_ready)
    if hasattr(os, "nice") and (kind.all_cores or get_threads() == 1):
        os.nice(_NICE)
    models = Models(threads=None if kind.all_cores else get_threads(leave_one=True))
    with logging_end(job), keeper.telling_end():
        keeper.update(worker=os.getpid())
        state, _ = kind.work(keeper, open_named(job.dataset, workspace), models)
        keeper.finish(state)


def _end_with_parent() -> None:
    """The app keeps the other end of standard input open as long as it lives, and says nothing."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    run_as_child(Workspace(Path(sys.argv[1])), sys.argv[2])
