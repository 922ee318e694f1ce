"""Evidence that no chunk holds as a whole, and how that is said."""

from __future__ import annotations

import pandas as pd
import pytest

from core.diagnosis.cut_evidence import find_cut_evidence
from core.schema import EVIDENCE, empty


def make_chunks(*rows: tuple[str, int, int, int]) -> pd.DataFrame:
    """doc_id, start, end, read_end."""
    return pd.DataFrame(
        [(f"c{number}", *row) for number, row in enumerate(rows)], columns=["chunk_id", "doc_id", "start", "end", "read_end"]
    )


def make_evidence(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=EVIDENCE)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ((10, 50), None),
        ((0, 100), None),  # a chunk's whole text
        ((60, 140), "the answer is spread over 2 chunks"),
        ((99, 301), "the answer is spread over 4 chunks"),
        ((210, 270), "the last 20 of 60 characters of the answer lie beyond what the model reads of its chunk"),
        ((255, 290), "the answer lies beyond what the model reads of its chunk"),
        ((50, 101), None),  # 100 is the white space between two chunks: what is visible lies in the first
        ((100, 150), None),
    ],
)
def test_how_evidence_is_cut(span: tuple[int, int], words: str | None) -> None:
    """Chunks [0, 100), [101, 200) and [200, 300), of which the model reads 50 characters, and [300, 400)."""
    chunks = make_chunks(
        ("d", 0, 100, 100), ("d", 101, 200, 200), ("d", 200, 300, 250), ("d", 300, 400, 400), ("e", 0, 500, 500)
    )
    expected = {} if words is None else {"q": words}
    assert find_cut_evidence(make_evidence(("q", "d", *span)), chunks) == expected


def test_chunks_that_overlap_are_counted_once() -> None:
    """A window slides by 20 characters: six chunks hold part of [50, 150), and [0, 100) with [60, 160) hold all of it."""
    chunks = make_chunks(*(("d", start, start + 100, start + 100) for start in range(0, 161, 20)))
    found = find_cut_evidence(make_evidence(("q", "d", 50, 155)), chunks)
    assert found == {"q": "the answer is spread over 2 chunks"}
    assert find_cut_evidence(make_evidence(("q", "d", 50, 140)), chunks) == {}  # [40, 140) holds it


def test_one_whole_span_is_enough() -> None:
    chunks = make_chunks(("d", 0, 100, 100), ("d", 100, 200, 150), ("e", 0, 100, 100))
    torn, late, whole = ("q", "d", 80, 130), ("q", "d", 110, 170), ("q", "e", 0, 10)
    assert find_cut_evidence(make_evidence(torn, late, whole), chunks) == {}
    # [80, 130): 30 of 50 characters are read in one chunk; [110, 170): 40 of 60, which is more
    assert find_cut_evidence(make_evidence(torn, late), chunks) == {
        "q": "all 2 passages that answer it are cut: "
        "the last 20 of 60 characters of the best of them lie beyond what the model reads of its chunk"
    }


def test_evidence_without_chunks_is_left_out() -> None:
    chunks = make_chunks(("d", 0, 100, 100), ("title-only", 0, 0, 0))
    assert find_cut_evidence(make_evidence(("q", "gone", 0, 10)), chunks) == {}
    assert find_cut_evidence(make_evidence(("q", "d", 90, 120), ("r", "gone", 0, 10)), chunks) == {}
    assert find_cut_evidence(empty(EVIDENCE), chunks) == {}
    assert find_cut_evidence(make_evidence(("q", "d", 0, 10)), make_chunks()) == {}
