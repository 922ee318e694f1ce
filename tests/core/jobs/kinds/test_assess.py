"""Assessments as jobs. The ladder itself is a stand-in of the same signature: what it does is tested elsewhere."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.data.catalog import open_dataset
from core.data.dataset import Dataset
from core.errors import Cancelled, InputError, LadderError
from core.graph.resources import Models
from core.jobs.kinds import ASSESS
from core.jobs.kinds.assess import make_assessment_job
from core.jobs.kinds.compare import make_comparison_job
from core.jobs.runner import JobRunner, run_here
from core.jobs.state import CANCELLED, COMMAND_LINE, DONE, FAILED, RUNNING, cancel_job, find_active, list_jobs, read_job
from core.ladder.goals import Goals
from core.progress import CancelToken, ProgressCallback, ProgressEvent, ignore_progress
from core.records import decode
from core.systems.named import make_named_systems
from core.workspace import Workspace
from tests.support.jobs import WAIT_SECONDS, wait_for_end, wait_until
from tests.support.small import write_small_dataset

GOALS = Goals(primary="AP", min_gain=0.05, target=("Success@5", 0.8), max_latency_ms=200.0, rerankers=("a/b",), seed=3)


@dataclass(frozen=True)
class StandIn:
    """What the stand-in ladder gives."""

    id: str
    name: str
    goals: Goals
    documents: int


@dataclass
class Ladder:
    """A ladder that reports two steps and waits in between until it may go on; keeps what was saved."""

    go_on: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    saved: list[StandIn] = field(default_factory=list)
    error: Exception | None = None

    def assess(
        self,
        dataset: Dataset,
        *,
        workspace: Workspace,
        goals: Goals,
        models: Models | None = None,
        cancel: CancelToken | None = None,
        on_progress: ProgressCallback = ignore_progress,
        name: str = "",
        experiment_id: str | None = None,
    ) -> StandIn:
        assert models is not None and cancel is not None and experiment_id is not None
        on_progress(ProgressEvent("chunking, 1 of 6 variants", done=1, total=4, seconds_left=30.0, system="dense"))
        self.begun.set()
        while not self.go_on.wait(0.05):
            cancel.check()
        if self.error is not None:
            raise self.error
        on_progress(ProgressEvent("opening the test queries", done=4, total=4, seconds_left=0.0, system="hybrid-rrf"))
        return StandIn(experiment_id, name, goals, len(dataset.documents))

    def save(self, assessment: StandIn, workspace: Workspace) -> None:
        self.saved.append(assessment)


@pytest.fixture
def ladder(monkeypatch: pytest.MonkeyPatch) -> Ladder:
    made = Ladder()
    monkeypatch.setattr("core.jobs.kinds.assess.assess", made.assess)
    monkeypatch.setattr("core.jobs.kinds.assess.save_assessment", made.save)
    return made


@pytest.fixture
def store(workspace: Path) -> Workspace:
    """A workspace with the small dataset."""
    write_small_dataset(workspace / "datasets" / "small")
    return Workspace(workspace)


def test_assessment_shows_progress_and_is_saved_under_the_jobs_id(store: Workspace, ladder: Ladder) -> None:
    job_id = JobRunner(store, Models()).submit(make_assessment_job("small", GOALS, name="Before the launch"))
    assert ladder.begun.wait(WAIT_SECONDS)
    wait_until(lambda: read_job(job_id, store).progress > 0)
    job = read_job(job_id, store)
    assert (job.kind, job.title, job.dataset, job.systems, job.system_names) == (ASSESS, "Before the launch", "small", (), [])
    assert (job.state, job.label, job.progress, job.seconds_left) == (RUNNING, "chunking, 1 of 6 variants", 0.25, 30.0)
    assert decode(job.options, Goals) == GOALS
    ladder.go_on.set()
    job = wait_for_end(job_id, store)
    assert (job.state, job.progress, job.ready, job.error) == (DONE, 1.0, (), None)
    assert ladder.saved == [StandIn(job_id, "Before the launch", GOALS, documents=12)]
    assert sorted(path.suffix for path in store.jobs.glob(f"{job_id}.*")) == [".json"], "locks and cancel files are gone"


def test_same_assessment_runs_once_and_other_goals_or_a_comparison_wait_behind_it(store: Workspace, ladder: Ladder) -> None:
    runner = JobRunner(store, Models())
    first = runner.submit(make_assessment_job("small", GOALS))
    assert ladder.begun.wait(WAIT_SECONDS)
    assert JobRunner(store, Models()).submit(make_assessment_job("small", GOALS, name="another name")) == first
    other = runner.submit(make_assessment_job("small", Goals()))
    comparison = runner.submit(make_comparison_job("small", {"bm25": make_named_systems()["bm25"]}, split="all"))
    assert len({first, other, comparison}) == 3
    wait_until(lambda: "small, recommendation" in read_job(other, store).label)
    assert find_active(store)[0].id == first, "the running one stands first"
    ladder.go_on.set()
    assert {wait_for_end(job_id, store).state for job_id in (first, other, comparison)} == {DONE}
    assert sorted(saved.id for saved in ladder.saved) == sorted([first, other])


def test_cancelled_assessment_saves_nothing(store: Workspace, ladder: Ladder) -> None:
    job_id = JobRunner(store, Models()).submit(make_assessment_job("small", GOALS))
    assert ladder.begun.wait(WAIT_SECONDS)
    cancel_job(job_id, store)
    assert wait_for_end(job_id, store).state == CANCELLED
    assert ladder.saved == []


def test_failed_assessment_says_why(store: Workspace, ladder: Ladder) -> None:
    ladder.go_on.set()
    ladder.error = InputError("the dataset small has no labelled queries; add qrels.tsv or evidence")
    job = wait_for_end(JobRunner(store, Models()).submit(make_assessment_job("small", GOALS)), store)
    assert (job.state, job.error) == (FAILED, str(ladder.error))
    assert ladder.saved == []


def test_assessment_in_the_calling_thread_is_a_job_of_the_command_line(store: Workspace, ladder: Ladder) -> None:
    ladder.go_on.set()
    seen: list[str] = []
    assessment = run_here(
        make_assessment_job("small", GOALS),
        open_dataset("small", store),
        workspace=store,
        models=Models(),
        on_progress=lambda event: seen.append(event.label),
    )
    job = list_jobs(store)[0]
    assert (job.id, job.title, job.starter, job.state) == (assessment.id, "small, recommendation", COMMAND_LINE, DONE)
    assert seen == ["chunking, 1 of 6 variants", "opening the test queries"]
    assert [saved.id for saved in ladder.saved] == [job.id]


def test_assessment_in_the_calling_thread_raises_what_went_wrong(store: Workspace, ladder: Ladder) -> None:
    dataset = open_dataset("small", store)

    def cancel(event: ProgressEvent) -> None:
        cancel_job(find_active(store)[0].id, store)

    with pytest.raises(Cancelled):
        run_here(make_assessment_job("small", GOALS), dataset, workspace=store, models=Models(), on_progress=cancel)
    assert list_jobs(store)[0].state == CANCELLED
    ladder.go_on.set()
    ladder.error = OSError(28, "No space left on device")
    with pytest.raises(LadderError, match=r"the disk is full .* what was finished is kept"):
        run_here(make_assessment_job("small", GOALS), dataset, workspace=store, models=Models())
    assert {job.state for job in list_jobs(store)} == {CANCELLED, FAILED}
    assert ladder.saved == []


def test_what_nobody_asked_for_gives_way(store: Workspace, ladder: Ladder) -> None:
    runner = JobRunner(store, Models())
    unasked = runner.submit(make_assessment_job("small", GOALS, gives_way=True))
    assert ladder.begun.wait(WAIT_SECONDS)
    wanted = runner.submit(make_comparison_job("small", {"bm25": make_named_systems()["bm25"]}, split="all"))
    assert wait_for_end(wanted, store).state == DONE
    assert wait_for_end(unasked, store).state == CANCELLED
    assert ladder.saved == []


def test_who_asks_for_the_same_gets_one_that_stays(store: Workspace, ladder: Ladder) -> None:
    runner = JobRunner(store, Models())
    unasked = runner.submit(make_assessment_job("small", GOALS, gives_way=True))
    asked = runner.submit(make_assessment_job("small", GOALS))
    assert asked != unasked
    assert wait_for_end(unasked, store).state == CANCELLED
    ladder.go_on.set()
    assert wait_for_end(asked, store).state == DONE
    assert [one.id for one in ladder.saved] == [asked]


def test_what_follows_is_started_after_a_good_end_only(store: Workspace, ladder: Ladder) -> None:
    runner, called = JobRunner(store, Models()), threading.Event()
    systems = {"bm25": make_named_systems()["bm25"]}
    done = runner.submit(make_comparison_job("small", systems, split="all"), then=called.set)
    assert wait_for_end(done, store).state == DONE and called.wait(WAIT_SECONDS)
    called.clear()
    failed = runner.submit(make_comparison_job("gone", systems, split="all"), then=called.set)
    assert wait_for_end(failed, store).state == FAILED
    assert not called.wait(0.5)
