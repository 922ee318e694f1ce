"""Spreadsheets: sheets and rows as documents, values behind the names of their columns."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.data.readers.documents.reading import Reading, write_reading
from core.data.readers.documents.sheets import read_sheets
from core.errors import InputError
from tests.support.files import make_sheets, make_zip

PARTS = [["part", "years", "price"], ["motor", 5, 12.5], ["battery", 2, 7]]


def test_a_sheet_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "parts.xlsx").write_bytes(make_sheets(Parts=PARTS, Notes=[["Ask first."]], Empty=[]))
    dataset = load_dataset(tmp_path)
    assert dataset.documents["doc_id"].tolist() == ["parts.xlsx#Parts", "parts.xlsx#Notes"]
    assert dataset.documents["title"].tolist() == ["Parts", "Notes"]
    assert dataset.documents["text"].tolist() == [
        "part | years | price\npart: motor | years: 5 | price: 12.5\npart: battery | years: 2 | price: 7",
        "Ask first.",
    ]
    assert dataset.documents["metadata"].tolist()[0] == {"file_type": "xlsx", "sheet": "Parts"}
    assert dataset.warnings == (
        "1 file: every sheet is a document; with `row_documents` in reading.json every row is one: parts.xlsx (3 rows).",
    )
    write_reading(tmp_path, Reading(row_documents=True))
    rows = load_dataset(tmp_path).documents
    assert rows["doc_id"].tolist() == ["parts.xlsx#Parts/2", "parts.xlsx#Parts/3", "parts.xlsx#Notes/1"]
    assert rows["text"].tolist()[0] == "part: motor | years: 5 | price: 12.5"
    assert rows["metadata"].tolist()[0] == {
        "file_type": "xlsx",
        "sheet": "Parts",
        "part": "motor",
        "years": "5",
        "price": "12.5",
    }


def test_rows_without_names_of_columns() -> None:
    documents = read_sheets(make_sheets(Sheet1=[["2024", "10"], ["2025", "12"]]), Path("x.xlsx"), Reading())
    assert [(document.title, document.text, document.part) for document in documents] == [("", "2024 | 10\n2025 | 12", "")]


TABLE = 'xmlns:t="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'


def test_comments_and_text_boxes_are_counted() -> None:
    with zipfile.ZipFile(io.BytesIO(make_sheets(Parts=PARTS))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/comments1.xml"] = b"<comments><commentList><comment ref='A1'/><comment ref='A2'/></commentList></comments>"
    parts["xl/drawings/drawing1.xml"] = b"<xdr:wsDr><xdr:sp><xdr:txBody><a:p/></xdr:txBody></xdr:sp></xdr:wsDr>"
    notes = read_sheets(make_zip(parts), Path("x.xlsx"), Reading())[0].notes
    assert [(note.what, note.detail) for note in notes[1:]] == [
        ("comments in the margin are not read", "2"),
        ("text boxes on sheets are not read", "1"),
    ]


def make_ods(row: str) -> bytes:
    row = row.replace("CELL", "<t:table-cell><p>x</p></t:table-cell></t:table-row>")
    return make_zip({"content.xml": f"<a {TABLE}><t:table>{row}</t:table></a>"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK", r"is not a readable spreadsheet \(BadZipFile\); open it in a spreadsheet program"),
        (make_zip({"a": "b"}), r"is not a readable spreadsheet \((\w+Error|a binary workbook.*)\)"),
        (b"no sheet", r"is not a readable spreadsheet \((\w+Error|a binary workbook.*)\)"),
        (make_zip({"xl/worksheets/sheet1.xml": '<c r="A1"/><c r="XFD1048576"/>'}), "unpacks to more than"),
        (make_zip({"xl/other.xml": "<sheetData/><row r='1048576'/><c r = 'xfd1'/>"}), "unpacks to more than"),
        (make_zip({"xl/worksheets/sheet1.xml": '<c r="A1"/><c r="AAAAAAA999999999999"/>'}), "unpacks to more than"),
        (make_zip({"xl/workbook.bin": "x"}), r"is not a readable spreadsheet \((\w+Error|a binary workbook.*)\)"),
        (
            make_ods('<t:table-row t:number-rows-repeated="999999"><t:table-cell t:number-columns-repeated="9"/>CELL'),
            "unpacks to",
        ),
        (make_zip({"content.xml": f"<a {TABLE}><t:table></t:a></a>"}), r"is not a readable spreadsheet \(XMLSyntaxError\)"),
    ],
)
def test_files_that_cannot_be_read(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_sheets(content, Path("x.xlsx"), Reading())
