"""Models trained in a workspace: versioned artefacts that never change once they are ready, and the systems they give.

workspace/models/ID/
  model.json        what it is: see TrainedModel
  weights/          safetensors: a sentence-transformers folder, or a query adapter
  training/         checkpoints, only while the training is unfinished
  evaluation.json   how it compares on the test queries, once that was measured (written by core.trained_model.held_out)
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import InputError, NotInWorkspace
from core.stages.embed import TRAINED_PREFIX
from core.stages.fuse import ReciprocalRankFusion
from core.stages.rerank import CrossEncoderRerank
from core.systems.system import Lexical, System, make_named_systems
from core.systems.yaml_files import from_spec, list_own_systems
from core.workspace import WEIGHTS, Workspace, folder_size, read_json, remove_folder, write_json

ADAPTER, RERANKER, EMBEDDING = KINDS = ("adapter", "reranker", "embedding")  # cheapest first
READY, UNFINISHED = "ready", "unfinished"
KIND_WORDS = {ADAPTER: "query adapter", RERANKER: "reranker", EMBEDDING: "embedding model"}
NOT_LEARNED = (
    "On the queries that were kept to stop it, the training did no better than the untrained model: it has learned nothing "
    "that carries over."
)
_FILE, _TRAINING = "model.json", "training"
_DAMAGED = (AttributeError, KeyError, TypeError, ValueError, OSError)


@dataclass(frozen=True)
class TrainedModel:
    """A model that was, or is being, trained here.

    id: kind and a hash of all that its training depends on, so that the same request finds the same model. kind: of KINDS.
    base, base_revision: the model that it started from. system: spelling of the system it started from. dataset, fingerprint:
    the data. split: {tuning, test, learning, validation: query ids; share, seed, given}. plan: parameters of the training.
    data: {form, rows, queries, source, fingerprint, checks: [...]}. curve: [{step, epoch, loss}] and validation points
    [{step, epoch, validation}]. metrics: {validation, validation_base, epochs, best_epoch, threads, ...}. seconds: of training,
    all attempts together. state: READY or UNFINISHED. created: ISO time, of the first attempt.
    """

    id: str
    kind: str
    base: str
    base_revision: str
    system: dict[str, Any]
    dataset: str
    fingerprint: str
    split: dict[str, Any]
    plan: dict[str, Any]
    data: dict[str, Any]
    created: str
    curve: tuple[dict[str, Any], ...] = ()
    metrics: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    state: str = UNFINISHED

    @property
    def reference(self) -> str:
        """How a system names it: "trained:ID"."""
        return TRAINED_PREFIX + self.id

    @property
    def is_ready(self) -> bool:
        return self.state == READY

    @property
    def seen(self) -> frozenset[str]:
        """Ids of the queries that it has learned from or was stopped by."""
        return frozenset((*self.split["learning"], *self.split["validation"]))

    @property
    def has_learned(self) -> bool:
        """Whether the validation queries' loss fell below the untrained model's; True where that is not known."""
        before, after = self.metrics.get("validation_untrained"), self.metrics.get("validation")
        return before is None or after is None or after < before

    @property
    def tag(self) -> str:
        """Four digits that tell two models of a kind apart in names."""
        return self.id.rsplit("-", 1)[-1][:4]


def model_folder(model_id: str, workspace: Workspace) -> Path:
    return workspace.models / Path(model_id).name


def weights_folder(model_id: str, workspace: Workspace) -> Path:
    return model_folder(model_id, workspace) / WEIGHTS


def training_folder(model_id: str, workspace: Workspace) -> Path:
    return model_folder(model_id, workspace) / _TRAINING


def save_model(model: TrainedModel, workspace: Workspace) -> None:
    write_json(model_folder(model.id, workspace) / _FILE, dataclasses.asdict(model))


def load_model(model_id: str, workspace: Workspace) -> TrainedModel:
    """Raises NotInWorkspace if there is none with this id (with or without "trained:"), InputError if its file is damaged."""
    name = model_id.removeprefix(TRAINED_PREFIX)
    file = model_folder(name, workspace) / _FILE
    if Path(name).name != name or not file.exists():
        raise _say_absent(name)
    try:
        content = read_json(file)
        known = {part.name for part in dataclasses.fields(TrainedModel)}
        content = {key: value for key, value in content.items() if key in known}
        return TrainedModel(**{**content, "curve": tuple(content["curve"])})
    except _DAMAGED as error:
        raise InputError(f"cannot be read ({type(error).__name__}); remove this model and train it again", file=file) from error


def _say_absent(name: str) -> NotInWorkspace:
    return NotInWorkspace(f"The trained model {name!r} is not in this workspace.")


def list_models(workspace: Workspace, *, dataset: str | None = None, unfinished: bool = False) -> list[TrainedModel]:
    """Ready models, newest first; with unfinished=True those alone whose training has not ended. dataset: only of this name.

    A damaged one is left out: it is no model.
    """
    found = []
    for folder in workspace.models.iterdir():
        if (folder / _FILE).exists():
            try:
                model = load_model(folder.name, workspace)
            except InputError:
                continue
            if model.is_ready != unfinished and dataset in (None, model.dataset):
                found.append(model)
    return sorted(found, key=lambda model: (model.created, model.id), reverse=True)


def remove_model(model_id: str, workspace: Workspace) -> None:
    """Deletes a model, also a damaged one, with what was computed by it. Experiments that used it keep their results. Raises
    NotInWorkspace."""
    name = model_id.removeprefix(TRAINED_PREFIX)
    if Path(name).name != name or not (model_folder(name, workspace) / _FILE).exists():
        raise _say_absent(name)
    remove_folder(model_folder(name, workspace))
    workspace.forget_model(TRAINED_PREFIX + name)


def model_size(model: TrainedModel, workspace: Workspace) -> int:
    """Bytes of its weights on disk."""
    folder = weights_folder(model.id, workspace)
    return folder_size(folder) if folder.is_dir() else 0


def read_start(model: TrainedModel) -> System:
    """The system that the training started from."""
    return from_spec(model.system)


def apply_model(model: TrainedModel, system: System) -> System:
    """The system with the trained model in it, under the same name. Raises InputError if they do not fit."""
    return apply_weights(model, system, model.reference, depth=model.plan["depth"], mixed=model.metrics.get("mixed", False))


def apply_weights(model: TrainedModel, system: System, weights: str, *, depth: int = 50, mixed: bool = False) -> System:
    """apply_model() with these weights, a folder or "trained:ID", in place of the model's own. depth, mixed: of a reranker.

    An adapter needs the embedding model it was trained on, and both it and an embedding model a dense side.
    """
    if model.kind == RERANKER:
        return dataclasses.replace(system, rerank=CrossEncoderRerank(model=weights, depth=depth, mixed=mixed))
    if system.dense is None:
        raise InputError(f"system {system.name!r} has no dense side that a trained {KIND_WORDS[model.kind]} could serve")
    if model.kind == EMBEDDING:
        return dataclasses.replace(system, dense=dataclasses.replace(system.dense, model=weights, adapter=None))
    if system.dense.model != model.base:
        raise InputError(
            f"system {system.name!r} embeds with {system.dense.model}, and the adapter {model.id} was trained on vectors of "
            f"{model.base}: each adapter fits one model"
        )
    return dataclasses.replace(system, dense=dataclasses.replace(system.dense, adapter=weights))


def list_available(workspace: Workspace, *, dataset: str) -> dict[str, System]:
    """Every system that can be chosen by name for a dataset: the named ones, those of models trained on it, one's own."""
    return {
        **make_named_systems(),
        **make_trained_systems(list_models(workspace, dataset=dataset)),
        **list_own_systems(workspace),
    }


def find_learned(specs: Iterable[Mapping[str, Any]], query_ids: Iterable[str], workspace: Workspace) -> dict[str, int]:
    """Name of each system that uses a model trained here -> how many of the queries that model has learned from, if any."""
    asked = set(query_ids)
    counts = {str(spec["name"]): len(find_seen(spec, workspace) & asked) for spec in specs}
    return {name: count for name, count in counts.items() if count}


def find_seen(spec: Mapping[str, Any], workspace: Workspace) -> frozenset[str]:
    """Ids of the queries that the trained models of a system have learned from; none of one that was removed."""
    dense, rerank = spec.get("dense") or {}, spec.get("rerank") or {}
    seen: frozenset[str] = frozenset()
    for name in (dense.get("model"), dense.get("adapter"), rerank.get("model")):
        if str(name).startswith(TRAINED_PREFIX):
            with contextlib.suppress(NotInWorkspace, InputError):  # it was removed since
                seen |= load_model(str(name), workspace).seen
    return seen


def make_trained_systems(models: Sequence[TrainedModel]) -> dict[str, System]:
    """The systems that trained models give, by name: dense-adapter, dense-finetuned, hybrid-finetuned, hybrid-rerank-finetuned.

    models: newest first. The newest of each kind has the plain names; older ones have their tag behind it.
    """
    systems: dict[str, System] = {}
    for model in models:
        for system in _systems_of(model):
            name = system.name if system.name not in systems else f"{system.name}-{model.tag}"
            systems.setdefault(name, dataclasses.replace(system, name=name))
    return systems


def _systems_of(model: TrainedModel) -> list[System]:
    start = read_start(model)
    when = f"{KIND_WORDS[model.kind]} trained on {model.dataset}, {model.created[:10]}"
    if model.kind == RERANKER:
        name = f"{_shorten(start.name)}-rerank-finetuned"
        words = f"{start.name}, then the first {model.plan['depth']} hits scored by a {when}."
        return [dataclasses.replace(apply_model(model, start), name=name, description=words)]
    made = apply_model(model, start)
    if model.kind == ADAPTER:
        words = f"{start.name}, query vectors moved by a {when}; documents are not embedded again."
        return [dataclasses.replace(made, name=f"{_shorten(start.name)}-adapter", description=words)]
    tuned = dataclasses.replace(
        made, name=f"{_shorten(start.name)}-finetuned", description=f"{start.name} with an {when}; an index of its own."
    )
    if made.lexical is not None:
        return [tuned]
    hybrid = dataclasses.replace(
        made,
        name="hybrid-finetuned" if start.name == "dense" else f"{start.name}-hybrid-finetuned",
        description=f"An {when}, and word matching, merged by rank.",
        lexical=Lexical(over="documents"),
        fuse=ReciprocalRankFusion(),
    )
    return [tuned, hybrid]


def _shorten(name: str) -> str:
    """hybrid-rrf is the plain hybrid."""
    return "hybrid" if name == "hybrid-rrf" else name
