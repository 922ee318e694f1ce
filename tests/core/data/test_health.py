"""What is in a dataset and what may be wrong with it."""

from __future__ import annotations

from pathlib import Path

from core.data.health import FieldHealth, summarise_health
from core.data.load import load_dataset
from tests.support.folders import write_folder


def test_health(tmp_path: Path) -> None:
    health = summarise_health(load_dataset(write_folder(tmp_path / "in", split=False)))
    assert (health.documents, health.empty_documents, health.duplicate_texts) == (3, 1, 1)
    assert (health.median_words, health.max_words) == (3, 3)  # texts of 3, 3 and 0 words
    # q1 and q3 by qrels, q2 by evidence; q3's only relevant document is not in the corpus
    assert (health.queries, health.judgments, health.queries_with_relevant) == (4, 5, 3)
    assert (health.queries_only_missing, health.queries_with_filter, health.queries_with_evidence) == (1, 1, 1)
    assert health.fields == (FieldHealth("v", 2 / 3, 2), FieldHealth("w", 1 / 3, 2))


def test_health_of_a_corpus_without_anything(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"_id": "a", "text": ""}')
    health = summarise_health(load_dataset(tmp_path))
    assert (health.median_words, health.queries, health.queries_with_evidence, health.fields) == (0.0, 0, 0, ())
