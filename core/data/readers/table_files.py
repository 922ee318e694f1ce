"""Rows of CSV, TSV, JSONL and Parquet files as dicts, with the place of each row for messages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from core.data.readers.encoding import read_text
from core.data.readers.jsonl import read_jsonl
from core.errors import InputError
from core.text.phrases import count_of, first_five

_LOOK_AHEAD = 100  # rows of a JSONL file whose names are taken as its columns
_MAX_CELL = 50_000_000  # characters; the csv module's own limit of 131,072 is less than a long document


@dataclass(frozen=True)
class Row:
    """number: the line of the file the row begins on (Parquet: the row, from 1). values: column -> value."""

    number: int
    values: dict[str, Any]


def is_text_table(path: Path) -> bool:
    """Whether all values of the file are text (CSV and TSV), so that types have to be inferred."""
    return path.suffix.lower() in (".csv", ".tsv")


def place(path: Path, number: int) -> str:
    """ "line 3", or in a Parquet file, which has no lines, "row 3"."""
    return f"{'row' if path.suffix.lower() == '.parquet' else 'line'} {number}"


def row_error(message: str, path: Path, *, number: int) -> InputError:
    """An error at a row of a table."""
    if path.suffix.lower() == ".parquet":
        return InputError(f"{place(path, number)}: {message}", file=path)
    return InputError(message, file=path, line=number)


def read_rows(path: Path) -> Iterator[Row]:
    """Yields the rows of a table. Raises InputError for other file types and everything that cannot be read."""
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        yield from _read_separated(path, tabs=suffix == ".tsv")
    elif suffix == ".jsonl":
        for line, record in read_jsonl(path):
            yield Row(line, record)
    elif suffix == ".parquet":
        yield from _read_parquet(path)
    else:
        raise InputError("is not a table; expected a .csv, .tsv, .jsonl or .parquet file", file=path)


def preview_rows(path: Path, *, rows: int) -> tuple[list[str], list[Row]]:
    """The column names and the first rows. Columns of JSONL are the names in its first 100 objects."""
    if path.suffix.lower() == ".parquet":
        columns = _open_parquet(path).schema_arrow.names
        return list(columns), list(islice(read_rows(path), rows))
    head = list(islice(read_rows(path), max(rows, _LOOK_AHEAD)))
    return list(dict.fromkeys(name for row in head for name in row.values)), head[:rows]


def _read_separated(path: Path, *, tabs: bool) -> Iterator[Row]:
    text = read_text(path)
    csv.field_size_limit(_MAX_CELL)
    delimiter = "\t" if tabs else _guess_delimiter(text)
    if tabs and not _fits_quoting(text):
        lines = list(_parse(text, path, delimiter=delimiter, quoting=csv.QUOTE_NONE))
    else:
        lines = list(_parse(text, path, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL))
    if len(lines) < 2:
        raise InputError("has no rows below its header; expected a header line and at least one row", file=path)
    header = [name.strip() or f"column_{number}" for number, name in enumerate(lines[0][1], start=1)]
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise InputError(f'has the column "{twice[0]}" twice; rename one', file=path, line=lines[0][0])
    for number, cells in lines[1:]:
        if len(cells) != len(header):
            raise InputError(
                f"found {count_of(len(cells), 'column')}, expected {len(header)} ({first_five(header)}); "
                "put values that hold the separator in quotes",
                file=path,
                line=number,
            )
        yield Row(number, dict(zip(header, cells, strict=True)))


def _parse(text: str, path: Path, *, delimiter: str, quoting: Any) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f'the quotes do not match ({error}); write a quote inside a quoted value twice ("")', file=path, line=start
        ) from error


def _fits_quoting(text: str) -> bool:
    """Whether a TSV file reads well with quotes as quotes; many are written with quotes as plain letters."""
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
        widths = {len(cells) for cells in reader if cells}
    except csv.Error:
        return False
    return len(widths) <= 1


def _guess_delimiter(text: str) -> str:
    first = next((line for line in text.split("\n") if line.strip()), "")
    return max(",;\t|", key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))


def _open_parquet(path: Path) -> Any:
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"is not a readable Parquet file ({type(error).__name__}); export it again", file=path) from error


def _read_parquet(path: Path) -> Iterator[Row]:
    import pyarrow

    file = _open_parquet(path)
    number = 0
    try:
        for batch in file.iter_batches(batch_size=1_000):
            for values in batch.to_pylist():
                number += 1
                yield Row(number, values)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"is not a readable Parquet file ({type(error).__name__} after row {number}); export it again", file=path
        ) from error
    if not number:
        raise InputError("has no rows; expected at least one", file=path)
