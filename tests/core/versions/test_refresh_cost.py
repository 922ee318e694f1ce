"""What keeping up costs: seconds and money of a refresh, next to retraining, by arithmetic."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.data.dataset import Dataset
from core.graph.resources import Resources
from core.schema import list_passages
from core.settings import get_threads
from core.systems.trained import READY, TrainedModel, save_model
from core.training.estimate import estimate_training
from core.training.request import make_plan
from core.versions.build import machine_rate
from core.versions.contents import read_contents
from core.versions.refresh import Changes, Refreshed, refresh
from core.versions.refresh_cost import compare_refresh_cost, read_refresh_cost
from tests.support.versions import DATASET, edit, make_corpus, named, put_live, resources_of

SPEED = 1000.0  # characters a second


@pytest.fixture
def corpus(tmp_path: Path) -> Dataset:
    return make_corpus(tmp_path)


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    resources = resources_of(tmp_path / "w")
    resources.workspace.write_facts("encoding-speed", {"characters_per_second": SPEED})
    return resources


def change(corpus: Dataset) -> Dataset:
    """Two of the documents changed, one added."""
    ids = corpus.documents["doc_id"].tolist()
    texts = {ids[row]: {"text": f"The price of the relay, {row}."} for row in (1, 2)}
    return edit(corpus, change=texts, add=({"doc_id": "new", "text": "The clock of the hub."},))


def test_a_refresh_is_told_by_the_percent(corpus: Dataset, resources: Resources) -> None:
    version = put_live(corpus, named("dense"), resources)
    changes = Changes(added=("a",), changed=("b", "c"), deleted=("d",), before=80, after=80)  # 4 of 80: 5 %
    told = compare_refresh_cost(Refreshed(version, changes, seconds=9.0, load_seconds=4.0), corpus, resources)
    rate = machine_rate(resources)
    assert told["refresh"] == {
        "seconds": 9.0,
        "usd": pytest.approx(9.0 * rate),
        "share": 0.05,
        "seconds_per_percent": 1.0,  # (9 - 4) s for 5 %: loading the model takes the same for any share
        "usd_per_percent": pytest.approx(rate),
    }


def test_without_a_change_there_is_no_price_of_a_percent(corpus: Dataset, resources: Resources) -> None:
    version = put_live(corpus, named("dense"), resources)
    told = compare_refresh_cost(Refreshed(version, Changes((), (), (), 80, 80), seconds=0.2), corpus, resources)
    assert (told["refresh"]["seconds_per_percent"], told["refresh"]["usd_per_percent"]) == (None, None)


@pytest.mark.parametrize("system", ["dense", "bm25"])
def test_retraining_is_a_training_and_the_whole_corpus(corpus: Dataset, resources: Resources, system: str) -> None:
    version = put_live(corpus, named(system), resources)
    told = compare_refresh_cost(Refreshed(version, Changes((), (), (), 80, 80)), corpus, resources)["retraining"]
    chunks = read_contents(version, resources.workspace).chunks
    texts = list_passages(chunks) if chunks is not None else list(corpus.documents["text"])
    assert told["embed_seconds"] == pytest.approx(sum(map(len, texts)) / SPEED)
    assert told["training_seconds"] == estimate_training(corpus, make_plan("embedding"), resources)
    assert told["seconds"] == told["training_seconds"] + told["embed_seconds"]
    assert told["usd"] == pytest.approx(told["seconds"] * machine_rate(resources))
    assert (told["measured"], told["model"]) == (False, None)


def test_what_a_training_took_here_is_believed(corpus: Dataset, resources: Resources) -> None:
    """Of embedding models alone: an adapter takes seconds."""
    version = put_live(corpus, named("bm25"), resources)
    nothing = Refreshed(version, Changes((), (), (), 80, 80))
    adapter = TrainedModel(
        id="adapter-0123456789", kind="adapter", base="m", base_revision="", system={}, dataset=DATASET, fingerprint="",
        split={}, plan={}, data={}, created="2026-01-01T00:00:00+00:00", seconds=9.0, state=READY,
    )  # fmt: skip
    save_model(adapter, resources.workspace)
    assert not compare_refresh_cost(nothing, corpus, resources)["retraining"]["measured"], "the adapter does not count"
    trained = dataclasses.replace(adapter, id="embedding-0123456789", kind="embedding", seconds=1234.0)
    save_model(trained, resources.workspace)
    told = compare_refresh_cost(nothing, corpus, resources)["retraining"]
    assert (told["measured"], told["model"], told["training_seconds"]) == (True, trained.id, 1234.0)


def test_the_price_is_that_of_all_cores(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.costs.prices import read_prices

    price = read_prices(resources.workspace).get("cpu").price_usd
    assert machine_rate(resources) == pytest.approx(price * get_threads() / 3600)
    monkeypatch.setattr("core.versions.build.get_threads", lambda: 6)
    assert machine_rate(resources) == pytest.approx(price * 6 / 3600)


def test_what_was_written_down_of_a_refresh_tells_the_same(corpus: Dataset, resources: Resources) -> None:
    first = put_live(corpus, named("dense"), resources)
    later = change(corpus)
    assert read_refresh_cost(first, later, resources) is None, "built whole"
    refreshed = refresh(later, resources_of(resources.workspace.folder))
    now, then = compare_refresh_cost(refreshed, later, resources), read_refresh_cost(refreshed.version, later, resources)
    assert then is not None and then["retraining"] == now["retraining"]
    assert then["refresh"]["share"] == now["refresh"]["share"] == refreshed.changes.share == 3 / len(corpus.documents)
    work = refreshed.version.work
    assert (
        (work["passages_added"], work["passages_removed"]) == (refreshed.passages_added, refreshed.passages_removed) == (3, 2)
    )
    per_percent = (work["seconds"] - work["load_seconds"]) / (100 * refreshed.changes.share)
    assert then["refresh"]["seconds_per_percent"] == pytest.approx(per_percent)
    assert 0 < work["seconds"] <= refreshed.seconds


def test_a_refresh_from_nothing_and_one_of_an_older_product(corpus: Dataset, resources: Resources) -> None:
    version = put_live(corpus, named("bm25"), resources)
    work = {"seconds": 2.0, "added": 7, "changed": 0, "deleted": 0, "documents_before": 0}  # no load_seconds was written then
    told = read_refresh_cost(dataclasses.replace(version, parent="p", work=work), corpus, resources)
    assert told is not None and (told["refresh"]["share"], told["refresh"]["seconds_per_percent"]) == (1.0, 0.02)
