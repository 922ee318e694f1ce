"""Fuse: one run from several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from core.schema import RUN_DEPTH, empty, rank_run, to_document_run

_CHUNK_COLUMNS = ["query_id", "chunk_id", "doc_id", "score"]


def _units(run: pd.DataFrame, level: str, depth: int) -> pd.DataFrame:
    """The rows that are fused: the first `depth` documents (or chunks) of every query."""
    if level == "chunk":
        return run[run["rank"] <= depth]
    return to_document_run(run, depth=depth)


def _combine(parts: list[pd.DataFrame], level: str) -> pd.DataFrame:
    """Adds the `part` columns of the runs up per query and unit; the first run's chunk stands for a document."""
    key = "doc_id" if level == "document" else "chunk_id"
    stacked = pd.concat(parts, ignore_index=True)
    if stacked.empty:
        return empty(["query_id", "chunk_id", "doc_id", "score", "rank"])
    totals = stacked.groupby(["query_id", key], sort=False).agg(
        score=("part", "sum"), other=("chunk_id" if key == "doc_id" else "doc_id", "first")
    )
    fused = totals.reset_index().rename(columns={"other": "chunk_id" if key == "doc_id" else "doc_id"})
    if level == "chunk":
        return rank_run(fused)
    # Documents are the unit, so equal scores are ordered by document id, as in to_document_run.
    ranked = rank_run(fused.rename(columns={"chunk_id": "doc_id", "doc_id": "chunk_id"}))
    return ranked.rename(columns={"chunk_id": "doc_id", "doc_id": "chunk_id"})[[*_CHUNK_COLUMNS, "rank"]]


@dataclass(frozen=True)
class ReciprocalRankFusion:
    """score = sum over the runs of 1 / (k + rank) (Cormack, Clarke, Büttcher 2009). Takes two or more runs, gives a run.

    level: "document" fuses documents, each at its best chunk; "chunk" fuses chunks and needs runs over the same chunks.
    """

    type: ClassVar[str] = "rrf"
    takes: ClassVar[tuple[str, ...]] = ("run", "run", "run*")
    gives: ClassVar[str] = "run"
    k: int = 60
    depth: int = RUN_DEPTH
    level: str = "document"

    def __call__(self, *runs: pd.DataFrame, resources: Any = None) -> pd.DataFrame:
        units = [_units(run, self.level, self.depth) for run in runs]
        parts = [unit.assign(part=1.0 / (self.k + unit["rank"].astype(float))) for unit in units]
        return _combine(parts, self.level)


@dataclass(frozen=True)
class WeightedFusion:
    """score = share * dense + (1 - share) * lexical, each min-max scaled to [0, 1] per query over its first `depth` units.

    A document that one run misses gets 0 from it. A query whose scores are all equal gets 1 for each of them.
    (Convex combination: Bruch, Gai, Ingber 2023, arXiv 2210.11934.) Takes the dense run and the lexical run.
    """

    type: ClassVar[str] = "weighted"
    takes: ClassVar[tuple[str, ...]] = ("run", "run")
    gives: ClassVar[str] = "run"
    dense_share: float = 0.7
    depth: int = RUN_DEPTH
    level: str = "document"

    def __call__(self, *runs: pd.DataFrame, resources: Any = None) -> pd.DataFrame:
        parts = []
        for run, weight in zip(runs, (self.dense_share, 1.0 - self.dense_share), strict=True):
            unit = _units(run, self.level, self.depth)
            parts.append(unit.assign(part=weight * scale_scores(unit)))
        return _combine(parts, self.level)


def scale_scores(run: pd.DataFrame) -> np.ndarray:
    """Scores scaled per query to [0, 1] by min and max; all 1 where they are equal."""
    if run.empty:
        return np.zeros(0)
    scores = run["score"].astype(float)
    grouped = scores.groupby(run["query_id"], sort=False)
    low, high = grouped.transform("min"), grouped.transform("max")
    span = high - low
    return np.where(span > 0, (scores - low) / span.where(span > 0, 1.0), 1.0)


FUSIONS: dict[str, type] = {stage.type: stage for stage in (ReciprocalRankFusion, WeightedFusion)}
