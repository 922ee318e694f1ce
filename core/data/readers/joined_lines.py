"""Rows that a quote which nothing closes has joined to one value: told from values that really have several lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from core.data.readers.values import is_number

_LOOKED_AT = 100  # rows from which it is learnt what the ids of a table look like
_MANY = 4  # lines that all have the table's columns: more than any text would have by chance


class JoinedLines:
    """Looks at the rows of a table as they are read.

    A quote too much joins lines that are rows: cut without regard to quotes, every one has the columns of the table. Lines of
    a text that was put in quotes rarely do, and have no ids where the rows have theirs.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._width = 0
        self._rows: list[Sequence[str]] = []
        self._doubtful: list[tuple[int, int, list[list[str]]]] = []

    def look(self, line: int, cells: Sequence[str], text: str) -> None:
        """One more row. line: where it begins. text: as it stands in the file if it has several lines, else ""."""
        self._width = self._width or len(cells)
        if text:
            lines = [one.split(self._delimiter) for one in text.split("\n") if one.strip()]
            if len(lines) > 1 and self._width > 1 and all(len(one) == self._width for one in lines):
                self._doubtful.append((line, line + text.rstrip("\n").count("\n"), lines))
        elif len(self._rows) <= _LOOKED_AT and any(cells):
            self._rows.append(cells)

    def find_rows(self) -> tuple[int, int] | None:
        """(first line, last line) of a value that has rows in it; None if there is none."""
        for first, last, lines in self._doubtful:
            if len(lines) > _MANY or any(self._list_ids(lines)):
                return first, last
        return None

    def _list_ids(self, lines: Sequence[Sequence[str]]) -> Iterator[bool]:
        """For each column whether it has ids or numbers only, in these lines as in the rows below the header."""
        for column in range(self._width):
            rows = [_form_of(row[column]) for row in (lines[0], *self._rows[1:]) if column < len(row)]
            joined = [_form_of(line[column]) for line in lines[1:]]
            yield "" not in rows and "" not in joined and set(joined) <= set(rows)


def _form_of(cell: str) -> str:
    """ "q12" and "q3" have the form "q0", numbers "0"; "" for what is neither number nor id."""
    text = cell.strip(' "')
    if is_number(text):
        return "0"
    return re.sub(r"\d+", "0", text) if any(map(str.isdigit, text)) and " " not in text else ""
