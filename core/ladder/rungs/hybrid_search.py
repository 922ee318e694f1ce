"""Hybrid search: embeddings and word matching together, merged by rank or by weight."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.diagnosis import headroom
from core.diagnosis.sides import WORDS
from core.ladder.offer import Offer
from core.ladder.rungs.rung import Rung, rely_on
from core.ladder.rungs.short_names import unless
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion
from core.systems.system import System

_SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2, 0.0)  # of the dense side: from dense alone to lexical alone


def _propose(incumbent: System, offer: Offer) -> list[System]:
    fusions: list[Any] = [ReciprocalRankFusion(level=offer.level)]
    fusions += [WeightedFusion(dense_share=share, level=offer.level) for share in _SHARES]
    return [replace(incumbent, lexical=offer.lexical, fuse=fuse) for fuse in fusions]


def _describe(system: System) -> str:
    if system.fuse is None:
        return ""
    if isinstance(system.fuse, WeightedFusion):
        return f"embeddings weigh {system.fuse.dense_share:.0%}, words {1 - system.fuse.dense_share:.0%}"
    return "embeddings and words merged by rank"


def _name_part(system: System) -> str:
    if system.fuse is None:
        return ""
    if isinstance(system.fuse, WeightedFusion):
        return "hybrid-w" + str(round(100 * system.fuse.dense_share))
    return "hybrid-rrf" + unless(system.fuse.k, 60)


def _say_once(system: System, chunks: int) -> str:
    return "build a word index"


def take_words(system: System, offer: Offer) -> System:
    """The lexical side of a system on its own, over the same units and under the same filter, still under the system's name."""
    words = replace(system, dense=None, fuse=None, rerank=None, rewrite=(), lexical=system.lexical or offer.lexical)
    return words if offer.by_evidence else replace(words, chunk=None)


def _isolate(system: System, incumbent: System, chosen: System, offer: Offer) -> System:
    """What embeddings miss, words alone show: a hybrid would have the embeddings' hits too."""
    return system if system.dense is None else take_words(system, offer)


HYBRID_SEARCH = Rung(
    name="hybrid_search",
    title="Hybrid search",
    action="use_hybrid_search",
    action_title="Use hybrid search first",
    propose=_propose,
    describe=_describe,
    name_part=_name_part,
    one_time=_say_once,
    relies_on=rely_on(WORDS),
    cures="exact_terms",
    isolate=_isolate,
    headroom=headroom.UNION,
)
