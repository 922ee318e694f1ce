"""Facts of a real small experiment, with the fake models: a token is a word, so that all of them can be counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from core.costs.scenario import Scenario
from core.costs.sheet import estimate_costs
from core.costs.system_facts import SystemFacts, read_facts
from core.data.dataset import Dataset
from core.experiment.compare import compare
from core.experiment.result import Experiment
from core.graph.estimate import read_speed
from core.schema import EVIDENCE, JUDGMENTS
from core.settings import DEFAULT_MODEL
from core.stages.chunk import FixedTokens
from core.stages.embed import model_revision
from core.stages.fuse import ReciprocalRankFusion
from core.stages.rerank import CrossEncoderRerank
from core.systems.system import Dense, Lexical, System
from core.systems.trained import EMBEDDING, RERANKER, remove_model, save_model, weights_folder
from core.workspace import Workspace
from tests.core.ladder.test_trained_rungs import make_model
from tests.support.costs import CHOSEN, make_prices
from tests.support.models import DIMENSIONS, FakeModels, make_documents, make_queries, make_resources

# 10 words and 4: chunks of 4 words, each two words back from the last, are 4 of the first and 1 of the second
TEXTS = {"a": "battery one two three clock four five six mail seven", "b": "hub mail price clock"}
CUT = FixedTokens(size=4, overlap=2)
DENSE = System("dense", chunk=CUT, dense=Dense())
SYSTEMS = {
    "words": System("words", lexical=Lexical()),
    "dense": DENSE,
    "reranked": System(
        "reranked", chunk=CUT, dense=Dense(), lexical=Lexical(over="chunks"), fuse=ReciprocalRankFusion(level="chunk"),
        rerank=CrossEncoderRerank(model="any", depth=2),
    ),
}  # fmt: skip


@pytest.fixture
def dataset() -> Dataset:
    labels = pd.DataFrame([("q1", "a", 1), ("q2", "b", 1)], columns=JUDGMENTS)
    queries = make_queries({"q1": "battery", "q2": "hub price clock"})
    return Dataset("tiny", make_documents(TEXTS), queries, labels, pd.DataFrame([], columns=EVIDENCE))


@pytest.fixture
def store(workspace: Path) -> Workspace:
    return Workspace(workspace)


def run(dataset: Dataset, store: Workspace, **systems: System) -> Experiment:
    return compare(dataset, systems or SYSTEMS, workspace=store, models=FakeModels())


def read(experiment: Experiment, dataset: Dataset, store: Workspace) -> dict[str, SystemFacts]:
    return read_facts(experiment, dataset, store, models=FakeModels())


def test_what_is_indexed(dataset: Dataset, store: Workspace) -> None:
    facts = read(run(dataset, store), dataset, store)
    assert list(facts) == ["words", "dense", "reranked"]
    words, dense = facts["words"], facts["dense"]
    assert words.tokens_per_document == dense.tokens_per_document == 7  # (10 + 4) / 2
    # words: a document is a passage; dense: (4 + 1) / 2 passages of 4 words
    assert (words.passages_per_document, words.indexed_tokens_per_document, words.overlap) == (1, 7, 1)
    assert (dense.passages_per_document, dense.indexed_tokens_per_document) == (2.5, 10)
    assert dense.overlap == pytest.approx(10 / 7)
    assert (words.cut, dense.cut) == (False, True)
    assert (words.dense, words.lexical, words.dimensions) == (False, True, 0)
    assert (dense.dense, dense.lexical, dense.dimensions) == (True, False, DIMENSIONS)
    assert words.bytes_per_token == pytest.approx((len(TEXTS["a"]) + len(TEXTS["b"])) / 14)
    assert not any(one.trained or one.assumed or one.imagined for one in facts.values())


def test_what_is_reranked(dataset: Dataset, store: Workspace) -> None:
    facts = read(run(dataset, store), dataset, store)
    assert (facts["reranked"].rerank_depth, facts["reranked"].rerank_tokens) == (2, 4), "every chunk has four words"
    assert (facts["dense"].rerank_depth, facts["dense"].rerank_tokens) == (0, 0)


def test_latency_and_its_parts(dataset: Dataset, store: Workspace) -> None:
    experiment = run(dataset, store)
    facts = read(experiment, dataset, store)
    results = {result.name: result.latency_ms for result in experiment.systems}
    for name, one in facts.items():
        latency = results[name]
        assert latency is not None
        assert (one.p50_ms, one.p95_ms) == (latency["p50"], latency["p95"])
    told = results["reranked"]
    assert told is not None
    stages, one = told["stages"], facts["reranked"]
    parts = (stages["EmbedQueries"], stages["RetrieveDense"], stages["CrossEncoderRerank"])
    assert (one.encode_ms, one.search_ms, one.rerank_ms) == parts
    assert (facts["words"].encode_ms, facts["words"].search_ms, facts["words"].rerank_ms) == (0, 0, 0)


def test_the_speed_of_this_machine(dataset: Dataset, store: Workspace) -> None:
    facts = read(run(dataset, store), dataset, store)["dense"]
    characters = (len(TEXTS["a"]) + len(TEXTS["b"])) / 14  # of a token
    assert facts.tokens_per_second == pytest.approx(read_speed(make_resources(store.folder)) / characters)
    assert facts.cores >= 1


def test_tokens_are_counted_once(dataset: Dataset, store: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = run(dataset, store)
    first = read(experiment, dataset, store)

    def refuse(self: FakeModels, *args: object, **options: object) -> None:
        raise AssertionError("counted again")

    monkeypatch.setattr(FakeModels, "tokenizer", refuse)
    assert read(experiment, dataset, store) == first


def test_latency_may_be_missing(dataset: Dataset, store: Workspace) -> None:
    experiment = run(dataset, store, dense=DENSE)
    blind = replace(experiment, systems=tuple(replace(one, latency_ms=None) for one in experiment.systems))
    facts = read(blind, dataset, store)["dense"]
    assert (facts.p50_ms, facts.p95_ms, facts.encode_ms) == (None, None, 0)
    assert facts.assumed == ("Latency was not measured: the smallest machine is assumed to be enough",)


def test_a_system_that_failed_has_no_facts(dataset: Dataset, store: Workspace) -> None:
    experiment = run(dataset, store, dense=DENSE)
    failed = replace(experiment, systems=tuple(replace(one, error="broken") for one in experiment.systems))
    assert read(failed, dataset, store) == {}


def test_documents_that_have_changed_since(dataset: Dataset, store: Workspace) -> None:
    experiment = run(dataset, store, dense=DENSE)
    other = replace(dataset, documents=make_documents({**TEXTS, "c": "battery mail hub clock"}))
    facts = read(experiment, other, store)["dense"]
    assert facts.passages_per_document == pytest.approx(2)  # (4 + 1 + 1) / 3: chunks are cut anew
    assert facts.assumed == (
        "The documents have changed since this experiment: sizes are those of today, quality and latency those of then",
    )


# Trained models


@pytest.fixture
def train(store: Workspace) -> Callable[..., str]:
    """Puts a model of a kind into the workspace; returns its reference."""

    def make(kind: str, seconds: float) -> str:
        model = make_model(kind, seconds=seconds, metrics={"dimensions": 99})
        save_model(model, store)
        weights_folder(model.id, store).mkdir(parents=True)
        return model.reference

    return make


def test_trained_models_and_their_time(dataset: Dataset, store: Workspace, train: Callable[..., str]) -> None:
    embedding, reranker = train(EMBEDDING, 120.0), train(RERANKER, 30.0)
    tuned = System("tuned", chunk=CUT, dense=Dense(model=embedding))
    both = System("both", chunk=CUT, dense=Dense(model=embedding), rerank=CrossEncoderRerank(model=reranker, depth=2))
    facts = read(run(dataset, store, tuned=tuned, both=both, dense=DENSE), dataset, store)
    assert (facts["tuned"].trained, facts["tuned"].training_seconds) == ((EMBEDDING,), 120)
    assert (facts["both"].trained, facts["both"].training_seconds) == ((EMBEDDING, RERANKER), 150)
    assert (facts["dense"].trained, facts["dense"].training_seconds) == ((), 0)
    assert facts["tuned"].dimensions == DIMENSIONS, "of a vector in the cache, not of the description"


def test_a_removed_model_breaks_nothing(dataset: Dataset, store: Workspace, train: Callable[..., str]) -> None:
    reference = train(EMBEDDING, 120.0)
    tuned = System("tuned", chunk=CUT, dense=Dense(model=reference))
    experiment = run(dataset, store, tuned=tuned, dense=DENSE)
    remove_model(reference, store)
    facts = read(experiment, dataset, store)
    one = facts["tuned"]
    assert (one.trained, one.training_seconds) == ((EMBEDDING,), None)
    assert one.passages_per_document == 2.5, "its chunks are kept"
    assert one.assumed == (
        f"No vector of {reference} is in the workspace; 384 dimensions are assumed",
        "embedding-1234567890 is not in the workspace any more: its training is not counted",
    )
    sheets = estimate_costs(facts, Scenario(**CHOSEN), make_prices())
    (line,) = [line for line in sheets["tuned"].lines if line.name == "train"]
    assert line.value == 0 and "(unknown, the model was removed)" in line.arithmetic


def test_chunks_that_cannot_be_had_again(dataset: Dataset, store: Workspace, train: Callable[..., str]) -> None:
    """The model is gone, and the documents have changed, so that they would have to be cut by its tokenizer."""
    reference = train(EMBEDDING, 120.0)
    tuned = System("tuned", chunk=CUT, dense=Dense(model=reference), rerank=CrossEncoderRerank(model="any", depth=2))
    experiment = run(dataset, store, tuned=tuned)
    remove_model(reference, store)
    other = replace(dataset, documents=make_documents({"c": "battery mail hub clock"}))
    facts = read(experiment, other, store)["tuned"]
    assert (facts.passages_per_document, facts.indexed_tokens_per_document, facts.overlap) == (1, 4, 1)
    assert (facts.rerank_depth, facts.rerank_tokens, facts.dimensions) == (2, 4, 384)
    assert any(sentence.startswith("What is indexed could not be read again, one passage") for sentence in facts.assumed)


def test_the_default_model_has_384_dimensions_unless_a_vector_says_otherwise(dataset: Dataset, store: Workspace) -> None:
    experiment = run(dataset, store, dense=DENSE)
    store.forget_model(DEFAULT_MODEL)
    store.forget_model(DEFAULT_MODEL, model_revision(DEFAULT_MODEL))
    facts = read(experiment, dataset, store)["dense"]
    assert facts.dimensions == 384 and facts.assumed == ()
