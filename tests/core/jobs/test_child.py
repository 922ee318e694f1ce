"""A job whose process breaks off: what the job says, and what the log keeps. The whole of it: kinds/test_train.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.jobs.child import watch_child
from core.jobs.state import DONE, FAILED, Job, read_job, write_job
from core.workspace import Workspace

JOB = Job(id="20260101-000000-aaaa", title="t", dataset="small", split="test", systems=())
TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nZeroDivisionError: division by zero\n'


@pytest.fixture
def store(workspace: Path) -> Workspace:
    return Workspace(workspace)


def end_with(monkeypatch: pytest.MonkeyPatch, code: int, errors: str) -> None:
    """The child process that is started ends at once with this code, and has written this."""

    class Ended:
        returncode = code

        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def communicate(self) -> tuple[None, str]:
            return None, errors

    monkeypatch.setattr("core.jobs.child.subprocess.Popen", Ended)


def test_the_last_line_is_told_and_the_traceback_logged(
    store: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_job(JOB, store)
    end_with(monkeypatch, 1, TRACEBACK)
    watch_child(JOB, store)
    job = read_job(JOB.id, store)
    assert (job.state, job.error) == (FAILED, "The training process ended (status 1). ZeroDivisionError: division by zero")
    assert JOB.id in caplog.text and "line 1, in <module>" in caplog.text


def test_a_job_that_said_how_it_ended_keeps_its_word(
    store: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = replace(JOB, state=DONE)
    write_job(done, store)
    end_with(monkeypatch, 0, "a warning of some library\n")
    watch_child(done, store)
    assert (read_job(JOB.id, store).state, caplog.text) == (DONE, "")


def test_a_job_that_was_forgotten_is_left_alone(store: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    end_with(monkeypatch, 0, "")
    watch_child(JOB, store)
    assert list(store.jobs.glob("*.json")) == []
