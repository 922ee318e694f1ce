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
# Days that can be read in one way alone: after dots the day comes first wherever dates have dots. 3/4/2024 is two days.
_DOTTED = re.compile(r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})")
_EAST_ASIAN = re.compile(r"(?P<year>\d{4})\s?[年년]\s?(?P<month>\d{1,2})\s?[月월]\s?(?P<day>\d{1,2})\s?[日일]")
_NAMED = re.compile(r"(?P<day>\d{1,2})(?:st|nd|rd|th)? (?P<name>[a-z]{3,9})\.?,? (?P<year>\d{4})", re.IGNORECASE)
_NAMED_FIRST = re.compile(r"(?P<name>[a-z]{3,9})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})", re.IGNORECASE)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SECOND = 10**9  # nanoseconds
_DAY = 86_400 * _SECOND


class Period(NamedTuple):
    """What a date names: nanoseconds since the year 1 in UTC, the first and the last. Both are the same for a time of day."""

    first: int
    last: int


@functools.lru_cache(maxsize=100_000)
def read_date(text: str) -> Period | None:
    """The period of a date as ISO 8601 writes it, or of a day that can be read in one way alone; None for any other text.

    A year (2024), a month (2024-05), a day (2024-05-01, also 2024/5/1), or a time of that day, after T or a space, with
    or without seconds and their parts; 31.12.2024, 12 March 2024, March 12, 2024 and 2024年3月1日. A time zone is Z, UTC, GMT
    or an offset (+02:00); what has none is read as UTC.
    """
    text = text.strip()
    found = _WRITTEN.fullmatch(text) or _WRITTEN.fullmatch(_rewrite_day(text))
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


def _rewrite_day(text: str) -> str:
    """A day in other words as 2024-12-31; "" for any other text."""
    for form in (_DOTTED, _EAST_ASIAN, _NAMED, _NAMED_FIRST):
        found = form.fullmatch(text)
        if found:
            parts = found.groupdict()
            name = parts.get("name", "").lower()
            named = [number for number, month in enumerate(_MONTHS, 1) if month.startswith(name) and name != ""]
            month = parts.get("month") or (str(named[0]) if len(named) == 1 else "")
            return f"{parts['year']}-{month}-{parts['day']}" if month else ""
    return ""


def _count_days(year: str, month: str | None) -> int:
    return calendar.monthrange(int(year), int(month or 12))[1]


def _read_offset(zone: str | None) -> int:
    """Seconds that a time zone is ahead of UTC."""
    if zone is None or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = (int(digits[:2]) * 60 + int(digits[2:])) * 60
    return -seconds if zone[0] == "-" else seconds
