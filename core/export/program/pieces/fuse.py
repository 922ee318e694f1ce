"""Fusing: one run from that of embeddings and that of words."""

from __future__ import annotations

import numpy as np

from core.export.program.pieces.runs import Hit, Run, best_of_documents, list_scores, sort_run
from core.stages.arithmetic import scale_between, score_ranks


def fuse_by_rank(runs: list[Run], *, k: int, depth: int, level: str) -> Run:
    """score = sum over the runs of 1 / (k + rank). level: "chunk", or "document", each at its best chunk."""
    heads = [take_units(run, depth=depth, level=level) for run in runs]
    return add_up(heads, [score_ranks(np.arange(1.0, len(head) + 1), k=k) for head in heads], level=level)


def fuse_by_score(runs: list[Run], *, shares: list[float], depth: int, level: str) -> Run:
    """score = sum over the runs of share * score, scaled to 0-1 over its first units. level: as in fuse_by_rank()."""
    heads = [take_units(run, depth=depth, level=level) for run in runs]
    scores = [list_scores(head) for head in heads]
    scaled = [scale_between(one, one.min(initial=np.inf), one.max(initial=-np.inf)) for one in scores]
    return add_up(heads, [share * one for share, one in zip(shares, scaled, strict=True)], level=level)


def take_units(run: Run, *, depth: int, level: str) -> Run:
    """The first hits of a run, or its first documents."""
    return (best_of_documents(run) if level == "document" else run)[:depth]


def add_up(heads: list[Run], parts: list[np.ndarray], *, level: str) -> Run:
    """One run, each unit with the sum of its parts; the first run's chunk stands for a document."""
    scores: dict[int | None, float] = {}
    stands: dict[int | None, Hit] = {}
    for head, part in zip(heads, parts, strict=True):
        for hit, score in zip(head, part, strict=True):
            unit = hit.document if level == "document" else hit.chunk
            scores[unit] = scores.get(unit, 0.0) + float(score)
            stands.setdefault(unit, hit)
    return sort_run([stands[unit]._replace(score=score) for unit, score in scores.items()])
