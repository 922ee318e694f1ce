"""Latency at several sizes: what is measured, what is left behind (nothing), and what is kept."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.errors import Cancelled, InputError
from core.experiment.compare import compare
from core.progress import CancelToken, ProgressEvent
from core.scaling import timing
from core.scaling.measure import SIZES, load_scaling, measure_scaling, save_scaling
from core.scaling.timing import draw_subsets
from core.schema import EVIDENCE, JUDGMENTS
from core.settings import describe_machine
from core.systems.named import make_named_systems
from core.systems.system import Dense, System
from core.workspace import Workspace
from tests.support.models import DIMENSIONS, KEYWORDS, MISSING, FakeModels, make_documents, make_queries

NAMED = make_named_systems()
DOCUMENTS = 24


def make_dataset(*, documents: int = DOCUMENTS) -> Dataset:
    """Documents with one keyword each, and a query for every keyword."""
    texts = {f"d{n:02}": f"The {KEYWORDS[n % len(KEYWORDS)]} of the device number {n}." for n in range(documents)}
    return Dataset(
        name="keywords",
        documents=make_documents(texts),
        queries=make_queries({f"q-{word}": f"where is the {word}" for word in KEYWORDS}),
        judgments=pd.DataFrame([("q-hub", "d02", 1)], columns=JUDGMENTS),
        evidence=pd.DataFrame([], columns=EVIDENCE),
    )


def pick(*names: str) -> dict[str, System]:
    return {name: NAMED[name] for name in names}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made, and fewer repetitions than in earnest."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(timing, "_QUERIES", 10)
    monkeypatch.setattr(timing, "_SEARCHES", 5)
    return folder


def list_files(folder: Path) -> set[str]:
    """All files and folders but locks and SQLite's own beside a database."""
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    return {name for name in names if not name.endswith((".lock", "-shm", "-wal"))}


def open_files(folder: Path) -> Iterator[str]:
    """Files below the folder that this process still holds open; none where that cannot be told."""
    held = Path("/proc/self/fd")
    for name in os.listdir(held) if held.is_dir() else ():
        target = os.readlink(held / name) if (held / name).is_symlink() else ""
        if target.startswith(str(folder)):
            yield target


def test_every_size_depth_and_width_is_measured(workspace: Path) -> None:
    models, store, dataset = FakeModels(), Workspace(workspace), make_dataset()
    systems = pick("dense", "bm25", "dense-rerank")
    compare(dataset, systems, workspace=store, models=models)
    models.fake.asked.clear()
    scaling = measure_scaling(dataset, systems, workspace=store, models=models)
    assert {role for role, _ in models.fake.asked} == {"query"}  # no document is encoded again
    assert list(scaling.systems) == ["dense", "bm25", "dense-rerank"]
    assert scaling.machine == describe_machine()
    for name, measured in scaling.systems.items():
        assert [point.documents for point in measured.sizes] == [3, 6, 12, 24]  # an eighth, a quarter, a half, all
        assert {point.n for point in measured.sizes} == {10}
        assert all(0 < point.p50 <= point.p95 for point in measured.sizes)
        assert scaling.error[name] == measured.error >= 0
    rerank = scaling.systems["dense-rerank"]
    assert (rerank.reranker, {point.depth for point in rerank.sizes}) == ("LateInteraction", {50})
    assert [(point.documents, point.depth) for point in rerank.depths] == [(24, 10), (24, 25)]
    assert list(rerank.widths) == [1, 3, DIMENSIONS]  # 6 // 4, 6 // 2, 6
    lexical = scaling.systems["bm25"]  # neither a model nor a reranker
    assert (lexical.reranker, lexical.depths, lexical.widths) == (None, (), {})
    # What does not read the corpus runs once for all sizes and both systems.
    encoding = {point.stages["EmbedQueries"] for name in ("dense", "dense-rerank") for point in scaling.systems[name].sizes}
    assert len(encoding) == 1


def test_an_estimate_at_a_measured_size_is_close(workspace: Path) -> None:
    scaling = measure_scaling(make_dataset(), pick("dense", "bm25"), workspace=Workspace(workspace), models=FakeModels())
    for name, measured in scaling.systems.items():
        for point in measured.sizes:
            estimate = scaling.estimate(name, documents=point.documents)
            assert point.p50 / 3 < estimate["p50"] < 3 * point.p50  # a bound that holds under load; exactness is tested below
            assert list(estimate["stages"]) == list(point.stages)


def test_nothing_is_left_behind(workspace: Path, temporary: Path) -> None:
    models, store, dataset = FakeModels(), Workspace(workspace), make_dataset()
    systems = pick("dense", "hybrid-rrf", "dense-chunk64")
    compare(dataset, systems, workspace=store, models=models)
    before = list_files(workspace)
    measure_scaling(dataset, systems, workspace=store, models=models)
    assert list_files(workspace) == {*before, "scratch"}, "the folder of working folders, empty"
    assert list_files(temporary) == set()
    assert list(open_files(temporary)) == []
    # What is there was not harmed: it can be compared, and measured, again.
    compare(dataset, pick("dense-filtered"), workspace=store, models=models)
    measure_scaling(dataset, pick("dense"), workspace=store, models=models)


@pytest.mark.parametrize("phase", ["preparing 6 of 24 documents", "timing one query at a time", "timing vectors"])
def test_cancel_leaves_nothing_behind(workspace: Path, temporary: Path, phase: str) -> None:
    cancel = CancelToken()

    def on_progress(event: ProgressEvent) -> None:
        if event.label.startswith(phase):
            cancel.cancel()

    store = Workspace(workspace)
    with pytest.raises(Cancelled):
        measure_scaling(
            make_dataset(), pick("dense"), workspace=store, models=FakeModels(), cancel=cancel, on_progress=on_progress
        )
    assert list_files(temporary) == set()
    assert list(open_files(temporary)) == []
    assert list_files(workspace / "indexes") == set()


def test_progress_goes_from_nothing_to_the_end(workspace: Path) -> None:
    events: list[ProgressEvent] = []
    measure_scaling(
        make_dataset(), pick("bm25"), workspace=Workspace(workspace), models=FakeModels(), on_progress=events.append
    )
    assert {event.total for event in events} == {6.0}  # four sizes, the queries, the widths
    shares = [event.share for event in events]
    assert (shares, shares[0]) == (sorted(shares), 0.0)
    assert shares[-1] >= 5 / 6


def test_a_system_that_fails_is_left_out(workspace: Path) -> None:
    store, models = Workspace(workspace), FakeModels()
    broken = dataclasses.replace(NAMED["dense"], name="broken", dense=Dense(model=MISSING))
    scaling = measure_scaling(make_dataset(), {"broken": broken, **pick("bm25")}, workspace=store, models=models)
    assert list(scaling.systems) == ["bm25"]
    with pytest.raises(InputError, match="none of the systems broken could be timed; compare them"):
        measure_scaling(make_dataset(), {"broken": broken}, workspace=store, models=models)


def test_subsets_are_nested_and_drawn_by_the_seed() -> None:
    dataset = make_dataset()
    subsets = draw_subsets(dataset, SIZES, seed=0)
    ids = {count: set(subset.documents["doc_id"]) for count, subset in subsets.items()}
    assert [len(found) for found in ids.values()] == list(ids) == [3, 6, 12, 24]
    assert ids[3] < ids[6] < ids[12] < ids[24]
    assert all(subset.judgments.empty and len(subset.queries) == 5 for subset in subsets.values())
    assert subsets[24].corpus_fingerprint == dataset.corpus_fingerprint
    assert len(dataset.judgments) == 1  # unchanged
    again = draw_subsets(dataset, SIZES, seed=0)
    assert [subset.fingerprint for subset in again.values()] == [subset.fingerprint for subset in subsets.values()]
    assert set(draw_subsets(dataset, SIZES, seed=1)[3].documents["doc_id"]) != ids[3]
    # Of 100, 200, 400, 800 and 1,600 documents the small ones are left out; of 400, 800 and less, none.
    many = make_dataset(documents=1600)
    assert list(draw_subsets(many, (1 / 16, *SIZES), seed=0)) == [400, 800, 1600]
    assert list(draw_subsets(many, (1 / 16, 1 / 8, 1 / 4, 1 / 2), seed=0)) == [100, 200, 400, 800]
    assert list(draw_subsets(dataset, (1, 0.5, 0.51, 0.25), seed=0)) == [6, 12, 24]  # equal sizes come once


WRONG: dict[str, tuple[Callable[[Workspace], object], str]] = {
    "no systems": (lambda store: measure_scaling(make_dataset(), {}, workspace=store), "no systems were chosen"),
    "a share above 1": (
        lambda store: measure_scaling(make_dataset(), pick("bm25"), workspace=store, sizes=(0.5, 1, 2)),
        "a size of 2 was asked for; sizes are shares of the documents, above 0 and at most 1",
    ),
    "too few documents": (
        lambda store: measure_scaling(make_dataset(documents=2), pick("bm25"), workspace=store),
        "2 documents in shares of 0.125, 0.25, 0.5, 1 give 2 different sizes, and a fit needs three",
    ),
    "no documents": (
        lambda store: measure_scaling(
            dataclasses.replace(make_dataset(), documents=make_dataset().documents.iloc[:0]), pick("bm25"), workspace=store
        ),
        "0 documents in shares of 0.125, 0.25, 0.5, 1 give 0 different sizes",
    ),
    "no queries": (
        lambda store: measure_scaling(
            dataclasses.replace(make_dataset(), queries=make_queries({})), pick("bm25"), workspace=store
        ),
        "no queries in the split 'all'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_are_told(workspace: Path, case: str) -> None:
    call, text = WRONG[case]
    with pytest.raises(InputError) as caught:
        call(Workspace(workspace))
    assert text in str(caught.value)


def test_kept_measurements_are_found_by_corpus_and_system(workspace: Path) -> None:
    store, models, dataset = Workspace(workspace), FakeModels(), make_dataset()
    systems = pick("bm25", "bm25-filtered")
    assert load_scaling(dataset, systems, workspace=store) is None
    scaling = measure_scaling(dataset, systems, workspace=store, models=models)
    save_scaling(scaling, store)
    assert load_scaling(dataset, systems, workspace=store) == scaling
    # A part of them, under another name; never a part of what is asked for.
    renamed = {"mine": dataclasses.replace(NAMED["bm25"], name="mine", description="")}
    found = load_scaling(dataset, renamed, workspace=store)
    assert found is not None
    assert found.systems == {"mine": scaling.systems["bm25"]}
    assert load_scaling(dataset, pick("bm25", "dense"), workspace=store) is None
    assert load_scaling(dataset, {}, workspace=store) is None
    assert load_scaling(make_dataset(documents=25), systems, workspace=store) is None
    # Two sessions: times under different load cannot be compared.
    save_scaling(measure_scaling(dataset, pick("bm25"), workspace=store, models=models), store)
    assert load_scaling(dataset, systems, workspace=store) is None
    assert load_scaling(dataset, pick("bm25-filtered"), workspace=store) is not None
