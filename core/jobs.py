"""Long work in the background: state, progress, cancel. One heavy job per workspace, others wait their turn.

A job's state is a file in the workspace, so that a reload, a second browser or the command line sees the same. While a
job lives its process holds a lock on a second file: the system lets go of it however the process ends, so that a job
whose process is gone is told from one that is slow. Files are replaced as a whole, so that no exit leaves half of one.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import filelock

from core.data.catalog import open_dataset
from core.data.dataset import Dataset
from core.errors import Cancelled, LadderError, NotInWorkspace
from core.experiment import Experiment, compare, make_experiment_id
from core.graph.resources import Models
from core.history import save_experiment
from core.progress import CancelToken, ProgressCallback, ProgressEvent, ignore_progress
from core.schema import content_hash
from core.store import Workspace, read_json, replace_file, write_json
from core.system_files import from_spec
from core.systems import System

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
_CANCEL_SECONDS = 0.2  # the cancel file is looked for at most this often
_KEPT = 50  # ended jobs whose state is kept; their experiments stay
APP, COMMAND_LINE = "the app", "the command line"


@dataclass(frozen=True)
class Job:
    """A comparison in the background.

    state: queued, running, done, failed, cancelled, or interrupted (its process is gone). progress: share in [0, 1].
    ready: systems that are finished; for a job of the app their results are in the experiment already.
    starter: APP or COMMAND_LINE. error: why it failed.
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


class JobRunner:
    """Runs this process's jobs, each in a thread; the experiment has the job's id. Create one per process and workspace."""

    def __init__(self, workspace: Workspace, models: Models) -> None:
        self._workspace = workspace
        self._models = models

    def submit(self, dataset: str, systems: Mapping[str, System], *, split: str, name: str = "") -> str:
        """Queues a comparison; returns the job's id, which is also the experiment's.

        If the same comparison (dataset, split, systems) is running or queued already, whoever started it, that one's id is
        returned: two browsers that press Start at once get one run.
        """
        specs = tuple(system.to_spec() for system in systems.values())
        with filelock.FileLock(self._workspace.path("jobs", "submit.lock")):
            same = find_same(dataset, specs, self._workspace, split=split)
            if same is not None:
                return same.id
            _forget_old(self._workspace)
            job = _make_job(dataset, specs, split=split, title=name or _make_title(dataset, systems), starter=APP)
            alive = _hold_alive(job.id, self._workspace)
            write_job(job, self._workspace)
        threading.Thread(target=self._run, args=(job, alive), name=f"job {job.id}", daemon=True).start()
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

    def _run(self, job: Job, alive: filelock.BaseFileLock) -> None:
        with contextlib.suppress(LadderError):  # the job's state says it already
            run_job(
                job,
                lambda: open_dataset(job.dataset, self._workspace),
                workspace=self._workspace,
                models=self._models,
                alive=alive,
                keep_partial=True,
            )


def compare_here(
    dataset: Dataset,
    systems: Mapping[str, System],
    *,
    workspace: Workspace,
    split: str | None = None,
    name: str = "",
    models: Models | None = None,
    on_progress: ProgressCallback = ignore_progress,
    on_wait: Callable[[str], None] = lambda holder: None,
) -> Experiment:
    """compare() and save_experiment() in the calling thread, as a job that the app shows and can cancel.

    on_wait(who): called about twice a second while another job holds the workspace.
    """
    specs = tuple(system.to_spec() for system in systems.values())
    title = name or _make_title(dataset.name, systems)
    job = _make_job(dataset.name, specs, split=split or dataset.default_split, title=title, starter=COMMAND_LINE)
    alive = _hold_alive(job.id, workspace)
    write_job(job, workspace)
    return run_job(
        job, lambda: dataset, workspace=workspace, models=models, alive=alive, on_progress=on_progress, on_wait=on_wait
    )


def run_job(
    job: Job,
    open_data: Callable[[], Dataset],
    *,
    workspace: Workspace,
    alive: filelock.BaseFileLock,
    models: Models | None = None,
    keep_partial: bool = False,
    on_progress: ProgressCallback = ignore_progress,
    on_wait: Callable[[str], None] = lambda holder: None,
) -> Experiment:
    """Waits for the workspace, runs the job, keeps its state and saves its experiment; lets go of `alive` at the end.

    Raises what went wrong, as LadderError where the user can mend it; the job's state then holds the sentence.
    """
    cancel = _FileCancel(_cancel_file(job.id, workspace))
    keeper = _Keeper(job, workspace, cancel, on_progress)

    def wait(holder: str) -> None:
        keeper.wait(holder)
        on_wait(holder)

    try:
        with hold_workspace(workspace, job.title, on_wait=wait):
            cancel.check()
            keeper.update(state=RUNNING, label="starting", seconds_left=None)
            experiment = compare(
                open_data(),
                {str(spec["name"]): from_spec(spec) for spec in job.systems},
                workspace=workspace,
                split=job.split,
                name=job.title,
                models=models,
                cancel=cancel,
                on_progress=keeper.report,
                on_partial=keeper.keep if keep_partial else None,
                experiment_id=job.id,
            )
            if experiment.ready or experiment.status != CANCELLED:  # a run cancelled before its first result leaves nothing
                save_experiment(experiment, workspace)
        keeper.finish(CANCELLED if experiment.status == CANCELLED else DONE)
        return experiment
    except (Cancelled, KeyboardInterrupt):
        keeper.finish(CANCELLED)
        raise
    except LadderError as error:
        keeper.finish(FAILED, error=str(error))
        raise
    except OSError as error:
        sentence = (
            f"The workspace cannot be written or read ({error}). Check its free space and permissions, then start again; "
            "what was finished is kept."
        )
        keeper.finish(FAILED, error=sentence)
        raise LadderError(sentence) from error
    except Exception as error:
        keeper.finish(FAILED, error=f"Something went wrong that should not: {type(error).__name__}: {error}")
        raise
    finally:
        alive.release()
        _alive_file(job.id, workspace).unlink(missing_ok=True)


class _Keeper:
    """Writes one job's state, and passes its progress on."""

    def __init__(self, job: Job, workspace: Workspace, cancel: CancelToken, send: ProgressCallback) -> None:
        self._job = job
        self._workspace = workspace
        self._cancel = cancel
        self._send = send
        self._written = 0.0

    def update(self, **changes: Any) -> None:
        self._job = replace(self._job, **changes)
        self._written = time.monotonic()
        write_job(self._job, self._workspace)

    def report(self, event: ProgressEvent) -> None:
        self._send(event)
        ready = self._job.ready if event.system is None else (*self._job.ready, event.system)
        changes: dict[str, Any] = {
            "label": event.label,
            "progress": event.share,
            "seconds_left": event.seconds_left,
            "ready": ready,
        }
        if event.system is not None or time.monotonic() - self._written > _WRITE_SECONDS:
            self.update(**changes)
        else:
            self._job = replace(self._job, **changes)

    def wait(self, holder: str) -> None:
        """Called while another job holds the workspace."""
        self._cancel.check()
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


class _FileCancel(CancelToken):
    """A cancel token that a file sets, so that any process can: every check looks for it, but not too often."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
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


def find_same(dataset: str, specs: tuple[dict[str, Any], ...], workspace: Workspace, *, split: str) -> Job | None:
    """The running or queued job that does just this, or None. Its title and its starter do not matter."""
    wanted = content_hash([dataset, split, list(specs)])
    found = (job for job in find_active(workspace) if content_hash([job.dataset, job.split, list(job.systems)]) == wanted)
    return next(found, None)


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


def _alive_file(job_id: str, workspace: Workspace) -> Path:
    return workspace.jobs / f"{job_id}.alive"


def _hold_alive(job_id: str, workspace: Workspace) -> filelock.BaseFileLock:
    """The lock that says that a job's process lives; taken by whoever makes the job, released by the thread that ran it."""
    lock = filelock.FileLock(_alive_file(job_id, workspace), thread_local=False)
    lock.acquire()
    return lock


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


def _make_title(dataset: str, systems: Mapping[str, System]) -> str:
    return f"{dataset}, {len(systems)} systems" if len(systems) != 1 else f"{dataset}, {next(iter(systems))}"


def _make_job(dataset: str, specs: tuple[dict[str, Any], ...], *, split: str, title: str, starter: str) -> Job:
    return Job(
        id=make_experiment_id(),
        title=title,
        dataset=dataset,
        split=split,
        systems=specs,
        label="waiting to start",
        created=_now(),
        starter=starter,
    )


def _forget_old(workspace: Workspace) -> None:
    """Drops the state of jobs that ended long ago: every page reads these files every second while one runs."""
    ended = [job for job in list_jobs(workspace) if not job.is_active]
    for job in ended[_KEPT:]:
        (workspace.jobs / f"{job.id}.json").unlink(missing_ok=True)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
