"""Grades in words are numbers where it is plain which; else it is asked."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core.data.load import load_dataset
from core.data.readers.columns import TableUse
from core.data.readers.grade_words import map_words
from core.data.readers.tables import read_tables
from core.errors import InputError
from tests.support.layouts import write_files

FILES = {"corpus.csv": "id,text\nd1,one\nd2,two\nd3,three\nd4,four\n", "queries.csv": "id,text\nq1,first question\n"}


@pytest.mark.parametrize(
    ("words", "grades"),
    [
        ("Exact Substitute Complement Irrelevant", [3, 2, 1, 0]),
        ("E S C I", [3, 2, 1, 0]),
        ("E I", [3, 0]),
        ("HR R NR", [2, 1, 0]),
        ("highly_relevant relevant partially-relevant not_relevant", [3, 2, 1, 0]),
        ("relevant partially_relevant not_relevant", [2, 1, 0]),
        ("YES no", [1, 0]),
        ("Perfect Excellent Good Fair Bad", [4, 3, 2, 1, 0]),
        ("Exact Partial Irrelevant", [2, 1, 0]),
        ("1 0 true", [1]),
        ("relevant", [1]),
        ("3 2 0,5", []),
    ],
)
def test_words_that_are_plain(words: str, grades: list[int]) -> None:
    values = words.split()
    assert list(map_words(values).values()) == [map_words(values)[one] for one in sorted(map_words(values))]
    assert [map_words(values)[one] for one in values if one in map_words(values)] == grades


@pytest.mark.parametrize("words", ["A B C", "yes no maybe", "relevant 3", "high medium low", "E S X", "true relevant 2"])
def test_words_that_are_asked_about(words: str) -> None:
    with pytest.raises(ValueError, match="are words") as error:
        map_words(words.split())
    assert all(word in str(error.value) for word in words.split() if not word.isdecimal())


def test_words_with_numbers_count_as_these() -> None:
    assert map_words(["2 - relevant", "0 - not"]) == {"0 - not": 0, "2 - relevant": 2}


def test_a_dataset_whose_grades_are_words(tmp_path: Path) -> None:
    ratings = "query_id,product_id,esci_label\nq1,d1,E\nq1,d2,S\nq1,d3,I\nq1,d4,\n"
    dataset = load_dataset(write_files(tmp_path / "shop", {**FILES, "ratings.csv": ratings}))
    assert dataset.judgments["relevance"].tolist() == [3, 2, 0]
    assert 'Grades in words: "E" as 3, "S" as 2 and "I" as 0.' in dataset.warnings
    asked = write_files(tmp_path / "asked", {**FILES, "ratings.csv": "query_id,doc_id,grade\nq1,d1,A\nq1,d2,F\n"})
    with pytest.raises(InputError, match=r'ratings.csv: the grades in "grade" are words \(A, F\); write numbers'):
        load_dataset(asked)
    write_files(tmp_path / "mixed", {**FILES, "ratings.csv": "query_id,doc_id,grade\nq1,d1,3\nq1,d2,relevant\n"})
    uses = [
        TableUse("corpus.csv", "corpus", {"id": "id", "text": "text"}),
        TableUse("ratings.csv", "judgments", {"query_id": "query_id", "doc_id": "doc_id", "relevance": "grade"}),
        TableUse("queries.csv", "queries", {"id": "id", "text": "text"}),
    ]
    with pytest.raises(InputError, match=r"ratings.csv, line 3: the grades are words beside numbers \(relevant\)"):
        read_tables(tmp_path / "mixed", uses)
    write_files(asked, {"tables.yaml": "ratings.csv: {role: judgments, grades: {A: 2, F: 0}}\n"})
    assert load_dataset(asked).judgments["relevance"].tolist() == [2, 0]
    canonical = {
        "corpus.jsonl": '{"_id": "d1", "text": "one"}\n{"_id": "d2", "text": "two"}\n',
        "queries.jsonl": '{"_id": "q1", "text": "first question"}\n',
        "qrels.tsv": "query-id\tcorpus-id\tscore\nq1\td1\trelevant\nq1\td2\tnot relevant\n",
    }
    assert load_dataset(write_files(tmp_path / "beir", canonical)).judgments["relevance"].tolist() == [1, 0]


def test_shards_whose_grades_are_words(tmp_path: Path) -> None:
    tables = {
        "corpus/corpus": {"_id": ["d1", "d2"], "title": ["", ""], "text": ["one", "two"]},
        "queries/queries": {"_id": ["q1"], "text": ["first question"]},
        "qrels/test": {"query-id": ["q1", "q1"], "corpus-id": ["d1", "d2"], "score": ["Exact", "Irrelevant"]},
    }
    for name, columns in tables.items():
        path = tmp_path / f"{name}-00000-of-00001.parquet"
        path.parent.mkdir()
        pd.DataFrame(columns).to_parquet(path)
    assert load_dataset(tmp_path).judgments["relevance"].tolist() == [3, 0]
