"""Timing systems at several sizes as a job: done, cancelled, impossible, joined, and on the command line."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.data.catalog import open_dataset
from core.errors import InputError
from core.graph.resources import Models
from core.jobs.kinds import SCALING
from core.jobs.kinds.compare import make_comparison_job
from core.jobs.kinds.scaling import make_scaling_job
from core.jobs.locks import workspace_lock
from core.jobs.runner import JobRunner, run_here
from core.jobs.state import CANCELLED, COMMAND_LINE, DONE, FAILED, cancel_job, list_jobs
from core.scaling import timing
from core.scaling.measure import load_scaling
from core.systems.named import make_named_systems
from core.systems.system import System
from core.workspace import Workspace
from tests.support.jobs import WAIT_SECONDS, wait_for_end
from tests.support.small import write_small_dataset


@pytest.fixture(autouse=True)
def few_repetitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_QUERIES", 10)


@pytest.fixture
def store(workspace: Path) -> Workspace:
    write_small_dataset(workspace / "datasets" / "small")
    return Workspace(workspace)


def choose(*names: str) -> dict[str, System]:
    return {name: make_named_systems()[name] for name in names}


def test_it_is_measured_and_kept(store: Workspace) -> None:
    systems = choose("bm25", "bm25-filtered")
    job = wait_for_end(JobRunner(store, Models()).submit(make_scaling_job("small", systems)), store)
    assert (job.kind, job.state, job.error, job.progress) == (SCALING, DONE, None, 1.0)
    assert job.title == "small, latency at several sizes"
    scaling = load_scaling(open_dataset("small", store), systems, workspace=store)
    assert scaling is not None and [point.documents for point in scaling.systems["bm25"].sizes] == [2, 3, 6, 12]


def test_a_name_of_ones_own_is_kept(store: Workspace) -> None:
    systems = {"mine": make_named_systems()["bm25"]}
    scaling = run_here(make_scaling_job("small", systems), open_dataset("small", store), workspace=store)
    assert list(scaling.systems) == ["mine"]
    (job,) = list_jobs(store)
    assert (job.kind, job.starter, job.state, job.system_names) == (SCALING, COMMAND_LINE, DONE, ["mine"])


def test_the_same_is_not_queued_twice_and_can_be_cancelled(store: Workspace) -> None:
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with workspace_lock(store):
            held.set()
            free.wait(WAIT_SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(WAIT_SECONDS)
    runner = JobRunner(store, Models())
    first = runner.submit(make_scaling_job("small", choose("bm25")))
    assert runner.submit(make_scaling_job("small", choose("bm25"))) == first
    assert runner.submit(make_comparison_job("small", choose("bm25"), split="all")) != first  # a comparison is something else
    cancel_job(first, store)
    assert wait_for_end(first, store).state == CANCELLED
    free.set()
    thread.join(WAIT_SECONDS)
    for job in list_jobs(store):
        wait_for_end(job.id, store)
    assert load_scaling(open_dataset("small", store), choose("bm25"), workspace=store) is None


def test_too_few_documents_are_told(store: Workspace, workspace: Path) -> None:
    corpus = workspace / "datasets" / "small" / "corpus.jsonl"
    corpus.write_text("".join(corpus.read_text().splitlines(keepends=True)[:2]))
    job = wait_for_end(JobRunner(store, Models()).submit(make_scaling_job("small", choose("bm25"))), store)
    assert job.state == FAILED and "2 documents in shares of" in (job.error or "")
    with pytest.raises(InputError, match="a fit needs three"):
        run_here(make_scaling_job("small", choose("bm25")), open_dataset("small", store), workspace=store)
