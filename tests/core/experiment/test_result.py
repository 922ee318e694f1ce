"""What an experiment is called, how its dataset is described, and its runs as TREC files."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from core.data.load import load_dataset
from core.experiment.result import describe_dataset, make_experiment_id, to_trec
from tests.support.small import write_small_dataset


def test_trec() -> None:
    frame = pd.DataFrame(
        {"query_id": ["q 1", "q 1"], "chunk_id": ["c", "d"], "doc_id": ["a\tb", "x"], "score": [0.5, 0.25], "rank": [1, 2]}
    )
    assert to_trec(frame, tag="t") == "q%201\tQ0\ta%20b\t1\t-1\tt\nq%201\tQ0\tx\t2\t-2\tt\n"
    assert to_trec(frame[:0], tag="t") == ""


def test_an_id_is_the_time_and_four_random_digits() -> None:
    first, second = make_experiment_id(), make_experiment_id()
    assert first != second
    assert re.fullmatch(r"20\d{6}-\d{6}-[0-9a-f]{4}", first)


def test_a_dataset_is_described_by_counts_and_fingerprints(tmp_path: Path) -> None:
    dataset = load_dataset(write_small_dataset(tmp_path / "small"))
    assert describe_dataset(dataset) == {
        "name": "small",
        "documents": len(dataset.documents),
        "queries": len(dataset.queries),
        "judgments": len(dataset.judgments),
        "evidence": 2,
        "fingerprint": dataset.fingerprint,
        "corpus_fingerprint": dataset.corpus_fingerprint,
    }
