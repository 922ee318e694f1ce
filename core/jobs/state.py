"""Long work in the background, as others see it: state, cancel, who holds the workspace. core.jobs.runner does the work.

A job's state is a file in the workspace, so that a reload, a second browser or the command line sees the same. While a
job lives its process holds a lock on a second file: the system lets go of it however the process ends, so that a job
whose process is gone is told from one that is slow. Files are replaced as a whole, so that no exit leaves half of one.
One heavy job runs per workspace, others wait their turn.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import filelock

from core.errors import NotInWorkspace
from core.progress import CancelToken
from core.schema import content_hash
from core.workspace import Workspace, read_json, replace_file, write_json

QUEUED, RUNNING, DONE, FAILED, CANCELLED, INTERRUPTED = (
    "queued",
    "running",
    "done",
    "failed",
    "cancelled",
    "interrupted",
)
ACTIVE = (QUEUED, RUNNING)
COMPARE, ASSESS, SCORE, CHECK, TRAIN, DEPLOY = "compare", "assess", "score", "check", "train", "deploy"
SCALE = "scale"
APP, COMMAND_LINE = "the app", "the command line"
_POLL_SECONDS = 0.5
_CANCEL_SECONDS = 0.2  # the cancel file is looked for at most this often
_KEPT = 50  # ended jobs whose state is kept; their experiments stay


@dataclass(frozen=True)
class Job:
    """Long work in the background.

    kind: COMPARE; ASSESS, the ladder; SCORE, systems on an assessment's tuning queries; CHECK, one on its test queries;
    TRAIN, a model; DEPLOY, an index version; SCALE, the latency of systems at several sizes of the corpus. options: what the
    kind needs beside the other fields, as JSON: of an assessment the goals, of SCORE and CHECK the assessment's id as
    {assessment}, of TRAIN and DEPLOY the request. systems: those that are run; an assessment chooses its own and has none
    here, nor have a training and a version.
    state: queued, running, done, failed, cancelled, or interrupted (its process is gone). progress: share in [0, 1].
    ready: systems that are finished; for a job of the app their results are in the experiment already.
    starter: APP or COMMAND_LINE. error: why it failed. gives_way: nobody asked for it, so it is cancelled as soon as
    somebody starts another job.
    """

    id: str
    title: str
    dataset: str
    split: str
    systems: tuple[dict[str, Any], ...]
    state: str = QUEUED
    label: str = ""
    progress: float = 0.0
    seconds_left: float | None = None
    ready: tuple[str, ...] = ()
    error: str | None = None
    created: str = ""
    starter: str = APP
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    kind: str = COMPARE
    options: dict[str, Any] = field(default_factory=dict)
    gives_way: bool = False

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def owner(self) -> str:
        """ "the command line (process 4711 on this-machine)" """
        return f"{self.starter} (process {self.pid} on {self.host})"

    @property
    def is_ours(self) -> bool:
        """True if this very process runs it."""
        return self.pid == os.getpid() and self.host == socket.gethostname()

    @property
    def system_names(self) -> list[str]:
        return [str(spec["name"]) for spec in self.systems]


def write_job(job: Job, workspace: Workspace) -> None:
    write_json(workspace.jobs / f"{job.id}.json", asdict(job))


def read_job(job_id: str, workspace: Workspace) -> Job:
    """The job's state now; one whose process is gone is "interrupted". Raises NotInWorkspace."""
    job = _read(job_id, workspace)
    if not job.is_active or _is_alive(job, workspace):
        return job
    job = _read(job_id, workspace)  # it may have ended between the two looks
    if job.is_active:
        job = replace(job, state=INTERRUPTED, label=INTERRUPTED, seconds_left=None)
        write_job(job, workspace)
        _alive_file(job_id, workspace).unlink(missing_ok=True)
        _cancel_file(job_id, workspace).unlink(missing_ok=True)
    return job


def _read(job_id: str, workspace: Workspace) -> Job:
    file = workspace.jobs / f"{job_id}.json"
    missing = NotInWorkspace(f"The job {job_id!r} is not here.")
    if Path(job_id).name != job_id:
        raise missing
    try:
        content = read_json(file)
    except FileNotFoundError as error:
        raise missing from error
    known = {part.name for part in fields(Job)}
    content = {name: value for name, value in content.items() if name in known}
    return Job(**{**content, "systems": tuple(content["systems"]), "ready": tuple(content["ready"])})


def list_jobs(workspace: Workspace) -> list[Job]:
    """All jobs, newest first."""
    jobs = []
    for name in sorted((path.stem for path in workspace.jobs.glob("*.json")), reverse=True):
        with contextlib.suppress(NotInWorkspace):  # forgotten by another process a moment ago
            jobs.append(read_job(name, workspace))
    return jobs


def find_active(workspace: Workspace) -> list[Job]:
    """Running and queued jobs, the running one first."""
    active = [job for job in list_jobs(workspace) if job.is_active]
    return sorted(active, key=lambda job: (job.state != RUNNING, job.id))


def find_same(
    dataset: str,
    specs: tuple[dict[str, Any], ...],
    workspace: Workspace,
    *,
    split: str,
    kind: str = COMPARE,
    options: Mapping[str, Any] | None = None,
) -> Job | None:
    """The running or queued job that does just this, or None. Its title and its starter do not matter."""
    wanted = content_hash([kind, dataset, split, list(specs), dict(options or {})])
    return next((job for job in find_active(workspace) if _hash_work(job) == wanted), None)


def _hash_work(job: Job) -> str:
    return content_hash([job.kind, job.dataset, job.split, list(job.systems), job.options])


def forget_old_jobs(workspace: Workspace) -> None:
    """Drops the state of jobs that ended long ago: every page reads these files every second while one runs."""
    ended = [job for job in list_jobs(workspace) if not job.is_active]
    for job in ended[_KEPT:]:
        (workspace.jobs / f"{job.id}.json").unlink(missing_ok=True)


def cancel_job(job_id: str, workspace: Workspace) -> None:
    """Asks a job to stop; it does so between two steps or batches, and keeps what it has."""
    read_job(job_id, workspace)
    _cancel_file(job_id, workspace).touch()


def make_way(workspace: Workspace) -> None:
    """Cancels the jobs that nobody asked for; what they computed stays in the caches."""
    for job in find_active(workspace):
        if job.gives_way:
            cancel_job(job.id, workspace)


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
        now = time.monotonic()
        if not self._event.is_set() and now - self._looked > _CANCEL_SECONDS:
            self._looked = now
            if self._file.exists():
                self.cancel()
        return self._event.is_set()

    def check(self) -> None:
        if self.cancelled:
            super().check()

    def drop(self) -> None:
        """Removes the file once the job has ended, so that none is left behind."""
        self._file.unlink(missing_ok=True)


def _alive_file(job_id: str, workspace: Workspace) -> Path:
    return workspace.jobs / f"{job_id}.alive"


def hold_alive(job_id: str, workspace: Workspace) -> filelock.BaseFileLock:
    """The lock that says that a job's process lives; taken by whoever makes the job, released by the thread that ran it."""
    lock = filelock.FileLock(_alive_file(job_id, workspace), thread_local=False)
    lock.acquire()
    return lock


def release_alive(lock: filelock.BaseFileLock) -> None:
    """Lets go of what hold_alive() gave, and removes its file."""
    lock.release()
    Path(lock.lock_file).unlink(missing_ok=True)


def _is_alive(job: Job, workspace: Workspace) -> bool:
    """Whether the job's process still holds its lock. Without a lock file the process id decides, on this machine."""
    file = _alive_file(job.id, workspace)
    if not file.exists():
        return job.host != socket.gethostname() or _process_exists(job.pid)
    lock = filelock.FileLock(file)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return True
    lock.release()
    return False


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def hold_workspace(workspace: Workspace, title: str, *, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Holds the workspace for one heavy job; meanwhile others wait. on_wait(who) is called about twice a second."""
    lock = filelock.FileLock(workspace.path("jobs", "heavy.lock"))
    holder = workspace.path("jobs", "heavy.holder")
    while True:
        try:
            lock.acquire(timeout=_POLL_SECONDS)
            break
        except filelock.Timeout:
            text = holder.read_text(encoding="utf-8") if holder.exists() else ""
            on_wait(text or "another job in this workspace")
    try:
        with replace_file(holder) as aside:
            aside.write_text(f"{title!r} (process {os.getpid()})", encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()
