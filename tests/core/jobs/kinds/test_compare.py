"""Comparisons as jobs: the experiment that comes of one, and what is left where it ends early."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest

from core.data.catalog import open_dataset
from core.errors import Cancelled, LadderError
from core.experiment.history import list_experiments, load_experiment
from core.graph.resources import Models
from core.jobs.kinds.compare import make_comparison_job
from core.jobs.runner import JobRunner, run_here
from core.jobs.state import (
    CANCELLED,
    DONE,
    FAILED,
    INTERRUPTED,
    cancel_job,
    find_active,
    list_jobs,
)
from core.systems.named import make_named_systems
from core.systems.system import System
from core.workspace import Workspace
from tests.support.app import REPOSITORY, build_environment
from tests.support.jobs import WAIT_SECONDS, Held, wait_for_end, wait_until
from tests.support.small import write_small_dataset

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


def test_workspace_that_cannot_be_written_fails_with_a_sentence(store: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.jobs.kinds.compare.save_experiment", refuse)
    with pytest.raises(LadderError, match=r"the disk is full .* what was finished is kept"):
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
