"""The rungs of the ladder: one object for each, with all that is said and done about it, and their order, cheapest first."""

from __future__ import annotations

from core.ladder.rungs.chunking import CHUNKING
from core.ladder.rungs.fine_tuned import FINE_TUNED_ADAPTER, FINE_TUNED_EMBEDDING, FINE_TUNED_RERANKER
from core.ladder.rungs.hybrid_search import HYBRID_SEARCH
from core.ladder.rungs.metadata_filters import METADATA_FILTERS
from core.ladder.rungs.query_rewriting import QUERY_REWRITING
from core.ladder.rungs.reranking import RERANKING
from core.ladder.rungs.rung import Rung

# Name -> rung, in the order of cost: what is climbed, shown and told follows it.
RUNGS: dict[str, Rung] = {
    rung.name: rung
    for rung in (
        CHUNKING,
        METADATA_FILTERS,
        HYBRID_SEARCH,
        QUERY_REWRITING,
        RERANKING,
        FINE_TUNED_RERANKER,
        FINE_TUNED_ADAPTER,
        FINE_TUNED_EMBEDDING,
    )
}


def list_rungs() -> list[Rung]:
    """All rungs, cheapest first."""
    return list(RUNGS.values())


def list_cheap_rungs() -> list[Rung]:
    """The rungs that train nothing, cheapest first."""
    return [rung for rung in RUNGS.values() if not rung.is_trained]


def find_cure(cause: str) -> Rung | None:
    """The rung that cures a cause of core.diagnosis.causes, None if no rung does."""
    return next((rung for rung in RUNGS.values() if rung.cures and rung.cures == cause), None)
