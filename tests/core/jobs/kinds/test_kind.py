"""What all kinds of jobs share: how they are found, and the same work once more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import NotInWorkspace
from core.jobs import kinds
from core.jobs.kinds import ASSESS, CHECK, COMPARE, SCALING, SCORE, TRAIN, VERSIONS, find_kind
from core.jobs.kinds.kind import make_again, make_job
from core.jobs.state import APP, COMMAND_LINE, FAILED, QUEUED

FILES = [path.stem for path in Path(kinds.__file__).parent.glob("*.py") if path.stem not in ("__init__", "kind")]


@pytest.mark.parametrize("name", FILES)
def test_every_kind_is_found_by_its_name(name: str) -> None:
    kind = find_kind(name)
    assert kind.name == name
    assert kind.shows_ready == (name != ASSESS) and kind.all_cores == (name == TRAIN)
    assert kind.counts_systems == (name in (COMPARE, SCORE, CHECK)) and kind.keeps_parts == (name != SCALING)


def test_the_names_of_kinds_are_those_of_their_files() -> None:
    assert sorted(FILES) == sorted([COMPARE, ASSESS, SCORE, CHECK, TRAIN, VERSIONS, SCALING])


@pytest.mark.parametrize("name", ["dance", "kind", "__init__", "../state", "compare.work", ""])
def test_a_kind_that_there_is_not_is_told(name: str) -> None:
    with pytest.raises(NotInWorkspace, match="not known to this version"):
        find_kind(name)


def test_the_same_work_once_more_is_a_new_job() -> None:
    job = make_job(ASSESS, "notes", title="Before the launch", split="test", options={"primary": "AP"})
    ended = {"state": FAILED, "error": "The disk is full.", "progress": 0.5, "ready": ("bm25",)}
    failed = replace(job, **ended, starter=COMMAND_LINE, pid=1, host="elsewhere")
    again = make_again(failed)
    assert again.id != job.id
    assert again == replace(job, id=again.id, created=again.created)
    assert (again.state, again.starter, again.label) == (QUEUED, APP, "waiting to start")
