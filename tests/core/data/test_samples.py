"""The sample corpora are found, with what their READMEs say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data import samples


def test_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SAMPLES", tmp_path)
    assert samples.list_samples() == []
    (tmp_path / "empty").mkdir()
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "corpus.jsonl").write_text('{"_id": "a", "text": "x"}')
    (tmp_path / "tiny" / "README.md").write_text("# Tiny corpus\n\nOne document\nfor tests.\n\nMore.\n")
    assert samples.list_samples() == [samples.Sample("tiny", "Tiny corpus", "One document for tests.", tmp_path / "tiny")]
    monkeypatch.setattr(samples, "SAMPLES", tmp_path / "none")
    assert samples.list_samples() == []
