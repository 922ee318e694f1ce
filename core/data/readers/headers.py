"""Whether the first line of a table without types names the columns or is a row itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.data.readers.columns import NAMES, is_grade_name, simplify
from core.data.readers.values import is_number, words_in

_LONGEST_NAME = 40  # signs; what is longer is hardly the name of a column
_MORE_WORDS = 3.0  # how many times as many words the rows have as a name above them
_PLAIN = 2


@dataclass(frozen=True)
class Header:
    """present: the first line names the columns. sure: something in the file speaks for it plainly, and nothing against it."""

    present: bool
    sure: bool


def guess_header(lines: Sequence[Sequence[str]]) -> Header:
    """Tells from the first lines, cut into cells, whether the first of them is a header.

    Plain signs of a header are names that are known and names above columns of numbers; of a row, numbers above numbers,
    ids of the form of those below, sentences. That a cell is much shorter than those below, or comes again there, is a hint:
    it makes a guess, but not a sure one.
    """
    if not lines:
        return Header(present=True, sure=True)
    first, rows = [cell.strip() for cell in lines[0]], lines[1:]
    known = sum(simplify(cell) in NAMES or is_grade_name(cell) for cell in first if cell and len(cell) <= _LONGEST_NAME)
    columns = [[row[place].strip() for row in rows if place < len(row) and row[place].strip()] for place in range(len(first))]
    votes = [_vote(cell, values) for cell, values in zip(first, columns, strict=True)]
    is_row, is_name = -_PLAIN in votes, _PLAIN in votes
    if known and not is_row:
        return Header(present=True, sure=True)
    if known:  # two known names beside numbers above numbers: a table with a column for each year, say
        return Header(present=known > 1, sure=known > 1)
    return Header(present=sum(votes) > 0, sure=is_row != is_name)


def _vote(cell: str, values: Sequence[str]) -> int:
    """Above 0 for a name above these values, below 0 for a value like them; _PLAIN where that is no mere hint."""
    if not cell:
        return 0
    if is_number(cell) or len(cell) > _LONGEST_NAME or cell.endswith((".", "?", "!", "。", "？")):
        return -_PLAIN
    if values and all(is_number(value) for value in values):
        return _PLAIN
    if _has_digits(cell) and (not values or any(_form_of(cell) == _form_of(value) for value in values)):
        return -_PLAIN
    if values and all(_has_digits(value) and " " not in value for value in values):
        return _PLAIN  # ids such as q1 below, none above
    if cell in values:
        return -1
    words = sum(map(words_in, values)) / len(values) if values else 0.0
    if words >= _MORE_WORDS:
        return 1 if words_in(cell) * _MORE_WORDS <= words else -1
    return -1 if len(cell.split()) > 3 else 0


def _has_digits(text: str) -> bool:
    return any(sign.isdigit() for sign in text)


def _form_of(text: str) -> str:
    """ "q12" and "q3" have the form "q0"."""
    return re.sub(r"\d+", "0", text)
