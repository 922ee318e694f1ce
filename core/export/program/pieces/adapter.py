"""A query adapter: a linear map of query vectors, trained for documents that are embedded without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from core.stages.arithmetic import unit_rows


def adapt(vectors: np.ndarray, folder: str) -> np.ndarray:
    """unit(q @ matrix) of every row."""
    matrix: np.ndarray = load_file(Path(folder) / "adapter.safetensors")["matrix"]
    return unit_rows(vectors.astype(np.float64) @ matrix.astype(np.float64))
