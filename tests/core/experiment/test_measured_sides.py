"""The sides of an experiment: measured once, kept with it, and said on the command line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from core.data import languages
from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.diagnosis.side_sentences import list_notes
from core.diagnosis.sides import EMBEDDINGS, RERANKER, Sides, WordSide
from core.experiment import measured_sides
from core.experiment.compare import compare
from core.experiment.history import load_experiment, save_experiment
from core.experiment.result import Experiment
from core.stages.rerank import CrossEncoderRerank
from core.systems.named import make_named_systems
from core.systems.system import Dense, System
from core.workspace import Workspace
from tests.support.models import FakeModels, WordTokenizer
from tests.support.small import MISSED_QUERY, write_small_dataset

NAMED = make_named_systems()
FEW = {name: NAMED[name] for name in ("bm25", "bm25-filtered", "dense", "hybrid-rrf")}
ESSAY = "a sentence that says nothing of what is asked for " * 10


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return load_dataset(write_small_dataset(tmp_path / "small"))


def run(dataset: Dataset, folder: Path, systems: dict[str, System] = FEW) -> Experiment:
    return compare(dataset, systems, workspace=Workspace(folder), models=FakeModels())


def test_words_are_counted_by_the_search_that_finds_most(dataset, tmp_path):
    """A filter hides answers from bm25-filtered; that is no fault of the words, which miss MISSED_QUERY alone."""
    experiment = run(dataset, tmp_path)
    assert experiment.sides.words == (WordSide(8, 1, ("bm25", "bm25-filtered", "hybrid-rrf")),)
    run_of_words = experiment.runs["bm25"]
    assert set(dataset.queries["query_id"]) - set(run_of_words["query_id"]) == {MISSED_QUERY}
    (side,) = experiment.sides.models
    assert (side.kind, side.model, side.systems) == (EMBEDDINGS, "all-MiniLM-L6-v2", ("dense", "hybrid-rrf"))
    assert (side.asked, side.cut, side.limit) == (8, 0, WordTokenizer.max_tokens)


def test_queries_that_are_cut_are_counted_and_kept_with_the_experiment(dataset, tmp_path):
    long = dataset.queries.assign(text=[ESSAY + text for text in dataset.queries["text"]])
    experiment = run(dataclasses.replace(dataset, queries=long), tmp_path)
    (side,) = experiment.sides.models
    assert (side.cut, side.alike) == (8, 8)
    assert any(note.startswith("8 of 8 queries are cut at 64 tokens") for note in list_notes(experiment.sides))
    workspace = Workspace(tmp_path)
    save_experiment(experiment, workspace)
    assert load_experiment(experiment.id, workspace).sides == experiment.sides
    assert json.loads(json.dumps(experiment.to_json()))["sides"]["models"][0]["cut"] == 8


def test_an_experiment_of_before_has_no_sides(dataset, tmp_path):
    workspace = Workspace(tmp_path)
    experiment = run(dataset, tmp_path, {"bm25": NAMED["bm25"]})
    save_experiment(experiment, workspace)
    file = workspace.experiments / experiment.id / "experiment.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    del content["sides"]
    file.write_text(json.dumps(content), encoding="utf-8")
    assert load_experiment(experiment.id, workspace).sides == Sides()
    assert list_notes(Sides()) == []


def test_a_model_is_looked_at_once_for_the_same_texts(dataset, tmp_path, monkeypatch):
    first = run(dataset, tmp_path)
    monkeypatch.setattr(measured_sides, "measure_model", lambda *_, **__: pytest.fail("measured again"))
    assert run(dataset, tmp_path).sides == first.sides


def test_the_languages_of_a_corpus_are_found_once_for_a_workspace(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(languages, "_found", {})
    run(dataset, tmp_path, {"bm25": NAMED["bm25"]})
    assert languages._found
    monkeypatch.setattr(languages, "_found", {})
    monkeypatch.setattr(languages, "_detect", lambda documents: pytest.fail("looked at again"))
    run(dataset, tmp_path, {"bm25": NAMED["bm25"]})


def test_every_model_that_reads_queries_is_a_side(dataset, tmp_path):
    """One that embeds under another prompt reads other texts; a cross-encoder reads with a tokenizer of its own."""
    prompted = dataclasses.replace(NAMED["dense"], name="prompted", dense=Dense(query_prompt=ESSAY))
    reranked = dataclasses.replace(NAMED["dense"], name="reranked", rerank=CrossEncoderRerank(model="a/b"))
    systems = {system.name: system for system in (NAMED["dense"], prompted, reranked)}
    sides = run(dataset, tmp_path, systems).sides.models
    assert [(side.kind, side.systems, side.cut) for side in sides] == [
        (EMBEDDINGS, ("dense", "reranked"), 0),
        (EMBEDDINGS, ("prompted",), 8),
        (RERANKER, ("reranked",), 0),
    ]


def test_nothing_is_said_of_a_model_that_cannot_be_seen(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(WordTokenizer, "is_own", False)  # as of an endpoint
    assert run(dataset, tmp_path).sides.models == ()


def test_words_of_another_language_find_nothing(dataset, tmp_path):
    texts = ["员工请年假需要提前三天在系统里申请。", "打印机卡纸时先关闭电源再取出纸张。"]
    chinese = dataclasses.replace(
        dataset, documents=dataset.documents.head(2).assign(title="", text=texts), evidence=dataset.evidence.head(0)
    )
    for asked, unmatched in ((["怎么申请年假", "打印机卡纸怎么办"], 0), (["ask for leave", "the printer is jammed"], 2)):
        queries = dataset.queries.head(2).assign(text=asked)
        sides = run(dataclasses.replace(chinese, queries=queries), tmp_path, {"bm25": NAMED["bm25"]}).sides
        assert sides.words == (WordSide(2, unmatched, ("bm25",)),)
        assert sides.words[0].finds == (unmatched == 0)
