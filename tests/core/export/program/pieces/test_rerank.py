"""Hits scored anew."""

from __future__ import annotations

import numpy as np

from core.export.program.pieces.chunks import Chunk
from core.export.program.pieces.rerank import list_passages, place_on_top
from core.export.program.pieces.runs import Hit

CHUNKS = [Chunk(0, "a", ("a", "aa")), Chunk(1, "b", ("b",)), Chunk(0, "c", ("c",))]


def test_a_document_is_scored_by_all_its_chunks() -> None:
    assert list_passages(Hit(1.0, 1, 1), CHUNKS) == ("b",)
    assert list_passages(Hit(1.0, None, 0), CHUNKS) == ("a", "aa", "c")


def test_what_lies_below_keeps_its_order() -> None:
    run = [Hit(9.0, 0, 0), Hit(8.0, 1, 1), Hit(7.0, 2, 2), Hit(6.0, 3, 3)]
    assert place_on_top(run, np.array([-3.0, 5.0])) == [Hit(5.0, 1, 1), Hit(-3.0, 0, 0), Hit(-4.0, 2, 2), Hit(-5.0, 3, 3)]
