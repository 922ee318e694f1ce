"""Long work in the background: state, progress, cancel. One heavy job per workspace, others wait their turn.

A job's state is a file in the workspace, so that a reload, a second browser or the command line sees the same.
"""

from __future__ import annotations

import datetime
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import filelock

from core.data.catalog import open_dataset
from core.errors import Cancelled, LadderError, NotInWorkspace
from core.experiment import Experiment, compare, make_experiment_id
from core.graph.resources import Models
from core.history import save_experiment
from core.progress import CancelToken, ProgressEvent
from core.store import Workspace, read_json, write_json
from core.systems import System, from_spec

QUEUED, RUNNING, DONE, FAILED, CANCELLED, INTERRUPTED = (
    "queued",
    "running",
    "done",
    "failed",
    "cancelled",
    "interrupted",
)
ACTIVE = (QUEUED, RUNNING)
_POLL_SECONDS = 0.5
_WRITE_SECONDS = 0.3  # progress is written at most this often


@dataclass(frozen=True)
class Job:
    """A comparison in the background.

    state: queued, running, done, failed, cancelled, or interrupted (its process is gone). progress: share in [0, 1].
    ready: systems that are finished; their results are in the experiment already. owner: who runs it.
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
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def owner(self) -> str:
        return f"process {self.pid} on {self.host}"


class JobRunner:
    """Runs this process's jobs, each in a thread; the experiment has the job's id. Create one per process and workspace."""

    def __init__(self, workspace: Workspace, models: Models) -> None:
        self._workspace = workspace
        self._models = models

    def submit(self, dataset: str, systems: Mapping[str, System], *, split: str, name: str = "") -> str:
        """Queues a comparison; returns the job's id, which is also the experiment's."""
        job = Job(
            id=make_experiment_id(),
            title=name or f"{dataset}, {len(systems)} systems",
            dataset=dataset,
            split=split,
            systems=tuple(system.to_spec() for system in systems.values()),
            label="waiting to start",
            created=_now(),
        )
        write_job(job, self._workspace)
        threading.Thread(target=self._run, args=(job,), name=f"job {job.id}", daemon=True).start()
        return job.id

    def submit_once(self, name: str, start: Callable[[], str]) -> str | None:
        """Calls `start` unless that was done for this workspace before, by whatever process; returns its job id or None."""
        marker = self._workspace.path("jobs", f"{name}.once")
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:
            return None
        return start()

    def _run(self, job: Job) -> None:
        cancel = CancelToken()
        keeper = _Keeper(job, self._workspace, cancel)
        try:
            with hold_workspace(self._workspace, job.title, on_wait=keeper.wait):
                keeper.update(state=RUNNING, label="starting", seconds_left=None)
                experiment = self._compare(job, keeper, cancel)
            keeper.finish(CANCELLED if experiment.status == "cancelled" else DONE)
        except Cancelled:
            keeper.finish(CANCELLED)
        except LadderError as error:
            keeper.finish(FAILED, error=str(error))
        except Exception as error:
            keeper.finish(FAILED, error=f"Something went wrong that should not: {type(error).__name__}: {error}")
            raise

    def _compare(self, job: Job, keeper: _Keeper, cancel: CancelToken) -> Experiment:
        dataset = open_dataset(job.dataset, self._workspace)
        systems = {str(spec["name"]): from_spec(spec) for spec in job.systems}
        experiment = compare(
            dataset,
            systems,
            workspace=self._workspace,
            split=job.split,
            name=job.title,
            models=self._models,
            cancel=cancel,
            on_progress=keeper.report,
            on_partial=lambda partial: keeper.keep(partial),
            experiment_id=job.id,
        )
        save_experiment(experiment, self._workspace)
        return experiment


class _Keeper:
    """Writes one job's state; turns the cancel file into the cancel token."""

    def __init__(self, job: Job, workspace: Workspace, cancel: CancelToken) -> None:
        self._job = job
        self._workspace = workspace
        self._cancel = cancel
        self._written = 0.0

    def update(self, **changes: Any) -> None:
        self._job = replace(self._job, **changes)
        self._written = time.monotonic()
        write_job(self._job, self._workspace)

    def report(self, event: ProgressEvent) -> None:
        if _cancel_file(self._job.id, self._workspace).exists():
            self._cancel.cancel()
        ready = self._job.ready if event.system is None else (*self._job.ready, event.system)
        changes = {"label": event.label, "progress": event.share, "seconds_left": event.seconds_left, "ready": ready}
        if event.system is not None or time.monotonic() - self._written > _WRITE_SECONDS:
            self.update(**changes)
        else:
            self._job = replace(self._job, **changes)

    def wait(self, holder: str) -> None:
        """Called while another job holds the workspace."""
        if _cancel_file(self._job.id, self._workspace).exists():
            raise Cancelled("Cancelled before it started.")
        label = f"waiting for {holder}"
        if label != self._job.label:
            self.update(label=label)

    def keep(self, partial: Experiment) -> None:
        save_experiment(partial, self._workspace)

    def finish(self, state: str, *, error: str | None = None) -> None:
        self.update(
            state=state,
            error=error,
            seconds_left=None,
            label=state,
            progress=1.0 if state == DONE else self._job.progress,
        )
        _cancel_file(self._job.id, self._workspace).unlink(missing_ok=True)


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
        holder.write_text(f"{title!r} (process {os.getpid()})", encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def write_job(job: Job, workspace: Workspace) -> None:
    write_json(workspace.jobs / f"{job.id}.json", asdict(job))


def read_job(job_id: str, workspace: Workspace) -> Job:
    """The job's state now; one whose process is gone is "interrupted". Raises NotInWorkspace."""
    file = workspace.jobs / f"{job_id}.json"
    if Path(job_id).name != job_id or not file.is_file():
        raise NotInWorkspace(f"The job {job_id!r} is not here.")
    content = read_json(file)
    job = Job(**{**content, "systems": tuple(content["systems"]), "ready": tuple(content["ready"])})
    if job.is_active and job.host == socket.gethostname() and not _is_alive(job.pid):
        job = replace(job, state=INTERRUPTED, label=INTERRUPTED, seconds_left=None)
    return job


def list_jobs(workspace: Workspace) -> list[Job]:
    """All jobs, newest first."""
    names = sorted((path.stem for path in workspace.jobs.glob("*.json")), reverse=True)
    return [read_job(name, workspace) for name in names]


def find_active(workspace: Workspace) -> list[Job]:
    """Running and queued jobs, the running one first."""
    active = [job for job in list_jobs(workspace) if job.is_active]
    return sorted(active, key=lambda job: (job.state != RUNNING, job.id))


def cancel_job(job_id: str, workspace: Workspace) -> None:
    """Asks a job to stop; it does so between two steps or batches, and keeps what it has."""
    read_job(job_id, workspace)
    _cancel_file(job_id, workspace).touch()


def _cancel_file(job_id: str, workspace: Workspace) -> Path:
    return workspace.jobs / f"{job_id}.cancel"


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
