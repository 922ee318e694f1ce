"""Frames as JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def as_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON values: NaN and infinity become null, numpy numbers plain ones."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
