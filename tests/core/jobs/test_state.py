"""The state of jobs, as any process reads it: alive or gone, the same work, files of earlier versions."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.jobs.kinds import ASSESS, COMPARE
from core.jobs.state import DONE, INTERRUPTED, RUNNING, Job, find_same, read_job, write_job
from core.workspace import Workspace


@pytest.fixture
def store(workspace: Path) -> Workspace:
    return Workspace(workspace)


def test_reused_process_id_does_not_keep_a_dead_job_alive(store: Workspace) -> None:
    # Our own process id, as after a restart in a container, and a lock file that nobody holds.
    job = Job(id="20260101-000000-dead", title="t", dataset="small", split="all", systems=(), state=RUNNING)
    write_job(job, store)
    (store.jobs / f"{job.id}.alive").touch()
    assert read_job(job.id, store).state == INTERRUPTED


def test_job_without_a_lock_file_is_told_by_its_process_id(store: Workspace) -> None:
    job = Job(id="20260101-000000-aaaa", title="t", dataset="small", split="all", systems=(), state=RUNNING)
    write_job(job, store)
    assert read_job(job.id, store).state == RUNNING
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True)
    write_job(replace(job, id="20260101-000000-bbbb", pid=int(ended.stdout)), store)
    assert read_job("20260101-000000-bbbb", store).state == INTERRUPTED


def test_file_of_an_earlier_version_still_reads(store: Workspace) -> None:
    """Written before jobs had a kind and options; a field that a later version adds is passed over."""
    old = {
        "id": "20260101-000000-aaaa", "title": "First look", "dataset": "small", "split": "all",
        "systems": [{"name": "bm25", "lexical": {"k1": 1.5}}], "state": "done", "label": "done", "progress": 1.0,
        "seconds_left": None, "ready": ["bm25"], "error": None, "created": "2026-01-01T00:00:00+00:00",
        "starter": "the app", "pid": 1, "host": "elsewhere", "colour": "red",
    }  # fmt: skip
    (store.jobs / f"{old['id']}.json").write_text(json.dumps(old), encoding="utf-8")
    job = read_job("20260101-000000-aaaa", store)
    assert (job.kind, job.options, job.state) == (COMPARE, {}, DONE)
    assert (job.system_names, job.ready) == (["bm25"], ("bm25",))


def test_same_work_is_the_same_kind_with_the_same_options(store: Workspace) -> None:
    """Options are compared as they stand in the file, where a tuple has become a list."""
    goals = {"primary": "nDCG@10", "target": ("Success@5", 0.8)}
    job = Job(id="20260101-000000-aaaa", title="t", dataset="small", split="test", systems=(), kind=ASSESS, options=goals)
    write_job(job, store)
    other = {**goals, "primary": "AP"}

    def find(**changes: Any) -> Job | None:
        return find_same(replace(job, id="20260101-000001-bbbb", title="another", **changes), store)

    found = find()
    assert found is not None and found.id == job.id
    assert found.options == {"primary": "nDCG@10", "target": ["Success@5", 0.8]}
    assert (find(options=other), find(options={}), find(kind=COMPARE), find(split="all")) == (None, None, None, None)
    assert find(dataset="other") is None
    write_job(replace(job, state=DONE), store)
    assert find() is None, "what has ended can be done again"
