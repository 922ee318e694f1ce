"""What is said of the sides before anything is run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.data.samples import list_samples
from core.diagnosis import data_sides
from core.diagnosis.data_sides import foresee_sides, list_unmatched
from core.diagnosis.side_sentences import list_notes
from core.text.tokens import load_tokenizer
from tests.support.small import write_small_dataset

MODEL = "all-MiniLM-L6-v2"
GERMAN = [
    "Der Versicherungsnehmer muss der Versicherung jede Änderung unverzüglich und schriftlich mitteilen.",
    "Die Kündigung des Vertrages ist nur zum Ende eines Monats möglich, wenn nichts anderes vereinbart wurde.",
]
CHINESE = ["员工请年假需要提前三天在系统里申请。", "打印机卡纸时先关闭电源再取出纸张。"]


def make_texts(small: Path, documents: list[str], queries: list[str]) -> Dataset:
    """A dataset of these texts alone."""
    dataset = load_dataset(write_small_dataset(small))
    texts = dataset.documents.head(len(documents)).assign(title="", text=documents)
    asked = dataset.queries.head(len(queries)).assign(text=queries)
    return replace(dataset, documents=texts, queries=asked, evidence=dataset.evidence.head(0))


def list_data_notes(dataset: Dataset) -> list[str]:
    return list_notes(foresee_sides(dataset, MODEL, load_tokenizer(MODEL)))


def test_the_samples_need_no_note() -> None:
    for sample in list_samples():
        assert list_data_notes(load_dataset(sample.path)) == []


def test_a_language_that_the_card_does_not_name(tmp_path: Path) -> None:
    (note,) = list_data_notes(make_texts(tmp_path, GERMAN, ["Änderung mitteilen"]))
    assert note.startswith("100% of the documents are in German, which the embedding model all-MiniLM-L6-v2 may read poorly")
    assert "Its card names English alone." in note and "multilingual" in note


def test_chinese_is_found_by_words_and_not_read(tmp_path: Path) -> None:
    dataset = make_texts(tmp_path, CHINESE, ["怎么申请年假", "打印机卡纸怎么办"])
    (note,) = list_data_notes(dataset)
    assert "cannot read the documents and the queries" in note


def test_queries_that_share_no_word_with_a_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make_texts(tmp_path, GERMAN, ["Kündigung", "cancel the contract", "duty of disclosure"])
    texts = dataset.documents["text"].tolist()
    assert len(list_unmatched(dataset, texts) or ()) == 2
    assert any("returned nothing for 2 of 3 queries" in note for note in list_data_notes(dataset))
    monkeypatch.setattr(data_sides, "_MOST", 50)  # the first document is longer: the second would not be looked at
    assert list_unmatched(dataset, texts) is None
    assert not any("Word matching" in note for note in list_data_notes(dataset))


def test_without_queries_words_are_not_spoken_of(tmp_path: Path) -> None:
    dataset = make_texts(tmp_path, CHINESE, [])
    sides = foresee_sides(dataset, MODEL, load_tokenizer(MODEL))
    assert sides.words == ()
    assert (sides.models[0].queries.unread, sides.models[0].documents.unread) == (0.0, 1.0)
