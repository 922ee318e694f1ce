"""Running jobs: one heavy job at a time, cancel, failure, a process that is gone, app and command line at once."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from core.data.catalog import open_named
from core.errors import Cancelled, InputError, LadderError
from core.experiment.history import list_experiments, load_experiment
from core.graph.resources import Models
from core.jobs.kinds.compare import make_comparison_job
from core.jobs.runner import JobRunner, run_here
from core.jobs.state import (
    CANCELLED,
    COMMAND_LINE,
    DONE,
    FAILED,
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
from tests.support.jobs import WAIT_SECONDS, Held, wait_for_end, wait_until
from tests.support.small import write_small_dataset


@pytest.fixture
def store(workspace: Path) -> Workspace:
    """A workspace with the small dataset."""
    write_small_dataset(workspace / "datasets" / "small")
    return Workspace(workspace)


def choose(*names: str) -> dict[str, System]:
    return {name: make_named_systems()[name] for name in names}


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


def test_queued_job_says_its_place_and_can_be_cancelled(store: Workspace) -> None:
    with Held(store, "a long run"):
        job_id = JobRunner(store, Models()).submit(make_comparison_job("small", choose("bm25"), split="all"))
        wait_until(lambda: "a long run" in read_job(job_id, store).label)
        job = read_job(job_id, store)
        assert job.state == QUEUED
        assert job.label == "waiting, next in line, behind “a long run”, about 20 s"
        cancel_job(job_id, store)
        assert wait_for_end(job_id, store).state == CANCELLED
    assert list_experiments(store) == [], "nothing was run, so nothing stands in the history"


def test_a_command_that_does_not_listen_is_stopped_once_it_was_cancelled_elsewhere(
    store: Workspace, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Like one that loads a model. Ctrl-C itself passes."""
    monkeypatch.setattr("core.jobs.state._SOON", 0.2)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # processes that run tests beside each other ignore it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    def cancel(*_: object, **__: object) -> None:
        cancel_job(find_active(store)[0].id, store)
        time.sleep(60)

    def press(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    job, begun = make_comparison_job("small", choose("bm25"), split="all"), time.monotonic()
    for work, error in ((cancel, Cancelled), (press, KeyboardInterrupt)):
        monkeypatch.setattr("core.jobs.kinds.compare.compare", work)
        with pytest.raises(error):
            run_here(job, open_named("small", store), workspace=store)
        ended = read_job(job.id, store)
        assert (ended.state, ended.label, ended.cancelling) == (CANCELLED, CANCELLED, False)
        assert sorted(path.suffix for path in store.jobs.glob(f"{job.id}.*")) == [".json"]
    assert time.monotonic() - begun < 30


def test_job_on_a_dataset_that_disappeared_fails_with_a_sentence(store: Workspace) -> None:
    with Held(store):
        job_id = JobRunner(store, Models()).submit(make_comparison_job("small", choose("bm25"), split="all"))
        shutil.rmtree(store.datasets / "small")
    job = wait_for_end(job_id, store)
    assert job.state == FAILED
    assert job.error and "there is no dataset 'small'" in job.error
    assert list_experiments(store) == []


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
    output, _ = process.communicate(timeout=3 * WAIT_SECONDS)
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


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), InputError("the dataset small has no queries")])
def test_what_should_not_go_wrong_is_logged_with_its_traceback(
    store: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """Nobody waits for the thread of a job, so that its traceback would be lost."""

    def break_off(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("core.jobs.kinds.compare.compare", break_off)
    job = wait_for_end(JobRunner(store, Models()).submit(make_comparison_job("small", choose("bm25"), split="all")), store)
    assert job.state == FAILED
    wait_until(lambda: not any(thread.name == f"job {job.id}" for thread in threading.enumerate()))
    logged = [record.getMessage() for record in caplog.records if record.name == "core.jobs.keeper"]
    how = "broke off" if isinstance(error, ZeroDivisionError) else "failed"
    assert logged == [f"The job {job.id} (compare) {how}"] and "break_off" in caplog.text
