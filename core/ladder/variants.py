"""What each rung tries: its variants, stacked on the incumbent, cheapest first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.ladder.names import name_variant, strip_name
from core.ladder.offer import Offer
from core.ladder.rungs import TRAINED_RUNGS
from core.stages.chunk import ParentDocument, Recursive, SentenceWindow, WholeDocument
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion
from core.stages.rerank import CrossEncoderRerank, LateInteraction
from core.systems.named import BASELINE, make_named_systems
from core.systems.system import Feedback, Lexical, System
from core.systems.trained import EMBEDDING, RERANKER, TrainedModel
from core.systems.trained_systems import apply_model, apply_weights, make_trained_systems

SUGGESTED_RERANKER = CrossEncoderRerank().model
_SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2, 0.0)  # of the dense side: from dense alone to lexical alone
_DEPTHS = (20, 50)


def make_baseline() -> System:
    """The named system that every ladder begins with."""
    return make_named_systems()[BASELINE]


def propose_variants(rung: str, incumbent: System, offer: Offer) -> list[System]:
    """The variants of a rung stacked on the incumbent, cheapest first; empty if the rung cannot be measured here."""
    makers = {
        "chunking": _vary_chunks,
        "metadata_filters": _vary_filters,
        "hybrid_search": _vary_fusion,
        "query_rewriting": _vary_rewriting,
        "reranking": _vary_reranking,
    }
    if rung in TRAINED_RUNGS:
        return _vary_trained(offer.find_trained(rung), incumbent)
    if rung not in makers:
        return []
    return [name_variant(system) for system in makers[rung](incumbent, offer)]


def search_words_alone(system: System, offer: Offer) -> System:
    """The lexical side of a system on its own, over the same units and under the same filter."""
    changed = replace(system, dense=None, fuse=None, rerank=None, rewrite=(), lexical=system.lexical or _lexical(offer))
    return name_variant(changed if offer.by_evidence else replace(changed, chunk=None))


def _vary_chunks(incumbent: System, offer: Offer) -> list[System]:
    chunkers = (
        Recursive(size=128, overlap=0),
        Recursive(size=128, overlap=32),
        Recursive(size=64, overlap=0),
        WholeDocument(),
        ParentDocument(),
        SentenceWindow(),
    )
    return [replace(incumbent, chunk=chunker) for chunker in chunkers]


def _vary_filters(incumbent: System, offer: Offer) -> list[System]:
    given = [replace(incumbent, filter=True)] if offer.has_filters else []
    if not offer.infer_fields:
        return given
    return [*given, replace(incumbent, filter=offer.has_filters, infer_filters=offer.infer_fields)]


def _lexical(offer: Offer) -> Lexical:
    return Lexical(over="chunks" if offer.by_evidence else "documents")


def _vary_fusion(incumbent: System, offer: Offer) -> list[System]:
    level = "chunk" if offer.by_evidence else "document"
    fusions: list[Any] = [ReciprocalRankFusion(level=level)]
    fusions += [WeightedFusion(dense_share=share, level=level) for share in _SHARES]
    return [replace(incumbent, lexical=_lexical(offer), fuse=fuse) for fuse in fusions]


def _vary_rewriting(incumbent: System, offer: Offer) -> list[System]:
    feedback = [
        Feedback(),
        Feedback(chunks=3, dense_weight=0.3, documents=5, lexical_weight=0.3),
        Feedback(chunks=10, dense_weight=0.7, documents=20, terms=20, lexical_weight=0.5),
    ]
    steps: list[tuple[Any, ...]] = [(glossary,) for glossary in offer.glossaries]
    steps += [(step,) for step in feedback]
    return [replace(incumbent, rewrite=(*incumbent.rewrite, *step)) for step in steps]


def _vary_reranking(incumbent: System, offer: Offer) -> list[System]:
    late = [LateInteraction(depth=depth) for depth in _DEPTHS]
    cross = [CrossEncoderRerank(model=model, depth=depth) for model in offer.rerankers for depth in _DEPTHS]
    return [replace(incumbent, rerank=stage) for stage in (*late, *cross)]


def _vary_trained(model: TrainedModel | None, incumbent: System) -> list[System]:
    """The incumbent with the trained model in it, and the model's own named systems; none where they do not fit."""
    if model is None:
        return []
    stacked: list[System] = []
    if model.kind == RERANKER:
        depth = int(model.plan["depth"])
        fits = incumbent.chunk is not None
        stacked = [
            apply_weights(model, incumbent, model.reference, depth=depth, mixed=mixed) for mixed in (True, False) if fits
        ]
    elif incumbent.dense is not None and (model.kind == EMBEDDING or incumbent.dense.model == model.base):
        stacked = [apply_model(model, incumbent)]
    own = list(make_trained_systems([model]).values())
    known = {strip_name(system): system for system in own}
    named = [known.get(strip_name(system)) or name_variant(system) for system in stacked]
    return [*named, *(system for system in own if system not in named)]
