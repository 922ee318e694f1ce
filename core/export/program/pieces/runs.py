"""Runs: what was found for a query, best first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Hit(NamedTuple):
    """document and chunk: their numbers; no chunk: the whole document."""

    score: float
    chunk: int | None
    document: int


Run = list[Hit]


def sort_run(hits: Run) -> Run:
    """Best first; equal scores in the order of the documents' ids."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.document, -1 if hit.chunk is None else hit.chunk))


def best_of_documents(run: Run) -> Run:
    """Each document once, at its best hit's place."""
    best: dict[int, Hit] = {}
    for hit in run:
        best.setdefault(hit.document, hit)
    return list(best.values())


def list_scores(run: Run) -> np.ndarray:
    """The hits' scores."""
    return np.array([hit.score for hit in run])
