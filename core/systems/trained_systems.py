"""The systems that trained models give, and what such a system has learned from."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.errors import InputError, NotInWorkspace
from core.settings import TRAINED_PREFIX
from core.stages.fuse import ReciprocalRankFusion
from core.stages.rerank import CrossEncoderRerank
from core.systems.system import Lexical, System
from core.systems.trained import ADAPTER, EMBEDDING, KIND_WORDS, RERANKER, TrainedModel, load_model
from core.systems.yaml_files import from_spec
from core.workspace import Workspace


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


def count_seen(specs: Iterable[Mapping[str, Any]], query_ids: Iterable[str], workspace: Workspace) -> dict[str, int]:
    """Name of each system that uses a model trained here -> how many of the queries that model has learned from, if any."""
    chosen = set(query_ids)
    counts = {str(spec["name"]): len(find_seen(spec, workspace) & chosen) for spec in specs}
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
        name = f"{_plain_name(start.name)}-rerank-finetuned"
        words = f"{start.name}, then the first {model.plan['depth']} hits scored by a {when}."
        return [dataclasses.replace(apply_model(model, start), name=name, description=words)]
    made = apply_model(model, start)
    if model.kind == ADAPTER:
        words = f"{start.name}, query vectors moved by a {when}; documents are not embedded again."
        return [dataclasses.replace(made, name=f"{_plain_name(start.name)}-adapter", description=words)]
    tuned = dataclasses.replace(
        made, name=f"{_plain_name(start.name)}-finetuned", description=f"{start.name} with an {when}; an index of its own."
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


def _plain_name(name: str) -> str:
    """hybrid-rrf is the plain hybrid."""
    return "hybrid" if name == "hybrid-rrf" else name
