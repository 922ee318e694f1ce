"""Running jobs: one heavy job at a time, cancel, failure, a process that is gone, app and command line at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from core.data.catalog import open_dataset
from core.errors import Cancelled, LadderError
from core.experiment.history import list_experiments, load_experiment
from core.graph.resources import Models
from core.jobs.kinds.compare import make_comparison_job
from core.jobs.locks import hold_workspace
from core.jobs.runner import JobRunner, run_here
from core.jobs.state import (
    CANCELLED,
    COMMAND_LINE,
    DONE,
    FAILED,
    INTERRUPTED,
    QUEUED,
    Job,
    cancel_job,
    find_active,
    list_jobs,
    read_job,
    write_job,
)
from core.systems.named import make_named_systems
from core.systems.system import System
from core.workspace import Workspace
from tests.support.app import REPOSITORY, build_environment
from tests.support.small import write_small_dataset

WAIT_SECONDS = 60
# A process of its own that dies without a word when the model is loaded: bm25 is ready then, dense-chunk64 is not.
DIE_IN_THE_MIDDLE = """
import os, sys, threading
from pathlib import Path
from core.graph.resources import Models
from core.jobs.kinds.compare import make_comparison_job
from core.jobs.runner import JobRunner
from core.workspace import Workspace
from core.systems.named import make_named_systems
def die(*args, **kwargs):
    os._exit(9)
systems = {name: make_named_systems()[name] for name in ("bm25", "dense-chunk64")}
JobRunner(Workspace(Path(sys.argv[1])), Models(load=die)).submit(make_comparison_job("small", systems, split="all"))
threading.Event().wait(60)
"""
# Like a server that is stopped: the interpreter ends while the job's thread is at work.
EXIT_IN_THE_MIDDLE = (
    DIE_IN_THE_MIDDLE.replace("os._exit(9)", "started.set(); threading.Event().wait()")
    .replace("threading.Event().wait(60)", "started.wait(60)")
    .replace("def die", "started = threading.Event()\ndef die")
)


@pytest.fixture
def store(workspace: Path) -> Workspace:
    """A workspace with the small dataset."""
    write_small_dataset(workspace / "datasets" / "small")
    return Workspace(workspace)


def choose(*names: str) -> dict[str, System]:
    return {name: make_named_systems()[name] for name in names}


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "waited too long"
        threading.Event().wait(0.05)


def wait_for_end(job_id: str, store: Workspace) -> Job:
    wait_until(lambda: not read_job(job_id, store).is_active)
    return read_job(job_id, store)


class Held:
    """The workspace, held by another thread until the block ends."""

    def __init__(self, store: Workspace, title: str = "in the way") -> None:
        self._store, self._title = store, title
        self._held, self._free = threading.Event(), threading.Event()

    def _hold(self) -> None:
        with hold_workspace(self._store, self._title, on_wait=lambda who: None):
            self._held.set()
            self._free.wait(WAIT_SECONDS)

    def __enter__(self) -> None:
        self._thread = threading.Thread(target=self._hold)
        self._thread.start()
        assert self._held.wait(WAIT_SECONDS)

    def __exit__(self, *_: object) -> None:
        self._free.set()
        self._thread.join(WAIT_SECONDS)


def test_job_runs_to_its_end_and_its_experiment_has_its_id(store: Workspace) -> None:
    job_id = JobRunner(store, Models()).submit(
        make_comparison_job("small", choose("bm25", "bm25-filtered"), split="all", name="First")
    )
    job = wait_for_end(job_id, store)
    assert (job.state, job.progress, job.ready, job.error) == (DONE, 1.0, ("bm25", "bm25-filtered"), None)
    assert job.is_ours and job.owner.startswith("the app (process ")
    experiment = load_experiment(job_id, store)
    assert (experiment.name, experiment.status, experiment.ready) == ("First", "done", ["bm25", "bm25-filtered"])
    assert sorted(path.suffix for path in store.jobs.glob(f"{job_id}.*")) == [".json"], "locks and cancel files are gone"


def test_same_comparison_started_twice_at_once_runs_once(store: Workspace) -> None:
    runner = JobRunner(store, Models())
    ids: list[str] = []
    with Held(store):
        both = [
            threading.Thread(
                target=lambda: ids.append(runner.submit(make_comparison_job("small", choose("bm25"), split="all")))
            )
            for _ in range(2)
        ]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        other = runner.submit(make_comparison_job("small", choose("bm25-filtered"), split="all"))
        assert len(find_active(store)) == 2
    assert ids[0] == ids[1] != other
    assert {wait_for_end(job_id, store).state for job_id in (ids[0], other)} == {DONE}
    assert len(list_experiments(store)) == 2


def test_queued_job_says_for_whom_it_waits_and_can_be_cancelled(store: Workspace) -> None:
    with Held(store, "a long run"):
        job_id = JobRunner(store, Models()).submit(make_comparison_job("small", choose("bm25"), split="all"))
        wait_until(lambda: "a long run" in read_job(job_id, store).label)
        job = read_job(job_id, store)
        assert job.state == QUEUED
        assert job.label == f"waiting for 'a long run' (process {os.getpid()})"
        cancel_job(job_id, store)
        assert wait_for_end(job_id, store).state == CANCELLED
    assert list_experiments(store) == [], "nothing was run, so nothing stands in the history"


def test_cancel_before_the_first_step_leaves_no_experiment(store: Workspace) -> None:
    dataset = open_dataset("small", store)
    with pytest.raises(Cancelled), Held(store):
        thread_error: list[BaseException] = []

        def run() -> None:
            try:
                run_here(make_comparison_job("small", choose("bm25"), split="all"), dataset, workspace=store)
            except Cancelled as error:
                thread_error.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        wait_until(lambda: bool(find_active(store)))
        cancel_job(find_active(store)[0].id, store)
        thread.join(WAIT_SECONDS)
        raise thread_error[0]
    assert list_jobs(store)[0].state == CANCELLED
    assert list_experiments(store) == []


def test_job_on_a_dataset_that_disappeared_fails_with_a_sentence(store: Workspace) -> None:
    with Held(store):
        job_id = JobRunner(store, Models()).submit(make_comparison_job("small", choose("bm25"), split="all"))
        shutil.rmtree(store.datasets / "small")
    job = wait_for_end(job_id, store)
    assert job.state == FAILED
    assert job.error and "there is no dataset 'small'" in job.error
    assert list_experiments(store) == []


def test_workspace_that_cannot_be_written_fails_with_a_sentence(store: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.jobs.kinds.compare.save_experiment", refuse)
    with pytest.raises(LadderError, match=r"cannot be written or read .*No space left.* what was finished is kept"):
        run_here(make_comparison_job("small", choose("bm25"), split="all"), open_dataset("small", store), workspace=store)
    assert list_jobs(store)[0].state == FAILED


@pytest.mark.parametrize(("script", "code"), [(DIE_IN_THE_MIDDLE, 9), (EXIT_IN_THE_MIDDLE, 0)], ids=["killed", "stopped"])
def test_process_that_ends_in_the_middle_loses_only_what_was_not_finished(store: Workspace, script: str, code: int) -> None:
    command = [sys.executable, "-c", script, str(store.folder)]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=build_environment(store.folder), timeout=WAIT_SECONDS, check=False, capture_output=True
    )
    assert done.returncode == code, done.stderr.decode()
    for file in store.folder.rglob("*.json"):
        json.loads(file.read_text(encoding="utf-8"))  # whole, whenever the process ended
    assert find_active(store) == []
    job = list_jobs(store)[0]
    assert (job.state, job.ready, job.seconds_left) == (INTERRUPTED, ("bm25",), None)
    partial = load_experiment(job.id, store)
    assert (partial.status, partial.ready) == ("running", ["bm25"])

    again = JobRunner(store, Models()).submit(make_comparison_job("small", choose("bm25"), split="all"))
    assert wait_for_end(again, store).state == DONE, "the lock of the dead process holds nobody up"
    whole = load_experiment(again, store)
    assert whole.timings["nodes_cached"] > 0, "it goes on from what was finished"
    pd.testing.assert_frame_equal(whole.runs["bm25"], partial.runs["bm25"])


def test_first_run_is_done_once_and_again_if_it_could_not_start(store: Workspace) -> None:
    runner = JobRunner(store, Models())

    def fail() -> str:
        raise LadderError("no")

    with pytest.raises(LadderError):
        runner.submit_once("first", fail)
    assert runner.submit_once("first", lambda: "started") == "started"
    assert runner.submit_once("first", lambda: "again") is None


def test_old_jobs_are_forgotten_but_their_experiments_stay(store: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.jobs.state._KEPT", 2)
    for number in range(4):
        job = Job(id=f"20260101-00000{number}-aaaa", title="t", dataset="small", split="all", systems=(), state=DONE)
        write_job(job, store)
    last = JobRunner(store, Models()).submit(make_comparison_job("small", choose("bm25"), split="all"))
    wait_for_end(last, store)
    assert [job.id for job in list_jobs(store)] == [last, "20260101-000003-aaaa", "20260101-000002-aaaa"]
    assert len(list_experiments(store)) == 1


def test_app_and_command_line_at_once_give_equal_results(store: Workspace, tmp_path: Path) -> None:
    """Two processes, one workspace, dense and lexical, started together while neither finds anything cached."""
    names = ["bm25", "dense-chunk64", "hybrid-rrf"]
    target = tmp_path / "result.json"
    command = [sys.executable, "-m", "core", "compare", "small", "--systems", *names, "--json", str(target)]
    with Held(store):
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=build_environment(store.folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        job_id = JobRunner(store, Models(threads=1)).submit(make_comparison_job("small", choose(*names), split="all"))
        wait_until(lambda: any(job.starter == COMMAND_LINE for job in find_active(store)))
        other = next(job for job in find_active(store) if job.starter == COMMAND_LINE)
        assert not other.is_ours and other.owner.startswith(f"the command line (process {process.pid} on ")
    output, _ = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0, output.decode()
    assert wait_for_end(job_id, store).state == DONE
    mine, theirs = load_experiment(job_id, store), load_experiment(other.id, store)
    assert mine.ready == theirs.ready == names
    pd.testing.assert_frame_equal(mine.per_query, theirs.per_query)
    for name in names:
        pd.testing.assert_frame_equal(mine.runs[name], theirs.runs[name])
    assert json.loads(target.read_text(encoding="utf-8"))["id"] == other.id
    encoded = sorted(experiment.timings["encoded_texts"] for experiment in (mine, theirs))
    assert encoded[0] == 0 < encoded[1], "the second to run finds every vector of the first"
