"""What a ladder may try on a dataset: filters, glossaries, rerankers and trained models that are there for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from core.data.dataset import Dataset
from core.diagnosis.metadata import advise_metadata
from core.ladder.goals import Goals
from core.stages.rewrite import Glossary
from core.systems.available import find_own_systems
from core.systems.system import Lexical, System
from core.systems.trained import TrainedModel, list_models
from core.workspace import Workspace


@dataclass(frozen=True)
class Offer:
    """What the variants depend on besides the incumbent.

    by_evidence: chunks are compared, so both sides of a hybrid run over chunks. has_filters: queries carry filters.
    infer_fields: metadata fields whose values may be read from a query's text. glossaries: of the user's own systems.
    rerankers: cross-encoders the user named. trained: models trained on the dataset, at most one of a kind.
    """

    by_evidence: bool = False
    has_filters: bool = False
    infer_fields: tuple[str, ...] = ()
    glossaries: tuple[Glossary, ...] = ()
    rerankers: tuple[str, ...] = ()
    trained: tuple[TrainedModel, ...] = ()

    @property
    def level(self) -> str:
        """What the hits of a hybrid are: "chunk" or "document"."""
        return "chunk" if self.by_evidence else "document"

    @property
    def lexical(self) -> Lexical:
        """The lexical side over what is compared: chunks or documents."""
        return Lexical(over="chunks" if self.by_evidence else "documents")

    def find_trained(self, kind: str) -> TrainedModel | None:
        """The trained model of this kind (core.systems.trained.KINDS), or None."""
        return next((model for model in self.trained if model.kind == kind), None)


def make_offer(
    dataset: Dataset,
    goals: Goals,
    *,
    run: pd.DataFrame,
    tuning: Sequence[str],
    primary: str,
    trained: tuple[TrainedModel, ...],
    workspace: Workspace,
) -> Offer:
    """What the rungs may try. The fields to read filters from are chosen on the tuning queries (ids).

    run: the baseline's document run over all judged queries.
    """
    advice = advise_metadata(dataset, run, query_ids=list(tuning))
    return Offer(
        by_evidence=primary.startswith("evidence"),
        has_filters=dataset.has_filters,
        infer_fields=tuple(advice.loc[advice["recommended"].astype(bool), "field"]),
        glossaries=find_glossaries(find_own_systems(workspace).values()),
        rerankers=goals.rerankers,
        trained=trained,
    )


def find_glossaries(systems: Iterable[System]) -> tuple[Glossary, ...]:
    """The distinct glossaries that a user's own systems rewrite with."""
    found = (step for system in systems for step in system.rewrite if isinstance(step, Glossary))
    return tuple(dict.fromkeys(found))


def find_joining_models(dataset: Dataset, workspace: Workspace) -> tuple[TrainedModel, ...]:
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
