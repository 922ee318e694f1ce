"""Frames as JSON."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from core.records import as_records


def test_rows_are_json_values() -> None:
    frame = pd.DataFrame(
        {"name": ["a", "b"], "n": np.array([1, 2], dtype=np.int64), "mean": [0.5, np.nan], "far": [np.inf, 1.0],
         "passages": [("x", "y"), (np.float32(0.5),)]}
    )  # fmt: skip
    rows = as_records(frame)
    assert rows == [
        {"name": "a", "n": 1, "mean": 0.5, "far": None, "passages": ["x", "y"]},
        {"name": "b", "n": 2, "mean": None, "far": 1.0, "passages": [0.5]},
    ]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert as_records(frame[:0]) == []
