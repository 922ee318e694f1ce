"""Splits that a column names, runs among the labels, and judgments on documents that nobody has."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.data.readers import layouts
from core.data.readers.layouts import find_layout
from core.data.write import write_dataset
from core.errors import InputError
from tests.support.files import make_sheets
from tests.support.layouts import write_files

CORPUS = {"corpus.csv": "id,text\nd1,some text\nd2,other text\n"}
QUERIES = {"queries.csv": "id,text\nq1,one a\nq2,two b\nq3,three c\n"}
JUDGED = {"judged.csv": "query_id,doc_id,grade\nq1,d1,1\nq2,d2,1\nq3,d1,1\n"}
LINES = {
    "corpus.jsonl": '{"_id": "d1", "text": "x"}\n{"_id": "d2", "text": "y"}\n',
    "qrels.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\nq3\td1\t1\n",
}
OWN = "The split is the one of the data's own column: 1 query of"


def with_splits(*names: str) -> dict[str, str]:
    rows = [f"q{number},word {number},{name}\n" for number, name in enumerate(names, start=1)]
    return CORPUS | JUDGED | {"queries.csv": "id,text,split\n" + "".join(rows)}


@pytest.mark.parametrize(
    ("files", "splits", "note"),
    [
        (with_splits("train", "validation", "Test"), ["tuning", "", "test"], "1 query is in neither, so in no split: q2."),
        (with_splits("train", "validation", "train"), ["tuning", "test", "tuning"], 'of "dev" for test.'),
        (with_splits("dev", "", "test"), ["tuning", "", "test"], OWN),
        (with_splits("test", "test", "test"), ["", "", ""], 'says "test" of all judged queries, which divides nothing'),
        (with_splits("north", "south", "test"), ["", "", ""], 'queries.csv: the column "split" is not used.'),
        (
            CORPUS | QUERIES | {"j.csv": "query_id,doc_id,grade,split\nq1,d1,1,train\nq2,d2,1,dev\nq3,d1,1,test\n"},
            ["tuning", "", "test"],
            OWN,
        ),
        (
            LINES
            | {
                "queries.jsonl": "".join(
                    f'{{"_id": "q{n}", "text": "x y", "split": "{name}"}}\n'
                    for n, name in enumerate(("train", "test", "dev"), 1)
                )
            },
            ["tuning", "test", ""],
            OWN,
        ),
    ],
)
def test_a_column_names_the_split(tmp_path: Path, files: dict[str, str], splits: list[str], note: str) -> None:
    dataset = load_dataset(write_files(tmp_path / "in", files))
    assert dataset.queries["split"].tolist() == splits and dataset.fixed_split is ("test" in splits)
    assert any(note in one for one in dataset.warnings), dataset.warnings
    write_dataset(dataset, tmp_path / "copy")
    assert load_dataset(tmp_path / "copy").queries["split"].tolist() == splits


@pytest.mark.parametrize("name", ["run.txt", "qrels.txt", "qrels.test.tsv", "bm25.csv", "results.trec", "run"])
@pytest.mark.parametrize(
    "beside",
    [CORPUS | QUERIES, {"corpus.jsonl": LINES["corpus.jsonl"], "queries.jsonl": '{"_id": "q1", "text": "x y"}\n'}],
    ids=["tables", "lines"],
)
def test_a_run_is_named_and_gives_no_labels(tmp_path: Path, name: str, beside: dict[str, str]) -> None:
    folder = write_files(tmp_path / "in", beside | {name: "q1 Q0 d1 1 2.5 bm25\nq1 Q0 d2 2 1.5 bm25\n"})
    try:
        dataset = load_dataset(folder)
        said, labels = " ".join(dataset.warnings), len(dataset.judgments)
    except InputError as error:
        said, labels = str(error), 0
    assert name in said and "TREC run" in said and not labels


@pytest.mark.parametrize("files", [CORPUS | QUERIES | {"j.csv": "query_id,doc_id,grade\nq1,x1,1\n"}, LINES])
def test_judgments_on_no_document_that_is_there_are_refused(tmp_path: Path, files: dict[str, str]) -> None:
    files = files | ({"queries.jsonl": '{"_id": "q1", "text": "x y"}\n'} if "corpus.jsonl" in files else {})
    files = files | ({"qrels.tsv": "query-id\tcorpus-id\tscore\nq1\tx1\t1\n"} if "corpus.jsonl" in files else {})
    with pytest.raises(InputError, match=r"none of the judged documents \(x1\) is in the corpus, whose ids are d1, d2"):
        load_dataset(write_files(tmp_path / "in", files))
    some = {
        name: text.replace("q1,x1,1\n", "q1,x1,1\nq1,d1,1\n").replace("q1\tx1\t1\n", "q1\tx1\t1\nq1\td1\t1\n")
        for name, text in files.items()
    }
    dataset = load_dataset(write_files(tmp_path / "some", some))
    assert any("1 judgment is on a document that the corpus does not have" in note for note in dataset.warnings)


def test_a_workbook_is_opened_once_while_layouts_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = [["name", "phone"], ["Ann", 12]]
    for number in range(3):
        (tmp_path / f"plan{number}.xlsx").write_bytes(make_sheets(A=sheet, B=sheet))
    opened: list[Path] = []
    read = layouts.list_filled_sheets
    monkeypatch.setattr(layouts, "list_filled_sheets", lambda path: opened.append(path) or read(path))
    assert find_layout(tmp_path) == find_layout(tmp_path) and len(opened) == 3
    judged = [["query-id", "corpus-id", "score"], ["q1", "d1", 1]]
    (tmp_path / "plan0.xlsx").write_bytes(make_sheets(qrels=judged, corpus=[["id", "text"], ["d1", "x"], ["d2", "a text"]]))
    assert "plan0.xlsx/qrels" in find_layout(tmp_path).tables
