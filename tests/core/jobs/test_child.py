"""A job whose process breaks off: what the job says, and what the log keeps. The whole of it: kinds/test_train.py."""

from __future__ import annotations

import dataclasses
import os
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.experiment.history import load_experiment, save_experiment
from core.jobs.kinds.compare import make_comparison_job
from core.jobs.runner import JobRunner
from core.jobs.state import CANCELLED, DONE, FAILED, cancel_job, read_job
from core.systems.named import make_named_systems
from core.workspace import Workspace
from tests.support.app import REPOSITORY, build_environment
from tests.support.jobs import wait_for_end, wait_until
from tests.support.small import compare_small, write_small_dataset

TRACEBACK = "Traceback (most recent call last):\n  File 'a.py', line 1, in <module>\nZeroDivisionError: division by zero"
PYTHON = sys.executable


@pytest.fixture
def store(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("PYTHONPATH", build_environment(workspace)["PYTHONPATH"])
    write_small_dataset(workspace / "datasets" / "small")
    return Workspace(workspace)


def submit(store: Workspace) -> str:
    systems = {"bm25": make_named_systems()["bm25"]}
    return JobRunner(store).submit(make_comparison_job("small", systems, split="all"))


@pytest.fixture
def start(store: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """start(code): a job whose child runs this code instead, with the names workspace and job_id."""

    def run(code: str) -> str:
        begin = f"import os, sys, time\nsys.path.insert(0, {str(REPOSITORY)!r})\nworkspace, job_id = sys.argv[-2:]\n"
        script = store.folder.parent / "child.py"
        script.write_text(begin + textwrap.dedent(code), encoding="utf-8")
        python = store.folder.parent / "python"
        python.write_text(f'#!/bin/sh\nexec {PYTHON} {script} "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        monkeypatch.setattr("core.jobs.child.sys.executable", str(python))
        return submit(store)

    return run


def test_what_a_child_dies_of_is_told_and_logged(
    start: Callable[[str], str], store: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = start(f"print({TRACEBACK!r}, file=sys.stderr)\nsys.exit(1)")
    job = wait_for_end(job_id, store)
    assert (job.state, job.error) == (
        FAILED, "The process of this job ended (status 1). ZeroDivisionError: division by zero"
    )  # fmt: skip
    assert job_id in caplog.text and "line 1, in <module>" in caplog.text
    killed = wait_for_end(start("os.kill(os.getpid(), 9)"), store)
    assert killed.state == FAILED and "ended by the system (signal 9)" in str(killed.error)


def test_a_child_that_does_not_listen_is_ended_and_the_job_is_cancelled(
    start: Callable[[str], str], store: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like one that loads a model."""
    monkeypatch.setattr("core.jobs.state._SOON", 0.2)
    monkeypatch.setattr("core.jobs.state._LATEST", 0.5)
    job_id = start("open(workspace + '/begun', 'w').close()\ntime.sleep(60)")
    wait_until((store.folder / "begun").exists)
    half = dataclasses.replace(compare_small(store.folder), id=job_id, status="running")
    save_experiment(half, store)
    cancel_job(job_id, store)
    begun = time.monotonic()
    assert read_job(job_id, store).cancelling, "at once"
    job = wait_for_end(job_id, store)
    assert (job.state, job.error, job.cancelling) == (CANCELLED, None, False)
    assert load_experiment(job_id, store).status == "cancelled", "what was finished stays, and is not taken for interrupted"
    assert time.monotonic() - begun < 10
    assert sorted(path.suffix for path in store.jobs.glob(f"{job_id}.*")) == [".json"]


def test_a_comparison_runs_in_a_child_that_ends_with_the_app(store: Workspace) -> None:
    job = wait_for_end(submit(store), store)
    assert (job.state, job.error, job.ready) == (DONE, None, ("bm25",))
    assert job.is_ours and job.worker not in (0, os.getpid())


def test_a_child_is_gone_once_nobody_holds_its_input(store: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens to it if the app is killed."""
    from core.jobs import child

    ended: list[int] = []
    monkeypatch.setattr(child.os, "_exit", ended.append)
    reading, writing = os.pipe()
    monkeypatch.setattr(child.os, "read", lambda number, size, read=os.read: read(reading, size))
    os.close(writing)
    child._end_with_parent()
    assert ended == [1]
