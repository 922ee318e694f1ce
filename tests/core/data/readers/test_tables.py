"""Tables with a mapping step."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.data.load import load_dataset
from core.data.readers.columns import TableUse, check_mapping
from core.data.readers.contents import Contents
from core.data.readers.guesses import guess_mapping
from core.data.readers.table_files import read_head
from core.data.readers.tables import read_tables
from core.data.write import write_dataset
from core.errors import InputError

QUERIES = "id,text\nq1,what\nq2,who\n"


def read(path: Path, mapping: dict[str, str], *, role: str = "corpus", header: bool = True) -> Contents:
    """One table, beside a corpus of a and b and two queries where it holds neither."""
    beside = {"corpus": "id,text\na,x\nb,y\n", "queries": QUERIES}
    uses = [TableUse(path.name, role, mapping, header=header)]
    for name in () if role == "corpus" else ("corpus",) if role == "queries" else ("corpus", "queries"):
        (path.parent / f"{name}.csv").write_text(beside[name])
        uses.append(TableUse(f"{name}.csv", name, {"id": "id", "text": "text"}))
    return read_tables(path.parent, uses)


def convert(path: Path, mapping: dict[str, str], *, role: str = "corpus") -> list[Any]:
    """The records of one table, as write_dataset() would write them."""
    contents = read(path, mapping, role=role)
    corpus, queries = contents.corpus, contents.queries
    if role == "corpus":
        columns = zip(corpus.ids, corpus.titles, corpus.texts, corpus.metadata, strict=True)
        return [dict(zip(("_id", "title", "text", "metadata"), values, strict=True)) for values in columns]
    if role == "queries":
        rows = zip(queries.ids, queries.texts, queries.filters, queries.tags, queries.answers, strict=True)
        made = [dict(zip(("_id", "text", "filter", "tags", "answer"), row, strict=True)) for row in rows]
        return [{name: value for name, value in record.items() if value} for record in made]
    return [(*pair, grade) for pair, grade in contents.judgments.relevance.items()]


def refuse(path: Path, mapping: dict[str, str], *, role: str = "corpus") -> str:
    with pytest.raises(InputError) as error:
        read(path, mapping, role=role)
    return str(error.value).removeprefix(str(path))


def test_guess_mapping() -> None:
    assert guess_mapping(["DocID", "Headline", "Body", "year"], role="corpus") == {
        "id": "DocID",
        "title": "Headline",
        "text": "Body",
    }
    assert guess_mapping(["_id", "question"], role="queries") == {"id": "_id", "text": "question"}
    assert guess_mapping(["query-id", "corpus-id", "score"], role="judgments") == {
        "query_id": "query-id",
        "doc_id": "corpus-id",
        "relevance": "score",
    }
    assert guess_mapping(["x"], role="corpus") == {}


def test_check_mapping_gives_the_reason() -> None:
    assert check_mapping({"text": "t"}, role="corpus") is None
    assert check_mapping({"text": ""}, role="corpus") == "Choose the column that holds the text of the corpus."
    assert check_mapping({"query_id": "q"}, role="judgments") == ("Choose the column that holds the doc id of the judgments.")
    assert check_mapping({"text": "t", "title": "t"}, role="corpus") == (
        'The column "t" is used for both text and title; choose another one for one of them.'
    )
    assert check_mapping({"text": "t", "x": "y"}, role="corpus") == (
        '"x" is not a field of corpus; the fields are id, title, text, metadata.'
    )


def test_preview(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;text\n" + "".join(f"{number};t\n" for number in range(9)))
    head = read_head(path, rows=5)
    assert head.columns == ("id", "text")
    assert head.values_of("id") == ["0", "1", "2", "3", "4"]
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n{"id": 2, "text": "x"}\n')
    head = read_head(tmp_path / "a.jsonl", rows=1)
    assert head.columns == ("id", "text") and len(head.rows) == 1


def test_csv_metadata_gets_types_only_if_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        'id,text,year,version,price,zip,open,note\na,"one, ""two""\nthree",2020,3.1,1.5,01234,true,\n'
        "b,x,2021,3.10,2,02345,False,n\n"
    )
    assert convert(path, {"id": "id", "text": "text"}) == [
        {
            "_id": "a",
            "title": "",
            "text": 'one, "two"\nthree',
            "metadata": {"year": 2020, "version": "3.1", "price": 1.5, "zip": "01234", "open": True},
        },
        {
            "_id": "b",
            "title": "",
            "text": "x",
            "metadata": {"year": 2021, "version": "3.10", "price": 2, "zip": "02345", "open": False, "note": "n"},
        },
    ]


def test_tsv_with_plain_quotes(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('id\ttext\na\t"open quote\nb\tplain\n')
    assert [record["text"] for record in convert(path, {"id": "id", "text": "text"})] == ['"open quote', "plain"]


def test_parquet_and_numbered_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame(
        {
            "body": ["x", "y"],
            "day": [datetime.date(2024, 9, 18), None],
            "size": [1.5, float("nan")],
            "tags": [["a"], []],
        }
    ).to_parquet(path)
    assert convert(path, {"text": "body"}) == [
        {"_id": "1", "title": "", "text": "x", "metadata": {"day": "2024-09-18", "size": 1.5, "tags": ["a"]}},
        {"_id": "2", "title": "", "text": "y", "metadata": {"tags": []}},
    ]


def test_jsonl_with_metadata_column(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"docid": 3, "contents": "x", "metadata": {"v": "1"}, "w": 2}\n')
    assert convert(path, {"id": "docid", "text": "contents", "metadata": "metadata"}) == [
        {"_id": "3", "title": "", "text": "x", "metadata": {"v": "1", "w": 2}}
    ]


def test_queries_and_judgments(tmp_path: Path) -> None:
    queries = tmp_path / "q.csv"
    queries.write_text('qid,question,filter,tags,answer\nq1,what,"{""v"": ""1""}",a;b,yes\nq2,who,,,\n')
    mapping = guess_mapping(["qid", "question", "filter", "tags", "answer"], role="queries")
    assert convert(queries, mapping, role="queries") == [
        {"_id": "q1", "text": "what", "filter": {"v": "1"}, "tags": ("a", "b"), "answer": "yes"},
        {"_id": "q2", "text": "who"},
    ]
    judgments = tmp_path / "j.csv"
    judgments.write_text("qid,did,rel\nq1,a,2.0\nq1,a,2\n")
    columns = {"query_id": "qid", "doc_id": "did"}
    assert convert(judgments, {**columns, "relevance": "rel"}, role="judgments") == [("q1", "a", 2)]
    assert convert(judgments, columns, role="judgments") == [("q1", "a", 1)]


def test_three_tables_make_a_dataset(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, content in {"c": "id,text\na,x\n", "q": "id,text\nq,what\n", "j": "qid,docid\nq,a\n"}.items():
        (tmp_path / "in" / f"{name}.csv").write_text(content)
    told = [
        TableUse("c.csv", "corpus", {"id": "id", "text": "text"}),
        TableUse("q.csv", "queries", {"id": "id", "text": "text"}),
        TableUse("j.csv", "judgments", {"query_id": "qid", "doc_id": "docid"}),
    ]
    dataset = load_dataset(tmp_path / "in", told=told)
    assert dataset.has_labels
    write_dataset(dataset, tmp_path / "out")
    again = load_dataset(tmp_path / "out", name="in")
    assert again.fingerprint == dataset.fingerprint and again.warnings == ()


def test_bad_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    mapping = {"id": "id", "text": "text"}
    cases = {
        "id,text\n": ": has no rows below its header; expected a header line and at least one row",
        "id,text,id\na,b,c\n": ', line 1: has the column "id" twice; rename one',
        "id,text\na,b\n\nc,d,e\n": (
            ", line 4: found 3 columns, expected 2 (id, text); put values that hold the separator in quotes"
        ),
        'id,text\na,"b\n': (
            ', line 2: the quotes do not match (unexpected end of data); write a quote inside a quoted value twice ("")'
        ),
        'id,text\na,"x\ny"\na,z\n': (
            ', line 4: the document id "a" was already used in line 2; ids must be unique: rename or delete one'
        ),
        "id,text\n,x\n": ', line 2: the id in column "id" is empty; give every record an id',
        "nr,text\na,x\n": ': has no column "id", which is chosen for id; found nr, text',
        "": ": the file is empty; fill it or delete it",
    }
    for content, message in cases.items():
        path.write_text(content)
        assert refuse(path, mapping) == message


def test_bad_values(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"text": [1.5]}).to_parquet(path)
    assert refuse(path, {"text": "text"}) == (': row 1: column "text" holds a number, expected text; choose another column')
    path.write_bytes(b"nonsense")
    assert refuse(path, {"text": "text"}) == ": is not a readable Parquet file (ArrowInvalid); export it again"
    judgments = tmp_path / "j.csv"
    mapping = {"query_id": "q", "doc_id": "d", "relevance": "r"}
    judgments.write_text("q,d,r\nq,a,high\n")
    assert refuse(judgments, mapping, role="judgments") == (
        ", line 2: the grades are words (high); write numbers in their place, or say in tables.yaml what they stand for, "
        "as in grades: {good: 2, fair: 1, bad: 0} (docs/tables.md)"
    )
    judgments.write_text(f"q,d,r\nq,a,{2**62}\n")
    assert "expected a number from 0 to 1,048,576" in refuse(judgments, mapping, role="judgments")
    judgments.write_text("q,d,r\nq1,a,1\nq1,a,0\n")
    assert refuse(judgments, mapping, role="judgments") == (
        ', line 3: document "a" is judged 0 for query "q1", but 1 in line 2; keep one of them'
    )
    queries = tmp_path / "q.csv"
    queries.write_text("text,filter\nwhat,{x\n")
    assert refuse(queries, {"text": "text", "filter": "filter"}, role="queries") == (
        ', line 2: column "filter" is not JSON (Expecting property name enclosed in double quotes: '
        "line 1 column 2 (char 1)); correct it or do not map it"
    )
    with pytest.raises(InputError, match="no table is used as the corpus"):
        read_tables(tmp_path, [])
