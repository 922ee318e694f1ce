"""The systems that come with the product, by name, and those among them that every comparison starts with."""

from __future__ import annotations

from typing import Any

from core.stages.chunk import ParentDocument, Recursive, SentenceWindow, WholeDocument
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion
from core.stages.rerank import LateInteraction
from core.stages.rewrite import Feedback
from core.systems.system import Dense, Lexical, System

BASELINE = "dense"
PRESELECTED = ("dense", "dense-chunk128", "bm25", "hybrid-rrf", "hybrid-rerank")


def preselect(*, has_filters: bool) -> list[str]:
    """The systems that the page and the command line start with; dense-filtered too if queries carry filters."""
    return [*PRESELECTED, "dense-filtered"] if has_filters else list(PRESELECTED)


_DESCRIPTIONS = {
    "dense": "Embeddings alone, chunks of 200 tokens. The baseline.",
    "dense-whole": "Embeddings of whole documents, cut where the model stops reading.",
    "dense-chunk64": "Embeddings of small chunks, 64 tokens.",
    "dense-chunk128": "Embeddings of smaller chunks, 128 tokens.",
    "dense-window": "Embeddings of single sentences; each hit brings its neighbours.",
    "dense-parent": "Embeddings of small pieces; each hit brings the larger chunk around it.",
    "bm25": "Word matching (BM25) over whole documents. No model needed.",
    "dense-filtered": "Embeddings, only among documents that match the query's metadata filter.",
    "bm25-filtered": "Word matching, only among documents that match the query's metadata filter.",
    "hybrid-rrf": "Embeddings and word matching together, merged by rank.",
    "hybrid-weighted": "Embeddings and word matching together, 70 % to 30 % by score.",
    "hybrid-filtered": "Both together, only among documents that match the query's metadata filter.",
    "hybrid-prf": "Both together; each query is enriched from its own first hits.",
    "dense-rerank": "Embeddings, then the first 50 hits are compared word by word.",
    "hybrid-rerank": "Both together, then the first 50 hits are compared word by word.",
}


def make_named_systems() -> dict[str, System]:
    """The systems that come with the product, by name, in the order in which they are listed."""
    dense: dict[str, Any] = {"chunk": Recursive(size=200, overlap=0), "dense": Dense()}
    words: dict[str, Any] = {"lexical": Lexical()}
    hybrid = {**dense, **words, "fuse": ReciprocalRankFusion()}
    parts = {
        "dense": dense,
        "dense-whole": {**dense, "chunk": WholeDocument()},
        "dense-chunk64": {**dense, "chunk": Recursive(size=64, overlap=0)},
        "dense-chunk128": {**dense, "chunk": Recursive(size=128, overlap=0)},
        "dense-window": {**dense, "chunk": SentenceWindow()},
        "dense-parent": {**dense, "chunk": ParentDocument()},
        "bm25": words,
        "dense-filtered": {**dense, "filter": True},
        "bm25-filtered": {**words, "filter": True},
        "hybrid-rrf": hybrid,
        "hybrid-weighted": {**hybrid, "fuse": WeightedFusion()},
        "hybrid-filtered": {**hybrid, "filter": True},
        "hybrid-prf": {**hybrid, "rewrite": (Feedback(),)},
        "dense-rerank": {**dense, "rerank": LateInteraction()},
        "hybrid-rerank": {**hybrid, "rerank": LateInteraction()},
    }
    return {name: System(name, _DESCRIPTIONS[name], **fields) for name, fields in parts.items()}
