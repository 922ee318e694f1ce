"""What embedding costs: the corpus once, what changes and what is new every month, and queries where a service embeds them."""

from __future__ import annotations

from core.costs.lines import MONTHLY, ONCE, Factor, Line, price_factor
from core.costs.prices import CPU
from core.costs.sheet_inputs import HOUR, SheetInputs


def list_embedding_lines(inputs: SheetInputs) -> list[Line]:
    """The corpus once, then every month what changed and what is new; queries where they are embedded by a service."""
    lines = [
        *embed_documents(inputs, "embed_corpus", "Embed the corpus", (), ONCE),
        *embed_documents(inputs, "embed_changed", "Embed changed documents", inputs.count_changed(), MONTHLY),
        *embed_documents(inputs, "embed_new", "Embed new documents", inputs.count_new(), MONTHLY),
    ]
    if inputs.buys_embedding:
        tokens = Factor("", inputs.scenario.tokens_per_query, "tokens")
        factors = (inputs.count_queries(), tokens, price_factor(inputs.embedding_price))
        lines.append(Line("embed_queries", "Embed queries", factors, MONTHLY, per_query=True))
    return lines


def embed_documents(inputs: SheetInputs, name: str, words: str, share: tuple[Factor, ...], when: str) -> list[Line]:
    """One line for embedding a share of the corpus: bought by the token, or own CPU hours at the speed measured here."""
    if not inputs.facts.dense:
        return []
    documents, *tokens = inputs.count_indexed_tokens()
    counted = (documents, *share, *tokens)
    if inputs.buys_embedding:
        return [Line(name, words, (*counted, price_factor(inputs.embedding_price)), when)]
    speed = Factor("measured here", inputs.facts.tokens_per_second, "tokens a second", divides=True)
    factors = (*counted, speed, HOUR, inputs.count_cores(), price_factor(inputs.prices.pick(inputs.scenario.cpu, CPU)))
    return [Line(name, f"{words}, on own cores", factors, when)]
