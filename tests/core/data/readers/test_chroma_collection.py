"""Chroma collections: what is read, that the source stays as it was, and what is said when something is in the way."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data.load import load_dataset
from core.data.readers.chroma_collection import PAGE, open_collection
from core.data.readers.chroma_place import ChromaPlace, find_place
from core.errors import InputError
from tests.support.chroma import TEXTS, hash_files, make_collection, run_server


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_collection(tmp_path_factory.mktemp("kept") / "store")


def describe(place: str | Path) -> Any:
    found = find_place(place)
    assert found is not None
    with open_collection(found) as collection:
        return collection


def test_every_item_is_a_document_and_the_folder_stays_as_it_was(kept: Path) -> None:
    before = hash_files(kept)
    dataset = load_dataset(kept)
    assert dataset.documents["doc_id"].tolist() == [f"i{row}" for row in range(len(TEXTS))]
    assert dataset.documents["text"].tolist() == list(TEXTS)
    assert dataset.documents["metadata"].tolist() == [{"page": row} for row in range(len(TEXTS))]
    assert dataset.queries.empty and dataset.warnings == () and dataset.name == "store"
    assert hash_files(kept) == before


def test_queries_and_labels_may_be_tables(tmp_path: Path, kept: Path) -> None:
    shutil.copytree(kept, tmp_path / "store")
    (tmp_path / "store" / "queries.csv").write_text("qid,query\nq,battery\n")
    (tmp_path / "store" / "qrels.csv").write_text("qid,docid,rel\nq,i0,2\n")
    dataset = load_dataset(tmp_path / "store")
    assert dataset.judgments[["query_id", "doc_id", "relevance"]].to_numpy().tolist() == [["q", "i0", 2]]


def test_queries_and_labels_beside_it_are_its_own(tmp_path: Path, kept: Path) -> None:
    shutil.copytree(kept, tmp_path / "inside")
    shutil.copytree(kept, tmp_path / "beside" / "store")
    for folder in (tmp_path / "inside", tmp_path / "beside"):
        (folder / "queries.jsonl").write_text('{"_id": "q", "text": "battery"}\n')
        (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\ti0\t1\n")
    for place in (tmp_path / "inside", tmp_path / "beside", tmp_path / "beside" / "store"):
        dataset = load_dataset(place)
        assert dataset.queries["text"].tolist() == ["battery"] and dataset.judgments["doc_id"].tolist() == ["i0"], place


def test_one_of_several_is_chosen_by_name(tmp_path: Path) -> None:
    folder = make_collection(make_collection(tmp_path, "first", texts=TEXTS[:2]), "second", texts=TEXTS[:3])
    with pytest.raises(InputError, match=rf"holds 2 collections \(first, second\); say which one, as in {folder}#first$"):
        load_dataset(folder)
    dataset = load_dataset(f"{folder}#second")
    assert len(dataset.documents) == 3 and dataset.name == "second"
    with pytest.raises(InputError, match="has no collection 'third'; there is first, second"):
        load_dataset(Path(f"{folder}#third"))


def test_items_without_text_are_counted_and_left_out(tmp_path: Path) -> None:
    folder = make_collection(tmp_path / "a", texts=[*TEXTS[:2], None, None, "  "])
    dataset = load_dataset(folder)
    assert dataset.documents["doc_id"].tolist() == ["i0", "i1"]
    (warning,) = dataset.warnings
    # The order is the collection's: items with a text were added first.
    assert warning == "3 items of the collection have a vector but no text, and are left out: i4, i2, i3."
    with pytest.raises(InputError, match="has 1 item, none of them with a text"):
        load_dataset(make_collection(tmp_path / "b", texts=[None]))


def test_ids_that_no_labels_file_can_hold_are_changed_and_said(tmp_path: Path) -> None:
    dataset = load_dataset(make_collection(tmp_path, texts=TEXTS[:2], ids=[" a\tb", "c"]))
    assert dataset.documents["doc_id"].tolist() == ["a b", "c"]
    assert dataset.warnings == ("White space in 1 id of the collection was made single spaces: a b.",)


@pytest.mark.parametrize(
    ("options", "distance", "model"),
    [
        ({}, "l2", ""),
        ({"metadata": {"hnsw:space": "cosine"}}, "cosine", ""),
        ({"configuration": {"hnsw": {"space": "ip"}}, "metadata": {"embedding_model": "some/model"}}, "ip", "some/model"),
    ],
)
def test_distance_and_model_are_those_kept_with_it(tmp_path: Path, options: Any, distance: str, model: str) -> None:
    found = describe(make_collection(tmp_path, texts=TEXTS[:1], **options))
    assert (found.distance, found.model, found.dimension, found.count) == (distance, model, 6, 1)


def test_a_stored_embedding_function_is_read_and_never_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from chromadb.utils import embedding_functions

    class Spy:
        def __init__(self, **_: Any) -> None:
            raise AssertionError("it was made")

        build_from_config = __init__

    monkeypatch.setitem(embedding_functions.known_embedding_functions, "sentence_transformer", Spy)
    function = {"type": "known", "name": "sentence_transformer", "config": {"model_name": "some/model"}}
    with sqlite3.connect(make_collection(tmp_path) / "chroma.sqlite3") as database:
        (kept,) = database.execute("SELECT config_json_str FROM collections").fetchone()
        changed = json.dumps({**json.loads(kept), "embedding_function": function})
        database.execute("UPDATE collections SET config_json_str = ?, schema_str = NULL", [changed])
    assert describe(tmp_path).model == "some/model"
    assert load_dataset(tmp_path).documents["text"].tolist() == list(TEXTS)


def test_pages_join_to_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.data.readers.chroma_collection.PAGE", 3)
    vectors = np.arange(16, dtype=np.float32).reshape(8, 2) + 1
    place = find_place(make_collection(tmp_path, vectors=vectors))
    assert place is not None and PAGE > 3
    said: list[float] = []
    with open_collection(place) as collection:
        pages = list(collection.read_pages(vectors=True, on_progress=lambda event: said.append(event.done)))
    assert [len(page[0]) for page in pages] == [3, 3, 2] and said == [0, 3, 6]
    assert np.array_equal(np.concatenate([page[3] for page in pages]), vectors)


def test_a_change_that_was_not_finished_is_not_read(tmp_path: Path) -> None:
    """A program that was killed, or is in the middle of writing, leaves a journal: the copy is what was there before."""
    folder = make_collection(tmp_path / "store", texts=TEXTS[:2])
    database = sqlite3.connect(folder / "chroma.sqlite3", isolation_level=None)
    database.execute("PRAGMA cache_size = 1")
    database.execute("BEGIN EXCLUSIVE")  # and nobody else may read
    database.execute("UPDATE embedding_metadata SET string_value = 'half' || hex(randomblob(20000))")
    assert (folder / "chroma.sqlite3-journal").stat().st_size
    before = hash_files(folder)
    assert load_dataset(folder).documents["text"].tolist() == list(TEXTS[:2])
    assert hash_files(folder) == before
    database.execute("ROLLBACK")
    database.close()


def test_a_folder_that_is_written_to_meanwhile_is_said(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "store"
    shutil.copytree(kept, folder)
    monkeypatch.setattr("core.data.readers.chroma_place._PAUSE", 0.0)
    real = shutil.copyfile

    def copy_and_write(source: Path, target: Path, **options: Any) -> Any:
        done = real(source, target, **options)
        with (folder / "chroma.sqlite3-wal").open("ab") as file:
            file.write(b"x")
        return done

    monkeypatch.setattr(shutil, "copyfile", copy_and_write)
    with pytest.raises(InputError, match="changes while it is read: another program writes to it; stop that program"):
        load_dataset(folder)


def test_what_is_no_chroma_folder_or_damaged(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "garbage").mkdir()
    (tmp_path / "garbage" / "chroma.sqlite3").write_bytes(b"garbage" * 1000)
    with pytest.raises(InputError, match="no database of Chroma's, or damaged"):
        load_dataset(tmp_path / "garbage")
    (tmp_path / "other").mkdir()
    sqlite3.connect(tmp_path / "other" / "chroma.sqlite3").execute("CREATE TABLE other (x)").connection.close()
    with pytest.raises(InputError, match="no such table: collections"):
        load_dataset(tmp_path / "other")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "chroma-collections.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"written by Chroma before 0\.4"):
        load_dataset(tmp_path / "old")
    shutil.copytree(kept, tmp_path / "cut")
    for part in (tmp_path / "cut").glob("*/*.bin"):
        part.write_bytes(b"")
    with sqlite3.connect(tmp_path / "cut" / "chroma.sqlite3") as database:
        database.execute("DELETE FROM embeddings_queue")
        database.execute("DROP TABLE embedding_metadata")
    with pytest.raises(InputError, match=r"chromadb 1\.\S+ cannot read it \(.*; its files are damaged, or of another version"):
        load_dataset(tmp_path / "cut")
    with pytest.raises(InputError, match="holds no collection"):
        from core.data.chroma_client import connect_folder

        connect_folder(tmp_path / "empty").close()
        load_dataset(tmp_path / "empty")


def test_a_server_is_read_like_its_folder(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "store")
    with run_server(tmp_path / "store") as address:
        assert load_dataset(Path(f"{address}/docs")).fingerprint == load_dataset(kept).fingerprint
        with pytest.raises(InputError, match=f"{address}: has no collection 'other'; there is docs"):
            load_dataset(f"{address}/other")
    with pytest.raises(InputError, match="no Chroma server answers there"):
        load_dataset(f"{address}/docs")


@pytest.mark.parametrize("address", ["chroma://", "chroma://host:0/x", "chroma://host:99999/x", "chroma://host/a/b"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InputError, match="no address of a Chroma server; write chroma://HOST:PORT/COLLECTION"):
        find_place(address)


def test_how_places_are_written(kept: Path) -> None:
    assert find_place("chromas:/h/x") == ChromaPlace(host="h", tls=True, collection="x")
    assert str(find_place("chroma://[::1]:81/x")) == "chroma://[::1]:81/x"
    assert str(find_place(f"{kept}#docs")) == f"{kept}#docs"
    assert find_place(kept / "nothing") is None and find_place("product_docs") is None
