"""kill -9 at any moment of a build and a promotion: the live version answers every time, and the work is done or goes on."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from core.data.load import load_dataset
from core.graph.resources import Resources
from core.versions.contents import open_version
from core.versions.version import (
    discard_unfinished,
    is_building,
    list_unfinished,
    list_versions,
    load_version,
    read_live,
    remove_version,
)
from core.workspace import Workspace
from tests.support.app import REPOSITORY
from tests.support.assessments import write_labelled_dataset
from tests.support.versions import named, put_live, resources_of

KILLS = 10
SYSTEMS = ("dense-chunk64", "dense-window")


class Builder:
    """Builds and promotes systems in child processes; see tests/support/interrupted.py."""

    def __init__(self, workspace: Path, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.support.interrupted", str(workspace), str(folder)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True)

    def start(self, system: str) -> int:
        """The process id of the child, once it has begun."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{system}\n")
        self.process.stdin.flush()
        word, number = self.read().split()
        assert word == "ready"
        return int(number)

    def read(self) -> str:
        """What is said next."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[Builder]:
    folder = write_labelled_dataset(tmp_path / "notes", kinds={"easy": 16, "code": 8})
    corpus = folder / "corpus.jsonl"  # of two products alone: enough for every part of the work
    lines = corpus.read_text(encoding="utf-8").splitlines(keepends=True)
    corpus.write_text(
        "".join(line for line in lines if line.startswith(('{"_id": "hub-', '{"_id": "relay-'))), encoding="utf-8"
    )
    made = Builder(tmp_path / "w", folder)
    with made.process:
        yield made
        made.process.kill()


def ask(dataset: str, resources: Resources) -> tuple[str, pd.DataFrame]:
    """The live version's id and its answer, from files alone."""
    live = read_live(dataset, resources.workspace).version
    version = load_version(live, dataset, resources.workspace)
    answer = open_version(version, resources.workspace, models=resources.models).search(
        ["price of the hub", "restart the relay"], {version.name: version.read_system()}
    )[version.name]
    assert answer.error is None and len(answer.run)
    return live, answer.run


def test_killed_at_ten_random_moments_the_live_version_answers(tmp_path: Path, builder: Builder) -> None:
    dataset, resources = load_dataset(tmp_path / "notes"), resources_of(tmp_path / "w")
    workspace: Workspace = resources.workspace
    first = put_live(dataset, named("dense"), resources)
    expected = {first.id: ask("notes", resources)[1]}
    builder.start(SYSTEMS[1])
    begun = time.monotonic()  # one whole run says how long there is to kill in
    assert builder.read() == "done"
    whole = time.monotonic() - begun
    live, answer = ask("notes", resources)
    expected[live] = answer
    assert live != first.id
    generator = random.Random(5)
    moments = [whole * (kill + generator.random()) / KILLS for kill in range(KILLS)]  # one in each tenth of the work
    generator.shuffle(moments)
    met = set()
    for kill, moment in enumerate(moments):
        system = SYSTEMS[kill % 2]
        drop(system, "notes", workspace, resources)
        before = read_live("notes", workspace).version
        child = builder.start(system)
        time.sleep(moment)
        with contextlib.suppress(ProcessLookupError):  # it was quicker this time
            os.kill(child, signal.SIGKILL)
        assert builder.read() in {"done", "killed"}
        live, answer = ask("notes", resources)  # also in the middle: a whole version, the old or the new
        expected.setdefault(live, answer)
        pd.testing.assert_frame_equal(answer, expected[live])
        assert live == before or load_version(live, "notes", workspace).name == system
        met.add((bool(list_unfinished("notes", workspace)), live != before))
        for left in list_unfinished("notes", workspace):
            assert not is_building(left.id, "notes", workspace), "nobody is at work on it any more"
            if kill % 3 == 0:
                discard_unfinished(left.id, "notes", workspace)
        builder.start(system)  # the same again goes on, and ends
        assert builder.read() == "done"
        live, answer = ask("notes", resources)
        assert load_version(live, "notes", workspace).name == system
        assert list_unfinished("notes", workspace) == []
    assert len(met) > 1, "the kills met one and the same state only"


def drop(system: str, dataset: str, workspace: Workspace, resources: Resources) -> None:
    """Makes it as if the system had never been built, so that there is something to do: its vectors go too."""
    named_so = [version for version in list_versions(dataset, workspace) if version.name == system]
    for version in named_so:
        if read_live(dataset, workspace).version == version.id:
            put_live(load_dataset(workspace.folder.parent / dataset), named("dense"), resources)
        remove_version(version.id, dataset, workspace)
    workspace.forget_model("all-MiniLM-L6-v2")
    for file in (workspace.folder / "cache" / "vectors").glob("*.sqlite*"):
        file.unlink()
