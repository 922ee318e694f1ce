"""What a cell holds on the face of it: nothing, a number, a list, words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

# Letters of languages that have no spaces between words
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
SHEET_ERRORS = ("#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#NV", "#WERT!", "#BEZUG!")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")


def is_number(value: Any) -> bool:
    """Whether a value is a number, or text that is one (with a decimal point or comma)."""
    if isinstance(value, str):
        return _NUMBER.fullmatch(value.strip()) is not None
    return isinstance(value, (int, float))


def is_blank(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, or text of white space."""
    return value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and math.isnan(value))


def looks_like_list(text: str) -> bool:
    """Whether text is a list as JSON, Python and NumPy write one: in square brackets."""
    stripped = text.strip()
    return stripped.startswith("[") and stripped.endswith("]")


def is_numeric(values: Sequence[Any]) -> bool:
    """Whether a column has numbers only, blanks aside, and at least one."""
    filled = [value for value in values if not is_blank(value)]
    return bool(filled) and all(is_number(value) for value in filled)


def words_in(text: str) -> int:
    """About how many words a text has: what white space divides, and a word for each two letters of Chinese, Japanese, Thai and
    the like."""
    return len(text.split()) + len(_UNSPACED.findall(text)) // 2


def count_words(values: Sequence[Any]) -> float:
    """Words a value on average over the filled ones; 0 for none and for what is not text."""
    filled = [value for value in values if isinstance(value, str) and value.strip() and not looks_like_list(value)]
    return sum(map(words_in, filled)) / len(filled) if filled else 0.0
