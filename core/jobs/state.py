"""The state of long work in the background, as every process sees it: a file per job in the workspace.

A reload, a second browser and the command line see the same. Files are replaced as a whole, so that no exit leaves half
of one. core.jobs.runner does the work.
"""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass, field, replace
from typing import Any

from core.errors import DamagedFile, InputError, NotInWorkspace
from core.jobs.locks import drop_files, is_alive, is_cancel_set, set_cancel
from core.records import Content, RecordFile
from core.schema import content_hash
from core.storage.names import find_entry
from core.workspace import Workspace

QUEUED, RUNNING, DONE, FAILED, CANCELLED, INTERRUPTED = (
    "queued",
    "running",
    "done",
    "failed",
    "cancelled",
    "interrupted",
)
ACTIVE = (QUEUED, RUNNING)
APP, COMMAND_LINE = "the app", "the command line"
_SOON, _LATEST = 3.0, 15.0  # seconds: a job that was cancelled ends within them, whatever it does
_KEPT = 50  # ended jobs whose state is kept; their experiments stay


@dataclass(frozen=True)
class Job:
    """Long work in the background, with how far it is.

    kind: one of core.jobs.kinds. options: what the kind needs beside the other fields, as JSON; its file says what. systems:
    those that are run, as specs; kinds that choose their own have none here.
    state: queued, running, done, failed, cancelled, or interrupted (its process is gone). progress: share in [0, 1].
    ready: systems that are finished; for a job of the app their results are in the experiment already.
    starter: APP or COMMAND_LINE. error: why it failed. gives_way: nobody asked for it, so it is cancelled as soon as
    somebody starts another job.
    turn: its number in the queue, larger than those of all jobs that were there before it. step_seconds: how long a step
    took of late, as far as it is known. cancelling: it was asked to stop and has not yet; read_job() finds it out. worker: the
    process that does the work, if that is not the one that started it.
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
    kind: str = "compare"
    options: dict[str, Any] = field(default_factory=dict)
    gives_way: bool = False
    turn: int = 0
    step_seconds: float | None = None
    cancelling: bool = False
    worker: int = 0

    @property
    def is_active(self) -> bool:
        """Whether it runs or waits."""
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
    def stop_seconds(self) -> float:
        """The longest that it goes on once it is cancelled: a step, but whoever cancels does not wait for a long one."""
        return min(max(_SOON, 2 * (self.step_seconds or 0.0)), _LATEST)

    @property
    def system_names(self) -> list[str]:
        """Of those that are run, in their order."""
        return [str(spec["name"]) for spec in self.systems]


def _rename_kinds(content: Content) -> Content:
    """A kind has the name of its file since then."""
    kind = content.get("kind", "compare")
    return {**content, "kind": {"deploy": "versions", "scale": "scaling"}.get(kind, kind)}


_FILES = RecordFile(Job, upgrades=[_rename_kinds], cure="delete this file; what the job has made is kept elsewhere")


def write_job(job: Job, workspace: Workspace) -> None:
    """Keeps the job's state; one that is there is replaced."""
    _FILES.write(workspace.jobs / f"{job.id}.json", job)


def read_job(job_id: str, workspace: Workspace) -> Job:
    """The job's state now; one whose process is gone is "interrupted".

    Raises NotInWorkspace, and InputError if its file is damaged.
    """
    job = look_at_job(job_id, workspace)
    if not job.is_active:
        return job
    if is_alive(job.id, workspace, pid=job.pid, host=job.host):
        return replace(job, cancelling=is_cancel_set(job.id, workspace))
    job = look_at_job(job_id, workspace)  # it may have ended between the two looks
    if job.is_active:
        job = replace(job, state=INTERRUPTED, label=INTERRUPTED, seconds_left=None)
        with contextlib.suppress(OSError):  # a disk that cannot be written: it is found out again next time
            write_job(job, workspace)
            drop_files(job_id, workspace)
    return job


def look_at_job(job_id: str, workspace: Workspace) -> Job:
    """The job as its file has it, whether or not its process is gone meanwhile. Raises as read_job()."""
    missing = NotInWorkspace(f"The job {job_id!r} is not here.")
    file = find_entry(workspace.jobs, f"{job_id}.json")
    if file is None:
        raise missing
    try:
        return _FILES.read(file)
    except FileNotFoundError as error:
        raise missing from error


def list_jobs(workspace: Workspace) -> list[Job]:
    """All jobs, newest first. One whose file is damaged is set aside, since nobody can say what it was; what the job has made
    is kept elsewhere."""
    jobs = []
    for name in sorted((path.stem for path in workspace.jobs.glob("*.json")), reverse=True):
        try:
            jobs.append(read_job(name, workspace))
        except DamagedFile as error:
            workspace.set_aside(workspace.jobs / f"{name}.json", error.why)
        except (NotInWorkspace, InputError):  # forgotten by another process a moment ago, or written by a later version
            continue
    return jobs


def find_active(workspace: Workspace) -> list[Job]:
    """Running and queued jobs, the running one first."""
    active = [job for job in list_jobs(workspace) if job.is_active]
    return sorted(active, key=lambda job: (job.state != RUNNING, job.id))


def find_same(job: Job, workspace: Workspace) -> Job | None:
    """The running or queued job that does just what this one does, or None. Its title and its starter do not matter."""
    wanted = _hash_work(job)
    return next((other for other in find_active(workspace) if _hash_work(other) == wanted), None)


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
    set_cancel(job_id, workspace)


def make_way(workspace: Workspace) -> None:
    """Cancels the jobs that nobody asked for; what they computed stays in the caches."""
    for job in find_active(workspace):
        if job.gives_way:
            cancel_job(job.id, workspace)
