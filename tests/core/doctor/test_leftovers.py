"""What killed processes leave behind is found and removed; what a living one uses is neither."""

from __future__ import annotations

from pathlib import Path

import filelock
import pytest

from core.cli.main import main
from core.doctor import leftovers
from core.doctor.examine import examine, mend
from core.doctor.finding import END_JOB, REMOVE
from core.jobs.locks import hold_alive, release_alive, workspace_lock
from core.jobs.state import INTERRUPTED, RUNNING, Job, read_job, write_job
from core.storage.files import hold_folder, replace_file
from core.systems.trained import save_model
from core.workspace import Workspace
from tests.support.model_records import make_model


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_YOUNG_SECONDS", 0.0)


def make_job(name: str) -> Job:
    return Job(name, "a job", "manual", "all", (), state=RUNNING, pid=2**22 + 1)  # above the largest process id


def leave_everything(store: Workspace) -> set[str]:
    """What kills leave, at every place where something is written; returns the paths that are left behind."""
    files = {
        "cache/nodes/a.json8x.part": "half",
        "jobs/old.alive": "",
        "jobs/old.cancel": "",
        "jobs/heavy.holder": "somebody",
        "imports/dataset-12/corpus.jsonl": "{}",
        "imports/dataset-12.held": "",
        "imports/.upload-7-x-abc/a.md": "a",
        "indexes/k.building/chroma.sqlite3": "half",
        "indexes/k.lock": "",
        "versions/manual/.v-1.building/version.json": "{}",
        "versions/manual/.v-1.lock": "",
        "models/adapter-9/training/x": "",
        "experiments/e/runs/a.parquet": "PAR1",
        "experiments/.e2.139.removed/experiment.json": "{}",
    }
    for name, text in files.items():
        store.path(*name.split("/")).write_text(text, encoding="utf-8")
    save_model(make_model("adapter", "1"), store)
    for name in ("training/old", "weights.part/x", "parts/k/x", "weights/w"):
        store.path("models", "adapter-1", *name.split("/")).write_text("", encoding="utf-8")
    write_job(make_job("dead"), store)
    inside = {"imports/dataset-12", "imports/.upload-7-x-abc", "indexes/k.building", "versions/manual/.v-1.building"}
    inside |= {"models/adapter-9", "experiments/e", "experiments/.e2.139.removed", "jobs/dead.json"}
    inside |= {f"models/adapter-1/{name}" for name in ("training", "weights.part", "parts")}
    return inside | {name for name in files if name.count("/") < 2 or name.endswith((".part", ".lock"))} - {
        "models/adapter-9/training/x"
    }


def test_everything_that_was_left_is_found_and_mended(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Workspace(workspace)
    assert main(["doctor"]) == 0
    left = leave_everything(store)
    found = examine(store)
    assert {finding.path for finding in found.findings} == left
    assert {finding.act for finding in found.findings} == {REMOVE, END_JOB}
    assert found.sizes["models"] and found.sizes["indexes"] == 4
    assert main(["doctor"]) == 1
    assert examine(store).findings == found.findings, "looking changes nothing"
    assert main(["doctor", "--mend", "--json"]) == 0
    assert "indexes/k.building: removed, 4 bytes" in capsys.readouterr().out
    assert main(["doctor"]) == 0
    assert read_job("dead", store).state == INTERRUPTED
    kept = {path.relative_to(workspace).as_posix() for path in workspace.rglob("*") if path.is_file()}
    assert {name for name in kept if not name.endswith(".lock")} == {
        "jobs/dead.json", "models/adapter-1/model.json", "models/adapter-1/weights/w"
    }  # fmt: skip


def test_what_a_living_process_uses_stays(workspace: Path) -> None:
    store = Workspace(workspace)
    write_job(Job("here", "a job", "manual", "all", (), state=RUNNING), store)
    alive = hold_alive("here", store)
    store.path("jobs", "here.cancel").touch()
    store.path("indexes", "k.building", "x").touch()
    store.path("models", "adapter-1", "weights.part", "x").touch()
    store.path("experiments", "e", "runs", "x").touch()
    with (
        replace_file(store.path("widths.json")),
        hold_folder(store.path("imports", "dataset-1")),
        workspace_lock(store),
        filelock.FileLock(store.path("indexes", "k.lock")),
    ):
        store.path("imports", "dataset-1", "corpus.jsonl").touch()
        store.path("imports", ".dataset-1-abc", "corpus.jsonl").touch()
        before = examine(store)
        assert before.findings == ()
        everything = sorted(workspace.rglob("*"))
        mend(before.findings, store)
        assert sorted(workspace.rglob("*")) == everything
    release_alive(alive)
    write_job(make_job("here"), store)
    after = {finding.path for finding in examine(store).findings}
    assert after == {
        "experiments/e", "imports/.dataset-1-abc", "imports/dataset-1", "indexes/k.building", "indexes/k.lock",
        "jobs/here.cancel", "jobs/here.json", "models/adapter-1",
    }  # fmt: skip
