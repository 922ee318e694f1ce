"""The plan of a training: what it may ask for, its defaults, and an id that stands for all that the result depends on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.data.split import Split
from core.errors import InputError
from core.records import decode, encode
from core.schema import EVIDENCE, JUDGMENTS
from core.training.request import TrainingPlan, TrainingRequest, identify_training, make_plan
from tests.support.models import make_documents, make_queries

RANGES = {
    "epochs": (1, 100),
    "batch_size": (2, 1024),
    "max_tokens": (8, 8192),
    "negatives": (0, 20),
    "patience": (1, 100),
    "freeze_layers": (0, 200),
    "lora_rank": (0, 1024),
    "depth": (2, 1000),
}


@pytest.mark.parametrize(("name", "low", "high"), [(name, *limits) for name, limits in RANGES.items()])
def test_each_number_has_its_range_and_both_ends_are_allowed(name: str, low: int, high: int) -> None:
    for value in (low, high):
        assert getattr(make_plan("embedding", **{name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(InputError, match=f"^{name} is {value:g}; it must be between {low} and {high}$"):
            make_plan("embedding", **{name: value})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"share": 0.04}, "the share of tuning queries is 0.04; it must be between 0.05 and 0.95"),
        ({"share": 0.96}, "the share of tuning queries is 0.96; it must be between 0.05 and 0.95"),
        ({"learning_rate": 0.0}, "learning_rate is 0; it must be between 1e-08 and 1"),
        ({"learning_rate": 1.5}, "learning_rate is 1.5; it must be between 1e-08 and 1"),
        ({"kind": "tokenizer"}, "the kind 'tokenizer' cannot be trained; it can be adapter, reranker, embedding"),
        (
            {"form": "quads"},
            "training data have no form 'quads'; it can be pairs, labelled, triplets, hard_negatives, scores",
        ),
        (
            {"base": "endpoint:office"},
            "the base 'endpoint:office' cannot be trained further; name a model on the hub, a local folder, or the bundled one",
        ),
        (
            {"base": "trained:adapter-0123456789"},
            "the base 'trained:adapter-0123456789' cannot be trained further; name a model on the hub, a local folder, or the "
            "bundled one",
        ),
        (
            {"lora_rank": 8, "freeze_layers": 1},
            "LoRA leaves all layers frozen already; give lora_rank or freeze_layers, not both",
        ),
        (
            {"kind": "reranker", "form": "pairs"},
            "a reranker learns from labelled examples, not from pairs; leave the form out",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        TrainingPlan(**{"kind": "embedding", **changes})
    assert str(error.value) == sentence


def test_each_kind_starts_from_the_system_and_with_the_numbers_that_fit_it() -> None:
    adapter, embedding, reranker = (make_plan(kind) for kind in ("adapter", "embedding", "reranker"))
    assert (adapter.system, embedding.system, reranker.system) == ("dense", "dense", "hybrid-rrf")
    assert (embedding.batch_size, embedding.learning_rate, embedding.max_tokens, embedding.negatives) == (32, 2e-5, 128, 1)
    assert (reranker.batch_size, reranker.learning_rate, reranker.max_tokens, reranker.negatives) == (16, 5e-5, 192, 4)


def test_a_change_that_is_none_leaves_the_default_and_zero_does_not() -> None:
    plan = make_plan("reranker", negatives=None, system=None, depth=7)
    assert (plan.negatives, plan.system, plan.depth) == (4, "hybrid-rrf", 7)
    assert make_plan("reranker", negatives=0, system="dense").negatives == 0


def test_a_request_survives_json() -> None:
    request = TrainingRequest(make_plan("reranker", seed=3, share=0.4), cheap=False, learning_curve=True, folds=5)
    assert decode(json.loads(json.dumps(encode(request))), TrainingRequest) == request


@pytest.mark.parametrize("folds", [1, -1, 21])
def test_folds_are_none_or_between_two_and_twenty(folds: int) -> None:
    assert TrainingRequest(make_plan("adapter")).folds == 0
    with pytest.raises(InputError, match=f"^folds is {folds}; it must be between 2 and 20$"):
        TrainingRequest(make_plan("adapter"), folds=folds)


@pytest.mark.parametrize("changes", [{"learning_curve": True}, {"folds": 5}])
def test_own_examples_go_with_nothing_that_trains_on_parts_of_the_labels(changes: dict[str, Any]) -> None:
    assert TrainingRequest(make_plan("adapter"), examples="mine.csv").examples == "mine.csv"
    with pytest.raises(InputError, match=r"train on parts of the labelled queries; leave them out with --examples$"):
        TrainingRequest(make_plan("adapter"), examples="mine.csv", **changes)


def make_dataset() -> Dataset:
    return Dataset(
        name="small",
        documents=make_documents({"d1": "the hub", "d2": "the clock"}),
        queries=make_queries({"q1": "hub", "q2": "clock"}),
        judgments=pd.DataFrame([("q1", "d1", 1), ("q2", "d2", 1)], columns=JUDGMENTS),
        evidence=pd.DataFrame([("q1", "d1", 0, 7)], columns=EVIDENCE),
    )


PLAN = TrainingPlan("embedding")
SPLIT = Split(("q1",), ("q2",), 2)
START = {"name": "dense", "chunk": {"type": "recursive", "size": 200}, "dense": {"model": "fake"}}


def identify(**changes: Any) -> str:
    known = {"plan": PLAN, "dataset": make_dataset(), "split": SPLIT, "start": START, "source": "", **changes}
    return identify_training(known["plan"], known["dataset"], known["split"], start=known["start"], source=known["source"])


def test_the_id_is_the_kind_and_ten_digits_and_the_same_for_the_same_request() -> None:
    kind, digits = identify().split("-")
    assert kind == "embedding" and len(digits) == 10 and set(digits) <= set("0123456789abcdef")
    assert identify() == identify()


OTHERS = {
    "kind": "adapter", "system": "dense-window", "base": "other", "form": "pairs", "share": 0.4, "epochs": 3, "batch_size": 8,
    "learning_rate": 1e-5, "max_tokens": 64, "negatives": 2, "freeze_layers": 1, "lora_rank": 8, "patience": 2, "depth": 20,
    "seed": 1, "drop_leaking": True,
}  # fmt: skip


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(TrainingPlan)])
def test_the_id_changes_with_each_field_of_the_plan(name: str) -> None:
    assert identify(plan=dataclasses.replace(PLAN, **{name: OTHERS[name]})) != identify()


def change(column: str, value: Any, frame: str) -> Callable[[Dataset], Dataset]:
    """The dataset whose frame has another value in the first row of the column."""

    def apply(dataset: Dataset) -> Dataset:
        changed = getattr(dataset, frame).copy()
        changed[column] = [value, *changed[column].tolist()[1:]]
        return dataclasses.replace(dataset, **{frame: changed})

    return apply


@pytest.mark.parametrize(
    "apply",
    [
        pytest.param(change(column, value, frame), id=f"{frame}-{column}")
        for frame, column, value in [
            ("documents", "text", "the hubs"),
            ("documents", "title", "Hub"),
            ("queries", "query_id", "q9"),
            ("queries", "text", "hubs"),
            ("queries", "filter", {"product": "Hub"}),  # decides what a filtered start system ranks first
            ("queries", "tags", ("how_to",)),  # decides which tuning queries validate
            ("judgments", "doc_id", "d2"),
            ("judgments", "relevance", 2),
            ("evidence", "start", 4),
            ("evidence", "end", 6),
        ]
    ],
)
def test_the_id_changes_with_all_of_the_data_that_training_reads(apply: Callable[[Dataset], Dataset]) -> None:
    assert identify(dataset=apply(make_dataset())) != identify()


def test_the_id_changes_with_split_start_and_upload() -> None:
    smaller = {**START, "chunk": {"type": "recursive", "size": 64}}
    others = [
        identify(split=Split(("q2",), ("q1",), 2)),
        identify(split=Split(("q1",), (), 2)),
        identify(start=smaller),
        identify(source="0123"),
    ]
    assert len({identify(), *others}) == 5


def test_the_id_does_not_change_with_what_training_never_reads() -> None:
    renamed = dataclasses.replace(make_dataset(), name="other", warnings=("a file was ignored",))
    answered = change("answer", "It is the hub.", "queries")(make_dataset())
    warned = Split(SPLIT.tuning, SPLIT.test, 1, ("Only 1 query is left for tuning",), given=True)
    assert identify(dataset=renamed) == identify(dataset=answered) == identify(split=warned) == identify()


@pytest.mark.parametrize("where", ["base", "start"])
def test_the_id_changes_with_the_files_of_a_local_model(tmp_path: Path, where: str) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_text("first", encoding="utf-8")
    plan = dataclasses.replace(PLAN, base=str(model)) if where == "base" else PLAN
    start = START if where == "base" else {**START, "dense": {"model": str(model)}}
    before = identify(plan=plan, start=start)
    assert before == identify(plan=plan, start=start)
    (model / "weights").write_text("trained further", encoding="utf-8")
    assert identify(plan=plan, start=start) != before


def test_a_start_without_a_dense_side_has_an_id() -> None:
    words = {"name": "bm25", "lexical": {"over": "documents"}}
    assert identify(plan=TrainingPlan("reranker"), start=words).startswith("reranker-")
