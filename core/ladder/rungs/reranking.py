"""Reranking: the first hits are scored anew, together with the query, by late interaction or by a cross-encoder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.diagnosis import headroom
from core.diagnosis.sides import EMBEDDINGS, RERANKER
from core.ladder.offer import Offer
from core.ladder.rungs.rung import Rung
from core.ladder.rungs.short_names import tell_apart, unless
from core.settings import TRAINED_PREFIX
from core.stages.rerank import CrossEncoderRerank, LateInteraction
from core.systems.system import System

SUGGESTED_RERANKER = CrossEncoderRerank().model
_DEPTHS = (20, 50)


def is_cross_encoder(stage: Any) -> bool:
    """Whether a reranker reads query and hit together. Late interaction with an untrained model is a weak reranker instead."""
    return stage is not None and not isinstance(stage, LateInteraction)


def _propose(incumbent: System, offer: Offer) -> list[System]:
    late = [LateInteraction(depth=depth) for depth in _DEPTHS]
    cross = [CrossEncoderRerank(model=model, depth=depth) for model in offer.rerankers for depth in _DEPTHS]
    return [replace(incumbent, rerank=stage) for stage in (*late, *cross)]


def describe_reranker(system: System) -> str:
    """ "the first 50 reranked by late interaction"; "" without a reranker."""
    stage = system.rerank
    if stage is None:
        return ""
    by = "late interaction"
    if is_cross_encoder(stage):
        by = "the fine-tuned reranker" if stage.model.startswith(TRAINED_PREFIX) else str(stage.model)
        by += ", its score added to the first stage's" if stage.mixed else ""
    return f"the first {stage.depth} reranked by {by}"


def name_reranker(system: System) -> str:
    """rerank20, ms-marco-MiniLM-L6-v2, rerank-finetuned-mixed; "" without a reranker."""
    stage = system.rerank
    if stage is None:
        return ""
    depth = unless(stage.depth, 50)
    if not is_cross_encoder(stage):
        return "rerank" + depth
    if stage.model.startswith(TRAINED_PREFIX):
        return f"rerank-finetuned{depth}" + ("-mixed" if stage.mixed else "")
    name = re.sub(r"[^A-Za-z0-9.]+", "-", Path(stage.model).name).strip("-")
    if not stage.model.startswith("cross-encoder/"):  # other makers and folders may use the same last name
        name += "-" + tell_apart(stage.model)
    return name + (f"-{depth}" if depth else "")


def _say_once(system: System, chunks: int) -> str:
    return "load a reranking model" if is_cross_encoder(system.rerank) else "keep token vectors of the chunks"


def list_sides(system: System) -> tuple[str, ...]:
    """What a reranker reads with: a model of its own, or the one that embeds."""
    return (RERANKER,) if is_cross_encoder(system.rerank) else (EMBEDDINGS,)


def _note(variants: Sequence[System]) -> str:
    if any(is_cross_encoder(system.rerank) for system in variants):
        return ""
    return (
        "Only late interaction by the embedding model was measured, a weak reranker. No cross-encoder was; "
        f"name one to try, such as {SUGGESTED_RERANKER}."
    )


RERANKING = Rung(
    name="reranking",
    title="Reranking",
    action="add_reranker",
    action_title="Add a reranker first",
    propose=_propose,
    describe=describe_reranker,
    name_part=name_reranker,
    one_time=_say_once,
    note=_note,
    reads_chunks=True,
    relies_on=list_sides,
    cures="ranking",
    headroom=headroom.RERANKING,
)
