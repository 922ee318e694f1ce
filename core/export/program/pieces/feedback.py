"""Feedback: a query is changed by what a first search found for it."""

from __future__ import annotations

import numpy as np

from core.export.program.pieces.dense import DenseIndex
from core.export.program.pieces.lexical import LexicalIndex
from core.export.program.pieces.runs import Run
from core.stages.arithmetic import unit_rows


def move_vector(vector: np.ndarray, run: Run, index: DenseIndex, *, chunks: int, weight: float) -> np.ndarray:
    """The query's vector, moved towards the mean of its first chunks (Rocchio)."""
    if not run:
        return vector
    means = []
    for hit in run[:chunks]:
        rows = [str(row) for row, owner in enumerate(index.chunk_of) if owner == hit.chunk]
        means.append(np.mean(index.collection.get(ids=rows, include=["embeddings"])["embeddings"], axis=0))
    moved: np.ndarray = unit_rows(np.array([vector + weight * np.mean(means, axis=0)]))[0]
    return moved


def add_terms(
    weights: dict[str, float], run: Run, index: LexicalIndex, *, documents: int, terms: int, weight: float
) -> dict[str, float]:
    """The query's terms mixed with those that stand out in its first units (RM3)."""
    first = run[:documents]
    if not first:
        return weights
    total = sum(hit.score for hit in first)
    place_of = {(unit.chunk, unit.document): place for place, unit in enumerate(index.units)}
    model: dict[str, float] = {}
    for hit in first:
        counts = index.bm25.doc_freqs[place_of[hit.chunk, hit.document]]
        share = (hit.score / total if total > 0 else 1 / len(first)) / sum(counts.values())
        for term, count in counts.items():
            model[term] = model.get(term, 0.0) + share * count
    best = sorted(model.items(), key=lambda item: -item[1])[:terms]
    known = {term: count for term, count in weights.items() if term in index.bm25.idf}
    mixed = {term: (1 - weight) * count / max(sum(known.values()), 1.0) for term, count in known.items()}
    for term, share in best:
        mixed[term] = mixed.get(term, 0.0) + weight * share / sum(share for _, share in best)
    return mixed
