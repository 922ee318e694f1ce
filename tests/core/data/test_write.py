"""Round trips, dataset health, and the sample corpora."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.data import samples
from core.data.dataset import Dataset
from core.data.health import FieldHealth, summarise_health
from core.data.load import load_dataset
from core.data.write import qrels_template, write_dataset
from core.errors import InputError

FRAMES = ("documents", "queries", "judgments", "evidence")


def make_folder(folder: Path, *, split: bool) -> Path:
    corpus: list[dict[str, Any]] = [
        {"_id": "a", "title": "É\u2028", "text": "one two\nthree", "metadata": {"v": 1, "w": ["x", "y"], "n": None}},
        {"_id": "b c", "text": "one two\nthree", "metadata": {"v": 2}},
        {"_id": "c", "text": ""},
    ]
    queries: list[dict[str, Any]] = [
        {"_id": "q1", "text": "first", "filter": {"v": {"gte": 1}}, "tags": ["t"], "answer": "one"},
        {
            "_id": "q2",
            "text": "second",
            "evidence": [{"doc_id": "a", "quote": "two"}, {"doc_id": "gone", "quote": "x"}],
        },
        {"_id": "q3", "text": "third"},
        {"_id": "q4", "text": "fourth"},
    ]
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (folder / "qrels" / "test.tsv").write_text("q3\tx\tgone\t1\nq1\tx\tb c\t2\nq1\tx\ta\t0\n")
    if split:
        (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n")
    return folder


@pytest.mark.parametrize("split", [False, True])
def test_round_trip(tmp_path: Path, split: bool) -> None:
    first = load_dataset(make_folder(tmp_path / "in", split=split), name="same")
    write_dataset(first, tmp_path / "out")
    second = load_dataset(tmp_path / "out", name="same")
    assert second.fingerprint == first.fingerprint
    assert second.fixed_split is first.fixed_split is split
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(second, name), getattr(first, name))
    with pytest.raises(InputError, match="exists already and is not empty"):
        write_dataset(first, tmp_path / "out")


def test_a_corpus_alone_round_trips(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "corpus.jsonl").write_text('{"_id": "a", "text": "x"}')
    first = load_dataset(tmp_path / "in")
    write_dataset(first, tmp_path / "out")
    assert load_dataset(tmp_path / "out").fingerprint == first.fingerprint
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["corpus.jsonl"]


def test_qrels_template(tmp_path: Path) -> None:
    dataset = load_dataset(make_folder(tmp_path / "in", split=False))
    template = qrels_template(dataset)
    assert template.splitlines()[:3] == ["query-id\tcorpus-id\tscore", "q1\tDOCUMENT_ID\t1", "q2\tDOCUMENT_ID\t1"]
    (tmp_path / "in" / "qrels" / "test.tsv").write_text(template)
    assert any("4 judgments are on documents" in warning for warning in load_dataset(tmp_path / "in").warnings)


def test_health(tmp_path: Path) -> None:
    health = summarise_health(load_dataset(make_folder(tmp_path / "in", split=False)))
    assert (health.documents, health.empty_documents, health.duplicate_texts) == (3, 1, 1)
    # texts of 13, 13 and 0 characters, of 3, 3 and 0 words
    assert (health.median_characters, health.max_characters, health.median_words, health.max_words) == (13, 13, 3, 3)
    # q1 and q3 by qrels, q2 by evidence; q3's only relevant document is not in the corpus
    assert (health.queries, health.judgments, health.judged_queries, health.queries_with_relevant) == (4, 5, 3, 3)
    assert (health.queries_only_missing, health.queries_with_filter, health.queries_with_evidence) == (1, 1, 1)
    assert health.fields == (FieldHealth("v", 2 / 3, 2), FieldHealth("w", 1 / 3, 2))


def test_health_of_a_corpus_without_anything(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"_id": "a", "text": ""}')
    health = summarise_health(load_dataset(tmp_path))
    assert (health.median_characters, health.queries, health.queries_with_evidence, health.fields) == (0.0, 0, 0, ())


def test_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SAMPLES_FOLDER", tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "corpus.jsonl").write_text('{"_id": "a", "text": "x"}')
    (tmp_path / "tiny" / "README.md").write_text("# Tiny corpus\n\nOne document\nfor tests.\n\nMore.\n")
    assert samples.list_samples() == [samples.Sample("tiny", "Tiny corpus", "One document for tests.", tmp_path / "tiny")]
    assert samples.resolve_dataset("tiny") == tmp_path / "tiny"
    assert samples.resolve_dataset(str(tmp_path / "empty")) == tmp_path / "empty"
    assert isinstance(samples.load("tiny"), Dataset)
    with pytest.raises(InputError) as error:
        samples.resolve_dataset("nothing")
    assert str(error.value) == (
        '"nothing" is neither a sample nor an existing folder or zip; samples: tiny; '
        "give one of these names or the path of a dataset"
    )
