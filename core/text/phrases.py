"""Numbers, durations, ids and names inside a sentence: counted, listed, joined and cut."""

from __future__ import annotations

from collections.abc import Sequence

_WIDEST = 200  # characters of an id in a list; a longer one is cut
NAMED = 5  # how many ids a warning names before it says "…"


def plural(number: int, noun: str) -> str:
    """The noun as it stands after this number: "query" after 1, else "queries"."""
    if number == 1:
        return noun
    return noun[:-1] + "ies" if noun.endswith("y") else noun + "s"


def count_of(number: int, noun: str) -> str:
    """ "1 judgment", "1,837 judgments", "2 queries"."""
    return f"{number:,} {plural(number, noun)}"


def join_words(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"; "" for none."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def first_five(ids: Sequence[str]) -> str:
    """The first five distinct ids, and "…" if there are more."""
    distinct = list(dict.fromkeys(ids))
    return ", ".join(shorten(name, width=_WIDEST) for name in distinct[:NAMED]) + (", …" if len(distinct) > NAMED else "")


def shorten(text: str, *, width: int = 60) -> str:
    """Text on one line, cut with "…" at `width` characters, for use in a message."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def describe_duration(seconds: float) -> str:
    """ "12 s", "4 min", "1 h 5 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
