"""Reranking: the first hits of a run, scored anew."""

from __future__ import annotations

import numpy as np

from core.export.program.pieces.chunks import Chunk
from core.export.program.pieces.runs import Hit, Run, sort_run


def list_passages(hit: Hit, chunks: list[Chunk]) -> tuple[str, ...]:
    """What a hit is scored by: its chunk's passages, or those of all chunks of its document."""
    if hit.chunk is not None:
        return chunks[hit.chunk].passages
    return tuple(passage for chunk in chunks if chunk.document == hit.document for passage in chunk.passages)


def place_on_top(run: Run, scores: np.ndarray) -> Run:
    """The run with new scores for its first hits; the rest follows below them in its order."""
    head = [hit._replace(score=float(score)) for hit, score in zip(run, scores, strict=False)]
    below = float(scores.min()) - 1.0
    return sort_run(head) + [hit._replace(score=below - place) for place, hit in enumerate(run[len(head) :])]
