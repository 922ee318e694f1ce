"""The words that make a text exact: codes, numbers and rare terms, and whether another text holds them too."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise

import pandas as pd

from core.text.words import STOP_WORDS, UNSPACED, Analyzer, find_words, fold, is_identifier, split_parts

RARE_SHARE = 0.01  # of the documents; a term in at most so many is rare
RARE_LEAST = 2  # documents in which a term may stand and still be rare, however small the corpus
NUMBER_DIGITS = 2  # from so many on a number is worth sharing: 1 to 9 stand in every page with numbered steps

_GROUPED = re.compile(r"(?<!\d)(\d{1,3}(?:,\d{3})+)(?!\d)")  # a number with thousands separators is one word
_NUMBER = re.compile(r"\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?:[-:/]\d{1,3})+")  # 4021; 4,000; 2-3, 14:30, 24/7
_QUANTITY = re.compile(
    r"\d+(?:st|nd|rd|th|x|ms|s|sec|min|mins|h|hr|hrs|am|pm|d|mm|cm|m|km|mg|g|kg|ml|l|c|f|k|b|kb|mb|gb|tb|mv|v|ma|w|kw|hz|khz|mhz|ghz)",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")  # e.g, i.e, p.m
_CONTRACTION = re.compile(r"\b\w+n['’]t\b|['’](?:s|re|ve|ll|d|m)\b", re.IGNORECASE)  # doesn't; the 's of what's
_ENGLISH = Analyzer()


def find_identifiers(text: str) -> list[str]:
    """Codes, part numbers, versions, names of files and settings, as they are spelled, each once, in order.

    A word counts if it joins letters or digits by `_`, `.` or `:`, or has a digit in it (KH-4012, H2, 3.1, hub.yaml,
    max_retry_count). Plain numbers (see find_numbers), quantities with a unit (30s, 5GB), abbreviations (e.g.) and words
    that only lack a space between them ("it stops.what now") do not count. A decimal number looks like a version and counts.
    """
    return _distinct(word for word in _split_words(text) if _is_code(word))


def find_numbers(text: str) -> list[str]:
    """Plain numbers as they are spelled (4021; 4,000; also 2-3 and 14:30), each once, in order."""
    return _distinct(word for word in _split_words(text) if _NUMBER.fullmatch(word))


def count_documents(documents: pd.DataFrame, analyzer: Analyzer = _ENGLISH) -> Counter[str]:
    """Term -> number of documents whose title or text holds it; terms are those of the lexical index (stems, no stop words).

    documents: schema.DOCUMENTS. analyzer: of their languages (core.data.languages.make_analyzer). One pass, about a second per
    million words: callers keep the result.
    """
    found: Counter[str] = Counter()
    for title, text in zip(documents["title"], documents["text"], strict=True):
        found.update(analyzer.collect(f"{title}\n{text}"))
    return found


def find_rare_terms(text: str, frequencies: Mapping[str, int], *, documents: int, analyzer: Analyzer = _ENGLISH) -> list[str]:
    """Words of a text that stand in at least one and at most max(2, 1 %) of the documents, as spelled, each once, in order.

    frequencies: from count_documents() with the same analyzer; documents: how many there are. Words are compared by stem; stop
    words, single letters, codes and plain numbers (which have finders of their own) are left out, and so is what the corpus
    lacks, such as most typos.
    """
    most = max(RARE_LEAST, RARE_SHARE * documents)
    return _distinct(
        part
        for word in _split_words(_CONTRACTION.sub(" ", text))
        if not _is_code(word) and not _NUMBER.fullmatch(word)
        for part in split_parts(word)
        if len(part) > 1 and any(1 <= frequencies.get(term, 0) <= most for term in analyzer.collect(part))
    )


def holds_term(text: str, term: str) -> bool:
    """Whether a code or number stands in a text as a word or as a whole part of one, whatever the case.

    4012 stands in KH-4012 and hub.yaml in /etc/hub.yaml, but neither 3.1 nor 3 in 3.1.2: that is another version.
    """
    return bool(_compile_term(fold(term)).search(fold(text)))


def find_shared_terms(
    query: str, answer: str, *, frequencies: Callable[[], Mapping[str, int]], documents: int, analyzer: Analyzer = _ENGLISH
) -> list[str]:
    """The codes and numbers (of two or more digits) of a query that its answer holds too, else its rare terms that it holds.

    frequencies: gives count_documents() of the corpus; called only if no code or number is shared. documents: how many there
    are. Terms are spelled as in the query; empty if nothing is shared.
    """
    exact = [*find_identifiers(query), *(number for number in find_numbers(query) if _count_digits(number) >= NUMBER_DIGITS)]
    shared = [term for term in exact if holds_term(answer, term)]
    if shared:
        return shared
    terms = analyzer.collect(answer)
    rare = find_rare_terms(query, frequencies(), documents=documents, analyzer=analyzer)
    return [word for word in rare if terms & analyzer.collect(word)]


def _split_words(text: str) -> Iterator[str]:
    """The words of a text as they are spelled; pairs of letters where a script has no spaces."""
    for place, piece in enumerate(_GROUPED.split(unicodedata.normalize("NFC", text))):
        if place % 2:
            yield piece
            continue
        found = find_words(piece)
        yield from _split_names(found.words)
        yield from (first + second for run in found.runs for first, second in pairwise(run))


def _split_names(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        pieces = word.split("/")
        # KH-4012/KH-4013 are two codes, etc/hub.yaml is one name
        if len(pieces) > 1 and not _NUMBER.fullmatch(word) and all(is_identifier(piece) for piece in pieces):
            yield from pieces
        else:
            yield word


def _is_code(word: str) -> bool:
    if not is_identifier(word) or _NUMBER.fullmatch(word) or _QUANTITY.fullmatch(word) or _ABBREVIATION.fullmatch(word):
        return False
    has_sign = any(sign.isdigit() or sign in "_/" for sign in word)
    return has_sign or STOP_WORDS.isdisjoint(split_parts(fold(word)))


@cache
def _compile_term(term: str) -> re.Pattern[str]:
    before = rf"(?<![^\W_{UNSPACED}])" + (r"(?<!\d[.,:])" if term[0].isdigit() else "")
    after = rf"(?![^\W_{UNSPACED}])" + (r"(?![.,:]\d)" if term[-1].isdigit() else "")
    return re.compile(before + re.escape(term) + after)


def _count_digits(word: str) -> int:
    return sum(sign.isdigit() for sign in word)


def _distinct(words: Iterator[str]) -> list[str]:
    """The words without those that differ from an earlier one only in case."""
    first: dict[str, str] = {}
    for word in words:
        first.setdefault(fold(word), word)
    return list(first.values())
