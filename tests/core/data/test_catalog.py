"""The catalog: names, taking uploads in, forgetting folders, and nothing that is half-loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.data.catalog import (
    CatalogEntry,
    add_dataset,
    check_name,
    find_dataset,
    find_named,
    list_datasets,
    list_import_folders,
    name_import,
    new_import_folder,
    open_dataset,
    open_named,
    read_notes,
    remember_folder,
    remove_dataset,
    suggest_name,
)
from core.data.label_rules import LabelRules
from core.data.load import load_dataset
from core.errors import InputError, NotInWorkspace
from core.workspace import Workspace
from tests.support.chroma import make_collection
from tests.support.shards import write_parts


@pytest.fixture
def store(workspace: Path) -> Workspace:
    return Workspace(workspace)


def write_corpus(folder: Path, *texts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"_id": f"d{number}", "text": text}) for number, text in enumerate(texts, start=1)]
    (folder / "corpus.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def own(store: Workspace) -> list[tuple[str, str]]:
    return [(entry.name, entry.kind) for entry in list_datasets(store) if entry.kind != "sample"]


def test_uploaded_dataset_is_listed_opened_and_removed(tmp_path: Path, store: Workspace) -> None:
    source = write_corpus(tmp_path / "in", "one", "two")
    added = add_dataset(source, "mine", store)
    assert own(store) == [("mine", "uploaded")]
    assert open_dataset("mine", store).fingerprint == added.fingerprint == load_dataset(source).fingerprint
    remove_dataset("mine", store)
    assert own(store) == [] and source.is_dir()
    assert list(store.datasets.iterdir()) == []
    with pytest.raises(NotInWorkspace, match="'mine' is not here"):
        remove_dataset("mine", store)


def test_shards_are_taken_in_with_their_queries_and_labels(tmp_path: Path, store: Workspace) -> None:
    source = write_parts(tmp_path / "set", corpus="corpus/corpus", queries="queries/queries", qrels="qrels/test")
    assert add_dataset(source, "mine", store).fingerprint == load_dataset(source).fingerprint
    again = open_named("mine", store)
    assert again.fingerprint == load_dataset(source).fingerprint and len(again.judgments) == 3


def test_one_of_several_languages_is_opened_by_its_name(tmp_path: Path, store: Workspace) -> None:
    folder = write_parts(tmp_path / "set", corpus="de-corpus/test", queries="de-queries/test", qrels="de-qrels/test")
    write_parts(folder, corpus="sw-corpus/test", queries="sw-queries/test", qrels="sw-qrels/test")
    dataset = open_dataset(f"{folder}#sw", store)
    assert dataset.name == "set-sw" and open_named("set-sw", store).fingerprint == dataset.fingerprint
    with pytest.raises(InputError, match="there is no dataset"):
        open_dataset(f"{tmp_path}/nothing#sw", store)


def test_a_chroma_folder_is_taken_in_with_the_labels_beside_it(tmp_path: Path, store: Workspace) -> None:
    source = make_collection(tmp_path / "store")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "battery"}\n')
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\ti0\t1\n")
    assert add_dataset(source, "mine", store).fingerprint == open_named("mine", store).fingerprint
    assert len(open_named("mine", store).judgments) == 1


def test_what_is_said_of_labels_is_kept_with_the_dataset(tmp_path: Path, store: Workspace) -> None:
    folder = write_corpus(tmp_path / "mine", "one", "two")
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "?"}')
    (folder / "qrels.tsv").write_text("q 0 d1 2\nq 0 d2 1\n")
    assert open_dataset(str(folder), store).relevant_from == 1
    assert open_dataset(str(folder), store, rules=LabelRules(relevant_from=2)).relevant_from == 2
    assert open_named("mine", store).relevant_from == open_dataset(str(folder), store).relevant_from == 2
    add_dataset(folder, "copy", store)
    assert open_named("copy", store).relevant_from == 1  # it is another dataset
    remove_dataset("mine", store)
    assert open_dataset(str(folder), store).relevant_from == 1  # nothing of a removed one is left

    (folder / "labels.json").write_text('{"relevant_from": 2}')  # what lies in the folder is taken along
    add_dataset(folder, "third", store)
    assert open_named("third", store).relevant_from == 2
    with pytest.raises(InputError, match="cannot count as relevant"):
        LabelRules(relevant_from=-1)


def test_labels_are_copied_as_they_are(tmp_path: Path, store: Workspace) -> None:
    source = write_corpus(tmp_path / "in", "one", "two")
    (source / "queries.jsonl").write_text('{"_id": "q", "text": "x", "evidence": [{"doc_id": "gone", "quote": "abc"}]}\n')
    (source / "qrels").mkdir()
    (source / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n")
    (source / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td2\t1\nother\td2\t1\n")
    first = add_dataset(source, "mine", store)
    again = open_dataset("mine", store)
    assert again.fixed_split and again.fingerprint == first.fingerprint
    # The warnings are those of the files, once: no note repeats what the copy says itself.
    assert again.warnings == first.warnings and len(first.warnings) == 4
    assert read_notes(find_dataset("mine", store)) == []


def test_documents_are_converted_and_their_warnings_kept(tmp_path: Path, store: Workspace) -> None:
    source = tmp_path / "in"
    (source / "guides").mkdir(parents=True)
    (source / "guides" / "a.md").write_text("# Title\n\nThe text.\n", encoding="utf-8")
    (source / "picture.png").write_bytes(b"x")
    (source / "queries.jsonl").write_text('{"_id": "q", "text": "x", "evidence": [{"doc_id": "guides/a.md", "quote": "The"}]}')
    first = add_dataset(source, "docs", store)
    entry = find_dataset("docs", store)
    again = open_dataset("docs", store)
    assert (entry.path / "corpus.jsonl").is_file()
    assert again.fingerprint == first.fingerprint and len(again.judgments) == 1
    assert again.warnings == ()
    assert read_notes(entry) == [
        "1 file (images) was not read: picture.png; if they hold text that should be found, run OCR and give the text or PDF."
    ]
    assert read_notes(CatalogEntry("docs", entry.path, "folder")) == []


def test_a_path_is_no_name(tmp_path: Path, store: Workspace) -> None:
    """Names from links and imported files are looked up among what was loaded; only a person at this machine gives paths."""
    source = write_corpus(tmp_path / "in", "one")
    with pytest.raises(InputError, match=r"there is no dataset '/.*choose one of these names"):
        find_named(str(source), store)
    open_dataset(str(source), store)
    assert find_named("in", store).path == source
    assert open_named("in", store).fingerprint == load_dataset(source).fingerprint
    with pytest.raises(InputError):
        open_named("../in", store)


def test_bad_data_leaves_nothing(tmp_path: Path, store: Workspace) -> None:
    source = write_corpus(tmp_path / "in", "one")
    (source / "queries.jsonl").write_text("{broken\n")
    with pytest.raises(InputError, match=r"queries\.jsonl, line 1"):
        add_dataset(source, "mine", store)
    with pytest.raises(InputError, match="line 1"):
        open_dataset(str(source), store)
    assert own(store) == []
    assert list(store.datasets.iterdir()) == []
    assert not (store.folder / "imports").exists() or list((store.folder / "imports").iterdir()) == []


def test_an_existing_dataset_is_never_overwritten(tmp_path: Path, store: Workspace) -> None:
    first = add_dataset(write_corpus(tmp_path / "a", "one"), "mine", store)
    with pytest.raises(InputError, match=r"already a dataset “MINE”.*another name"):
        add_dataset(write_corpus(tmp_path / "b", "two"), "MINE", store)
    assert open_dataset("mine", store).fingerprint == first.fingerprint
    assert suggest_name("mine.zip", store) == "mine-2"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Give the dataset a name"),
        ("../out", "letters, digits"),
        ("a/b", "letters, digits"),
        (".hidden", "begins and ends with a letter or digit"),
        ("x" * 61, "61 characters, 60 is the most"),
    ],
)
def test_names_that_are_refused(tmp_path: Path, store: Workspace, name: str, sentence: str) -> None:
    assert sentence in str(check_name(name, store))
    with pytest.raises(InputError):
        add_dataset(write_corpus(tmp_path / "in", "one"), name, store)
    assert own(store) == []


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("My docs.zip", "My docs"), ("a/b:c.csv", "a-b-c"), ("...", "my-data"), ("Übung 3", "Übung 3"), ("y" * 90, "y" * 56)],
)
def test_suggested_names_are_accepted(store: Workspace, wanted: str, name: str) -> None:
    assert suggest_name(wanted, store) == name
    assert check_name(name, store) is None


def test_folders_are_remembered_only_after_they_were_read(tmp_path: Path, store: Workspace) -> None:
    folder = write_corpus(tmp_path / "here" / "set", "one")
    assert find_dataset(str(folder), store).name == "set"
    assert own(store) == []
    open_dataset(str(folder), store)
    assert own(store) == [("set", "folder")]
    other = write_corpus(tmp_path / "there" / "set", "two")
    assert open_dataset(str(other), store).name == "set-2"
    assert remember_folder(other, store) == "set-2"
    assert own(store) == [("set", "folder"), ("set-2", "folder")]
    remove_dataset("set", store)
    assert own(store) == [("set-2", "folder")] and folder.is_dir()


def test_no_name_opens_nothing(store: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_corpus(tmp_path / "here", "one"))  # an empty name is not the folder one happens to be in
    with pytest.raises(InputError, match="there is no dataset ''"):
        open_dataset("", store)


def test_samples_cannot_be_removed(store: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("core.data.samples.SAMPLES", tmp_path / "samples")
    write_corpus(tmp_path / "samples" / "ours", "one")
    with pytest.raises(InputError, match="comes with the product"):
        remove_dataset("ours", store)
    assert (tmp_path / "samples" / "ours" / "corpus.jsonl").is_file()


def test_unfinished_uploads_are_listed_by_name(store: Workspace) -> None:
    folder = new_import_folder("My - docs.zip", store)
    assert list_import_folders(store) == []
    folder.mkdir()
    assert list_import_folders(store) == [folder]
    assert name_import(folder) == "My - docs"
    assert own(store) == []
