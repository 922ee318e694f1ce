"""Fusing in a program gives what fusing in the tool gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.export.program.pieces.fuse import fuse_by_rank, fuse_by_score
from core.export.program.pieces.runs import Hit, Run, best_of_documents, sort_run
from core.schema import rank_run
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion

PER_DOCUMENT = 3  # chunks


def draw_run(seed: int, size: int) -> Run:
    draw = np.random.default_rng(seed)
    chunks = draw.choice(90, size=size, replace=False)
    scores = draw.integers(0, 12, size) / 4.0  # some are equal
    return sort_run([Hit(float(score), int(c), int(c) // PER_DOCUMENT) for score, c in zip(scores, chunks, strict=True)])


def to_frame(run: Run) -> pd.DataFrame:
    rows = [("q", f"{hit.chunk:03}", f"{hit.document:03}", hit.score) for hit in run]
    return rank_run(pd.DataFrame(rows, columns=["query_id", "chunk_id", "doc_id", "score"]))


def to_rows(run: Run) -> list[tuple[str, str, float]]:
    return [(f"{hit.chunk:03}", f"{hit.document:03}", hit.score) for hit in run]


@pytest.mark.parametrize("level", ["document", "chunk"])
@pytest.mark.parametrize("sizes", [(40, 30), (5, 60), (1, 1), (0, 7)])
def test_fuses_as_the_tool_does(level: str, sizes: tuple[int, int]) -> None:
    runs = [draw_run(seed, size) for seed, size in enumerate(sizes)]
    frames = [to_frame(run) for run in runs]
    by_rank = ReciprocalRankFusion(k=20, depth=8, level=level)(*frames)
    assert to_rows(fuse_by_rank(runs, k=20, depth=8, level=level)) == read_rows(by_rank)
    by_score = WeightedFusion(dense_share=0.6, depth=8, level=level)(*frames)
    assert to_rows(fuse_by_score(runs, shares=[0.6, 1.0 - 0.6], depth=8, level=level)) == read_rows(by_score)


def read_rows(frame: pd.DataFrame) -> list[tuple[str, str, float]]:
    return list(frame[["chunk_id", "doc_id", "score"]].itertuples(index=False, name=None))


def test_a_document_stands_where_its_best_hit_does() -> None:
    run = sort_run([Hit(1.0, 0, 0), Hit(3.0, 4, 1), Hit(2.0, 1, 0), Hit(3.0, None, 0)])
    assert [hit[1:] for hit in run] == [(None, 0), (4, 1), (1, 0), (0, 0)]
    assert [hit[1:] for hit in best_of_documents(run)] == [(None, 0), (4, 1)]
