"""Rows of Arrow's batches (Parquet and Arrow files) as plain values; what cannot be one is told with its column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.text.phrases import shorten


def check_names(names: list[str], path: Path) -> None:
    """Raises InputError if two columns have one name: of each row only one of them would be kept."""
    name, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        raise InputError(f'has the column "{shorten(name)}" twice; rename one', file=path)


def list_rows(batch: Any, path: Path) -> Iterator[dict[str, Any]]:
    """{column: value} for every row of a record batch.

    Raises InputError that names the column for values that Python has no type for: dates beyond the year 9999, a struct with
    two fields of one name, text that is not UTF-8, a time zone that nobody knows.
    """
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            columns.append(column.to_pylist())
        # Not documented: the library hands on what the types of Python's own library raise.
        except (ValueError, OverflowError, LookupError, TypeError, NotImplementedError) as error:
            reason = f"{type(error).__name__}: {shorten(str(error))}"
            raise InputError(
                f'the column "{shorten(name)}" holds values that cannot be read ({reason}); leave it out or write it as text',
                file=path,
            ) from error
    for values in zip(*columns, strict=True):
        yield dict(zip(batch.schema.names, values, strict=True))
