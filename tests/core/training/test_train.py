"""Trainings from beginning to end: what is kept of one, also of one that was cut off, and what it depends on.

The first stage embeds by AxisModels; what is trained is the tiny model.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.errors import Cancelled, InputError
from core.graph.resources import Models, Resources
from core.progress import CancelToken, ProgressEvent
from core.settings import DEFAULT_MODEL
from core.stages.adapt import read_adapter
from core.stages.embed import model_revision
from core.systems.available import save_own_system
from core.systems.named import make_named_systems
from core.systems.system import Dense
from core.systems.trained import TrainedModel, list_models, load_model, model_folder, training_folder
from core.systems.trained_systems import make_trained_systems
from core.training import train as training
from core.training.examples import Examples
from core.training.request import make_plan
from core.training.train import PreparedTraining, find_start, prepare_training, train
from core.workspace import Workspace
from tests.support.assessments import PLACES, TOPICS, AxisModels
from tests.support.tiny import make_dataset

ONCE: dict[str, Any] = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3, "max_tokens": 32}
TINY = {**ONCE, "epochs": 2}


def prepare(
    workspace: Path, kind: str, *, dataset: Dataset | None = None, upload: Examples | None = None, **plan: Any
) -> PreparedTraining:
    given = dataset or make_dataset()
    return prepare_training(given, make_plan(kind, **plan), workspace=Workspace(workspace), models=AxisModels(), upload=upload)


def list_files(model: TrainedModel, workspace: Path) -> list[str]:
    folder = model_folder(model.id, Workspace(workspace))
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def as_kept(model: TrainedModel) -> Any:
    """The model as JSON has it."""
    return json.loads(json.dumps(dataclasses.asdict(model), allow_nan=False))


def assert_whole(model: TrainedModel, prepared: PreparedTraining, workspace: Path) -> None:
    """The artefact says all that there is to know about the training, and can be read again."""
    store = Workspace(workspace)
    assert as_kept(load_model(model.id, store)) == as_kept(model)
    assert [found.id for found in list_models(store)] == [model.id]
    assert list_models(store, unfinished=True) == []
    assert model.is_ready
    assert model.id == prepared.id
    assert model.seconds > 0
    assert model.metrics["threads"] >= 1
    assert model.curve
    assert (model.dataset, model.fingerprint) == (prepared.dataset.name, prepared.dataset.fingerprint)
    assert model.plan == prepared.plan.to_json()
    # 40 queries with one answer each: half of them tune, 15 % of those (three) validate
    sizes = {name: len(model.split[name]) for name in ("tuning", "test", "learning", "validation")}
    assert sizes == {"tuning": 20, "test": 20, "learning": 17, "validation": 3}
    assert model.seen == set(model.split["tuning"])
    assert not model.seen & set(model.split["test"])
    assert not training_folder(model.id, store).exists()
    assert not (model_folder(model.id, store) / "weights.part").exists()


def forbid_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("trained anew")

    monkeypatch.setattr(training, "fit", fail)


def test_an_adapter_is_kept_whole_and_found_again(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare(workspace, "adapter")
    events: list[ProgressEvent] = []
    model = train(prepared, workspace=Workspace(workspace), on_progress=events.append)
    assert_whole(model, prepared, workspace)
    assert list_files(model, workspace) == ["model.json", "weights/.sealed.json", "weights/adapter.safetensors"]
    adapter = read_adapter(model_folder(model.id, Workspace(workspace)) / "weights")
    assert (adapter.model, adapter.revision) == (model.base, model.base_revision)
    assert (model.base, model.base_revision) == (DEFAULT_MODEL, model_revision(DEFAULT_MODEL))
    assert model.data["form"] == "hard_negatives"
    assert (model.data["queries"], model.data["positives"]) == (17, 17)
    assert model.metrics["validation"] <= model.metrics["validation_untrained"]
    assert events[0].label == "fitting the adapter, strength 1 of 7"
    assert list(make_trained_systems([model])) == ["dense-adapter"]
    forbid_training(monkeypatch)
    assert as_kept(train(prepare(workspace, "adapter"), workspace=Workspace(workspace))) == as_kept(model)


def test_a_reranker_is_kept_whole(base: Path, workspace: Path) -> None:
    prepared = prepare(workspace, "reranker", base=str(base), **ONCE)
    model = train(prepared, workspace=Workspace(workspace))
    assert_whole(model, prepared, workspace)
    assert {"model.json", "weights/model.safetensors", "weights/config.json"} <= set(list_files(model, workspace))
    assert model.data["form"] == "labelled"
    system = make_trained_systems([model])["hybrid-rerank-finetuned"]
    assert system.rerank.mixed is model.metrics["mixed"]
    assert system.rerank.depth == model.plan["depth"]


@pytest.mark.parametrize(("alone", "mixed"), [(1.0, False), (-1.0, True)])
def test_validation_decides_whether_the_first_stage_counts_too(
    alone: float, mixed: bool, base: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A reranker that knows the answers and puts them first (1), or last (-1).
    prepared = prepare(workspace, "reranker", base=str(base), **ONCE)
    texts = dict(zip(prepared.dataset.documents["doc_id"], prepared.dataset.documents["text"], strict=True))
    right = {
        query: texts[doc_id]
        for query, doc_id in zip(prepared.dataset.queries["text"], prepared.dataset.judgments["doc_id"], strict=True)
    }

    class Knowing:
        def predict(self, pairs: list[tuple[str, str]], **_: Any) -> np.ndarray:
            return alone * np.array([right[query] in text for query, text in pairs], dtype=float)

    monkeypatch.setattr(prepared.material.resources.models, "cross_encoder", lambda name: Knowing())
    if alone > 0:  # adding the first stage's score harms as much as can be
        monkeypatch.setattr("core.stages.rerank.mix_scores", lambda first, second: -second)
    assert train(prepared, workspace=Workspace(workspace)).metrics["mixed"] is mixed


def cut_off(prepared: PreparedTraining, workspace: Path, *, at: int) -> None:
    """Trains until step `at`, then cancels."""
    cancel = CancelToken()

    def stop(event: ProgressEvent) -> None:
        if event.label.startswith("training") and event.done >= at:
            cancel.cancel()

    with pytest.raises(Cancelled):
        train(prepared, workspace=Workspace(workspace), cancel=cancel, on_progress=stop)


def test_a_training_that_was_cut_off_is_listed_as_unfinished_and_goes_on(
    base: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_WRITE_SECONDS", 0.0)
    store = Workspace(workspace)
    prepared = prepare(workspace, "embedding", base=str(base), **TINY)
    cut_off(prepared, workspace, at=5)  # three steps an epoch: in the second
    (left,) = list_models(store, unfinished=True)
    assert list_models(store) == []
    assert left.id == prepared.id
    assert not left.is_ready
    assert left.seconds > 0  # of the first epoch, though the curve was written again since
    assert {"step": 4} in [{"step": point["step"]} for point in left.curve]
    assert [path.name for path in training_folder(left.id, store).glob("checkpoint-*")] == ["checkpoint-3"]
    assert not (model_folder(left.id, store) / "weights").exists()
    seen: list[float] = []

    def note(event: ProgressEvent) -> None:
        if event.label.startswith("training"):
            seen.append(event.done)

    # Another process would prepare it anew.
    model = train(prepare(workspace, "embedding", base=str(base), **TINY), workspace=store, on_progress=note)
    assert min(seen) == 4
    assert model.metrics["resumed"]
    assert model.created == left.created
    assert model.seconds > left.seconds
    assert [point["step"] for point in model.curve if "validation" in point] == [3, 6]
    assert_whole(model, prepared, workspace)
    # What is kept can be used, and is found again.
    assert {"model.json", "weights/model.safetensors", "weights/modules.json"} <= set(list_files(model, workspace))
    assert not [name for name in list_files(model, workspace) if name.endswith((".bin", ".pt", ".pth", ".pkl"))]
    assert (model.base, model.base_revision) == (str(base), model_revision(str(base)))
    assert list(make_trained_systems([model])) == ["dense-finetuned", "hybrid-finetuned"]
    resources = Resources(store, models=Models())
    apart = Resources(Workspace(workspace / "apart"), models=Models())  # AxisModels answered as the base model in the first
    texts = ["the clock of the hub works well"]
    after = resources.encode(model.reference, "", texts, role="document", prompt=None)
    before = apart.encode(str(base), model.base_revision, texts, role="document", prompt=None)
    assert after.shape == before.shape == (1, 32)
    assert not np.allclose(after, before)
    forbid_training(monkeypatch)
    assert as_kept(train(prepared, workspace=store)) == as_kept(model)


def test_a_training_that_was_cut_off_before_a_checkpoint_begins_anew(base: Path, workspace: Path) -> None:
    prepared = prepare(workspace, "embedding", base=str(base), **ONCE)
    cut_off(prepared, workspace, at=1)
    (left,) = list_models(Workspace(workspace), unfinished=True)
    assert left.seconds == 0
    model = train(prepared, workspace=Workspace(workspace))
    assert not model.metrics["resumed"]
    assert [point["step"] for point in model.curve if "validation" in point] == [3]


def test_weights_that_were_half_written_are_not_taken(workspace: Path) -> None:
    store = Workspace(workspace)
    prepared = prepare(workspace, "adapter")
    for name in ("weights", "weights.part"):
        folder = model_folder(prepared.id, store) / name
        folder.mkdir(parents=True)
        (folder / "adapter.safetensors").write_bytes(b"half")
    model = train(prepared, workspace=store)
    assert list_files(model, workspace) == ["model.json", "weights/.sealed.json", "weights/adapter.safetensors"]
    assert read_adapter(model_folder(model.id, store) / "weights").matrix.ndim == 2


def test_the_id_depends_on_all_that_the_training_depends_on(base: Path, workspace: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(base, own)

    def identify(**options: Any) -> str:
        return prepare(workspace, "embedding", **{"base": str(own), **TINY, **options}).id

    first = identify()
    assert identify() == first
    assert len({first, identify(seed=1), identify(epochs=3), identify(base=str(base)), identify(system="dense-chunk64")}) == 5
    fewer = dataclasses.replace(make_dataset(), judgments=make_dataset().judgments.assign(relevance=2))
    assert identify(dataset=fewer) != first
    (own / "model.safetensors").write_bytes((own / "model.safetensors").read_bytes() + b" ")  # other weights, the same place
    assert identify() != first


def test_the_adapter_learns_from_vectors_with_the_systems_prompt(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another model than the default one, by which queries are compared whatever is trained.
    dense = Dense(model="other/model", query_prompt="query: ", document_prompt="the ")
    save_own_system(dataclasses.replace(make_named_systems()["dense"], name="prompted", dense=dense), Workspace(workspace))
    prepared = prepare(workspace, "adapter", system="prompted", upload=make_upload())
    asked: set[tuple[str, str | None]] = set()
    encode = Resources.encode

    def note(self: Resources, model: str, revision: str, texts: list[str], *, role: str, prompt: str | None) -> np.ndarray:
        if model == "other/model":
            asked.add((role, prompt))
        return encode(self, model, revision, texts, role=role, prompt=prompt)

    monkeypatch.setattr(Resources, "encode", note)
    train(prepared, workspace=Workspace(workspace))
    assert asked == {("query", "query: "), ("document", "the ")}


def make_upload() -> Examples:
    """Sixteen pairs of one's own: topics of places, which the dataset knows nothing of."""
    pairs = [(topic, place) for place in PLACES[:2] for topic in TOPICS]
    frame = pd.DataFrame(
        {
            "query_id": "",
            "query": [f"{topic} in the {place}" for topic, place in pairs],
            "positive": [f"this is about the {topic} in the {place}" for topic, place in pairs],
        }
    )
    return Examples("pairs", frame, "mine.csv")


def test_an_upload_takes_the_place_of_the_labels(workspace: Path) -> None:
    prepared = prepare(workspace, "adapter", upload=make_upload())
    model = train(prepared, workspace=Workspace(workspace))
    assert model.id != prepare(workspace, "adapter").id
    assert (model.data["source"], model.data["positives"]) == ("mine.csv", 16)
    assert len(model.split["validation"]) == 3  # of the dataset's own queries


def test_an_adapter_can_be_fitted_where_no_query_can_validate(workspace: Path) -> None:
    # Twelve tuning queries that say the same to the model are one group, which is not taken apart.
    plain = make_dataset()
    tuning = plain.queries.iloc[:12].assign(text=[f"timepiece probe {word}" for word in "abcdefghijkl"], split="tuning")
    queries = pd.concat([tuning, plain.queries.iloc[12:].assign(split="test")], ignore_index=True)
    dataset = dataclasses.replace(plain, queries=queries, fixed_split=True)
    prepared = prepare(workspace, "adapter", dataset=dataset)
    assert (len(prepared.material.learning), prepared.material.validation) == (12, [])
    model = train(prepared, workspace=Workspace(workspace))
    content = json.loads((model_folder(model.id, Workspace(workspace)) / "model.json").read_text())
    assert (content["metrics"]["validation"], content["metrics"]["ridge"]) == (None, 10.0)
    assert len(content["curve"]) == 7
    assert not any("validation" in point for point in content["curve"])


@pytest.mark.parametrize(
    ("kind", "system", "message"),
    [
        ("adapter", "nothing", "there is no system 'nothing' to start from; there are dense, "),
        ("embedding", "bm25", "system 'bm25' has no embedding model to start from; choose one with a dense side"),
        ("reranker", "bm25", "system 'bm25' has no chunks to rerank; start from one with `chunk`, such as hybrid-rrf"),
    ],
)
def test_what_cannot_be_started_from(kind: str, system: str, message: str, workspace: Path) -> None:
    with pytest.raises(InputError) as error:
        find_start(make_plan(kind, system=system), Workspace(workspace))
    assert message in str(error.value)


def test_what_ranks_by_lengths_cannot_be_started_from(workspace: Path) -> None:
    by_length = dataclasses.replace(make_named_systems()["dense"], name="own", dense=Dense(distance="l2"))
    save_own_system(by_length, Workspace(workspace))
    with pytest.raises(InputError, match="'own' ranks by the distance l2, and models are trained for cosine; choose another"):
        find_start(make_plan("adapter", system="own"), Workspace(workspace))


@pytest.mark.parametrize("model", ["endpoint:m", "trained:embedding-1"])
def test_models_that_are_elsewhere_cannot_be_trained_further(model: str, workspace: Path) -> None:
    store = Workspace(workspace)
    save_own_system(dataclasses.replace(make_named_systems()["dense"], name="own", dense=Dense(model=model)), store)
    with pytest.raises(InputError, match=f"the model '{model}' cannot be trained further here"):
        find_start(make_plan("embedding", system="own"), store)
    start, base = find_start(make_plan("adapter", system="own"), store)  # an adapter needs its vectors alone
    assert (base, start.dense) == (model, Dense(model=model))
    assert find_start(make_plan("reranker", system="own"), store)[1] == DEFAULT_MODEL


def test_the_start_has_the_base_model_and_neither_adapter_nor_reranker(workspace: Path) -> None:
    store = Workspace(workspace)
    own = dataclasses.replace(make_named_systems()["hybrid-rerank"], name="own", dense=Dense(adapter="trained:a"))
    save_own_system(own, store)
    start, base = find_start(make_plan("embedding", system="own", base="some/model"), store)
    assert (start.dense, base) == (Dense(model="some/model"), "some/model")
    start, base = find_start(make_plan("reranker", system="own"), store)
    assert (start.rerank, start.dense, base) == (None, own.dense, DEFAULT_MODEL)
