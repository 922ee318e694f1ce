"""Index versions as jobs of the app: state, the same twice, Cancel, failure, and what stays live meanwhile."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from core.data.catalog import open_dataset
from core.errors import InputError, NotInWorkspace
from core.jobs.kinds import VERSIONS
from core.jobs.kinds.versions import make_version_job
from core.jobs.locks import workspace_lock
from core.jobs.runner import JobRunner, run_here
from core.jobs.state import CANCELLED, DONE, FAILED, QUEUED, Job, cancel_job, find_active, list_jobs, read_job
from core.progress import ProgressEvent
from core.records import decode
from core.stages.embed import Encoded
from core.versions.promote import ANY, BETTER, Bar
from core.versions.request import BUILD, PROMOTE, REFRESH, VersionRequest, add_time_left
from core.versions.version import (
    is_building,
    list_unfinished,
    list_versions,
    name_version,
    read_evaluation,
    read_live,
)
from core.workspace import Workspace
from tests.support.assessments import AxisEncoder, AxisModels, write_labelled_dataset
from tests.support.jobs import WAIT_SECONDS, wait_for_end, wait_until
from tests.support.versions import named, put_live, resources_of

NAME = "notes"
DENSE = VersionRequest(BUILD, system=named("dense").to_spec())


class WaitingEncoder(AxisEncoder):
    """Says when it is asked for the first time, and answers once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may = threading.Event(), threading.Event()

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        self.begun.set()
        assert self.may.wait(WAIT_SECONDS)
        return super().encode(texts, role=role, tokens=tokens)


@pytest.fixture
def store(workspace: Path) -> Workspace:
    write_labelled_dataset(workspace / "datasets" / NAME)
    return Workspace(workspace)


def run(store: Workspace, request: VersionRequest) -> Job:
    return wait_for_end(JobRunner(store, AxisModels()).submit(make_version_job(NAME, request)), store)


def test_a_version_is_built_promoted_and_refreshed(store: Workspace) -> None:
    job = run(store, DENSE)
    assert (job.kind, job.state, job.error, job.progress) == (VERSIONS, DONE, None, 1.0)
    assert (job.title, job.dataset) == (f"{NAME}, building the index of dense", NAME)
    assert sorted(path.suffix for path in store.jobs.glob(f"{job.id}.*")) == [".json"], "locks and cancel files are gone"
    (version,) = list_versions(NAME, store)
    assert version.id == name_version(named("dense"), open_dataset(NAME, store).corpus_fingerprint)
    assert not read_live(NAME, store).version, "built is not live"

    job = run(store, VersionRequest(PROMOTE, version=version.id))
    assert (job.state, job.title) == (DONE, f"{NAME}, promoting {version.id}")
    told = read_evaluation(version, store)
    assert told is not None and told["passed"] and read_live(NAME, store).version == version.id

    file = store.datasets / NAME / "corpus.jsonl"
    file.write_text("\n".join(file.read_text(encoding="utf-8").splitlines()[1:]) + "\n", encoding="utf-8")
    job = run(store, VersionRequest(REFRESH))
    assert (job.state, job.title) == (DONE, f"{NAME}, refreshing the index")
    live = read_live(NAME, store)
    assert live.previous == (version.id,) and live.log[-1]["note"] == "0 added, 0 changed, 1 deleted"


def test_a_bar_that_is_not_passed_is_no_failure_of_the_job(store: Workspace) -> None:
    corpus = open_dataset(NAME, store)
    better = put_live(corpus, named("hybrid-rrf"), resources_of(store.folder))
    run(store, DENSE)
    version = next(one for one in list_versions(NAME, store) if one.name == "dense")
    request = VersionRequest(PROMOTE, version=version.id, bar=Bar(BETTER))
    job = run(store, request)
    assert (job.state, job.error) == (DONE, None), "it was measured; whether it is live is told by the evaluation"
    told = read_evaluation(version, store)
    assert told is not None and not told["passed"] and read_live(NAME, store).version == better.id
    assert decode(job.options, VersionRequest) == request, "the bar came through the job's file"
    run(store, VersionRequest(PROMOTE, version=version.id, bar=Bar(ANY, least=0.01)))
    assert read_live(NAME, store).version == version.id


def test_the_same_twice_is_one_job_and_another_waits(store: Workspace) -> None:
    runner = JobRunner(store, AxisModels())
    with workspace_lock(store):
        first, again = (runner.submit(make_version_job(NAME, DENSE)) for _ in range(2))
        other = runner.submit(make_version_job(NAME, VersionRequest(BUILD, system=named("bm25").to_spec())))
        bars = [
            runner.submit(make_version_job(NAME, VersionRequest(PROMOTE, version="v", bar=Bar(min_gain=gain))))
            for gain in (0.02, 0.05)
        ]
        assert first == again and len({first, other, *bars}) == 4, "another bar is another job"
        assert {job.state for job in find_active(store)} == {QUEUED}
        for job_id in bars:
            cancel_job(job_id, store)
    assert [wait_for_end(job_id, store).state for job_id in (first, other)] == [DONE, DONE]
    assert {wait_for_end(job_id, store).state for job_id in bars} == {CANCELLED}
    assert {version.name for version in list_versions(NAME, store)} == {"dense", "bm25"}


def test_cancel_leaves_the_live_version_and_the_same_goes_on(store: Workspace) -> None:
    corpus = open_dataset(NAME, store)
    live = put_live(corpus, named("bm25"), resources_of(store.folder))
    models = AxisModels()
    models.fake = encoder = WaitingEncoder()  # type: ignore[assignment]
    job_id = JobRunner(store, models).submit(make_version_job(NAME, DENSE))
    assert encoder.begun.wait(WAIT_SECONDS)
    (left,) = list_unfinished(NAME, store)
    assert is_building(left.id, NAME, store) and read_job(job_id, store).is_active
    assert read_live(NAME, store).version == live.id, "it answers meanwhile"
    cancel_job(job_id, store)
    time.sleep(0.3)  # the cancel file is looked for at most five times a second
    encoder.may.set()
    job = wait_for_end(job_id, store)
    assert (job.state, job.error) == (CANCELLED, None)
    assert [version.id for version in list_versions(NAME, store)] == [live.id]
    assert [one.id for one in list_unfinished(NAME, store)] == [left.id]
    wait_until(lambda: not is_building(left.id, NAME, store))
    assert run(store, DENSE).state == DONE
    assert list_unfinished(NAME, store) == [] and read_live(NAME, store).version == live.id


def test_a_step_says_how_long_it_still_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """8 of 40 texts in 2 s after the first event: 24 more take 6 s. A new step begins anew."""
    times = iter([10.0, 12.0, 13.0, 20.0])
    monkeypatch.setattr("core.versions.request.time.perf_counter", lambda: next(times))
    told: list[ProgressEvent] = []
    send = add_time_left(told.append)
    send(ProgressEvent("embedding 8 of 40 passages", 8, 40))
    send(ProgressEvent("embedding 16 of 40 passages", 16, 40))
    send(ProgressEvent("indexing 40 passages"))
    send(ProgressEvent("embedding 5 of 9 queries", 5, 9))
    assert [event.seconds_left for event in told] == [None, 6.0, None, None]


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (VersionRequest(REFRESH), f"no version of {NAME} is live; build one"),
        (VersionRequest(PROMOTE, version="nothing-0"), f"The index version 'nothing-0' of {NAME} is not in this workspace."),
        (VersionRequest(BUILD, system={"name": "odd", "dense": {"model": "m"}, "nonsense": 1}), "unknown field 'nonsense'"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(store: Workspace, request_: VersionRequest, sentence: str) -> None:
    job = run(store, request_)
    assert job.state == FAILED and job.error is not None and sentence in job.error
    with pytest.raises(InputError if request_.action != PROMOTE else NotInWorkspace):
        run_here(make_version_job(NAME, request_), open_dataset(NAME, store), workspace=store, models=AxisModels())
    assert [one.state for one in list_jobs(store)] == [FAILED, FAILED], "the command line leaves a job too"


def test_a_dataset_that_is_gone_is_told(store: Workspace) -> None:
    job = wait_for_end(JobRunner(store, AxisModels()).submit(make_version_job("nowhere", DENSE)), store)
    assert job.state == FAILED and job.error is not None and "there is no dataset 'nowhere'" in job.error


def test_on_the_command_line_the_result_comes_back(store: Workspace) -> None:
    corpus = open_dataset(NAME, store)
    events = []
    made = run_here(make_version_job(NAME, DENSE), corpus, workspace=store, models=AxisModels(), on_progress=events.append)
    assert made["passages"] == len(corpus.indexed_documents) and not made["is_live"] and made["bytes"] > 0
    embedding = [event for event in events if event.label.startswith("embedding")]
    assert embedding[0].seconds_left is None and embedding[-1].seconds_left == 0.0
    with pytest.raises(InputError, match="is live; build one"):
        run_here(make_version_job(NAME, VersionRequest(REFRESH)), corpus, workspace=store, models=AxisModels())
