"""The rungs of the ladder, cheapest first: their order, their titles, and why one of them was not measured."""

from __future__ import annotations

from core.systems.trained import ADAPTER, EMBEDDING, KIND_ARTICLES, KIND_WORDS, RERANKER

CHEAP_RUNGS = ("chunking", "metadata_filters", "hybrid_search", "query_rewriting", "reranking")
TRAINED_RUNGS = ("fine_tuned_reranker", "fine_tuned_adapter", "fine_tuned_embedding")
RUNGS = ("baseline", *CHEAP_RUNGS, *TRAINED_RUNGS)
KIND_OF_RUNG = {"fine_tuned_reranker": RERANKER, "fine_tuned_adapter": ADAPTER, "fine_tuned_embedding": EMBEDDING}
RUNG_TITLES = {
    "baseline": "Baseline",
    "chunking": "Chunking",
    "metadata_filters": "Metadata filters",
    "hybrid_search": "Hybrid search",
    "query_rewriting": "Query rewriting",
    "reranking": "Reranking",
    "fine_tuned_reranker": "Fine-tuned reranker",
    "fine_tuned_adapter": "Fine-tuned query adapter",
    "fine_tuned_embedding": "Fine-tuned embedding model",
}


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
