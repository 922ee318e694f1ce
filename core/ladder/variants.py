"""The rungs of the ladder, cheapest first, and the variants that each tries on the incumbent."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.schema import content_hash
from core.stages.chunk import ParentDocument, Recursive, SentenceWindow, WholeDocument
from core.stages.embed import TRAINED_PREFIX
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion
from core.stages.rerank import CrossEncoderRerank, LateInteraction
from core.stages.rewrite import Glossary
from core.systems.system import BASELINE, Feedback, Lexical, System, make_named_systems
from core.systems.trained import (
    ADAPTER,
    EMBEDDING,
    KIND_WORDS,
    RERANKER,
    TrainedModel,
    apply_model,
    apply_weights,
    make_trained_systems,
)

CHEAP_RUNGS = ("chunking", "metadata_filters", "hybrid_search", "query_rewriting", "reranking")
TRAINED_RUNGS = ("fine_tuned_reranker", "fine_tuned_adapter", "fine_tuned_embedding")
RUNGS = ("baseline", *CHEAP_RUNGS, *TRAINED_RUNGS)
KIND_OF_RUNG = {"fine_tuned_reranker": RERANKER, "fine_tuned_adapter": ADAPTER, "fine_tuned_embedding": EMBEDDING}
KIND_ARTICLES = {RERANKER: "a reranker", ADAPTER: "an adapter", EMBEDDING: "an embedding model"}
SUGGESTED_RERANKER = CrossEncoderRerank().model

_SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2, 0.0)  # of the dense side: from dense alone to lexical alone
_DEPTHS = (20, 50)


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

    def find_trained(self, rung: str) -> TrainedModel | None:
        """The trained model that a rung tries, or None."""
        kind = KIND_OF_RUNG.get(rung)
        return next((model for model in self.trained if model.kind == kind), None)


def make_baseline() -> System:
    return make_named_systems()[BASELINE]


def find_glossaries(systems: Iterable[System]) -> tuple[Glossary, ...]:
    """The distinct glossaries that a user's own systems rewrite with."""
    found = (step for system in systems for step in system.rewrite if isinstance(step, Glossary))
    return tuple(dict.fromkeys(found))


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


def explain_absence(rung: str) -> str:
    """Why a rung without variants was not measured, and what to do about it."""
    if rung == "metadata_filters":
        return (
            "No query carries a filter, and no metadata field is named in the queries safely enough to filter by. "
            "Add filters to the queries, or metadata to the documents."
        )
    kind = KIND_OF_RUNG.get(rung)
    if kind is None:
        return "None of its variants fits the system it would be stacked on."
    return (
        f"No trained {KIND_WORDS[kind]} is among what was measured. Train {KIND_ARTICLES[kind]} (page Fine-tuning, or "
        f"`python -m core train DATASET --kind {kind}`), then let it join (--with-training)."
    )


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
    known = {_strip_name(system): system for system in own}
    named = [known.get(_strip_name(system)) or name_variant(system) for system in stacked]
    return [*named, *(system for system in own if system not in named)]


@functools.cache
def name_variant(system: System) -> System:
    """The system under the name of the named system it equals, else under one made of its parts; likewise its description."""
    named = _named_by_parts().get(_strip_name(system))
    if named is not None:
        return named
    return replace(system, name=_join_names(system), description=describe_system(system))


@functools.cache
def _named_by_parts() -> dict[System, System]:
    return {_strip_name(system): system for system in make_named_systems().values()}


def _strip_name(system: System) -> System:
    return replace(system, name="any", description="")


def _join_names(system: System) -> str:
    by_chunk = getattr(system.fuse, "level", "document") == "chunk" or (system.dense is None and system.chunk is not None)
    parts = [_name_sides(system), _name_chunk(system.chunk, by_chunk=by_chunk)]
    parts.append("filtered" if system.filter else "")
    parts.append("inferred" if system.infer_filters else "")
    parts += [_name_rewriting(step) for step in system.rewrite]
    parts.append(_name_trained(system))
    parts.append(_name_reranker(system.rerank))
    return "-".join(part for part in parts if part)


def _name_sides(system: System) -> str:
    if system.fuse is None:
        return "dense" if system.dense is not None else "bm25"
    if isinstance(system.fuse, WeightedFusion):
        return "hybrid-w" + str(round(100 * system.fuse.dense_share))
    return "hybrid-rrf" + _unless(system.fuse.k, 60)


def _name_chunk(chunk: Any, *, by_chunk: bool) -> str:
    """chunk64, or chunks64 where both sides of a hybrid run over these chunks; nothing for the usual chunks."""
    word = "chunks" if by_chunk else "chunk"
    if isinstance(chunk, Recursive):
        usual = chunk.size == 200 and not chunk.overlap and not by_chunk
        return "" if usual else f"{word}{chunk.size}" + (f"o{chunk.overlap}" if chunk.overlap else "")
    return "" if chunk is None else (f"chunks-{chunk.type}" if by_chunk else str(chunk.type))


def _name_trained(system: System) -> str:
    if system.dense is None:
        return ""
    tuned = system.dense.model.startswith(TRAINED_PREFIX)
    return "-".join(part for part in ("finetuned" if tuned else "", "adapter" if system.dense.adapter else "") if part)


def _name_rewriting(step: Any) -> str:
    if isinstance(step, Feedback):
        return "prf" + _unless(step.chunks, Feedback().chunks)
    return f"{step.type}-{_tell_apart(step.groups)}"


def _tell_apart(value: Any) -> str:
    """Four digits that differ where two values do, since a name must stand for one system."""
    return content_hash(value)[:4]


def _name_reranker(stage: Any) -> str:
    if stage is None:
        return ""
    depth = _unless(stage.depth, 50)
    if isinstance(stage, LateInteraction):
        return "rerank" + depth
    if stage.model.startswith(TRAINED_PREFIX):
        return f"rerank-finetuned{depth}" + ("-mixed" if stage.mixed else "")
    name = re.sub(r"[^A-Za-z0-9.]+", "-", Path(stage.model).name).strip("-")
    if not stage.model.startswith("cross-encoder/"):  # other makers and folders may use the same last name
        name += "-" + _tell_apart(stage.model)
    return name + (f"-{depth}" if depth else "")


def _unless(value: int, usual: int) -> str:
    return "" if value == usual else str(value)


def describe_system(system: System) -> str:
    """What a system does, in one plain sentence made of its parts."""
    sides = {
        (True, False): "Embeddings",
        (False, True): "Word matching",
        (True, True): "Embeddings and word matching together",
    }[system.dense is not None, system.lexical is not None]
    trained = [describe_part(rung, system) for rung in ("fine_tuned_adapter", "fine_tuned_embedding")]
    parts = [describe_chunks(system.chunk), *(describe_part(rung, system) for rung in CHEAP_RUNGS[1:]), *trained]
    return f"{sides}: {', '.join(part for part in parts if part)}."


def describe_chunks(chunk: Any) -> str:
    if isinstance(chunk, Recursive):
        return f"chunks of {chunk.size} tokens" + (f" that overlap by {chunk.overlap}" if chunk.overlap else "")
    words = {
        "whole": "whole documents",
        "window": "single sentences with their neighbours",
        "parent": "small pieces that bring the larger chunk around them",
    }
    return "" if chunk is None else words.get(chunk.type, f"{chunk.type} chunks")


def describe_part(rung: str, system: System) -> str:
    """What a rung changed in this system, in a few plain words; "" if it does not use that rung."""
    if rung == "chunking":
        return describe_chunks(system.chunk)
    if rung == "metadata_filters":
        given = "the query's own filter" if system.filter else ""
        read = f"a filter read from the query ({', '.join(system.infer_filters)})" if system.infer_filters else ""
        return " or ".join(part for part in (given, read) if part)
    if rung == "hybrid_search":
        return _describe_fusion(system.fuse)
    if rung == "query_rewriting":
        return " and ".join(_describe_rewriting(step) for step in system.rewrite)
    if rung in ("reranking", "fine_tuned_reranker") and system.rerank is not None:
        return f"the first {system.rerank.depth} reranked by {_describe_reranker(system.rerank)}"
    if rung == "fine_tuned_adapter":
        return "query vectors moved by a trained adapter" if system.dense is not None and system.dense.adapter else ""
    if rung == "fine_tuned_embedding" and system.dense is not None and system.dense.model.startswith(TRAINED_PREFIX):
        return "embeddings of the fine-tuned model" + (", with word matching" if system.lexical is not None else "")
    return ""


def _describe_reranker(stage: Any) -> str:
    if isinstance(stage, LateInteraction):
        return "late interaction"
    name = "the fine-tuned reranker" if stage.model.startswith(TRAINED_PREFIX) else str(stage.model)
    return name + (", its score added to the first stage's" if stage.mixed else "")


def _describe_fusion(fuse: Any) -> str:
    if fuse is None:
        return ""
    if isinstance(fuse, WeightedFusion):
        return f"embeddings weigh {fuse.dense_share:.0%}, words {1 - fuse.dense_share:.0%}"
    return "embeddings and words merged by rank"


def _describe_rewriting(step: Any) -> str:
    if isinstance(step, Feedback):
        return f"queries enriched from their first {step.chunks} hits"
    return "queries enriched from a glossary"
