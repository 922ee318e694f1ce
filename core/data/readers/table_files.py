"""Rows of CSV, TSV, JSONL, Parquet and TREC's files as dicts, with the place of each row for messages."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from core.data.readers import trec
from core.data.readers.arrow_rows import check_names, list_rows
from core.data.readers.columns import TableUse
from core.data.readers.documents.sheets import count_unsaved_formulas, list_sheets
from core.data.readers.encoding import decode_text, read_bytes
from core.data.readers.headers import Header, guess_header
from core.data.readers.joined_lines import JoinedLines
from core.data.readers.json_tables import read_json_rows
from core.data.readers.jsonl import read_jsonl
from core.data.readers.trec import ITERATIONS
from core.data.readers.values import is_number
from core.errors import InputError
from core.progress import ProgressCallback, ignore_progress, watch
from core.text.phrases import count_of, first_five, shorten

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
SHEET_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods")
_NO_LINES = (".parquet", ".json", *SHEET_SUFFIXES)
_LOOK_AHEAD = 100  # rows whose names are a JSONL file's columns, and from which a header and a separator are told
_MAX_COLUMNS = 65_536  # what has more is rather a matrix, or no table
_MAX_CELL = 50_000_000  # characters; the csv module's own limit of 131,072 is less than a long document
_BEGINNING = 8_000_000  # bytes of a text file from which its columns and first rows are told
_START = 8_192  # bytes from which a text file is told to be labels
_NO_SEPARATOR = "\x1f"  # a sign that no text holds: each line is one cell
_WHITE_SPACE = ""
_FEATURES = re.compile(r"\s*-?\d+(?:\.\d+)?[ \t]+(?:qid:\S+[ \t]+)?\d+:-?\d")  # "2 qid:10 1:0.03", a line of LETOR's
_SEPARATORS = frozenset("\t,;|")
_RULE = re.compile(r":?-{2,}:?")
_NAMES_SEPARATOR = re.compile(r"sep=(.)\n", re.IGNORECASE)  # what a spreadsheet program may write above a table


@dataclass(frozen=True)
class Row:
    """number: the line of the file the row begins on (Parquet: the row, from 1). values: column -> value."""

    number: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Head:
    """The beginning of a table.

    columns: of the file, or column_1, column_2 … without a header. rows: the first ones. header: whether the first line
    names the columns; None for files whose format says so (JSONL, Parquet).
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    header: Header | None = None

    @property
    def is_named(self) -> bool:
        """Whether the columns have names of their own."""
        return self.header is None or self.header.present

    def values_of(self, column: str) -> list[Any]:
        """The values of a column in the first rows; None where a row has none."""
        return [row.values.get(column) for row in self.rows]


def is_sheet(path: Path) -> bool:
    """Whether a path is that of a sheet, BOOK.xlsx/SHEET: a table of its own."""
    return path.parent.suffix.lower() in SHEET_SUFFIXES and path.parent.is_file()


def is_sheet_file(path: Path) -> bool:
    """Whether a path is that of a workbook, or of a sheet in one."""
    return is_sheet(path) or path.suffix.lower() in SHEET_SUFFIXES


def is_label_text(path: Path) -> bool:
    """Whether a file, whatever its name, begins as TREC's topics, judgments or runs do."""
    try:
        with path.open("rb") as file:
            start = file.read(_START)
        text = start.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        return False
    if trec.is_topics(text):
        return True
    whole = text if len(start) < _START else text.rpartition("\n")[0]
    lines = [line.split() for line in whole.split("\n") if line.strip() and not is_comment(line)]
    if lines and _FEATURES.match(" ".join(lines[0])):
        return True
    return bool(lines) and all(len(cells) > 3 and _is_judgment(cells) for cells in lines)


def is_comment(line: str) -> bool:
    """Whether a line is a remark: "#" and a space, another "#" or nothing. An id may begin with the sign, too."""
    return line.startswith("#") and (line[1:2] in ("#", "") or line[1].isspace())


def is_text_table(path: Path) -> bool:
    """Whether all values of the file are text (CSV, TSV and the like), so that types have to be inferred."""
    return is_sheet(path) or path.suffix.lower() not in (".jsonl", ".parquet", ".json")


def place(path: Path, number: int) -> str:
    """ "line 3", or "row 3" where rows are no lines, in Parquet and JSON."""
    return f"{'line' if _has_lines(path) else 'row'} {number}"


def _has_lines(path: Path) -> bool:
    return path.suffix.lower() not in _NO_LINES and not is_sheet(path)


def row_error(message: str, path: Path, *, number: int) -> InputError:
    """An error at a row of a table."""
    if not _has_lines(path):
        return InputError(f"{place(path, number)}: {message}", file=path)
    return InputError(message, file=path, line=number)


def read_rows(path: Path, *, header: bool = True) -> Iterator[Row]:
    """Yields the rows of a table. header: whether the first line of CSV and the like names the columns.

    Raises InputError for everything that cannot be read.
    """
    suffix = path.suffix.lower()
    if is_sheet(path) or suffix in SHEET_SUFFIXES:
        yield from _read_sheet(path)
    elif suffix == ".jsonl":
        for line, record in read_jsonl(path):
            yield Row(line, record)
    elif suffix == ".json":
        for number, record in read_json_rows(path):
            yield Row(number, record)
    elif suffix == ".parquet":
        yield from _read_parquet(path)
    else:
        text = _read_text(path)
        if trec.is_topics(text):
            for line, topic in trec.read_topics(text, path):
                yield Row(line, topic)
        else:
            yield from _read_separated(text, path, header=header)


def read_head(path: Path, *, rows: int = _LOOK_AHEAD, header: bool | None = None) -> Head:
    """The columns of a table and its first rows. header: as told; None to guess it.

    Raises InputError for everything that cannot be read.
    """
    suffix = "" if is_sheet(path) else path.suffix.lower()
    if suffix == ".parquet":
        columns = _open_parquet(path).schema_arrow.names
        return Head(tuple(columns), tuple(islice(read_rows(path), rows)))
    if is_sheet(path) or suffix in (".jsonl", ".json", *SHEET_SUFFIXES):
        return _head_of(islice(read_rows(path), max(rows, _LOOK_AHEAD)), rows)
    text = _read_text(path, limit=_BEGINNING)
    if trec.is_topics(text):
        return _head_of((Row(line, topic) for line, topic in trec.read_topics(text, path)), rows)
    lines = [cells for _, cells in islice(_cut_lines(text, path), _LOOK_AHEAD)]
    if lines:
        _check_width(lines[0], path, line=1)
    found = guess_header(lines) if header is None else Header(present=header, sure=True)
    if header is None and not found.present and len(lines[0]) == 1 and suffix not in TABLE_SUFFIXES:
        found = Header(present=False, sure=True)  # queries.txt, a query a line
    columns = _name_columns(lines[0], path, line=1, header=found.present) if lines else []
    return Head(tuple(columns), tuple(islice(_read_separated(text, path, header=found.present), rows)), found)


def _head_of(rows: Iterator[Row], number: int) -> Head:
    seen = list(rows)
    return Head(tuple(dict.fromkeys(name for row in seen for name in row.values)), tuple(seen[:number]))


def _read_text(path: Path, *, limit: int | None = None) -> str:
    """The text of a file, or its whole lines within `limit` bytes; UTF-16 with its mark is read too, since spreadsheet
    programs call it "Unicode text"."""
    if limit is not None and path.stat().st_size > limit:
        with path.open("rb") as file:
            data = file.read(limit).rpartition(b"\n")[0]
    else:
        data = read_bytes(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError as error:
            raise InputError(f"is not whole UTF-16 ({error}); save it as UTF-8", file=path) from error
    return decode_text(data, path)


def _read_separated(text: str, path: Path, *, header: bool) -> Iterator[Row]:
    lines = _cut_lines(text, path)
    first = next(lines, None)
    if first is None:
        raise InputError("the file is empty; fill it or delete it", file=path)
    names = _name_columns(first[1], path, line=first[0], header=header)
    rows = 0
    for number, cells in lines if header else _with_first(first, lines):
        rows += 1
        if len(cells) != len(names):
            raise InputError(
                f"found {count_of(len(cells), 'column')}, expected {len(names)} ({first_five(names)}); "
                "put values that hold the separator in quotes",
                file=path,
                line=number,
            )
        yield Row(number, dict(zip(names, cells, strict=True)))
    if not rows:
        raise InputError("has no rows below its header; expected a header line and at least one row", file=path)


def _with_first(first: tuple[int, list[str]], rest: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    yield first
    yield from rest


def read_mapped(path: Path, use: TableUse, *, on_progress: ProgressCallback = ignore_progress) -> list[Row]:
    """All rows of a table. on_progress: hears how many were read. Raises InputError too if it lacks a column that is used."""
    rows = list(watch(read_rows(path, header=use.header), f"reading {path.name}", on_progress))
    columns = {name for row in rows for name in row.values}
    for name, column in use.used.items():
        if column not in columns:
            raise InputError(
                f'has no column "{column}", which is chosen for {name}; found {", ".join(sorted(columns))}', file=path
            )
    return rows


def _check_width(cells: list[str], path: Path, *, line: int) -> None:
    if len(cells) > _MAX_COLUMNS:
        raise InputError(
            f"has {len(cells):,} columns, more than {_MAX_COLUMNS:,}; keep those that are needed", file=path, line=line
        )


def _name_columns(cells: list[str], path: Path, *, line: int, header: bool) -> list[str]:
    _check_width(cells, path, line=line)
    names = [(cell.strip() if header else "") or f"column_{number}" for number, cell in enumerate(cells, start=1)]
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise InputError(f'has the column "{shorten(name)}" twice; rename one', file=path, line=line)
    return names


def _cut_lines(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of everything in the file that is not blank, a header too."""
    csv.field_size_limit(_MAX_CELL)
    if _FEATURES.match(text):
        raise InputError(
            "holds numbers for learning to rank (LETOR, SVMlight), no texts; give the documents and the queries with their "
            "texts, and the grades as judgments: query 0 document relevance",
            file=path,
            line=1,
        )
    text, remarks = _skip_remarks(text)
    named = _NAMES_SEPARATOR.match(text)
    delimiter = named[1] if named else _guess_delimiter(text, tabs=path.suffix.lower() == ".tsv")
    first = 1 + remarks
    if named:
        text, first = text[named.end() :], first + 1
    if delimiter == _WHITE_SPACE:
        for number, line in enumerate(text.split("\n"), start=first):
            if line.strip() and not is_comment(line):
                yield number, line.split()
        return
    plain = delimiter == "\t" and not _fits_quoting(text)
    yield from _parse(text, path, delimiter=delimiter, quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL, first=first)


def _skip_remarks(text: str) -> tuple[str, int]:
    """Without the remarks above a table, and how many lines they are; what has a separator may be a header."""
    number = 0
    while is_comment(line := text.partition("\n")[0]) and "\n" in text and not _SEPARATORS.intersection(line):
        text, number = text[len(line) + 1 :], number + 1
    return text, number


def _parse(text: str, path: Path, *, delimiter: str, quoting: Any, first: int) -> Iterator[tuple[int, list[str]]]:
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
    joined = JoinedLines(delimiter)
    start, begin = first, 0
    try:
        for cells in reader:
            if any(map(str.strip, cells)) and not (delimiter == "|" and _is_rule(cells)):
                yield start, cells
            end = lines.tell()
            joined.look(start, cells, text[begin:end] if reader.line_num + first - start > 1 else "")
            start, begin = reader.line_num + first, end
    except csv.Error as error:
        raise InputError(
            f'the quotes do not match ({error}); write a quote inside a quoted value twice ("")', file=path, line=start
        ) from error
    found = joined.find_rows()
    if found is not None:
        raise InputError(
            f"a quote that opens here closes only in line {found[1]}, and the lines between look like rows; "
            'write a quote inside a quoted value twice (""), or put the value in quotes',
            file=path,
            line=found[0],
        )


def _is_rule(cells: list[str]) -> bool:
    """Whether a line is what Markdown draws below a table's header: |---|:---:|."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return all(_RULE.fullmatch(cell) for cell in filled)


def _fits_quoting(text: str) -> bool:
    """Whether a TSV file reads well with quotes as quotes; many are written with quotes as plain letters.

    A value with both a line end and a tab in it is taken for two rows, one with a quote at a beginning, one at an end.
    """
    if '"' not in text:
        return False
    try:
        widths = set()
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True):
            widths.add(len(cells) or None)
            if any("\n" in cell and "\t" in cell for cell in cells):
                return False
    except csv.Error:
        return False
    return len(widths - {None}) <= 1


def _guess_delimiter(text: str, *, tabs: bool) -> str:
    """The separator that cuts the first lines into the most cells, all of them alike; else the one that does the first line."""
    lines = [line for line in text[:1_000_000].split("\n") if line.strip()][:_LOOK_AHEAD]
    if not lines or (tabs and "\t" in lines[0]):
        return "\t"
    rows = [line.split() for line in lines if not is_comment(line)]
    best, most = "", 1
    if rows and all(map(_is_judgment, rows)) and len(rows) < len(lines):  # with remarks between them
        return _WHITE_SPACE
    for mark in "\t,;|":
        widths = {len(cells) for cells in _try(lines, mark)}
        if len(widths) == 1 and max(widths) > most:
            best, most = mark, max(widths)
    if best:
        return best
    if len({len(cells) for cells in rows}) == 1 and all(map(_is_judgment, rows[1:] or rows)):
        return _WHITE_SPACE
    found = max("\t,;|", key=lambda mark: len(_try(lines[:1], mark)[0]))
    return found if len(_try(lines[:1], found)[0]) > 1 else _NO_SEPARATOR


def _try(lines: list[str], mark: str) -> list[list[str]]:
    """The cells that a separator makes of the first lines; a last record that may go on below them is left out."""
    try:
        found = [cells for cells in csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=mark) if cells]
    except csv.Error:
        return [[]]
    return (found[:-1] if len(lines) == _LOOK_AHEAD else found) or [[]]


def _is_judgment(cells: list[str]) -> bool:
    """Whether a line cut at white space is query, document, grade, or has the form of TREC's judgments or runs."""
    if len(cells) == 3:
        return is_number(cells[2])
    return len(cells) in (4, 6) and cells[1] in ITERATIONS and is_number(cells[3])


def list_filled_sheets(path: Path) -> dict[str, list[list[str]]]:
    """The sheets of a workbook that hold something: name -> rows of cells as text."""
    return {name.replace("/", "_"): rows for name, rows in list_sheets(read_bytes(path), path) if any(map(any, rows))}


def count_formulas_of(path: Path) -> int:
    """Cells of a workbook, or of the one that a sheet is in, that are empty since the value of their formula was not saved."""
    return count_unsaved_formulas(read_bytes(path.parent if is_sheet(path) else path), path)


def _read_sheet(path: Path) -> Iterator[Row]:
    """The rows of a sheet, or of a workbook's only one, below the names of its columns; cells are text."""
    sheets = list_filled_sheets(path.parent if is_sheet(path) else path)
    if is_sheet(path) and path.name not in sheets:
        raise InputError(f"there is no such sheet; there is {first_five(list(sheets))}", file=path)
    if not is_sheet(path) and len(sheets) != 1:
        raise InputError(f"has {count_of(len(sheets), 'sheet')} with cells, expected one; save them as .csv", file=path)
    rows = sheets[path.name] if is_sheet(path) else next(iter(sheets.values()))
    yield from _list_rows(rows, path)


def read_sheet_head(cells_of: list[list[str]], path: Path) -> Head:
    """read_head() of a sheet that is at hand, also of one that has a header alone: reading it says so."""
    filled = [row for row in cells_of if any(row)]
    return (
        Head(tuple(filled[0]), ())
        if len(filled) == 1
        else _head_of(islice(_list_rows(cells_of, path), _LOOK_AHEAD), _LOOK_AHEAD)
    )


def _list_rows(cells_of: list[list[str]], path: Path) -> Iterator[Row]:
    (first, names), *rest = [(number, row) for number, row in enumerate(cells_of, start=1) if any(row)]
    columns = _name_columns(names, path, line=first, header=True)
    if not rest:
        raise InputError("has no rows below its header; expected a header line and at least one row", file=path)
    for number, cells in rest:
        yield Row(number, dict(zip(columns, cells, strict=False)))


def _open_parquet(path: Path) -> Any:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        names = file.schema_arrow.names
    except (pyarrow.ArrowException, UnicodeDecodeError, OSError) as error:  # names of columns may be damaged too
        raise InputError(f"is not a readable Parquet file ({type(error).__name__}); export it again", file=path) from error
    check_names(names, path)
    return file


def _read_parquet(path: Path) -> Iterator[Row]:
    import pyarrow

    file = _open_parquet(path)
    number = 0
    try:
        for batch in file.iter_batches(batch_size=1_000):
            for values in list_rows(batch, path):
                number += 1
                yield Row(number, values)
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:  # letters and dates that are none, too
        raise InputError(
            f"is not a readable Parquet file ({type(error).__name__} after row {number}); export it again", file=path
        ) from error
    if not number:
        raise InputError("has no rows; expected at least one", file=path)
