"""What all kinds of jobs share: the table of them, and the same work once more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.jobs import kinds
from core.jobs.kinds import ASSESS, CHECK, COMPARE, SCALE, SCORE, TRAIN, VERSIONS, find_kind
from core.jobs.kinds.kind import make_again, make_job
from core.jobs.state import APP, COMMAND_LINE, FAILED, QUEUED


@pytest.mark.parametrize("name", list(kinds._FILES))
def test_every_kind_is_found_by_its_name(name: str) -> None:
    kind = find_kind(name)
    assert kind.name == name
    assert kind.shows_ready == (name != ASSESS) and kind.own_process == (name == TRAIN)
    assert kind.counts_systems == (name in (COMPARE, SCORE, CHECK)) and kind.keeps_parts == (name != SCALE)


def test_files_of_earlier_versions_name_kinds_that_there_are() -> None:
    assert list(kinds._FILES) == ["compare", "assess", "score", "check", "train", "deploy", "scale"]
    assert (COMPARE, VERSIONS) == ("compare", "deploy")


def test_the_same_work_once_more_is_a_new_job() -> None:
    job = make_job(ASSESS, "notes", title="Before the launch", split="test", options={"primary": "AP"})
    ended = {"state": FAILED, "error": "The disk is full.", "progress": 0.5, "ready": ("bm25",)}
    failed = replace(job, **ended, starter=COMMAND_LINE, pid=1, host="elsewhere")
    again = make_again(failed)
    assert again.id != job.id
    assert again == replace(job, id=again.id, created=again.created)
    assert (again.state, again.starter, again.label) == (QUEUED, APP, "waiting to start")
