"""What it costs to adopt a trained model, once and later, in numbers measured on this machine."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from core.graph.estimate import read_speed
from core.graph.resources import Resources
from core.settings import DEFAULT_DIMENSIONS
from core.systems.trained import ADAPTER, EMBEDDING, TrainedModel, model_size
from core.text.phrases import describe_duration

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

    def to_json(self) -> dict[str, Any]:
        """The numbers and the sentence."""
        return {**dataclasses.asdict(self), "sentence": self.describe()}

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
    """What it costs to adopt a model. passages: what the system indexes. Sizes in MB, times in seconds."""
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
