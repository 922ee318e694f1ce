"""The queue of a workspace: first come, first served, across processes; who is gone is passed over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.jobs.locks import queue_guard, release_alive
from core.jobs.queue import Place, find_place, hold_workspace, line_up
from core.jobs.state import RUNNING, Job, write_job
from core.workspace import Workspace
from tests.support.app import REPOSITORY, build_environment
from tests.support.jobs import WAIT_SECONDS, Held, wait_until, write_running

# A process for each name, which lines up as a job of that name, and once it is its turn writes the name down.
WAITERS = """
import os, sys
from pathlib import Path
from core.jobs.locks import queue_guard
from core.jobs.queue import hold_workspace, line_up
from core.jobs.state import Job
from core.workspace import Workspace
store = Workspace(Path(sys.argv[1]))
for name in sys.argv[2:]:
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        with queue_guard(store):
            job = Job(id=name, title=name, dataset="small", split="all", systems=(), gives_way=name == "unasked")
            job, alive = line_up(job, store)
        os.write(writing, b"waits")
        with hold_workspace(job, store, on_wait=lambda place: None), (store.folder / "order").open("a") as file:
            print(name, file=file)
        os._exit(0)
    os.read(reading, 5)
    print(pid, flush=True)
for _ in sys.argv[2:]:
    os.wait()
"""


@pytest.fixture
def store(workspace: Path) -> Workspace:
    return Workspace(workspace)


def make(name: str, **changes: object) -> Job:
    return replace(Job(id=name, title=f"the job {name}", dataset="small", split="all", systems=()), **changes)  # type: ignore[arg-type]


def test_processes_are_served_in_the_order_in_which_they_came(store: Workspace) -> None:
    """Their names are in another order than their turns; one is killed while it waits, and one gives way."""
    names = ["unasked", "z", "gone", "m", "a"]
    with Held(store):
        waiters = subprocess.Popen(
            [sys.executable, "-c", WAITERS, str(store.folder), *names],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            env=build_environment(store.folder),
        )
        assert waiters.stdout is not None
        processes = {name: int(waiters.stdout.readline()) for name in names}
        os.kill(processes["gone"], signal.SIGKILL)
    waiters.communicate(timeout=WAIT_SECONDS)
    assert (store.folder / "order").read_text().split() == ["z", "m", "a", "unasked"]


def test_the_place_is_told_in_words(store: Workspace) -> None:
    with queue_guard(store):
        (first, first_alive), (second, second_alive) = (line_up(make(name), store) for name in ("b", "a"))
    assert (first.turn, second.turn) == (1, 2)
    assert find_place(first, store) == Place(None)
    assert find_place(second, store).describe() == "second in line, behind “the job b”"
    running = write_running(store, "compare", dataset="small", title="Compare on product_docs", seconds_left=240.0)
    assert find_place(first, store).describe() == "next in line, behind “Compare on product_docs”, about 4 min"
    assert find_place(second, store).describe() == "second in line, behind “Compare on product_docs”, more than 4 min"
    assert find_place(second, store).ids == [running.id, "b"]
    (store.jobs / f"{running.id}.cancel").touch()
    assert find_place(first, store).describe().endswith("“Compare on product_docs”, which is being cancelled")
    for alive in (first_alive, second_alive):
        release_alive(alive)


def test_a_job_of_a_machine_that_is_gone_keeps_nobody_waiting(store: Workspace) -> None:
    """It stands there as running, or as waiting, and its machine holds no lock. One file is damaged."""
    write_job(make("there", state=RUNNING, host="another"), store)
    write_job(make("waits", host="another"), store)
    (store.jobs / "damaged.json").write_text("{", encoding="utf-8")
    with queue_guard(store):
        job, alive = line_up(make("here"), store)
    with hold_workspace(job, store, on_wait=lambda place: pytest.fail(place.describe())):
        pass
    release_alive(alive)


def test_what_is_raised_while_waiting_ends_the_waiting(store: Workspace) -> None:
    places: list[Place] = []

    def stop(place: Place) -> None:
        places.append(place)
        raise KeyboardInterrupt

    with Held(store), pytest.raises(KeyboardInterrupt), hold_workspace(make("b"), store, on_wait=stop):
        pass
    assert [place.describe() for place in places] == ["next in line, behind another job in this workspace"]
    wait_until(lambda: not find_place(make("b"), store).ids)
