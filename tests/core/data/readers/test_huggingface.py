"""Folders of HuggingFace datasets: which layouts are read, and that no shard, row or grade is lost in silence."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from core.data.load import load_dataset
from core.errors import InputError
from tests.support.shards import ASKED, DOCS, JUDGED, write, write_parts

Rows = list[dict[str, Any]]


def judgments(folder: Any) -> list[tuple[str, str, int]]:
    return [tuple(row) for row in load_dataset(folder).judgments.to_numpy().tolist()]


@pytest.mark.parametrize(
    ("corpus", "queries", "qrels"),
    [
        ("corpus/corpus", "queries/queries", "qrels/test"),
        ("corpus/corpus", "queries/queries", "default/test"),
        ("corpus/train", "queries/train", "data/test"),
        ("data/corpus", "data/queries", "data/test"),
        ("de-corpus/test", "de-queries/test", "de-qrels/test"),
        ("corpus-de/corpus", "queries-de/queries", "qrels-de/test"),
    ],
)
def test_corpus_queries_and_judgments_in_shards(tmp_path: Path, corpus: str, queries: str, qrels: str) -> None:
    dataset = load_dataset(write_parts(tmp_path, corpus=corpus, queries=queries, qrels=qrels))
    assert dataset.documents[["doc_id", "title", "text"]].to_numpy().tolist() == [list(row.values()) for row in DOCS]
    assert dataset.queries[["query_id", "text"]].to_numpy().tolist() == [list(row.values()) for row in ASKED]
    assert dataset.judgments.to_numpy().tolist() == [["q0", "d0", 2], ["q1", "d1", 1], ["q2", "d2", 0]]
    assert dataset.warnings == ()


def test_files_as_the_hub_converts_them(tmp_path: Path) -> None:
    write(tmp_path / "corpus" / "corpus" / "0000.parquet", DOCS[:2])
    write(tmp_path / "corpus" / "corpus" / "0001.parquet", DOCS[2:])
    write(tmp_path / "queries" / "queries" / "0000.parquet", ASKED)
    write(tmp_path / "default" / "train" / "0000.parquet", JUDGED[1:])
    write(tmp_path / "default" / "test" / "0000.parquet", JUDGED[:1])
    dataset = load_dataset(tmp_path)
    assert len(dataset.documents) == 5 and len(dataset.judgments) == 3 and dataset.warnings == ()
    assert dataset.queries["split"].tolist() == ["test", "tuning", "tuning"]


def test_a_zip_of_it_is_the_same(tmp_path: Path) -> None:
    folder = write_parts(tmp_path / "set", corpus="corpus/corpus", queries="queries/queries", qrels="qrels/test")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(tmp_path))
    assert load_dataset(tmp_path / "set.zip").fingerprint == load_dataset(folder).fingerprint


def test_splits_of_the_judgments_are_the_datasets(tmp_path: Path) -> None:
    folder = write_parts(tmp_path, corpus="corpus/corpus", queries="queries/queries", qrels="qrels/test")
    write(folder / "qrels" / "test-00000-of-00001.parquet", JUDGED[:1])
    write(folder / "qrels" / "train-00000-of-00001.parquet", JUDGED[1:])
    dataset = load_dataset(folder)
    assert dataset.fixed_split and dataset.queries["split"].tolist() == ["test", "tuning", "tuning"]


def test_a_missing_shard_is_no_smaller_corpus(tmp_path: Path) -> None:
    folder = write_parts(tmp_path, corpus="corpus/corpus", queries="queries/queries", qrels="qrels/test")
    (folder / "corpus" / "corpus-00000-of-00002.parquet").unlink()
    with pytest.raises(InputError, match="1 shard of 2 of the split 'corpus' is missing, the first is number 00000"):
        load_dataset(folder)


def test_one_of_several_languages_is_chosen(tmp_path: Path) -> None:
    folder = write_parts(tmp_path, corpus="de-corpus/test", queries="de-queries/test", qrels="de-qrels/test")
    write_parts(tmp_path, corpus="sw-corpus/test", queries="sw-queries/test", qrels="sw-qrels/test")
    write(folder / "sw-corpus" / "test-00001-of-00002.parquet", DOCS[2:3])
    with pytest.raises(InputError, match=rf"holds 2 datasets \(de, sw\); say which one, as in {folder}#de"):
        load_dataset(folder)
    dataset = load_dataset(f"{folder}#sw")
    assert (dataset.name, len(dataset.documents), len(dataset.judgments), dataset.warnings) == ("sw", 3, 3, ())
    with pytest.raises(InputError, match="has no dataset 'fr'; there is de, sw"):
        load_dataset(f"{folder}#fr")


def test_lists_of_documents_and_empty_grades(tmp_path: Path) -> None:
    folder = write_parts(tmp_path, corpus="corpus/corpus", queries="queries/queries", qrels="qrels/test")
    rows: Rows = [
        {"query-id": "q0", "corpus-id": ["d0", "d1"], "score": [2, 1]},
        {"query-id": "q1", "corpus-id": ["d2"], "score": None},
    ]
    write(folder / "qrels" / "test-00000-of-00001.parquet", rows)
    dataset = load_dataset(folder)
    assert dataset.judgments.to_numpy().tolist() == [["q0", "d0", 2], ["q0", "d1", 1]]
    assert dataset.warnings[0] == "1 judgment without a grade was left out, as not judged (queries q1)."


def test_no_grade_is_one_unless_numbers_are_left(tmp_path: Path) -> None:
    folder = write_parts(tmp_path, corpus="corpus/corpus", queries="queries/queries", qrels="qrels/test")
    file = folder / "qrels" / "test-00000-of-00001.parquet"
    write(file, [{"query-id": "q0", "corpus-id": "d0"}])
    dataset = load_dataset(folder)
    assert dataset.judgments["relevance"].tolist() == [1]
    assert dataset.warnings == ("The judgments of test have no grades; every one counts as 1.",)
    write(file, [{"query-id": "q0", "corpus-id": "d0", "usefulness": 3}])
    with pytest.raises(InputError, match='to hold the grade, but numbers in usefulness; call the one with the grades "score"'):
        load_dataset(folder)


def test_judgments_as_tsv_beside_the_shards(tmp_path: Path) -> None:
    folder = write_parts(tmp_path, corpus="corpus/corpus", queries="queries/queries", qrels="qrels/test")
    (folder / "qrels" / "test-00000-of-00001.parquet").unlink()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td4\t1\n")
    assert judgments(folder) == [("q1", "d4", 1)]


def test_the_same_id_with_other_words_is_an_error_with_its_place(tmp_path: Path) -> None:
    folder = write_parts(tmp_path, corpus="corpus/corpus", queries="queries/queries", qrels="qrels/test")
    write(folder / "corpus" / "corpus-00001-of-00002.parquet", [DOCS[0]])
    warning = load_dataset(folder).warnings[0]
    assert warning == "1 document with the id and the text of another was left out: d0."
    write(folder / "corpus" / "corpus-00001-of-00002.parquet", [{**DOCS[0], "text": "else"}])
    with pytest.raises(InputError, match=r"corpus-00001-of-00002\.parquet, row 1: the document id 'd0' is there twice"):
        load_dataset(folder)


def test_one_table_of_questions_and_contexts(tmp_path: Path) -> None:
    rows = [
        {"id": f"x{n}", "title": "Town", "context": f"part {n // 2}", "question": f"what {n}?", "answers": []} for n in range(4)
    ]
    write(tmp_path / "plain_text" / "train-00000-of-00001.parquet", rows[:2])
    write(tmp_path / "plain_text" / "validation-00000-of-00001.parquet", rows[2:])
    dataset = load_dataset(tmp_path)
    assert dataset.documents[["doc_id", "title", "text"]].to_numpy().tolist() == [
        ["d1", "Town", "part 0"],
        ["d2", "Town", "part 1"],
    ]
    assert dataset.judgments.to_numpy().tolist() == [["q1", "d1", 1], ["q2", "d1", 1], ["q3", "d2", 1], ["q4", "d2", 1]]
    assert '"context" counts as relevant (1)' in dataset.warnings[0]
    assert dataset.warnings[1] == "Columns that are not used: id, answers."


def test_one_table_of_queries_with_good_and_bad_texts(tmp_path: Path) -> None:
    rows: Rows = [
        {
            "query": "a",
            "positive": [{"docid": "1", "title": "T", "text": "yes"}],
            "negative": [{"docid": "2", "title": "", "text": "no"}],
        },
        {"query": "a", "positive": [{"docid": "3", "title": "", "text": "also"}], "negative": []},
    ]
    write(tmp_path / "data" / "train-00000-of-00001.parquet", rows)
    assert judgments(tmp_path) == [("q1", "d1", 1), ("q1", "d2", 0), ("q1", "d3", 1)]


def test_one_table_of_texts_and_what_no_table_is_clear_about(tmp_path: Path) -> None:
    write(tmp_path / "a" / "data" / "train-00000-of-00001.parquet", [{"text": "one", "year": 1}, {"text": "two", "year": None}])
    dataset = load_dataset(tmp_path / "a")
    assert dataset.documents["text"].tolist() == ["one", "two"] and dataset.documents["metadata"].tolist() == [{"year": 1}, {}]
    assert dataset.warnings == ("The documents have no ids; they are numbered from 1.",)
    write(tmp_path / "b" / "data" / "train-00000-of-00001.parquet", [{"sentence": "one", "year": 1}])
    with pytest.raises(
        InputError, match=r"not clear which of its columns hold documents \(sentence, year\); load it as a table"
    ):
        load_dataset(tmp_path / "b")


def test_arrow_files_that_were_saved_to_disk(tmp_path: Path) -> None:
    for split in ("train", "test"):
        table = pyarrow.Table.from_pylist([{"query": f"about {split}", "positive": f"words of {split}"}])
        (tmp_path / split).mkdir()
        with pyarrow.ipc.new_stream(tmp_path / split / "data-00000-of-00001.arrow", table.schema) as file:
            file.write_table(table)
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    dataset = load_dataset(tmp_path)
    assert dataset.fixed_split and sorted(dataset.documents["text"]) == ["words of test", "words of train"]


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    folder = write_parts(tmp_path, corpus="corpus/corpus", queries="queries/queries", qrels="qrels/test")
    (folder / "queries" / "queries-00000-of-00001.parquet").write_bytes(b"PAR1")
    with pytest.raises(
        InputError, match=r"queries-00000-of-00001\.parquet: cannot be read \(ArrowInvalid\); download it again"
    ):
        load_dataset(folder)


def test_tables_that_are_no_shards_are_read_as_tables(tmp_path: Path) -> None:
    write(tmp_path / "corpus.parquet", DOCS)
    dataset = load_dataset(tmp_path)
    assert dataset.documents["doc_id"].tolist() == [row["_id"] for row in DOCS]
