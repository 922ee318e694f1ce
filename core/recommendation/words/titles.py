"""The title of a recommendation: its action in a few words."""

from __future__ import annotations

from core.recommendation.decided_ladder import DecidedLadder

ACTION_TITLES = {
    "embeddings_enough": "Embeddings are enough",
    "fix_chunking": "Change the chunking first",
    "add_metadata_filters": "Filter by metadata first",
    "use_hybrid_search": "Use hybrid search first",
    "rewrite_queries": "Rewrite the queries first",
    "add_reranker": "Add a reranker first",
    "fine_tune_reranker": "Fine-tuning a reranker is worth trying",
    "fine_tune_embedding": "Fine-tuning the embedding model is worth trying",
    "fine_tune_generator": "Fine-tune the generator",
    "label_more_queries": "Label more queries first",
    "extend_corpus": "Extend the corpus first",
}
PROVEN_TITLES = {
    "fine_tuned_reranker": "Use the fine-tuned reranker",
    "fine_tuned_adapter": "Use the trained query adapter",
    "fine_tuned_embedding": "Use the fine-tuned embedding model",
}


def write_title(decided: DecidedLadder) -> str:
    """The action in a few words; of a trained model that the test has proven, to use it."""
    return PROVEN_TITLES[decided.choice.rung] if decided.recommends_training else ACTION_TITLES[decided.choice.action]
