"""Runs long work as jobs: in the app each in a thread, on the command line in the calling thread.

What is shared with other processes (state, cancel, locks) is in core.jobs.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import filelock

from core.data.catalog import open_dataset
from core.data.dataset import Dataset
from core.decision.assess import Assessment, assess
from core.decision.explore import check_on_test, score_on_tuning
from core.decision.goals import Goals
from core.decision.keep import load_assessment, save_assessment
from core.errors import Cancelled, LadderError
from core.experiment import Experiment, compare, make_experiment_id
from core.graph.resources import Models
from core.history import save_experiment
from core.jobs import (
    APP,
    ASSESS,
    CANCELLED,
    CHECK,
    COMMAND_LINE,
    DONE,
    FAILED,
    RUNNING,
    SCORE,
    Job,
    JobCancel,
    find_same,
    forget_old_jobs,
    hold_alive,
    hold_workspace,
    make_way,
    read_job,
    release_alive,
    write_job,
)
from core.progress import ProgressCallback, ProgressEvent, ignore_progress
from core.store import Workspace
from core.system_files import from_spec
from core.systems import System

Result = TypeVar("Result")
_WRITE_SECONDS = 0.3  # progress within a step is written at most this often
_COUNT = re.compile(r"\d+")


class JobRunner:
    """Runs this process's jobs, each in a thread; the experiment has the job's id. Create one per process and workspace."""

    def __init__(self, workspace: Workspace, models: Models) -> None:
        self._workspace = workspace
        self._models = models

    def submit(
        self,
        dataset: str,
        systems: Mapping[str, System],
        *,
        split: str,
        name: str = "",
        then: Callable[[], object] = lambda: None,
    ) -> str:
        """Queues a comparison; returns the job's id, which is also the experiment's. then: called when it has ended well.

        If the same comparison (dataset, split, systems) is running or queued already, whoever started it, that one's id is
        returned: two browsers that press Start at once get one run.
        """
        return self._submit(lambda: _make_comparison(dataset, systems, split=split, name=name, starter=APP), then=then)

    def submit_assessment(self, dataset: str, goals: Goals, *, name: str = "", gives_way: bool = False) -> str:
        """Queues an assessment (the ladder); returns the job's id, which is also the assessment's and its experiment's.

        If the same one (dataset, goals) is running or queued already, that one's id is returned. gives_way: see Job.
        """
        return self._submit(
            lambda: replace(_make_assessment(dataset, goals, name=name, starter=APP), gives_way=gives_way), then=lambda: None
        )

    def submit_scores(self, dataset: str, assessment: str, systems: Mapping[str, System]) -> str:
        """Queues score_on_tuning() of the systems for the assessment of this id; returns the job's id.

        Each score is there as soon as its system is in the job's `ready`. The same job is not queued twice.
        """
        return self._submit(lambda: _make_exploration(SCORE, dataset, assessment, systems), then=lambda: None)

    def submit_check(self, dataset: str, assessment: str, system: System) -> str:
        """Queues check_on_test() of one system for the assessment of this id; returns the job's id."""
        return self._submit(lambda: _make_exploration(CHECK, dataset, assessment, {system.name: system}), then=lambda: None)

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

    def _submit(self, make: Callable[[], Job], *, then: Callable[[], object]) -> str:
        workspace = self._workspace
        with filelock.FileLock(workspace.path("jobs", "submit.lock")):
            job = make()
            same = find_same(job.dataset, job.systems, workspace, split=job.split, kind=job.kind, options=job.options)
            if same is not None and (job.gives_way or not same.gives_way):
                return same.id
            if not job.gives_way:
                make_way(workspace)
            forget_old_jobs(workspace)
            alive = hold_alive(job.id, workspace)
            write_job(job, workspace)
        threading.Thread(target=self._run, args=(job, alive, then), name=f"job {job.id}", daemon=True).start()
        return job.id

    def _run(self, job: Job, alive: filelock.BaseFileLock, then: Callable[[], object]) -> None:
        def open_data() -> Dataset:
            return open_dataset(job.dataset, self._workspace)

        def work(keeper: JobKeeper) -> tuple[str, object]:
            if job.kind == ASSESS:
                return _assess(keeper, open_data(), models=self._models)
            if job.kind in (SCORE, CHECK):
                return _explore(keeper, open_data(), models=self._models)
            return _compare(keeper, open_data(), models=self._models, keep_partial=True)

        with contextlib.suppress(LadderError):  # the job's state says it already
            run_job(job, work, workspace=self._workspace, alive=alive)
            if read_job(job.id, self._workspace).state == DONE:
                then()


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
    chosen = split or dataset.default_split
    job = _make_comparison(dataset.name, systems, split=chosen, name=name, starter=COMMAND_LINE)
    return _run_here(
        job,
        lambda keeper: _compare(keeper, dataset, models=models, keep_partial=False),
        workspace=workspace,
        on_progress=on_progress,
        on_wait=on_wait,
    )


def assess_here(
    dataset: Dataset,
    goals: Goals,
    *,
    workspace: Workspace,
    name: str = "",
    models: Models | None = None,
    on_progress: ProgressCallback = ignore_progress,
    on_wait: Callable[[str], None] = lambda holder: None,
) -> Assessment:
    """assess() and save_assessment() in the calling thread, as a job that the app shows and can cancel.

    on_wait(who): called about twice a second while another job holds the workspace. Raises Cancelled if the job was
    cancelled: nothing is saved then, and what was computed stays in the caches.
    """
    job = _make_assessment(dataset.name, goals, name=name, starter=COMMAND_LINE)
    return _run_here(
        job,
        lambda keeper: _assess(keeper, dataset, models=models),
        workspace=workspace,
        on_progress=on_progress,
        on_wait=on_wait,
    )


def _run_here(
    job: Job,
    work: Callable[[JobKeeper], tuple[str, Result]],
    *,
    workspace: Workspace,
    on_progress: ProgressCallback,
    on_wait: Callable[[str], None],
) -> Result:
    make_way(workspace)
    alive = hold_alive(job.id, workspace)
    write_job(job, workspace)
    return run_job(job, work, workspace=workspace, alive=alive, on_progress=on_progress, on_wait=on_wait)


def run_job(
    job: Job,
    work: Callable[[JobKeeper], tuple[str, Result]],
    *,
    workspace: Workspace,
    alive: filelock.BaseFileLock,
    on_progress: ProgressCallback = ignore_progress,
    on_wait: Callable[[str], None] = lambda holder: None,
) -> Result:
    """Waits for the workspace, does the work, keeps the job's state; lets go of `alive` at the end.

    work: saves its result and returns the state in which the job ended (DONE or CANCELLED) with it. Raises what went
    wrong, as LadderError where the user can mend it; the job's state then holds the sentence.
    """
    keeper = JobKeeper(job, workspace, on_progress)

    def wait(holder: str) -> None:
        keeper.wait(holder)
        on_wait(holder)

    try:
        with hold_workspace(workspace, job.title, on_wait=wait):
            keeper.cancel.check()
            keeper.update(state=RUNNING, label="starting", seconds_left=None)
            state, result = work(keeper)
        keeper.finish(state)
        return result
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
        release_alive(alive)


def _compare(keeper: JobKeeper, dataset: Dataset, *, models: Models | None, keep_partial: bool) -> tuple[str, Experiment]:
    """The work of a comparison. keep_partial: its experiment is saved anew whenever a system is ready."""
    job, workspace = keeper.job, keeper.workspace

    def keep(partial: Experiment) -> None:
        save_experiment(partial, workspace)

    experiment = compare(
        dataset,
        {str(spec["name"]): from_spec(spec) for spec in job.systems},
        workspace=workspace,
        split=job.split,
        name=job.title,
        models=models,
        cancel=keeper.cancel,
        on_progress=keeper.report,
        on_partial=keep if keep_partial else None,
        experiment_id=job.id,
    )
    if experiment.ready or experiment.status != CANCELLED:  # a run cancelled before its first result leaves nothing
        save_experiment(experiment, workspace)
    return (CANCELLED if experiment.status == CANCELLED else DONE), experiment


def _assess(keeper: JobKeeper, dataset: Dataset, *, models: Models | None) -> tuple[str, Assessment]:
    """The work of an assessment."""
    job = keeper.job
    assessment = assess(
        dataset,
        workspace=keeper.workspace,
        goals=Goals.from_json(job.options),
        models=models,
        cancel=keeper.cancel,
        on_progress=keeper.report,
        name=job.title,
        experiment_id=job.id,
    )
    save_assessment(assessment, keeper.workspace)
    return DONE, assessment


def _explore(keeper: JobKeeper, dataset: Dataset, *, models: Models | None) -> tuple[str, object]:
    """The work of scoring systems on the tuning queries, or of checking one on the test queries."""
    job, workspace = keeper.job, keeper.workspace
    assessment = load_assessment(str(job.options["assessment"]), workspace)
    systems = [from_spec(spec) for spec in job.systems]
    shared: dict[str, Any] = {
        "workspace": workspace,
        "models": models,
        "cancel": keeper.cancel,
        "on_progress": keeper.report,
    }
    if job.kind == SCORE:
        return DONE, score_on_tuning(assessment, dataset, systems, **shared)
    return DONE, [check_on_test(assessment, dataset, system, **shared) for system in systems]


class JobKeeper:
    """Writes one job's state, and passes its progress on."""

    def __init__(self, job: Job, workspace: Workspace, send: ProgressCallback) -> None:
        self.job = job
        self.workspace = workspace
        self.cancel = JobCancel(job.id, workspace)
        self._send = send
        self._written = 0.0

    def update(self, **changes: Any) -> None:
        self.job = replace(self.job, **changes)
        self._written = time.monotonic()
        write_job(self.job, self.workspace)

    def report(self, event: ProgressEvent) -> None:
        self._send(event)
        changes: dict[str, Any] = {"label": event.label, "progress": event.share, "seconds_left": event.seconds_left}
        # An assessment runs one comparison after another, and shows none of their systems before it has a verdict.
        finished = event.system if self.job.kind != ASSESS else None
        if finished is not None:
            changes["ready"] = (*self.job.ready, finished)
        # A new step is written at once: if it is long and silent, its first report is the only one.
        begun = _COUNT.sub("", event.label) != _COUNT.sub("", self.job.label)
        if begun or finished is not None or time.monotonic() - self._written > _WRITE_SECONDS:
            self.update(**changes)
        else:
            self.job = replace(self.job, **changes)

    def wait(self, holder: str) -> None:
        """Called while another job holds the workspace."""
        self.cancel.check()
        label = f"waiting for {holder}"
        if label != self.job.label:
            self.update(label=label)

    def finish(self, state: str, *, error: str | None = None) -> None:
        self.update(
            state=state,
            error=error,
            seconds_left=None,
            label=state,
            progress=1.0 if state == DONE else self.job.progress,
        )
        self.cancel.drop()


def _make_comparison(dataset: str, systems: Mapping[str, System], *, split: str, name: str, starter: str) -> Job:
    title = f"{dataset}, {len(systems)} systems" if len(systems) != 1 else f"{dataset}, {next(iter(systems))}"
    specs = tuple(system.to_spec() for system in systems.values())
    return _make_job(dataset, specs, split=split, title=name or title, starter=starter)


def _make_assessment(dataset: str, goals: Goals, *, name: str, starter: str) -> Job:
    job = _make_job(dataset, (), split="test", title=name or f"{dataset}, recommendation", starter=starter)
    return replace(job, kind=ASSESS, options=goals.to_json())


def _make_exploration(kind: str, dataset: str, assessment: str, systems: Mapping[str, System]) -> Job:
    what = next(iter(systems)) if len(systems) == 1 else f"{len(systems)} systems"
    title = f"{dataset}, {what} on the {'tuning' if kind == SCORE else 'test'} queries"
    specs = tuple(system.to_spec() for system in systems.values())
    job = _make_job(dataset, specs, split="tuning" if kind == SCORE else "test", title=title, starter=APP)
    return replace(job, kind=kind, options={"assessment": assessment})


def _make_job(dataset: str, specs: tuple[dict[str, Any], ...], *, split: str, title: str, starter: str) -> Job:
    return Job(
        id=make_experiment_id(),
        title=title,
        dataset=dataset,
        split=split,
        systems=specs,
        label="waiting to start",
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        starter=starter,
    )
