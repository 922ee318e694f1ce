"""kill -9 at any moment of a build and a promotion: the live version answers every time, and the work is done or goes on."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

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


def start(workspace: Path, folder: Path, system: str) -> subprocess.Popen[str]:
    """The child, once it has loaded what it needs."""
    command = [sys.executable, "-m", "tests.support.interrupted", str(workspace), str(folder), system]
    child = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    return child


def ask(dataset: str, resources: Resources) -> tuple[str, pd.DataFrame]:
    """The live version's id and its answer, from files alone."""
    live = read_live(dataset, resources.workspace).version
    version = load_version(live, dataset, resources.workspace)
    answer = open_version(version, resources.workspace, models=resources.models).search(
        ["price of the hub", "restart the relay"], {version.name: version.read_system()}
    )[version.name]
    assert answer.error is None and len(answer.run)
    return live, answer.run


def test_killed_at_ten_random_moments_the_live_version_answers(tmp_path: Path) -> None:
    folder = write_labelled_dataset(tmp_path / "notes")
    dataset, resources = load_dataset(folder), resources_of(tmp_path / "w")
    workspace: Workspace = resources.workspace
    first = put_live(dataset, named("dense"), resources)
    expected = {first.id: ask("notes", resources)[1]}
    child = start(tmp_path / "w", folder, SYSTEMS[1])
    begun = time.monotonic()  # one whole run says how long there is to kill in
    assert child.communicate()[0] == "done\n"
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
        child = start(tmp_path / "w", folder, system)
        time.sleep(moment)
        child.kill()
        child.communicate()
        live, answer = ask("notes", resources)  # also in the middle: a whole version, the old or the new
        expected.setdefault(live, answer)
        pd.testing.assert_frame_equal(answer, expected[live])
        assert live == before or load_version(live, "notes", workspace).name == system
        met.add((bool(list_unfinished("notes", workspace)), live != before))
        for left in list_unfinished("notes", workspace):
            assert not is_building(left.id, "notes", workspace), "nobody is at work on it any more"
            if kill % 3 == 0:
                discard_unfinished(left.id, "notes", workspace)
        child = start(tmp_path / "w", folder, system)  # the same again goes on, and ends
        assert child.communicate()[0] == "done\n"
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
