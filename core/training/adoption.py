"""What it costs to adopt a trained model, once and later, in numbers measured on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.data.dataset import Dataset
from core.graph.estimate import read_speed
from core.graph.resources import Resources
from core.settings import DEFAULT_DIMENSIONS
from core.systems.trained import ADAPTER, EMBEDDING, TrainedModel, list_models, model_size
from core.workspace import Workspace

_BYTES = 4  # of a float32


@dataclass(frozen=True)
class Adoption:
    """training_seconds: measured. passages, embed_seconds: to embed anew, estimated from this machine's speed. index_mb: of
    the second index that stands beside the old one until it is proven. model_mb: of the weights."""

    training_seconds: float
    passages: int
    embed_seconds: float
    index_mb: float
    model_mb: float
    kind: str

    def describe(self) -> str:
        """One sentence: what has to be done once, and how one gets back."""
        trained = f"train for {describe_duration(self.training_seconds)}"
        if self.kind == ADAPTER:
            return f"{trained}; nothing is embedded again, and leaving it out is the way back"
        if self.kind == EMBEDDING:
            work = f"embed and index {self.passages:,} passages anew (about {describe_duration(self.embed_seconds)} here"
            keep = f"{self.index_mb:.1f} MB) and keep the old index to go back to"
            return f"{trained}; {work}, {keep}; the same again after every new training"
        return f"{trained}; load a model of {self.model_mb:.0f} MB; no index changes, and leaving it out is the way back"


def measure_adoption(model: TrainedModel, resources: Resources, *, passages: list[str]) -> Adoption:
    """passages: what the system indexes."""
    anew = passages if model.kind == EMBEDDING else []
    dimensions = int(model.metrics.get("dimensions") or DEFAULT_DIMENSIONS)
    return Adoption(
        training_seconds=model.seconds,
        passages=len(anew),
        embed_seconds=sum(map(len, anew)) / read_speed(resources),
        index_mb=len(anew) * dimensions * _BYTES / 1e6,
        model_mb=model_size(model, resources.workspace) / 1e6,
        kind=model.kind,
    )


def describe_duration(seconds: float) -> str:
    """ "12 s", "4 min", "1 h 5 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def find_trained(dataset: Dataset, workspace: Workspace) -> tuple[TrainedModel, ...]:
    """The models that may join a dataset's ladder: the newest, and the newest of each other kind that has seen none of the
    newest one's test queries. Empty if none was trained on the data as they are."""
    ready = [model for model in list_models(workspace, dataset=dataset.name) if model.fingerprint == dataset.fingerprint]
    found: dict[str, TrainedModel] = {}
    for model in ready:
        test = set(ready[0].split["test"])
        same = (model.split["share"], model.split["seed"]) == (ready[0].split["share"], ready[0].split["seed"])
        if model.kind not in found and (same or not model.seen & test):
            found[model.kind] = model
    return tuple(found.values())


def as_json(adoption: Adoption) -> dict[str, Any]:
    """The numbers and the sentence."""
    return {**{name: getattr(adoption, name) for name in Adoption.__dataclass_fields__}, "sentence": adoption.describe()}
