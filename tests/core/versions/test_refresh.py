"""Refreshing: what changed is found by content, that alone is embedded, and the result is what a full rebuild gives."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.errors import Cancelled, InputError
from core.graph.resources import Resources
from core.versions import refresh as refreshing
from core.versions.build import build_version
from core.versions.contents import open_version, read_contents
from core.versions.refresh import find_changes, look_for_changes, refresh
from core.versions.version import list_unfinished, list_versions, load_version, read_live
from tests.support.assessments import AxisModels
from tests.support.models import make_documents
from tests.support.versions import DATASET, edit, make_corpus, named, put_live, resources_of

QUERIES = ["battery of the hub", "cost", "desk clock setup", "restart the relay in the cellar", "no such thing"]


@pytest.fixture
def corpus(tmp_path: Path) -> Dataset:
    """A part of it: topics of five products."""
    whole = make_corpus(tmp_path)
    return dataclasses.replace(whole, documents=whole.documents.head(40))


def list_ids(corpus: Dataset) -> list[str]:
    return corpus.documents["doc_id"].tolist()


def change_some(corpus: Dataset) -> Dataset:
    """One text, one title and one metadata field changed, two documents deleted, two added, one of them empty."""
    ids = list_ids(corpus)
    return edit(
        corpus,
        change={
            ids[3]: {"text": "The battery of the relay lasts a year.\n\nThen the price of a new meter is due. " * 30},
            ids[5]: {"title": "Setup of the panel in the attic"},
            ids[8]: {"metadata": {"product": "hub", "version": "9.9"}},
        },
        delete=(ids[0], ids[10]),
        add=({"doc_id": "new-1", "title": "Price of a gateway", "text": "A gateway costs more."}, {"doc_id": "new-2"}),
    )


def search(version: object, resources: Resources, *, filter: dict | None = None) -> pd.DataFrame:
    opened = open_version(version, resources.workspace, models=resources.models)  # type: ignore[arg-type]
    name = version.name  # type: ignore[attr-defined]
    answer = opened.search(QUERIES, {name: version.read_system()}, filter=filter)[name]  # type: ignore[attr-defined]
    assert answer.error is None
    return answer.run


def test_changes_are_found_by_content() -> None:
    before = make_documents({"a": "one", "b": "two", "c": "three", "d": "four"}, {"d": {"year": 1}})
    after = make_documents({"d": "four", "e": "five", "b": "two!", "a": "one"}, {"d": {"year": 2}})
    changes = find_changes(before, after)
    # e is new; the text of b and the metadata of d changed; c is gone; a only moved
    assert (changes.added, changes.changed, changes.deleted) == (("e",), ("d", "b"), ("c",))
    assert (changes.before, changes.after, changes.count, changes.share) == (4, 4, 4, 1.0)
    assert find_changes(before, before).count == 0
    assert find_changes(before.iloc[:0], before).share == 1.0
    assert find_changes(before.iloc[:0], before.iloc[:0]).share == 0.0


@pytest.mark.parametrize(
    "name", ["dense", "dense-whole", "dense-window", "dense-parent", "dense-filtered", "hybrid-rrf", "hybrid-rerank", "bm25"]
)
def test_a_refreshed_index_is_what_a_rebuild_gives(tmp_path: Path, corpus: Dataset, name: str) -> None:
    resources = resources_of(tmp_path / "w")
    first = put_live(corpus, named(name), resources)
    later = change_some(corpus)
    result = refresh(later, resources_of(tmp_path / "w"))
    fresh = resources_of(tmp_path / "other")
    rebuilt = build_version(later, named(name), fresh)
    assert (result.version.id, result.version.passages) == (rebuilt.id, rebuilt.passages)
    mine, full = read_contents(result.version, resources.workspace), read_contents(rebuilt, fresh.workspace)
    assert mine.names == full.names
    assert mine.corpus.corpus_fingerprint == full.corpus.corpus_fingerprint == later.corpus_fingerprint
    if mine.chunks is not None and full.chunks is not None:
        pd.testing.assert_frame_equal(mine.chunks, full.chunks, check_dtype=False)
        np.testing.assert_array_equal(mine.matrix, full.matrix)
    for wanted in (None, {"version": "9.9"}):
        pd.testing.assert_frame_equal(
            search(result.version, resources, filter=wanted), search(rebuilt, fresh, filter=wanted), check_dtype=False
        )
    live = read_live(DATASET, resources.workspace)
    assert (live.version, live.previous) == (result.version.id, (first.id,))


def test_the_index_finds_what_exact_search_finds(tmp_path: Path, corpus: Dataset) -> None:
    """The collection itself was changed: new passages are there, old ones gone, filters read the new metadata."""
    resources = resources_of(tmp_path / "w")
    put_live(corpus, named("dense-filtered"), resources)
    version = refresh(change_some(corpus), resources_of(tmp_path / "w")).version
    opened = open_version(version, resources.workspace, models=resources.models)
    system = version.read_system()
    target = opened._take_apart(system).target
    index = opened._memory[target.get_first("dense_index").key]
    vectors = index.vectors.matrix
    rows = [rows for rows, _ in index.approximate(vectors, [{}] * len(vectors), depth=len(vectors))]
    assert {len(found) for found in rows} == {len(vectors)}, "every passage is in it, once"
    assert index.open().count() == len(vectors)
    changed = list_ids(corpus)[8]
    (found, _), *_ = index.approximate(vectors[:1], [{"version": "9.9"}], depth=50)
    assert set(index.vectors.chunks["doc_id"].to_numpy()[index.vectors.chunk_rows[found]]) == {changed}


def test_only_what_changed_is_embedded(tmp_path: Path, corpus: Dataset) -> None:
    resources = resources_of(tmp_path / "w")
    put_live(corpus, named("dense"), resources)
    models = AxisModels()
    changed = list_ids(corpus)[3]
    later = edit(corpus, change={changed: {"text": "The battery of the relay lasts a year."}})
    result = refresh(later, resources_of(tmp_path / "w", models))
    asked = models.fake.asked  # type: ignore[attr-defined]
    assert len(asked) == result.encoded_texts == result.passages_added == 1
    assert asked[0][0] == "document" and "lasts a year" in asked[0][1]
    assert result.changes.changed == (changed,) and result.passages_removed == 1
    assert result.version.work["documents_before"] == len(corpus.documents)


def test_a_metadata_change_embeds_nothing(tmp_path: Path, corpus: Dataset) -> None:
    resources = resources_of(tmp_path / "w")
    put_live(corpus, named("dense-filtered"), resources)
    models = AxisModels()
    later = edit(corpus, change={list_ids(corpus)[8]: {"metadata": {}}})
    result = refresh(later, resources_of(tmp_path / "w", models))
    assert not models.fake.asked and result.passages_added == result.passages_removed == 0
    assert result.changes.count == 1 and read_live(DATASET, resources.workspace).version == result.version.id


def test_without_a_change_nothing_happens(tmp_path: Path, corpus: Dataset) -> None:
    resources = resources_of(tmp_path / "w")
    version = put_live(corpus, named("dense"), resources)
    turned = dataclasses.replace(corpus, documents=corpus.documents.iloc[::-1].reset_index(drop=True))
    result = refresh(turned, resources)
    assert result.version == version and result.changes.count == 0
    assert [one.id for one in list_versions(DATASET, resources.workspace)] == [version.id]
    assert result.to_json()["changes"]["share"] == 0.0


def test_back_to_the_old_text_finds_the_old_version(tmp_path: Path, corpus: Dataset) -> None:
    resources = resources_of(tmp_path / "w")
    first = put_live(corpus, named("dense"), resources)
    second = refresh(change_some(corpus), resources).version
    assert second.parent == first.id
    assert refresh(corpus, resources).version.id == first.id
    assert read_live(DATASET, resources.workspace).previous == (first.id, second.id)


def test_everything_deleted_and_everything_new(tmp_path: Path, corpus: Dataset) -> None:
    resources = resources_of(tmp_path / "w")
    put_live(corpus, named("dense"), resources)
    later = edit(corpus, delete=tuple(list_ids(corpus)), add=({"doc_id": "only", "text": "The price of the hub."},))
    version = refresh(later, resources).version
    assert (version.documents, version.passages) == (1, 1)
    assert set(search(version, resources)["doc_id"]) == {"only"}


def test_nothing_live_and_a_model_that_changed_are_told(
    tmp_path: Path, corpus: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = resources_of(tmp_path / "w")
    with pytest.raises(InputError, match="no version of notes is live; build one with `versions notes --build SYSTEM`"):
        refresh(corpus, resources)
    put_live(corpus, named("dense"), resources)
    later = change_some(corpus)
    assert look_for_changes(later, resources)[1].count == 7
    monkeypatch.setattr("core.versions.version.model_revision", lambda name: "another")
    with pytest.raises(InputError, match="vectors of two models cannot be mixed"):
        refresh(later, resources)


def test_cancel_leaves_the_live_version_and_nothing_half(
    tmp_path: Path, corpus: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = resources_of(tmp_path / "w")
    version = put_live(corpus, named("dense"), resources)
    before = search(version, resources)

    def stop(*args: object, **options: object) -> int:
        raise Cancelled

    monkeypatch.setattr(refreshing, "update_collection", stop)
    with pytest.raises(Cancelled):
        refresh(change_some(corpus), resources)
    assert read_live(DATASET, resources.workspace).version == version.id
    pd.testing.assert_frame_equal(search(load_version(version.id, DATASET, resources.workspace), resources), before)
    assert len(list_unfinished(DATASET, resources.workspace)) == 1
    monkeypatch.undo()
    refresh(change_some(corpus), resources)
    assert list_unfinished(DATASET, resources.workspace) == []
