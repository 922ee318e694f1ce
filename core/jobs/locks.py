"""The locks of jobs: whether a job's process lives, what cancels it, and the one that the running job holds.

While a job lives its process holds a lock on a file: the system lets go of it however the process ends, so that a job
whose process is gone is told from one that is slow. One heavy job runs per workspace, others wait their turn (core.jobs.queue).
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import AbstractContextManager
from pathlib import Path

import filelock

from core.progress import CancelToken
from core.workspace import Workspace

HEAVY = "heavy.lock"  # the lock of the workspace
HOLDER = "heavy.holder"  # in which an earlier version wrote who holds it
_GUARD_POLL = 0.005  # every page looks at every job: whoever finds the guard taken is not to wait for long
_CANCEL_SECONDS = 0.2  # the cancel file is looked for at most this often


def hold_alive(job_id: str, workspace: Workspace) -> filelock.BaseFileLock:
    """The lock that says that a job's process lives; taken by whoever makes the job, released by the thread that ran it."""
    lock = filelock.FileLock(_alive_file(job_id, workspace), thread_local=False)
    with _guard(workspace.jobs):
        lock.acquire()
    return lock


def release_alive(lock: filelock.BaseFileLock) -> None:
    """Lets go of what hold_alive() gave, and removes its file."""
    file = Path(lock.lock_file)
    with _guard(file.parent):
        lock.release()
        file.unlink(missing_ok=True)


def _guard(jobs: Path) -> AbstractContextManager[object]:
    """Held while a lock is taken, dropped or looked at: its file is there before it is held and after, and whoever looked just
    then would take the process for gone."""
    return filelock.FileLock(jobs / "alive.lock").acquire(poll_interval=_GUARD_POLL)


def is_alive(job_id: str, workspace: Workspace, *, pid: int, host: str) -> bool:
    """Whether the job's process still holds its lock. Without a lock file the process id decides, on this machine."""
    held = holds_lock(job_id, workspace)
    return held if held is not None else host != socket.gethostname() or _process_exists(pid)


def holds_lock(job_id: str, workspace: Workspace) -> bool | None:
    """Whether a process holds the job's lock; None if there is no such file."""
    file = _alive_file(job_id, workspace)
    with _guard(workspace.jobs):
        if not file.exists():
            return None
        lock = filelock.FileLock(file)
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            return True
        lock.release()
        return False


def _process_exists(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # gone, or never one of this system's
        return False
    except PermissionError:
        return True
    return True


def set_cancel(job_id: str, workspace: Workspace) -> None:
    """Sets the job's JobCancel, in whatever process it is."""
    _cancel_file(job_id, workspace).touch()


def is_cancel_set(job_id: str, workspace: Workspace) -> bool:
    """Whether the job has been asked to stop."""
    return _cancel_file(job_id, workspace).exists()


def drop_files(job_id: str, workspace: Workspace) -> None:
    """Removes what a process that is gone has left of its lock and of its cancel token."""
    _alive_file(job_id, workspace).unlink(missing_ok=True)
    _cancel_file(job_id, workspace).unlink(missing_ok=True)


def _alive_file(job_id: str, workspace: Workspace) -> Path:
    return workspace.jobs / f"{job_id}.alive"


def _cancel_file(job_id: str, workspace: Workspace) -> Path:
    return workspace.jobs / f"{job_id}.cancel"


class JobCancel(CancelToken):
    """A job's cancel token. A file sets it, so that any process can: every check looks for it, but not too often."""

    def __init__(self, job_id: str, workspace: Workspace) -> None:
        super().__init__()
        self._file = _cancel_file(job_id, workspace)
        self._looked = 0.0

    @property
    def cancelled(self) -> bool:
        """Whether somebody has set it, in this process or another."""
        now = time.monotonic()
        if not self._event.is_set() and now - self._looked > _CANCEL_SECONDS:
            self._looked = now
            if self._file.exists():
                self.cancel()
        return self._event.is_set()

    def check(self) -> None:
        """Raises Cancelled once the token is set."""
        if self.cancelled:
            super().check()

    def drop(self) -> None:
        """Removes the file once the job has ended, so that none is left behind."""
        self._file.unlink(missing_ok=True)


def workspace_lock(workspace: Workspace) -> filelock.BaseFileLock:
    """Held by the heavy job that runs."""
    return filelock.FileLock(workspace.path("jobs", HEAVY), thread_local=False)


def is_workspace_held(workspace: Workspace) -> bool:
    """Whether a heavy job runs in the workspace."""
    try:
        with workspace_lock(workspace).acquire(blocking=False):
            return False
    except filelock.Timeout:
        return True


def queue_guard(workspace: Workspace) -> filelock.BaseFileLock:
    """Held while a job joins the queue: turns are given out one at a time."""
    return filelock.FileLock(workspace.path("jobs", "submit.lock"))
