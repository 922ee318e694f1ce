"""Versions: built beside the live one, whole or not there, promoted, rolled back, removed."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path

import filelock
import pytest

from core.data.dataset import Dataset
from core.errors import Cancelled, InputError, NotInWorkspace, WorkspaceBusy
from core.graph.resources import Resources
from core.progress import ProgressEvent
from core.versions import build as building
from core.versions.build import build_version, plan_version
from core.versions.contents import open_version, read_contents
from core.versions.version import (
    PROMOTED,
    ROLLED_BACK,
    Live,
    build_lock,
    discard_unfinished,
    is_building,
    list_datasets_with_versions,
    list_unfinished,
    list_versions,
    load_version,
    make_live,
    measure_size,
    name_version,
    prune_versions,
    read_evaluation,
    read_live,
    remove_version,
    rollback,
    version_folder,
)
from tests.support.assessments import AxisModels
from tests.support.versions import DATASET, edit, make_corpus, named, put_live, resources_of


@pytest.fixture
def corpus(tmp_path: Path) -> Dataset:
    return make_corpus(tmp_path)


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    return resources_of(tmp_path / "w")


def test_a_version_says_what_it_is(corpus: Dataset, resources: Resources) -> None:
    version = build_version(corpus, named("dense"), resources)
    assert (version.name, version.model, version.chunking) == ("dense", "all-MiniLM-L6-v2", "recursive, 200 tokens")
    assert version.documents == version.passages == len(corpus.documents)
    assert 0 < version.work["encoded_texts"] <= version.passages, "equal texts are embedded once"
    assert version.corpus_fingerprint == corpus.corpus_fingerprint and version.dimensions > 0
    assert load_version(version.id, DATASET, resources.workspace) == version
    assert measure_size(version, resources.workspace) > version.passages * version.dimensions * 4
    assert read_live(DATASET, resources.workspace) == Live(), "built is not live"
    assert list_datasets_with_versions(resources.workspace) == [DATASET]
    words = build_version(corpus, named("bm25"), resources)
    assert (words.model, words.passages, words.dimensions, words.chunking) == ("", 0, 0, "whole documents")


def test_the_same_again_is_the_same_version(corpus: Dataset, resources: Resources) -> None:
    first = build_version(corpus, named("dense"), resources)
    renamed = dataclasses.replace(named("dense"), name="dense", description="in other words")
    models = AxisModels()
    assert build_version(corpus, renamed, dataclasses.replace(resources, models=models)) == first
    assert not models.fake.asked  # type: ignore[attr-defined]
    other = edit(corpus, change={corpus.documents["doc_id"].iloc[0]: {"text": "else"}})
    ids = {first.id, name_version(named("dense-chunk64"), corpus.corpus_fingerprint)}
    ids |= {name_version(named("dense"), other.corpus_fingerprint), name_version(named("bm25"), corpus.corpus_fingerprint)}
    assert len(ids) == 4, "system and corpus make the version"


def test_a_plan_says_what_it_takes_and_embeds_nothing(corpus: Dataset, resources: Resources) -> None:
    models = AxisModels()
    before = plan_version(corpus, named("dense"), dataclasses.replace(resources, models=models))
    assert not models.fake.asked and not before.exists  # type: ignore[attr-defined]
    resources.workspace.write_facts("encoding-speed", {"characters_per_second": 1000.0})
    plan = plan_version(corpus, named("dense"), resources)
    assert plan.documents == plan.passages == len(corpus.documents)
    distinct = {text for group in build_chunks(corpus, resources) for text in group}
    assert (plan.texts, plan.characters) == (len(distinct), sum(map(len, distinct)))
    assert plan.embed_seconds == plan.characters / 1000.0  # at the speed that was measured here
    version = build_version(corpus, named("dense"), resources)
    again = plan_version(corpus, named("dense"), resources)
    assert (again.exists, again.seconds, again.disk_bytes, again.texts) == (True, 0.0, 0.0, 0)
    # the next one is planned by what this one took: bytes a passage, and the texts
    later = plan_version(corpus, named("dense-chunk64"), resources)
    texts = float(corpus.documents["text"].str.len().sum())
    assert later.disk_bytes == pytest.approx(
        later.passages * measure_size(version, resources.workspace) / version.passages + texts
    )
    words = plan_version(corpus, named("bm25"), resources)
    assert (words.passages, words.texts, words.seconds) == (0, 0, 0.0)


def build_chunks(corpus: Dataset, resources: Resources) -> list[tuple[str, ...]]:
    target, execution = building.prepare_graph(corpus, named("dense"), resources)
    node = building.find_vectors(target)
    assert node is not None
    return execution.output(node.inputs[0])["passages"].tolist()


def test_an_empty_corpus_is_refused(corpus: Dataset, resources: Resources) -> None:
    nothing = edit(corpus, delete=tuple(corpus.documents["doc_id"]))
    with pytest.raises(InputError, match="no document with a title or a text; there is nothing to index"):
        build_version(nothing, named("dense"), resources)


def test_live_is_switched_and_rolled_back(corpus: Dataset, resources: Resources) -> None:
    first, second, third = (build_version(corpus, named(name), resources) for name in ("bm25", "dense", "dense-chunk64"))
    workspace = resources.workspace
    for version in (first, second, third):
        make_live(version, PROMOTED, workspace, note="by hand")
    assert make_live(third, PROMOTED, workspace) == read_live(DATASET, workspace), "nothing changes if it is live already"
    assert read_live(DATASET, workspace).previous == (first.id, second.id)
    assert rollback(DATASET, workspace).version == second.id
    live = rollback(DATASET, workspace)
    assert (live.version, live.previous) == (first.id, ())
    assert [(entry["what"], entry["version"], entry["before"]) for entry in live.log[-2:]] == [
        (ROLLED_BACK, second.id, third.id),
        (ROLLED_BACK, first.id, second.id),
    ]
    with pytest.raises(InputError, match="no earlier version of notes to go back to"):
        rollback(DATASET, workspace)
    make_live(third, PROMOTED, workspace)  # forward again, without building
    assert read_live(DATASET, workspace).previous == (first.id,)


def test_a_rollback_answers_as_before(corpus: Dataset, resources: Resources) -> None:
    first = put_live(corpus, named("bm25"), resources)
    before = answer(DATASET, resources)
    put_live(corpus, named("dense"), resources)
    assert not answer(DATASET, resources).equals(before)
    assert rollback(DATASET, resources.workspace).version == first.id
    assert answer(DATASET, resources).equals(before)


def answer(dataset: str, resources: Resources):  # type: ignore[no-untyped-def]
    version = load_version(read_live(dataset, resources.workspace).version, dataset, resources.workspace)
    search = open_version(version, resources.workspace, models=resources.models)
    return search.search(["price of the hub"], {version.name: version.read_system()})[version.name].run


def test_old_versions_are_removed_and_the_live_one_never(corpus: Dataset, resources: Resources) -> None:
    workspace = resources.workspace
    names = ("bm25", "dense", "dense-chunk64")
    first, second, third = (put_live(corpus, named(name), resources) for name in names)
    with pytest.raises(InputError, match="is live and cannot be removed; roll back or promote another one first"):
        remove_version(third.id, DATASET, workspace)
    remove_version(second.id, DATASET, workspace)
    assert {version.id for version in list_versions(DATASET, workspace)} == {first.id, third.id}
    assert read_live(DATASET, workspace).previous == (first.id,)
    assert rollback(DATASET, workspace).version == first.id, "the way back leads past the one that is gone"
    for name in (second.id, "../" + DATASET, "."):
        with pytest.raises(NotInWorkspace, match="is not in this workspace"):
            remove_version(name, DATASET, workspace)


def test_a_removed_step_leaves_no_step_that_leads_nowhere(corpus: Dataset, resources: Resources) -> None:
    workspace = resources.workspace
    first, second = (put_live(corpus, named(name), resources) for name in ("bm25", "dense"))
    make_live(first, PROMOTED, workspace)  # first, second, first
    remove_version(second.id, DATASET, workspace)
    live = read_live(DATASET, workspace)
    assert (live.version, live.previous) == (first.id, ())


def test_what_broke_off_is_listed_discarded_or_done_again(
    corpus: Dataset, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(event: ProgressEvent) -> None:
        if event.label.startswith("indexing"):
            raise Cancelled

    workspace = resources.workspace
    with pytest.raises(Cancelled):
        build_version(corpus, named("dense"), dataclasses.replace(resources, on_progress=stop))
    (left,) = list_unfinished(DATASET, workspace)
    assert (left.name, list_versions(DATASET, workspace)) == ("dense", [])
    assert not is_building(left.id, DATASET, workspace)
    models = AxisModels()
    version = build_version(corpus, left.read_system(), dataclasses.replace(resources, models=models))
    assert version.id == left.id and not models.fake.asked  # type: ignore[attr-defined]  # embedded before it broke off
    assert list_unfinished(DATASET, workspace) == []
    with pytest.raises(Cancelled):
        build_version(corpus, named("dense-chunk64"), dataclasses.replace(resources, on_progress=stop))
    (left,) = list_unfinished(DATASET, workspace)
    discard_unfinished(left.id, DATASET, workspace)
    assert list_unfinished(DATASET, workspace) == []


def test_two_builds_of_the_same_do_not_meet(corpus: Dataset, resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.versions.version._BUILD_LOCK_SECONDS", 0.05)
    version_id = name_version(named("dense"), corpus.corpus_fingerprint)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with filelock.FileLock(build_lock(version_id, DATASET, resources.workspace).lock_file):
            held.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    try:
        assert is_building(version_id, DATASET, resources.workspace)
        with pytest.raises(WorkspaceBusy, match="is being built at this moment"):
            discard_unfinished(version_id, DATASET, resources.workspace)
        with pytest.raises(WorkspaceBusy, match="Another process is building dense-"):
            build_version(corpus, named("dense"), resources)
    finally:
        done.set()
        thread.join()


def test_the_switch_waits_for_another_switch_and_says_so(
    corpus: Dataset, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = build_version(corpus, named("bm25"), resources)
    monkeypatch.setattr("core.versions.version._LOCK_SECONDS", 0.05)
    busy = pytest.raises(WorkspaceBusy, match="Another process is changing the versions of notes")
    with filelock.FileLock(resources.workspace.versions(DATASET) / ".live.lock"), busy:
        make_live(version, PROMOTED, resources.workspace)


def test_damage_is_told_with_the_cure(corpus: Dataset, resources: Resources) -> None:
    version = put_live(corpus, named("dense"), resources)
    folder = version_folder(version.id, DATASET, resources.workspace)
    vectors = (folder / "vectors.npy").read_bytes()
    (folder / "vectors.npy").write_bytes(vectors[:50])
    with pytest.raises(InputError, match=r"is damaged \(.*\); build it again, or roll back"):
        read_contents(version, resources.workspace)
    (folder / "vectors.npy").write_bytes(vectors)
    lines = (folder / "corpus" / "corpus.jsonl").read_text().splitlines()
    (folder / "corpus" / "corpus.jsonl").write_text("\n".join(lines[1:]))
    with pytest.raises(InputError, match=r"corpus\.jsonl is not as it was written"):
        read_contents(version, resources.workspace)
    again = build_version(corpus, named("dense"), resources)
    assert again.id == version.id
    assert len(read_contents(again, resources.workspace).corpus.documents) == len(lines), "what is damaged is built anew"
    (folder / "version.json").write_text(json.dumps({"id": version.id}))
    with pytest.raises(InputError, match="remove this version and build it again"):
        load_version(version.id, DATASET, resources.workspace)
    assert list_versions(DATASET, resources.workspace) == []


def test_damage_beside_the_versions_is_told_too(corpus: Dataset, resources: Resources) -> None:
    version = put_live(corpus, named("bm25"), resources)
    folder = version_folder(version.id, DATASET, resources.workspace)
    (folder / "evaluation.json").write_text("{", encoding="utf-8")
    assert read_evaluation(version, resources.workspace) is None, "it is measured anew"
    (folder.parent / "live.json").write_text(json.dumps({"version": version.id, "previous": 7}), encoding="utf-8")
    with pytest.raises(
        InputError,
        match=r"live\.json: cannot be read \(Expected `array`, got `int`.*\); delete this file and promote a version",
    ):
        read_live(DATASET, resources.workspace)


def test_a_model_whose_files_changed_answers_nothing(
    corpus: Dataset, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, words = (build_version(corpus, named(name), resources) for name in ("dense", "bm25"))
    monkeypatch.setattr("core.versions.version.model_revision", lambda name: "another")
    with pytest.raises(InputError, match="vectors of two models cannot be mixed; build a new version with"):
        open_version(version, resources.workspace, models=resources.models)
    open_version(words, resources.workspace, models=resources.models)  # word matching has no model


def test_old_versions_are_pruned(corpus: Dataset, resources: Resources) -> None:
    workspace = resources.workspace
    names = ("bm25", "dense", "dense-chunk64", "dense-window")
    first, second, third, fourth = (put_live(corpus, named(name), resources) for name in names)
    spare = build_version(corpus, named("dense-parent"), resources)
    assert set(prune_versions(DATASET, workspace, keep=1)) == {first.id, second.id, spare.id}
    live = read_live(DATASET, workspace)
    assert (live.version, live.previous) == (fourth.id, (third.id,))
    assert prune_versions(DATASET, workspace, keep=1) == []
    assert prune_versions(DATASET, workspace, keep=0) == [third.id]
    assert [version.id for version in list_versions(DATASET, workspace)] == [fourth.id]
