"""Named values: which values of a metadata field a text names, and the filter that it so asks for."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from core.text.conditions import name_type
from core.text.words import STOP_WORDS, find_inside, fold, split_words

SHORTEST_NAME, LONGEST_NAME = 2, 80  # characters of a value, as it is written, that a query can name
_INSIDE_NUMBER = re.compile(r"(?<=\d)(?=\.\d)|(?<=\d\.)(?=\d)")  # "3.1.2"
_AFTER_V = re.compile(r"(?<!\w)v(?=\d)")  # "v3.1" names 3.1
_VERSION = re.compile(r"v?\d+(\.\d+)+")
_YEAR = re.compile(r"(19|20)\d\d")
Spellings = Mapping[str, tuple[Any, ...]]  # a value as a query writes it -> the field's values written so


def collect_spellings(metadata: Iterable[Mapping[str, Any]], fields: Iterable[str]) -> dict[str, Spellings]:
    """Each field's values by the way a query would write them, folded: what infer_filter() looks for.

    Texts of 2 to 80 characters count, unless they consist of stop words ("all"). Numbers, and texts of digits alone, stand
    in queries for many other reasons: they count only in a field of years or versions (all its numbers are years, or at
    least half of its values look like 3.1), and as they are written there. true/false is never named. Values that are
    everyday words ("guide") do count: whether a field's values can be trusted is for the advisor to say, from labels.
    """
    wanted = tuple(fields)
    found: dict[str, dict[str, dict[tuple[str, Any], Any]]] = {name: {} for name in wanted}
    for entry in metadata:
        for name in wanted:
            value = entry.get(name)
            for item in value if isinstance(value, list | tuple) else (value,):
                spelled = spell_value(item)
                if spelled is not None:
                    found[name].setdefault(spelled, {}).setdefault((name_type(item), item), item)
    return {name: _keep_nameable({spelled: tuple(same.values()) for spelled, same in found[name].items()}) for name in wanted}


def spell_value(value: Any) -> str | None:
    """A value as a query writes it: folded, single spaces; None for what no query can name."""
    if isinstance(value, str):
        return fold(" ".join(value.split()))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return repr(value)


def _keep_nameable(spellings: Spellings) -> Spellings:
    numbers = {text for text, same in spellings.items() if text.isdecimal() or any(not isinstance(v, str) for v in same)}
    versions = sum(bool(_VERSION.fullmatch(text)) for text in spellings)
    trusted = all(_YEAR.fullmatch(text) for text in numbers) or 2 * versions >= len(spellings)
    return {
        text: same
        for text, same in spellings.items()
        if SHORTEST_NAME <= len(text) <= LONGEST_NAME
        and (trusted or text not in numbers)
        and not all(word in STOP_WORDS for word in split_words(text))
    }


def infer_filter(text: str, values: Mapping[str, Spellings]) -> dict[str, Any]:
    """The filter that a query's text asks for: {field: value, or list of values} for each field with a value named in it.

    values: from collect_spellings(). A value is named if it stands in the text as whole words, in any case; "3.1" is not
    named by "3.1.2", but by "v3.1". Of overlapping values the longest counts ("Hub Pro", not "Hub"). Nothing named gives {}.
    What a text asks for depends on nothing else, so that a query typed alone is filtered as among many others.
    """
    asked = fold(" ".join(text.split()))
    longest = max((len(spelled) for spellings in values.values() for spelled in spellings), default=0)
    spans = _list_spans(asked, longest)
    conditions: dict[str, Any] = {}
    for name, spellings in values.items():
        taken: list[tuple[int, int]] = []
        for start, end in spans:
            if asked[start:end] in spellings and all(end <= first or start >= last for first, last in taken):
                taken.append((start, end))
        named = list(dict.fromkeys(asked[start:end] for start, end in sorted(taken)))
        found = [value for spelled in named for value in spellings[spelled]]
        if found:
            conditions[name] = found[0] if len(found) == 1 else found
    return conditions


def _list_spans(text: str, longest: int) -> list[tuple[int, int]]:
    """Where a value of at most `longest` characters may stand in a text, the longest first, then from left to right."""
    # Inside a word, a number or a version no value starts or ends: "hubs", "3.1.2".
    inside = find_inside(text) | {match.start() for match in _INSIDE_NUMBER.finditer(text)}
    cuts = [place for place in range(len(text) + 1) if place not in inside]
    starts = sorted({*cuts, *(match.end() for match in _AFTER_V.finditer(text))})
    spans = [
        (start, end)
        for start in starts
        for end in cuts[bisect_left(cuts, start + SHORTEST_NAME) : bisect_right(cuts, start + longest)]
    ]
    return sorted(spans, key=lambda span: (span[0] - span[1], span[0]))
