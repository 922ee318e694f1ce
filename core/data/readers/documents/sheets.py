"""Spreadsheets (.xlsx, .xls, .ods): every sheet is a document, or every row of it if that is asked for.

If the first row names the columns (texts only, no two alike), every value stands behind its column's name, so that a row cut
out of a sheet still says what it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.readers.documents.kind import Extracted, Note
from core.data.readers.documents.package import Damaged, Package, TooLarge, check_locked, refuse_damaged
from core.data.readers.documents.reading import Reading
from core.data.readers.documents.workbook import Sheets, WorkbookError, read_workbook
from core.errors import InputError
from core.text.phrases import count_of

if TYPE_CHECKING:
    from lxml.etree import _Element

_CURE = "open it in a spreadsheet program and save it again as .xlsx, or save its sheets as .csv"
_MAX_CELLS = 5_000_000  # of one sheet: the library makes room for every cell between the first and the last one
# Where rows and cells stand, as the library understands it; whatever else is called r may stand there too.
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]*)(\d+)["']""")
_DIGITS = 7  # of the last row that a sheet can have
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
UNSAVED = "cells with formulas are empty, for their values were not saved; open it in a spreadsheet program and save it again"
_BESIDE = re.compile(r"xl/(?:.*/)?comments\d*\.xml|xl/drawings/drawing\d+\.xml|content\.xml")
_VALUE = re.compile(rb"<v(?:\s[^<>]*)?>[^<]")
_SHEETS_ARE = "every sheet is a document; with `row_documents` in reading.json every row is one"


def read_sheets(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """A document for every sheet that has something in it, or for every row. Raises InputError if the file cannot be read."""
    sheets = list_sheets(data, path)
    documents = [document for name, rows in sheets for document in _read_sheet(name, rows, reading, alone=len(sheets) == 1)]
    unsaved = count_unsaved_formulas(data, path)
    if unsaved and not documents:
        raise InputError(f"{UNSAVED}: {count_of(unsaved, 'cell')}, and no other", file=path)
    notes = [*_note_beside(data, path)]
    if unsaved:
        notes.append(Note(UNSAVED, count_of(unsaved, "cell")))
    if documents:
        documents[0] = replace(documents[0], notes=(*documents[0].notes, *notes))
    return documents


def _note_beside(data: bytes, path: Path) -> Iterator[Note]:
    """What stands beside the cells: comments and text boxes."""
    if not data.startswith(b"PK"):
        return
    with refuse_damaged("spreadsheet", path, cure=_CURE):
        package = Package(data)
        read = {name: package.read(name) for name in package.names if _BESIDE.fullmatch(name)}
    comments = sum(len(re.findall(rb"<(?:\w+:)?comment[\s>]", part)) for name, part in read.items() if "comments" in name)
    comments += sum(part.count(b"<office:annotation ") + part.count(b"<office:annotation>") for part in read.values())
    boxes = sum(part.count(b"<xdr:txBody>") for part in read.values())
    if comments:
        yield Note("comments in the margin are not read", f"{comments}")
    if boxes:
        yield Note("text boxes on sheets are not read", f"{boxes}")


def count_unsaved_formulas(data: bytes, path: Path) -> int:
    """Cells with a formula whose value was not saved, as programs write them that do not calculate; they read as empty."""
    if not data.startswith(b"PK"):
        return 0
    with refuse_damaged("spreadsheet", path, cure=_CURE):
        package = Package(data)
        if "content.xml" in package.names:
            cells = package.read("content.xml").split(b"<table:table-cell")[1:]
            return sum(b"table:formula=" in cell and b"office:value-type=" not in cell for cell in cells)
        parts = [package.read(name) for name in package.names if re.fullmatch(r"xl/worksheets/[^/]*\.xml", name)]
    return sum(map(_is_unsaved, (cell for part in parts for cell in re.split(rb"<c(?=[\s>])", part)[1:])))


def _is_unsaved(cell: bytes) -> bool:
    inside = cell.partition(b"</c>")[0]
    return b"<f" in inside and b't="str"' not in inside and _VALUE.search(inside) is None


def list_sheets(data: bytes, path: Path) -> Sheets:
    """Every sheet of a workbook. Raises InputError if the file cannot be read."""
    check_locked(data, path)
    with refuse_damaged("spreadsheet", path, cure=_CURE):
        if data.startswith(b"PK"):
            _check_size(Package(data))
        try:
            return read_workbook(data)
        except WorkbookError as error:
            raise Damaged(type(error).__name__) from error


def _read_sheet(name: str, rows: list[list[str]], reading: Reading, *, alone: bool) -> Iterator[Extracted]:
    rows = [row for row in rows if any(row)]
    if not rows:
        return
    columns = _find_columns(rows)
    lines = [_join(row, columns) for row in (rows[1:] if columns else rows)]
    title = "" if alone and re.fullmatch(r"(?i)(sheet|tabelle|feuil|hoja|foglio) ?\d+", name) else name
    if not reading.row_documents:
        head = [" | ".join(rows[0])] if columns else []
        note = (Note(_SHEETS_ARE, f"{len(rows)} rows"),) if len(lines) > 1 else ()
        yield Extracted(
            text="\n".join([*head, *lines]), title=title, metadata={"sheet": name}, part="" if alone else name, notes=note
        )
        return
    for number, (line, row) in enumerate(zip(lines, rows[1:] if columns else rows, strict=True), start=1 + bool(columns)):
        metadata = {column: value for column, value in zip(columns, row, strict=False) if value and len(value) <= 200}
        part = f"{name}/{number}" if not alone else f"{number}"
        yield Extracted(text=line, title=next(filter(None, row)), metadata={"sheet": name, **metadata}, part=part)


def _find_columns(rows: list[list[str]]) -> list[str]:
    """The names in the first row, or none if it does not look like names."""
    first = [cell.strip() for cell in rows[0]]
    named = len(rows) > 1 and len(first) > 1 and all(first) and len(set(first)) == len(first)
    return first if named and all(len(cell) <= 60 and not re.fullmatch(r"[\d.,:/% -]*", cell) for cell in first) else []


def _join(row: list[str], columns: list[str]) -> str:
    if not columns:
        return " | ".join(row).strip(" |")
    return " | ".join(f"{column}: {value}" for column, value in zip(columns, row, strict=False) if value)


def _check_size(package: Package) -> None:
    """Raises TooLarge for a sheet whose first and last cell span more than can be held, before the library tries."""
    for name in package.names:
        if name == "xl/workbook.bin" or re.fullmatch(r"xl/worksheets/.*\.bin", name):
            raise Damaged("a binary workbook, in which places cannot be looked up")
        if name.endswith(".xml") and name != "content.xml":
            columns, rows = {b"A"}, 1
            for place in _PLACE.finditer(package.read(name)):
                columns.add(place[1].upper())
                rows = max(rows, int(place[2]) if len(place[2]) <= _DIGITS else _MAX_CELLS + 1)
            if rows * max(_number_of(column.decode()) for column in columns) > _MAX_CELLS:
                raise TooLarge
        elif name == "content.xml":
            # Also since the library never comes to an end of XML that is not well-formed.
            for table in package.read_xml(name).iter(f"{_TABLE}table"):
                if _count_cells(table) > _MAX_CELLS:
                    raise TooLarge


def _count_cells(table: _Element) -> int:
    """Cells of an OpenDocument table up to the last row and column that hold something, repeated ones counted each time."""
    rows = height = width = 0
    for row in table.iter(f"{_TABLE}table-row"):
        columns = filled = 0
        for cell in row:
            columns += _repeats(cell, "columns")
            filled = columns if len(cell) or cell.text else filled
        rows += _repeats(row, "rows")
        height, width = (rows if filled else height), max(width, filled)
    return height * width


def _repeats(element: _Element, what: str) -> int:
    given = element.get(f"{_TABLE}number-{what}-repeated", "1")
    return min(int(given), _MAX_CELLS + 1) if given.isdecimal() and len(given) < 20 else 1


def _number_of(column: str) -> int:
    number = 0
    for letter in column:
        number = number * 26 + ord(letter) - 64
    return number
