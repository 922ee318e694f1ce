"""All stages there are, in the order in which a query passes them; and those that a system may name, by role."""

from __future__ import annotations

from typing import Any

from core.stages.adapt import AdaptQueries
from core.stages.base import Stage
from core.stages.chunk import FixedTokens, Headings, ParentDocument, Recursive, SentenceWindow, WholeDocument
from core.stages.embed import EmbedChunks, EmbedQueries
from core.stages.filter import CollectSpellings, MetadataFilter
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion
from core.stages.index_dense import IndexDense
from core.stages.index_lexical import CountTerms, IndexBm25
from core.stages.rerank import CrossEncoderRerank, LateInteraction
from core.stages.retrieve import RetrieveDense, RetrieveLexical
from core.stages.rewrite import Feedback, Glossary, Rm3, Rocchio

# By the name of the class, under which latencies are kept.
STAGES: dict[str, type[Stage]] = {
    stage.__name__: stage
    for stage in (
        Recursive, FixedTokens, Headings, SentenceWindow, ParentDocument, WholeDocument,
        EmbedChunks, IndexDense, IndexBm25, CollectSpellings,
        Glossary, EmbedQueries, AdaptQueries, CountTerms, MetadataFilter, RetrieveDense, RetrieveLexical, Rocchio, Rm3,
        ReciprocalRankFusion, WeightedFusion,
        LateInteraction, CrossEncoderRerank,
    )
}  # fmt: skip
_STANDING_FOR_SEVERAL = (Feedback,)  # what a system names, and the graph has as several stages


def list_choices(role: str) -> dict[str, Any]:
    """type -> class of what a system may name in this role, as "rerank"."""
    parts: list[Any] = [*STAGES.values(), *_STANDING_FOR_SEVERAL]
    return {part.type: part for part in parts if part.role == role and part.label}


def list_steps() -> list[str]:
    """The steps that a query may pass, in words and in their order; stages of one kind share a word."""
    return list(dict.fromkeys(stage.step for stage in STAGES.values() if stage.step))
