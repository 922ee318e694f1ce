"""What bought reranking costs; a reranker of one's own is machine time."""

from __future__ import annotations

import math

from core.costs.lines import MONTHLY, Factor, Line, price_factor
from core.costs.prices import RERANK_TOKENS
from core.costs.sheet_inputs import SheetInputs

_PER_SEARCH, _SEARCH_TOKENS = 100, 500  # documents of one search, and tokens of one document: Cohere's pricing page


def list_rerank_lines(inputs: SheetInputs) -> list[Line]:
    """Bought reranking, by the search (Cohere: up to 100 documents; longer ones than 500 tokens, the query's included, count as
    several) or by the token (Voyage: query tokens x documents + tokens of all documents). An own reranker is machine time."""
    if not inputs.buys_reranking:
        return []
    facts, price = inputs.facts, inputs.rerank_price
    tokens = facts.rerank_tokens + inputs.scenario.tokens_per_query
    sizes: tuple[Factor, ...]
    if price.kind == RERANK_TOKENS:
        words = f"{facts.rerank_tokens:,.4g} of a hit, and the query's again for each"
        sizes = (Factor("", facts.rerank_depth, "hits"), Factor(words, tokens, "tokens"))
    else:
        parts = facts.rerank_depth * max(1, math.ceil(tokens / _SEARCH_TOKENS))
        words = f"{facts.rerank_depth} hits; a search is up to {_PER_SEARCH} documents of {_SEARCH_TOKENS} tokens"
        searches = math.ceil(parts / _PER_SEARCH)
        sizes = (Factor(words, searches, "search a query" if searches == 1 else "searches a query"),)
    factors = (inputs.count_queries(), *sizes, price_factor(price))
    return [Line("rerank", f"Rerank the first {facts.rerank_depth} hits", factors, MONTHLY, per_query=True)]
