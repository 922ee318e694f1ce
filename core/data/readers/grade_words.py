"""Grades written as words or letters: which number each stands for, told from all that occur together."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.data.readers.values import SHEET_ERRORS, is_blank, is_number
from core.text.phrases import first_five, join_words, shorten

EXPLAIN = (
    "write numbers in their place, or say in tables.yaml what they stand for, as in grades: {good: 2, fair: 1, bad: 0} "
    "(docs/tables.md)"
)
# What programs and people write for no grade; spreadsheets show errors of formulas in their place
NOTHING = {"nan", "null", "none", "na", "n/a", "-", *(error.lower() for error in SHEET_ERRORS)}


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split("|"))


# What people call a relevance, from none up. A word's grade is its place among the levels that occur: with no other level
# above 0 "relevant" is 1, above "partially relevant" it is 2.
_LEVELS = (
    _words(
        "not relevant|non relevant|nonrelevant|notrelevant|irrelevant|nr|false|f|no|n|nein|non|falsch|faux|incorrect|"
        "nicht relevant|non pertinent|pas pertinent|no relevante|irrelevante|non rilevante|não|não relevante|nee|niet relevant|"
        "нет|нерелевантно|не релевантно|нерелевантный|不相关|无关|否|不相關|無關|関連なし|無関係|いいえ|관련 없음|아니요"
    ),
    _words(
        "partially relevant|partly relevant|partial|somewhat relevant|marginally relevant|slightly relevant|pr|mr|"
        "teilweise relevant|partiellement pertinent|parcialmente relevante|parzialmente rilevante|deels relevant|"
        "частично релевантно|частично релевантный|部分相关|部分相關|部分的に関連|부분 관련"
    ),
    _words(
        "relevant|r|true|t|yes|y|ja|j|oui|sí|si|sì|wahr|vrai|correct|pertinent|relevante|rilevante|sim|"
        "да|релевантно|релевантный|相关|是|相關|関連|関連あり|はい|관련|관련 있음|예"
    ),
    _words(
        "highly relevant|very relevant|perfectly relevant|hr|vr|sehr relevant|hoch relevant|très pertinent|muy relevante|"
        "molto rilevante|muito relevante|zeer relevant|очень релевантно|高度相关|非常相关|高度相關|非常に関連|매우 관련"
    ),
)
_SCALES = (
    {"exact": 3, "substitute": 2, "complement": 1, "irrelevant": 0},  # products for searches (ESCI), as TREC grades them
    {"e": 3, "s": 2, "c": 1, "i": 0},
    {"exact": 2, "partial": 1, "irrelevant": 0},
    {"exact match": 2, "partial match": 1, "irrelevant": 0},
    {"perfect": 4, "excellent": 3, "good": 2, "fair": 1, "bad": 0},  # as search engines' raters say
)
_NUMBERED = re.compile(r"([0-9]+)\s*(?:[-–—:=(.]|stars?\b)\s*\D*")  # "2 - relevant", "3 (high)"


def map_words(values: Iterable[Any], *, known: Mapping[str, Any] | None = None) -> dict[str, int]:
    """word -> grade for the values that are no numbers; several words may have one grade. known: words that a person explained.

    Raises ValueError that names the words if it is not plain what they stand for, as the rest of a sentence.
    """
    texts = {str(value).strip() for value in values if not is_blank(value)} - set(known or ())
    texts = {text for text in texts if text.lower() not in NOTHING}
    words = {text: _normalise(text) for text in sorted(texts) if not is_number(text)}
    if not words:
        return {}
    numbers = {text for text in texts if is_number(text)}
    found = _find_grades(set(words.values()))
    if (
        found
        and numbers
        and not (set(found.values()) <= {0, 1} and {float(one.replace(",", ".")) for one in numbers} <= {0, 1})
    ):
        found = {}
    if not found:
        mixed = " beside numbers" if numbers else ""
        raise ValueError(f"are words{mixed} ({first_five([shorten(word, width=40) for word in words])})")
    return {text: found[word] for text, word in words.items()}


def list_unclear_words(values: Iterable[Any]) -> list[str]:
    """The words among grades if it is not plain what they stand for, sorted; none if it is, or if all are numbers."""
    texts = {str(value).strip() for value in values if not is_blank(value)}
    try:
        map_words(texts)
    except ValueError:
        return sorted(text for text in texts if not is_number(text) and text.lower() not in NOTHING)
    return []


def are_grades(values: Sequence[Any]) -> bool:
    """Whether a column has numbers only, or words that are known as grades, blanks aside."""
    filled = [value for value in values if not is_blank(value)]
    if not filled or not all(isinstance(value, (str, bool, int, float)) for value in filled):
        return False
    try:
        map_words(filled)
    except ValueError:
        return False
    return True


def describe_words(words: Mapping[str, int]) -> str:
    """A note on what the words count as; "" for none."""
    if not words:
        return ""
    shown = sorted(words.items(), key=lambda pair: (-pair[1], pair[0]))
    listed = join_words([f'"{shorten(word, width=40)}" as {grade}' for word, grade in shown])
    return f"Grades in words: {listed}."


def _find_grades(words: set[str]) -> dict[str, int]:
    levels = [level & words for level in _LEVELS]
    if words <= frozenset().union(*levels):
        above = [level for level in levels[1:] if level]
        return {word: grade for grade, level in enumerate([levels[0], *above]) for word in level}
    for scale in _SCALES:
        if words <= scale.keys():
            return {word: scale[word] for word in words}
    numbered = {word: _NUMBERED.fullmatch(word) for word in words}
    return {word: int(match[1]) for word, match in numbered.items() if match} if all(numbered.values()) else {}


def _normalise(text: str) -> str:
    return " ".join(re.sub(r"(?<=\w)[_-](?=\w)", " ", unicodedata.normalize("NFKC", text).casefold()).split())
