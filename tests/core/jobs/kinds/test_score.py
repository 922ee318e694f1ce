"""Systems beside a ladder as jobs: scores on the tuning queries, a check on the test queries."""

from __future__ import annotations

import threading
from pathlib import Path

from core.jobs.kinds import CHECK, SCORE
from core.jobs.kinds.check import make_check_job
from core.jobs.kinds.score import make_scores_job
from core.jobs.runner import JobRunner
from core.jobs.state import DONE, read_job
from core.recommendation.own_systems import list_checks, read_scores
from core.systems.named import make_named_systems
from core.systems.system import Lexical, System
from core.workspace import Workspace
from tests.support.assessments import AxisModels, make_assessment

WORDS = make_named_systems()["bm25"]
PLAIN = System("plain-words", "Counts every shared word once.", lexical=Lexical(k1=0.0, b=0.0))


def test_both_run_as_jobs(workspace: Path) -> None:
    dataset, assessment = make_assessment(workspace)
    store, name = Workspace(workspace), dataset.name
    runner = JobRunner(store, AxisModels())
    scoring = runner.submit(make_scores_job(name, assessment.id, {"bm25": WORDS, "plain-words": PLAIN}))
    checking = runner.submit(make_check_job(name, assessment.id, PLAIN))
    for thread in threading.enumerate():
        if thread.name in (f"job {scoring}", f"job {checking}"):
            thread.join(60)
    scored, checked = read_job(scoring, store), read_job(checking, store)
    assert (scored.kind, scored.state, scored.error, set(scored.ready)) == (
        SCORE, DONE, None, {assessment.recommendation.system, "bm25", "plain-words"},
    )  # fmt: skip
    assert (checked.kind, checked.state, checked.split) == (CHECK, DONE, "test")
    assert read_scores(assessment, [WORDS, PLAIN], workspace=store)["mean"].notna().all()
    assert [check.system for check in list_checks(assessment.id, store)] == ["plain-words"]


def test_their_titles_say_what_is_done() -> None:
    titles = [
        make_scores_job("notes", "a", {"bm25": WORDS, "plain-words": PLAIN}).title,
        make_scores_job("notes", "a", {"bm25": WORDS}).title,
        make_check_job("notes", "a", PLAIN).title,
    ]
    assert titles == [
        "notes, 2 systems on the tuning queries",
        "notes, bm25 on the tuning queries",
        "notes, plain-words on the test queries",
    ]
