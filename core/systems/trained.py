"""Models trained in a workspace: versioned artefacts that never change once they are ready.

workspace/models/ID/
  model.json        what it is: see TrainedModel
  weights/          safetensors: a sentence-transformers folder, or a query adapter
  training/         checkpoints, only while the training is unfinished
  evaluation.json   how it compares on the test queries, once that was measured (written by core.trained_model.evaluation_file)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import InputError, NotInWorkspace
from core.records import RecordFile, keep_content
from core.settings import TRAINED_PREFIX
from core.storage.files import folder_size, remove_folder
from core.storage.names import find_entry, place_entry
from core.workspace import WEIGHTS, Workspace

ADAPTER, RERANKER, EMBEDDING = KINDS = ("adapter", "reranker", "embedding")  # cheapest first
READY, UNFINISHED = "ready", "unfinished"
KIND_WORDS = {ADAPTER: "query adapter", RERANKER: "reranker", EMBEDDING: "embedding model"}
KIND_ARTICLES = {RERANKER: "a reranker", ADAPTER: "an adapter", EMBEDDING: "an embedding model"}
NOT_LEARNED = (
    "On the queries that were kept to stop it, the training did no better than the untrained model: it has learned nothing "
    "that carries over."
)
_FILE, _TRAINING = "model.json", "training"


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
        """Whether its training has ended, so that its weights are there."""
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


_FILES = RecordFile(TrainedModel, upgrades=[keep_content], cure="remove this model and train it again")


def model_folder(model_id: str, workspace: Workspace) -> Path:
    """Where a model lies, whether or not it is there. model_id: without "trained:"."""
    return place_entry(workspace.models, model_id)


def weights_folder(model_id: str, workspace: Workspace) -> Path:
    """Where its weights lie once it is ready."""
    return model_folder(model_id, workspace) / WEIGHTS


def training_folder(model_id: str, workspace: Workspace) -> Path:
    """Where its checkpoints lie while it is trained."""
    return model_folder(model_id, workspace) / _TRAINING


def save_model(model: TrainedModel, workspace: Workspace) -> None:
    """Writes what the model is, in place of what was written before; its weights are written by the training."""
    _FILES.write(model_folder(model.id, workspace) / _FILE, model)


def load_model(model_id: str, workspace: Workspace) -> TrainedModel:
    """Raises NotInWorkspace if there is none with this id (with or without "trained:"), InputError if its file is damaged."""
    name = model_id.removeprefix(TRAINED_PREFIX)
    return _FILES.read(_find_folder(name, workspace) / _FILE)


def is_finished(model_id: str, workspace: Workspace) -> bool:
    """Whether a model can be read and its training has ended."""
    try:
        return load_model(model_id, workspace).is_ready
    except (NotInWorkspace, InputError):
        return False


def _find_folder(name: str, workspace: Workspace) -> Path:
    folder = find_entry(workspace.models, name)
    if folder is None or not (folder / _FILE).exists():
        raise NotInWorkspace(f"The trained model {name!r} is not in this workspace.")
    return folder


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
    remove_folder(_find_folder(name, workspace))
    workspace.forget_model(TRAINED_PREFIX + name)


def model_size(model: TrainedModel, workspace: Workspace) -> int:
    """Bytes of its weights on disk."""
    folder = weights_folder(model.id, workspace)
    return folder_size(folder) if folder.is_dir() else 0
