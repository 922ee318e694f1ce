"""Dates written as text: the time at which one begins, and the time at which it ends."""

from __future__ import annotations

import calendar
import datetime
import functools
import re
from typing import NamedTuple

_WRITTEN = re.compile(
    r"(\d{4})(?:([-/])(\d{1,2})(?:\2(\d{1,2})"
    r"(?:(?:[Tt]|\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*([Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?)?)?"
)
_SECOND = 10**9  # nanoseconds
_DAY = 86_400 * _SECOND


class Period(NamedTuple):
    """What a date names: nanoseconds since the year 1 in UTC, the first and the last. Both are the same for a time of day."""

    first: int
    last: int


@functools.lru_cache(maxsize=100_000)
def read_date(text: str) -> Period | None:
    """The period of a date as ISO 8601 writes it, None for any other text.

    A year (2024), a month (2024-05), a day (2024-05-01, also 2024/5/1), or a time of that day, after T or a space, with
    or without seconds and their parts. A time zone is Z, UTC, GMT or an offset (+02:00); what has none is read as UTC.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if not found:
        return None
    year, _, month, day, hour, minute, second, part, zone = found.groups()
    try:
        opening = datetime.date(int(year), int(month or 1), int(day or 1)).toordinal() * _DAY
        if hour is None:
            closing = datetime.date(int(year), int(month or 12), int(day or _count_days(year, month))).toordinal() * _DAY
            return Period(opening, closing + _DAY - 1)
        time = datetime.time(int(hour), int(minute), int(second or 0))
    except ValueError:  # 2024-02-30
        return None
    seconds = (time.hour * 60 + time.minute) * 60 + time.second - _read_offset(zone)
    moment = opening + seconds * _SECOND + int((part or "")[:9].ljust(9, "0"))
    return Period(moment, moment)


def _count_days(year: str, month: str | None) -> int:
    return calendar.monthrange(int(year), int(month or 12))[1]


def _read_offset(zone: str | None) -> int:
    """Seconds that a time zone is ahead of UTC."""
    if zone is None or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = (int(digits[:2]) * 60 + int(digits[2:])) * 60
    return -seconds if zone[0] == "-" else seconds
