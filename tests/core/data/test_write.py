"""Round trips: what is written is what is read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core.data.load import load_dataset
from core.data.write import qrels_template, write_dataset
from core.errors import InputError
from tests.support.folders import write_folder

FRAMES = ("documents", "queries", "judgments", "evidence")


@pytest.mark.parametrize("split", [False, True])
def test_round_trip(tmp_path: Path, split: bool) -> None:
    first = load_dataset(write_folder(tmp_path / "in", split=split), name="same")
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
    dataset = load_dataset(write_folder(tmp_path / "in", split=False))
    template = qrels_template(dataset)
    assert template.splitlines()[:3] == ["query-id\tcorpus-id\tscore", "q1\tDOCUMENT_ID\t1", "q2\tDOCUMENT_ID\t1"]
    (tmp_path / "in" / "qrels" / "test.tsv").write_text(template)
    assert any("4 judgments are on documents" in warning for warning in load_dataset(tmp_path / "in").warnings)


def test_evidence_in_documents_that_are_not_there_is_refused_as_its_copy_would_be(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"_id": "x", "text": "One fish."}\n')
    (tmp_path / "queries.jsonl").write_text(
        '{"_id": "q", "text": "which fish", "evidence": [{"doc_id": "a", "quote": "Two fish"}]}\n'
    )
    with pytest.raises(InputError, match=r"none of the judged documents \(a\) is in the corpus, whose ids are x"):
        load_dataset(tmp_path)
