"""CSV that people open in a spreadsheet: a cell of somebody's data that would be a formula there stays text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# What spreadsheets take for the beginning of a formula, also behind quotes and blanks, and in the wide forms of East Asia.
_FORMULA = re.compile(r"[\s\"'\ufeff\0]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|\.\d+)([eE][+-]?\d+)?%?")


def to_csv(frame: pd.DataFrame) -> str:
    """The rows of a frame as CSV with a header, without its index. The one way to CSV for whatever people download."""
    safe = frame.copy()
    for column in range(safe.shape[1]):
        values = safe.iloc[:, column]
        if values.dtype.kind not in "biufM":
            safe.isetitem(column, [disarm(value) if isinstance(value, str) else value for value in values])
    safe.columns = [disarm(str(name)) for name in safe.columns]
    return str(safe.to_csv(index=False))


def disarm(cell: str) -> str:
    """The cell behind an apostrophe if it begins like a formula, which spreadsheets then show as text; numbers stay numbers."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def rearm(cell: str) -> str:
    """What disarm() was given, for files that come back."""
    return cell[1:] if cell[:1] == "'" and disarm(cell[1:]) == cell else cell
