"""Runs long work as jobs: in the app each in a thread, a training in a child process; on the command line here.

What is shared with other processes (state, cancel, locks) is in core.jobs.state.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import filelock

from core.data.catalog import open_named
from core.data.dataset import Dataset
from core.errors import LadderError, NotInWorkspace
from core.experiment.compare import Experiment
from core.graph.resources import Models
from core.jobs.keeper import JobKeeper, run_job
from core.jobs.kinds import (
    TrainingResult,
    assess_work,
    compare_work,
    deploy_work,
    explore_work,
    make_assessment_job,
    make_comparison_job,
    make_deployment_job,
    make_exploration_job,
    make_scaling_job,
    make_training_job,
    scaling_work,
    train_work,
)
from core.jobs.state import (
    APP,
    ASSESS,
    CHECK,
    COMMAND_LINE,
    DEPLOY,
    DONE,
    FAILED,
    INTERRUPTED,
    SCALE,
    SCORE,
    Job,
    find_same,
    forget_old_jobs,
    hold_alive,
    make_way,
    read_job,
    write_job,
)
from core.ladder.goals import Goals
from core.progress import ProgressCallback, ignore_progress
from core.recommendation.assess import Assessment
from core.scaling.measure import Scaling
from core.settings import REPOSITORY
from core.systems.system import System
from core.training.request import TrainingRequest
from core.versions.request import DeploymentRequest
from core.workspace import Workspace

Result = TypeVar("Result")
_NICE = 10  # a training uses all cores, and the pages go first


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
        return self._submit(lambda: make_comparison_job(dataset, systems, split=split, name=name, starter=APP), then=then)

    def submit_assessment(self, dataset: str, goals: Goals, *, name: str = "", gives_way: bool = False) -> str:
        """Queues an assessment (the ladder); returns the job's id, which is also the assessment's and its experiment's.

        If the same one (dataset, goals) is running or queued already, that one's id is returned. gives_way: see Job.
        """
        return self._submit(
            lambda: replace(make_assessment_job(dataset, goals, name=name, starter=APP), gives_way=gives_way), then=lambda: None
        )

    def submit_scores(self, dataset: str, assessment: str, systems: Mapping[str, System]) -> str:
        """Queues score_on_tuning() of the systems for the assessment of this id; returns the job's id.

        Each score is there as soon as its system is in the job's `ready`. The same job is not queued twice.
        """
        return self._submit(lambda: make_exploration_job(SCORE, dataset, assessment, systems), then=lambda: None)

    def submit_check(self, dataset: str, assessment: str, system: System) -> str:
        """Queues check_on_test() of one system for the assessment of this id; returns the job's id."""
        return self._submit(lambda: make_exploration_job(CHECK, dataset, assessment, {system.name: system}), then=lambda: None)

    def submit_training(self, dataset: str, request: TrainingRequest) -> str:
        """Queues a training, in a process of its own, so that neither Cancel nor a lack of memory can harm the app; returns the
        job's id. The same request is not queued twice."""
        return self._submit(
            lambda: make_training_job(dataset, request, starter=APP),
            then=lambda: None,
            run=lambda job: watch_child(job, self._workspace),
        )

    def submit_deployment(self, dataset: str, request: DeploymentRequest) -> str:
        """Queues the building, refreshing or promoting of an index version; returns the job's id. The same is
        not queued twice."""
        return self._submit(lambda: make_deployment_job(dataset, request, starter=APP), then=lambda: None)

    def submit_scaling(self, dataset: str, systems: Mapping[str, System]) -> str:
        """Queues the timing of the systems at several sizes of the corpus; returns the job's id. The same is not queued
        twice."""
        return self._submit(lambda: make_scaling_job(dataset, systems, starter=APP), then=lambda: None)

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

    def _submit(self, make: Callable[[], Job], *, then: Callable[[], object], run: Callable[[Job], None] | None = None) -> str:
        """run: does the job elsewhere, instead of in a thread of this process that holds its lock."""
        workspace = self._workspace
        with filelock.FileLock(workspace.path("jobs", "submit.lock")):
            job = make()
            same = find_same(job.dataset, job.systems, workspace, split=job.split, kind=job.kind, options=job.options)
            if same is not None and (job.gives_way or not same.gives_way):
                return same.id
            if not job.gives_way:
                make_way(workspace)
            forget_old_jobs(workspace)
            alive = hold_alive(job.id, workspace) if run is None else None
            write_job(job, workspace)
        target, args = (run, (job,)) if run is not None else (self._run, (job, alive, then))
        threading.Thread(target=target, args=args, name=f"job {job.id}", daemon=True).start()
        return job.id

    def _run(self, job: Job, alive: filelock.BaseFileLock, then: Callable[[], object]) -> None:
        def open_data() -> Dataset:
            return open_named(job.dataset, self._workspace)

        def work(keeper: JobKeeper) -> tuple[str, object]:
            if job.kind == ASSESS:
                return assess_work(keeper, open_data(), models=self._models)
            if job.kind == DEPLOY:
                return deploy_work(keeper, open_data(), models=self._models)
            if job.kind == SCALE:
                return scaling_work(keeper, open_data(), models=self._models)
            if job.kind in (SCORE, CHECK):
                return explore_work(keeper, open_data(), models=self._models)
            return compare_work(keeper, open_data(), models=self._models, keep_partial=True)

        with contextlib.suppress(LadderError):  # the job's state says it already
            run_job(job, work, workspace=self._workspace, alive=alive)
            if read_job(job.id, self._workspace).state == DONE:
                then()


def train_here(
    dataset: Dataset,
    request: TrainingRequest,
    *,
    workspace: Workspace,
    models: Models | None = None,
    on_progress: ProgressCallback = ignore_progress,
    on_wait: Callable[[str], None] = lambda holder: None,
) -> TrainingResult:
    """Trains, compares and saves in the calling thread, as a job that the app shows and can cancel.

    Raises Cancelled if the job was cancelled: the last checkpoint stays, and the same request goes on from it.
    """
    job = make_training_job(dataset.name, request, starter=COMMAND_LINE)
    return _run_here(
        job,
        lambda keeper: train_work(keeper, dataset, models=models),
        workspace=workspace,
        on_progress=on_progress,
        on_wait=on_wait,
    )


def deploy_here(
    dataset: Dataset,
    request: DeploymentRequest,
    *,
    workspace: Workspace,
    models: Models | None = None,
    on_progress: ProgressCallback = ignore_progress,
    on_wait: Callable[[str], None] = lambda holder: None,
) -> dict[str, Any]:
    """Builds, refreshes or promotes an index version in the calling thread, as a job that the app shows and can cancel."""
    job = make_deployment_job(dataset.name, request, starter=COMMAND_LINE)
    return _run_here(
        job,
        lambda keeper: deploy_work(keeper, dataset, models=models),
        workspace=workspace,
        on_progress=on_progress,
        on_wait=on_wait,
    )


def scale_here(
    dataset: Dataset,
    systems: Mapping[str, System],
    *,
    workspace: Workspace,
    models: Models | None = None,
    on_progress: ProgressCallback = ignore_progress,
    on_wait: Callable[[str], None] = lambda holder: None,
) -> Scaling:
    """measure_scaling() and save_scaling() in the calling thread, as a job that the app shows and can cancel."""
    job = make_scaling_job(dataset.name, systems, starter=COMMAND_LINE)
    return _run_here(
        job,
        lambda keeper: scaling_work(keeper, dataset, models=models),
        workspace=workspace,
        on_progress=on_progress,
        on_wait=on_wait,
    )


def run_as_child(job_id: str, *, workspace: Workspace) -> None:
    """Does the work of a training job that the app has queued, in this process: what the app starts as its child."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    job = replace(read_job(job_id, workspace), pid=os.getpid())
    alive = hold_alive(job.id, workspace)
    write_job(job, workspace)
    dataset = open_named(job.dataset, workspace)
    run_job(job, lambda keeper: train_work(keeper, dataset, models=None), workspace=workspace, alive=alive)


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
    job = make_comparison_job(dataset.name, systems, split=chosen, name=name, starter=COMMAND_LINE)
    return _run_here(
        job,
        lambda keeper: compare_work(keeper, dataset, models=models, keep_partial=False),
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
    job = make_assessment_job(dataset.name, goals, name=name, starter=COMMAND_LINE)
    return _run_here(
        job,
        lambda keeper: assess_work(keeper, dataset, models=models),
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


def watch_child(job: Job, workspace: Workspace) -> None:
    """Runs a queued training job in a child process, and says in the job what happened if that process breaks off."""
    command = [sys.executable, "-m", "core", "train", job.dataset, "--workspace", str(workspace.folder), "--job", job.id]
    child = subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    errors = (child.communicate()[1] or "").strip().splitlines()
    try:
        now = read_job(job.id, workspace)
    except NotInWorkspace:  # it ended, and was forgotten since
        return
    if not now.is_active and now.state != INTERRUPTED:
        return
    if child.returncode < 0:
        words = (
            f"The training process was ended by the system (signal {-child.returncode}), most often because memory ran out. "
            "What was trained up to the last checkpoint is kept: resume it, or start again with a smaller batch."
        )
    else:
        words = f"The training process ended (status {child.returncode}). {errors[-1] if errors else ''}".strip()
    write_job(replace(now, state=FAILED, label=FAILED, error=words, seconds_left=None), workspace)
