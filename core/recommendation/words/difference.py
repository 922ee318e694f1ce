"""The difference that a rung makes, as a few words in the sentences of other parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def describe_difference(row: Mapping[str, Any], measure: str) -> str:
    """ "+0.038 nDCG@10, 0.012 to 0.064" of a rung."""
    return f"{row['delta']:+z.3f} {measure}, {row['delta_low']:.3f} to {row['delta_high']:.3f}"
