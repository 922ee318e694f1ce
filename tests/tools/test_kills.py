"""kill -9 at any moment of real commands: what was finished stays, the live version answers, the same command ends well, and
nothing is left behind. `make kills` does it a hundred times, trainings and recommendations included."""

from __future__ import annotations

import dataclasses
import random
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from core.jobs.state import RUNNING, Job, write_job
from tools.kills import (
    CHECKS,
    KINDS,
    Bench,
    Counts,
    Trials,
    Undisturbed,
    ask_live,
    check_again,
    check_healthy,
    check_kept,
    check_live,
    draw_moments,
    format_counts,
    mend,
    prepare,
    read_finished,
    run_undisturbed,
    share_out,
)
from tools.kills_process import Forks

KILLED = ("build", "refresh", "import")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    forks = Forks((sys.executable, "-m", "tests.support.interrupted"), OMP_NUM_THREADS="1")
    yield prepare(tmp_path_factory.mktemp("kills"), forks, queries=12)
    forks.close()


@pytest.fixture(scope="module")
def answers(prepared: Bench) -> dict[str, Any]:
    return ask_live(prepared)


@pytest.fixture(scope="module")
def known(prepared: Bench, answers: dict[str, Any]) -> dict[str, Undisturbed]:
    return {kind: run_undisturbed(KINDS[kind], prepared, answers) for kind in KILLED}


def test_commands_killed_at_any_moment_lose_nothing(
    prepared: Bench, answers: dict[str, Any], known: dict[str, Undisturbed]
) -> None:
    said: list[str] = []
    trials = Trials(prepared, known, answers, {kind: Counts() for kind in (*KILLED, "chain")}, said.append)
    generator = random.Random(5)
    by_time, by_change = zip(*(draw_moments(kind, 2, generator) for kind in KILLED), strict=True)
    trials.kill_all([*by_change, *by_time])
    assert said == []
    assert trials.counts["chain"].survived > len(KILLED), "the kills came too late"


def test_what_a_kill_must_not_do_is_noticed(prepared: Bench, known: dict[str, Undisturbed]) -> None:
    bench = prepared.copy()
    store = bench.workspace
    before = read_finished(store)
    assert {name.split("/")[0] for name in before} == {"experiments", "versions"}
    check_kept(before, store)
    with pytest.raises(AssertionError, match="which no run has made"):
        check_live(bench, {})
    with pytest.raises(AssertionError, match="fingerprint: 'other' became"):
        check_again(KINDS["import"], bench, {**known["import"].result, "fingerprint": "other"})
    write_job(Job("dead", "a job", "notes", "all", (), state=RUNNING, pid=2**22 + 1), store)
    store.path("experiments", "a.json.part").write_text("half")
    with pytest.raises(AssertionError, match="ended with 1"):
        check_healthy(bench)
    mend(bench)
    check_healthy(bench)
    file = store.folder / next(name for name in before if name.endswith("version.json"))
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(AssertionError, match="changed or gone: versions/"):
        check_kept(before, store)


def test_moments_are_drawn_from_the_seed_and_cover_the_whole_command() -> None:
    drawn = draw_moments("build", 20, random.Random(1))
    assert drawn == draw_moments("build", 20, random.Random(1)) != draw_moments("build", 20, random.Random(2))
    for by_change in (False, True):
        shares = [moment.share for moment in drawn if moment.by_change == by_change]
        assert sorted(int(share * 10) for share in shares) == list(range(10))
    assert share_out(100, list(KINDS)) == dict(zip(KINDS, (16, 16, 16, 16, 15, 15), strict=True))


def test_the_table_tells_kills_survived_and_what_failed() -> None:
    lost = Counts(kills=3, survived=2)
    lost.failed["kept"] += 1
    table = format_counts({"build": lost, "chain": dataclasses.replace(Counts(), kills=1, survived=1)}, seed=4, seconds=9.6)
    header, build, _, last = table.splitlines()
    assert header.split()[:6] == ["kills", "survived", *CHECKS]
    assert build.split() == ["build", "3", "2", "1", "0", "0", "0", "0"]
    assert last == "seed 4: 3 of 4 kills survived, in 10 s"
