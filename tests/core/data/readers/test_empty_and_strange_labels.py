"""Labels that are empty, of another kind, or name nothing that is there are one sentence, whatever the format."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from core.data.load import load_dataset
from core.errors import InputError
from tests.support.files import make_sheets, make_zip
from tests.support.layouts import write_files

TABLES = {"corpus.csv": "id,text\nd1,some text\n", "queries.csv": "id,text\nq1,first question\n"}
CANONICAL = {"corpus.jsonl": '{"_id": "d1", "text": "x"}\n', "queries.jsonl": '{"_id": "q1", "text": "x y"}\n'}
NO_ROWS = "has no rows below its header"
RUN = "q1 Q0 d1 1 2.5 bm25\n"
FEATURES = "holds numbers for learning to rank"

PART = "xl/worksheets/sheet1.xml"


def _write(folder: Path, files: dict[str, str | bytes]) -> Path:
    write_files(folder, {name: content for name, content in files.items() if isinstance(content, str)})
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
    return folder


def _no_rows() -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame({name: pd.Series([], dtype=str) for name in ("query_id", "doc_id", "score")}).to_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (TABLES | {"qrels.csv": "query_id,doc_id,grade\n"}, f"qrels.csv: {NO_ROWS}"),
        (TABLES | {"qrels.xlsx": make_sheets(S=[["query_id", "doc_id", "grade"]])}, f"qrels.xlsx: {NO_ROWS}"),
        (TABLES | {"qrels.parquet": _no_rows()}, "qrels.parquet: has no rows"),
        (TABLES | {"qrels.jsonl": ""}, "qrels.jsonl: the file is empty"),
        (CANONICAL | {"qrels.tsv": "query-id\tcorpus-id\tscore\n"}, "qrels.tsv: has no judgments below its header"),
        (
            CANONICAL | {"qrels.tsv": "query-id\tcorpus-id\tscore\nz9\td1\t1\n"},
            r"none of its queries \(z9\) is among",
        ),
        (CANONICAL | {"qrels.tsv": RUN}, "line 1: looks like a system's results"),
        ({"train.txt": "2 qid:10 1:0.03 2:0.5 # docid = G1\n"}, f"train.txt, line 1: {FEATURES}"),
        (TABLES | {"vali.dat": "1 1:0.03 2:0.5\n0 1:0.1 7:0\n"}, f"vali.dat, line 1: {FEATURES}"),
    ],
)
def test_labels_that_are_none(tmp_path: Path, files: dict[str, str | bytes], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_dataset(_write(tmp_path / "in", files))


def test_one_empty_file_of_several_is_a_note(tmp_path: Path) -> None:
    header = "query-id\tcorpus-id\tscore\n"
    files = CANONICAL | {"qrels/dev.tsv": header, "qrels/test.tsv": header + "q1\td1\t1\n"}
    assert "dev.tsv has no judgments below its header." in load_dataset(write_files(tmp_path / "in", files)).warnings


def test_formulas_without_a_value_are_counted(tmp_path: Path) -> None:
    rows = [["query_id", "doc_id", "grade"], ["q1", "d1", 1], ["q1", "d2", 0]]
    data = make_sheets(S=rows)
    parts = {name: zipfile.ZipFile(io.BytesIO(data)).read(name) for name in zipfile.ZipFile(io.BytesIO(data)).namelist()}
    sheet = parts[PART]
    parts[PART] = sheet.replace(b"<v>0</v>", b"<f>C2-1</f><v></v>").replace(b"<v>1</v>", b"<f>1</f><v>1</v>")
    unsaved = "1 cell: cells with formulas are empty, for their values were not saved"
    dataset = load_dataset(_write(tmp_path / "in", TABLES | {"qrels.xlsx": make_zip(parts)}))
    assert any(f"qrels.xlsx: {unsaved}" in note for note in dataset.warnings) and len(dataset.judgments) == 1
    documents = load_dataset(_write(tmp_path / "documents", {"plan.xlsx": make_zip(parts)}))
    assert any("cells with formulas are empty" in note and "plan.xlsx (1 cell)" in note for note in documents.warnings)
