"""Fuse: one run from several."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from core.errors import check_range
from core.schema import RUN, RUN_DEPTH, empty, first_rows, make_frame, order_hits, to_document_run
from core.stages.arithmetic import scale_between, score_ranks
from core.stages.base import CONSTANT, DEPTH, Resources, Stage, setting

LEVELS = ("document", "chunk")
LEVEL = setting("Merge", "Documents, or chunks (then words have to be looked up in chunks too).", choices=LEVELS)


def _units(run: pd.DataFrame, level: str, depth: int) -> pd.DataFrame:
    """The rows that are fused: the first `depth` documents (or chunks) of every query."""
    if level == "chunk":
        return run[run["rank"] <= depth]
    return to_document_run(run, depth=depth)


def _combine(units: list[pd.DataFrame], parts: list[np.ndarray], level: str) -> pd.DataFrame:
    """Adds the runs' parts of the score up per query and unit; the first run's chunk stands for a document.

    Documents are ordered by document id where scores are equal, chunks by chunk id, as in every run.
    """
    key, other = ("doc_id", "chunk_id") if level == "document" else ("chunk_id", "doc_id")
    stacked = {
        name: np.concatenate([unit[name].to_numpy(dtype=object) for unit in units])
        for name in ("query_id", "chunk_id", "doc_id")
    }
    if not len(stacked[key]):
        return empty(RUN)
    codes, firsts = first_rows(stacked["query_id"], stacked[key])
    scores = np.bincount(codes, weights=np.concatenate(parts))
    order, ranks = order_hits(stacked["query_id"][firsts], stacked[key][firsts], scores)
    rows = firsts[order]
    found = {key: stacked[key][rows], other: stacked[other][rows]}
    kept = (stacked["query_id"][rows], found["chunk_id"], found["doc_id"], scores[order], ranks)
    return make_frame(dict(zip(RUN, kept, strict=True)))


@dataclass(frozen=True)
class ReciprocalRankFusion(Stage):
    """score = sum over the runs of 1 / (k + rank) (Cormack, Clarke, Büttcher 2009). Takes two or more runs, gives a run.

    level: "document" fuses documents, each at its best chunk; "chunk" fuses chunks and needs runs over the same chunks.
    """

    type: ClassVar[str] = "rrf"
    takes: ClassVar[tuple[str, ...]] = ("run", "run", "run*")
    gives: ClassVar[str] = "run"
    role: ClassVar[str] = "fuse"
    label: ClassVar[str] = "by rank (RRF)"
    summary: ClassVar[str] = "by rank, k {k}"
    step: ClassVar[str] = "merge"
    growth: ClassVar[tuple[str, ...]] = (CONSTANT,)
    k: int = field(default=60, metadata=setting("k", "Larger: lower ranks count nearly as much as the first. 60 is usual."))
    depth: int = field(default=RUN_DEPTH, metadata=DEPTH)
    level: str = field(default="document", metadata=LEVEL)

    def __post_init__(self) -> None:
        check_range("k", self.k, low=0)
        check_range("depth", self.depth, low=1)

    def __call__(self, *runs: pd.DataFrame, resources: Resources | None = None) -> pd.DataFrame:
        """The fused run, each unit once."""
        units = [_units(run, self.level, self.depth) for run in runs]
        parts = [score_ranks(unit["rank"].to_numpy(dtype=float), k=self.k) for unit in units]
        return _combine(units, parts, self.level)


@dataclass(frozen=True)
class WeightedFusion(Stage):
    """score = share * dense + (1 - share) * lexical, each min-max scaled to [0, 1] per query over its first `depth` units.

    A document that one run misses gets 0 from it. A query whose scores are all equal gets 1 for each of them.
    (Convex combination: Bruch, Gai, Ingber 2023, arXiv 2210.11934.) Takes the dense run and the lexical run.
    """

    type: ClassVar[str] = "weighted"
    takes: ClassVar[tuple[str, ...]] = ("run", "run")
    gives: ClassVar[str] = "run"
    role: ClassVar[str] = "fuse"
    label: ClassVar[str] = "by score, weighted"
    summary: ClassVar[str] = "by score, dense share {dense_share:g}"
    step: ClassVar[str] = "merge"
    growth: ClassVar[tuple[str, ...]] = (CONSTANT,)
    dense_share: float = field(
        default=0.7, metadata=setting("Share of the dense side", "0 is words alone, 1 is embeddings alone.")
    )
    depth: int = field(default=RUN_DEPTH, metadata=DEPTH)
    level: str = field(default="document", metadata=LEVEL)

    def __post_init__(self) -> None:
        check_range("dense_share", self.dense_share, low=0, high=1)
        check_range("depth", self.depth, low=1)

    def __call__(self, *runs: pd.DataFrame, resources: Resources | None = None) -> pd.DataFrame:
        """The fused run of the dense and the lexical one."""
        shares = (self.dense_share, 1.0 - self.dense_share)
        units = [_units(run, self.level, self.depth) for run, _ in zip(runs, shares, strict=True)]
        parts = [share * scale_scores(unit) for share, unit in zip(shares, units, strict=True)]
        return _combine(units, parts, self.level)


def scale_scores(run: pd.DataFrame) -> np.ndarray:
    """Scores scaled per query to [0, 1] by min and max; all 1 where they are equal."""
    if run.empty:
        return np.zeros(0)
    scores = run["score"].to_numpy(dtype=float)
    codes, distinct = pd.factorize(run["query_id"].to_numpy(dtype=object))
    low, high = np.full(len(distinct), np.inf), np.full(len(distinct), -np.inf)
    np.minimum.at(low, codes, scores)
    np.maximum.at(high, codes, scores)
    return scale_between(scores, low[codes], high[codes])
