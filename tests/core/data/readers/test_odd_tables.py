"""Tables as people have them, odd in one way each: read right, or said in one sentence; nothing in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.data.load import load_dataset
from core.errors import InputError
from tests.support.files import make_sheets
from tests.support.layouts import write_files

CORPUS = {"corpus.csv": "id,text\nd1,some text here\nd2,other text there\n"}
QUERIES = {"queries.csv": "id,text\nq1,Où est le café\nq2,two b\n"}
BOTH = CORPUS | QUERIES
ROWS = [["q1", "d1", 1], ["q2", "d2", 0]]
PLAIN = "query_id,doc_id,grade\n"
RECORDS = [{"id": "d1", "text": "some text"}, {"id": "d2", "text": "other text"}]
JUDGED = [{"query_id": "q1", "doc_id": "d1", "grade": 1}, {"query_id": "q2", "doc_id": "d2", "grade": 0}]


def judged(lines: str) -> dict[str, str]:
    return BOTH | {"judged.csv": PLAIN + lines}


def lines_of(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (BOTH | {"judged.csv": "query,doc_id,grade\nou est le cafe,d1,1\nTWO B,d2,0\n"}, ROWS),
        (judged("q1,d1,1\nq1,d2,#N/A\nq2,d2,0\nq2,d1,#WERT!\n"), ROWS),
        (BOTH | {"judged.csv": "# made in May\n## by two\nquery_id,doc_id,grade\nq1,d1,1\nq2,d2,0\n"}, ROWS),
        (judged("q1,d1,相关\nq2,d2,不相关\n"), ROWS),
        (judged("q1,d1,да\nq2,d2,нет\n"), ROWS),
        (BOTH | {"qrels.txt": "| query_id | doc_id | grade |\n|---|:---:|---|\n| q1 | d1 | 1 |\n| q2 | d2 | 0 |\n"}, ROWS),
        (
            CORPUS | {"queries.csv": "id,text,relevant_docs\nq1,one a,d1;gone\nq2,two b,d1|d2\n"},
            [["q1", "d1", 1], ["q1", "gone", 1], ["q2", "d1", 1], ["q2", "d2", 1]],
        ),
        (QUERIES | {"corpus.json": lines_of(RECORDS), "qrels.json": lines_of(JUDGED)}, ROWS),
        (QUERIES | {"corpus.json": json.dumps({"data": RECORDS}), "qrels.json": json.dumps({"qrels": JUDGED})}, ROWS),
        (
            {
                "documents.json": json.dumps({"version": 1, "of": "May", "Documents": RECORDS}),
                "queries.json": json.dumps({"rows": [{"id": "q1", "query": "one a"}, {"id": "q2", "query": "two b"}]}),
                "qrels.json": json.dumps({"q1": {"d1": 1}, "q2": {"d2": 0}}),
            },
            ROWS,
        ),
        (
            QUERIES
            | {
                "corpus.json": json.dumps({"id": {"0": "d1", "1": "d2"}, "text": {"0": "some text", "1": "other text"}}),
                "qrels.json": json.dumps({"query_id": ["q1", "q2"], "doc_id": ["d1", "d2"], "grade": [1, 0]}),
            },
            ROWS,
        ),
        (BOTH | {"qrels.json": json.dumps({"columns": ["query_id", "doc_id", "grade"], "index": [0, 1], "data": ROWS})}, ROWS),
        (
            judged("q1,d1,1\nq2,d2,0\n") | {"notes.md": "# Notes\n", "tables.yaml": "corpus.csv: {role: documents}\n"},
            ROWS,
        ),
    ],
)
def test_read_as_it_was_meant(tmp_path: Path, files: dict[str, str], expected: list[list[Any]]) -> None:
    dataset = load_dataset(write_files(tmp_path / "in", files))
    assert dataset.judgments.to_numpy().tolist() == expected
    assert dataset.documents["doc_id"].tolist() == ["d1", "d2"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (judged("q1,#N/A,1\nq2,d2,1\n"), 'judged.csv, line 2: the id in column "doc_id" is #N/A, an error of a spreadsheet'),
        (judged('q1,d1,"1,000"\nq2,d2,"2,500"\n'), 'line 2: the relevance is "1,000", which may be thousands or decimals'),
        (
            BOTH | {"judged.csv": "query_id,doc_id,rating_a,rating_b\nq1,d1,1,0\nq2,d2,0,1\n"},
            'choose the column that holds the relevance ("rating_a" and "rating_b" may)',
        ),
        (
            judged("q1,d1,1\n") | {"notes.md": "# Notes\n"},
            "holds 1 document (notes.md) and a table of documents, corpus.csv; move",
        ),
        (
            {"all.json": json.dumps({"corpus": RECORDS, "queries": [{"id": "q1", "text": "one a"}], "qrels": JUDGED})},
            "all.json: holds 3 tables (corpus, queries and qrels); save each of them as a file of its own",
        ),
        (
            QUERIES | {"corpus.json": '[["id", "text"], ["d1", "some text"]]'},
            "corpus.json: is JSON, but neither a list of objects",
        ),
    ],
)
def test_said_in_one_sentence(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as error:
        load_dataset(write_files(tmp_path / "in", files))
    assert message in str(error.value)


def test_a_table_of_titles_beside_documents_is_no_table_of_queries(tmp_path: Path) -> None:
    documents = {"a.md": "# A\ntext", "b.md": "# B\ntext"}
    meta = {
        "meta.csv": "id,title,year\na.md,Some title,2020\nb.md,Other title,2021\n",
        "qrels.csv": "foo,bar\nx y,a.md\nx z,b.md\n",
    }
    dataset = load_dataset(write_files(tmp_path / "in", documents | meta))
    assert len(dataset.documents) == 2 and not len(dataset.queries)
    for name in meta:
        assert any(note.startswith(f"{name} is not read. {name}: say whether it holds") for note in dataset.warnings)


def test_a_workbook_with_a_line_above_its_header_hides_no_corpus(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "in", BOTH)
    (folder / "judged.xlsx").write_bytes(make_sheets(S=[["Ratings of May"], ["query_id", "doc_id", "grade"], ["q1", "d1", 1]]))
    with pytest.raises(InputError, match=r"holds 1 document \(judged.xlsx\) and a table of documents, corpus.csv"):
        load_dataset(folder)
