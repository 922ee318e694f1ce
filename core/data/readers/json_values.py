"""Values of other programs' files as plain JSON."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

from core.data.readers.encoding import replace_surrogates

_LONGEST = 10_000  # bits of a whole number that Python writes out in digits


def to_json(value: Any) -> Any:
    """Dates and times as ISO text, decimals as numbers, tuples and sets as lists, names as text; what is not known, and whole
    numbers beyond 64 bits, as text.

    None for what JSON cannot hold: NaN, infinity, raw bytes.
    """
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, decimal.Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, set):
        value = sorted(value, key=str)  # the order of a set differs from process to process
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {replace_surrogates(str(name)): to_json(item) for name, item in value.items()}
    if value is None or isinstance(value, bytes):
        return None
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return hex(value) if value.bit_length() > _LONGEST else str(value)
    return value if isinstance(value, bool | int) else str(value)
