"""What nothing refers to is told by what was put down when it was made, and goes only when somebody says so."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from core.cli.main import main
from core.data.catalog import add_dataset, open_named, remove_dataset
from core.doctor.examine import Examination, examine
from core.doctor.finding import UNUSED
from core.experiment.history import delete_experiment, list_experiments
from core.experiment.system_runs import SystemRuns
from core.jobs.locks import workspace_lock
from core.stages.rerank import CrossEncoderRerank
from core.systems.available import delete_own_system, save_own_system
from core.systems.named import make_named_systems
from core.workspace import Workspace
from tests.support.models import make_resources
from tests.support.once import make_once
from tests.support.small import write_small_dataset


def run(name: str, store: Workspace) -> tuple[int, object]:
    """(texts encoded now, what the systems find), with an index on disk."""
    named = make_named_systems()
    resources = make_resources(store.folder)
    runs = SystemRuns(open_named(name, store), {"late": named["hybrid-rerank"]}, "all", resources)
    target = runs.targets["late"]
    found = runs.execution.output(target).to_dict("records")
    index = runs.execution.output(target.get_first("dense_index"))
    index.approximate(index.vectors.matrix[:1], [{}], depth=1)
    index.close()
    return resources.usage.encoded_texts, found


def tell(store: Workspace) -> tuple[Examination, dict[str, str]]:
    found = examine(store)
    return found, {finding.path: finding.what for finding in found.unused}


def make_two(folder: Path) -> None:
    """A workspace with two datasets that have a text in common, each searched once."""
    store = Workspace(folder / "workspace")
    for name in ("kept", "gone"):
        folder = write_small_dataset(store.folder.parent / name)
        if name == "gone":
            corpus = folder / "corpus.jsonl"
            first, *rest = corpus.read_text(encoding="utf-8").splitlines()
            corpus.write_text("\n".join([first, *(line.replace('"text": "', '"text": "Another. ') for line in rest)]))
        add_dataset(folder, name, store)
        run(name, store)


@pytest.fixture
def two(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of make_two(), with no samples beside: every look reads all datasets."""
    monkeypatch.setattr("core.data.samples.SAMPLES", tmp_path / "no samples")
    made, _ = make_once(make_two)
    return Workspace(shutil.copytree(made / "workspace", workspace, dirs_exist_ok=True))


def test_what_was_made_for_a_corpus_goes_with_it_and_no_more(two: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    kept, gone = (open_named(name, two).corpus_fingerprint for name in ("kept", "gone"))
    found, unused = tell(two)
    assert (unused, found.notes, found.is_healthy) == ({}, (), True)
    _, before = run("kept", two)
    remove_dataset("gone", two)
    found, unused = tell(two)
    [(path, what)] = unused.items()
    assert path == f"cache/made_for/{gone}.jsonl" and "1 index folder" in what
    freed = found.unused[0].bytes
    assert found.is_healthy and freed > 1000
    indexes = set(two.folder.glob("indexes/*/"))
    assert main(["doctor", "--mend"]) == 0
    assert tell(two)[1] == unused, "mending throws away nothing that is whole"
    assert f"{freed:,} bytes serve nothing that is here" in capsys.readouterr().out
    assert main(["doctor", "--remove-unused"]) == 0
    assert f"{path}: removed with all" in capsys.readouterr().out
    assert tell(two)[1] == {} and not list(two.folder.glob(f"cache/made_for/{gone}*"))
    assert len(indexes - set(two.folder.glob("indexes/*/"))) == 1
    assert run("kept", two) == (0, before), "a text of both corpora keeps its vectors"
    assert set(two.made_for(kept).read()), "what is in use is known as before"


def test_an_experiment_a_version_or_a_system_keeps_what_it_stands_on(two: Workspace) -> None:
    assert main(["compare", "gone", "--systems", "bm25"]) == 0
    remove_dataset("gone", two)
    assert tell(two)[1] == {}
    [entry] = list_experiments(two)
    delete_experiment(entry.id, two)
    assert len(tell(two)[1]) == 1
    cross = dataclasses.replace(
        make_named_systems()["hybrid-rrf"], name="mine", rerank=CrossEncoderRerank(model="somebody/ranker")
    )
    save_own_system(cross, two)
    two.pairs("somebody/ranker", "")
    assert len(tell(two)[1]) == 1
    delete_own_system("mine", two)
    assert "pairs of a model that no system names" in tell(two)[1].values()
    assert main(["doctor", "--remove-unused"]) == 0
    assert tell(two)[1] == {} and not list(two.folder.glob("cache/pairs/somebody*"))


def test_what_cannot_be_told_stays(two: Workspace) -> None:
    gone = open_named("gone", two).corpus_fingerprint
    remove_dataset("gone", two)
    with workspace_lock(two):
        found, unused = tell(two)
        assert unused == {} and "while a job runs" in found.notes[0]
    (two.folder / "datasets" / "kept" / "corpus.jsonl").write_bytes(b"\xff{")
    found, unused = tell(two)
    assert unused == {} and "cannot be told" in found.notes[0] and "corpus.jsonl" in found.notes[0]
    remove_dataset("kept", two)
    ledger = two.folder / "cache" / "made_for" / f"{gone}.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-9] + b"\n5\n[\n")
    found, unused = tell(two)
    assert len(unused) == 2 and "1 entry of the cache" in found.notes[0]
    assert main(["doctor", "--remove-unused"]) == 0
    assert [finding for finding in examine(two).findings if finding.kind == UNUSED] == []
    assert len([*two.folder.glob("cache/nodes/*.parquet"), *two.folder.glob("indexes/*/")]) == 1
