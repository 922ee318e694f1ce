"""Trainings as jobs: what must not be trained on, what must not be believed, and a child process that may be killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.data.catalog import open_dataset
from core.errors import InputError
from core.experiment.history import load_experiment
from core.jobs.kinds import TRAIN
from core.jobs.kinds.assess import make_assessment_job
from core.jobs.kinds.train import TrainingResult, make_training_job
from core.jobs.runner import JobRunner, run_here
from core.jobs.state import DONE, FAILED, Job, list_jobs, read_job
from core.ladder.goals import Goals
from core.recommendation.assess import Assessment
from core.systems.trained import list_models, training_folder, weights_folder
from core.training.request import TrainingRequest, make_plan
from core.training.trainer import find_checkpoint
from core.workspace import Workspace
from tests.support.app import build_environment
from tests.support.assessments import AxisModels
from tests.support.shifted import ask, find_answer, list_documents, write_shifted_dataset
from tests.support.tiny import write_embedder

WAIT_SECONDS = 240  # a child loads torch first, on a machine that may be busy
ADAPTER = TrainingRequest(make_plan("adapter"), cheap=False)


@pytest.fixture
def store(workspace: Path) -> Workspace:
    return Workspace(workspace)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "waited too long"
        threading.Event().wait(0.02)


def train_in_process(store: Workspace, request: TrainingRequest = ADAPTER) -> TrainingResult:
    job, dataset = make_training_job("shifted", request), open_dataset("shifted", store)
    result: TrainingResult = run_here(job, dataset, workspace=store, models=AxisModels())
    return result


# What must not be trained on, or believed


SIDES = {number: "train" if number < 32 else "test" for number in range(64)}  # the data fix the split: the first half tunes


def plant_leak(store: Workspace) -> None:
    """The tuning query q05 has the words of the test query q40."""
    write_shifted_dataset(store.datasets / "shifted", sides=SIDES, q05=f"{ask(40).capitalize()}?")


def test_a_planted_leak_is_refused(store: Workspace) -> None:
    plant_leak(store)
    with pytest.raises(InputError, match=r"1 training query has the words of a test query: q40\. Results .* worth nothing"):
        train_in_process(store)
    (job,) = list_jobs(store)
    assert job.state == FAILED and job.error is not None and "q40" in job.error
    assert list_models(store) == list_models(store, unfinished=True) == []


def test_a_planted_leak_can_be_left_out(store: Workspace) -> None:
    plant_leak(store)
    whole = train_in_process(store, TrainingRequest(make_plan("adapter", drop_leaking=True), cheap=False))
    assert whole.model.split["given"]
    leak = next(check for check in whole.model.data["checks"] if check["name"] == "same_text")
    assert (leak["level"], list(leak["test_queries"])) == ("stop", ["q40"])
    learned = len(whole.model.split["learning"])
    assert whole.model.data["positives"] == learned - ("q05" in whole.model.split["learning"]) == learned - 1


def write_pairs(file: Path, *, shuffled: bool) -> TrainingRequest:
    """The tuning queries with the texts of their answers, as a table; shuffled: with those of other tuning queries."""
    tuning = [number for number, side in SIDES.items() if side == "train"]
    texts = [list_documents()[find_answer(number)] for number in tuning]
    if shuffled:
        texts = [texts[row] for row in np.random.default_rng(0).permutation(len(texts))]
    lines = [f"{ask(number)},{text}" for number, text in zip(tuning, texts, strict=True)]
    file.write_text("query,positive\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return TrainingRequest(make_plan("adapter"), examples=str(file), cheap=False)


def recommend(store: Workspace) -> Assessment:
    goals = Goals(with_training=True)
    job, dataset = make_assessment_job("shifted", goals), open_dataset("shifted", store)
    assessment: Assessment = run_here(job, dataset, workspace=store, models=AxisModels())
    return assessment


def test_shuffled_pairs_prove_nothing_and_are_not_recommended(store: Workspace, tmp_path: Path) -> None:
    write_shifted_dataset(store.datasets / "shifted", sides=SIDES)
    result = train_in_process(store, write_pairs(tmp_path / "pairs.csv", shuffled=True))
    (row,) = result.evaluation["comparisons"]
    assert row["verdict"] in ("cannot_tell", "no_useful_difference", "worse")
    assert list_models(store)[0].id == result.model.id, "the newest of its kind is the one that joins the ladder"
    advice = recommend(store).recommendation
    assert not advice.action.startswith("fine_tune") and "adapter" not in advice.system
    assert advice.fine_tuning["answer"] in ("not yet", "no")


def test_true_pairs_of_the_same_table_are_proven(store: Workspace, tmp_path: Path) -> None:
    """So that the test above can fail."""
    write_shifted_dataset(store.datasets / "shifted", sides=SIDES)
    result = train_in_process(store, write_pairs(tmp_path / "pairs.csv", shuffled=False))
    assert result.model.data["source"] == "pairs.csv"
    assert [row["verdict"] for row in result.evaluation["comparisons"]] == ["better"]
    assert recommend(store).recommendation.system == "dense-adapter"


# A process of its own


@pytest.fixture
def runner(store: Workspace, monkeypatch: pytest.MonkeyPatch) -> JobRunner:
    """A runner whose children cannot leave this machine either."""
    monkeypatch.setenv("PYTHONPATH", build_environment(store.folder)["PYTHONPATH"])
    write_shifted_dataset(store.datasets / "shifted")
    return JobRunner(store)


def wait_for_end(job_id: str, store: Workspace) -> Job:
    """The job once its child is gone and whoever watched it has said how it ended."""
    wait_until(lambda: all(thread.name != f"job {job_id}" for thread in threading.enumerate()))
    return read_job(job_id, store)


def test_a_child_that_cannot_begin_says_why(runner: JobRunner, store: Workspace) -> None:
    job = wait_for_end(runner.submit(make_training_job("nowhere", ADAPTER)), store)
    assert job.state == FAILED and job.error is not None
    assert "there is no dataset 'nowhere'" in job.error


def test_a_killed_training_goes_on_from_its_last_checkpoint(runner: JobRunner, store: Workspace, tmp_path: Path) -> None:
    """In another child, which leaves the model."""
    base = write_embedder(tmp_path / "base")
    changes = {"form": "pairs", "epochs": 16, "patience": 16, "batch_size": 8}  # long enough to be killed in the middle
    request = TrainingRequest(make_plan("embedding", base=str(base), **changes), cheap=False)  # random: no hard negatives
    job_id = runner.submit(make_training_job("shifted", request))
    assert runner.submit(make_training_job("shifted", request)) == job_id, "the same request is not queued twice"

    def has_checkpoint() -> bool:
        job = read_job(job_id, store)
        assert job.is_active, job.error
        begun = list_models(store, unfinished=True)
        return bool(begun) and find_checkpoint(training_folder(begun[0].id, store)) is not None

    wait_until(has_checkpoint)
    child = read_job(job_id, store).worker
    os.kill(child, signal.SIGKILL)
    job = wait_for_end(job_id, store)
    assert job.state == FAILED and job.error is not None and job.error.endswith(".")
    assert "ended by the system (signal 9)" in job.error and "last checkpoint" in job.error

    (begun,) = list_models(store, unfinished=True)
    assert list_models(store) == [], "what is not finished is no model to choose"
    assert not weights_folder(begun.id, store).exists()

    again = wait_for_end(runner.submit(make_training_job("shifted", request)), store)
    assert (again.state, again.error, again.kind, again.progress) == (DONE, None, TRAIN, 1.0)
    assert again.pid == os.getpid() and again.worker not in (child, os.getpid())
    (done,) = list_models(store, dataset="shifted")
    assert (done.id, done.kind, done.base, done.is_ready) == (begun.id, "embedding", str(base), True)
    assert done.metrics["resumed"]
    assert (done.created, done.seconds > begun.seconds) == (begun.created, True)
    assert not training_folder(done.id, store).exists()
    assert list_models(store, unfinished=True) == []
    (experiment,) = [path.name for path in store.experiments.iterdir()]
    assert "dense-finetuned" in load_experiment(experiment, store).ready
    assert sorted(path.suffix for path in store.jobs.glob(f"{again.id}.*")) == [".json"], "locks are gone"
