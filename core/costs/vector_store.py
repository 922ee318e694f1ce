"""What a bought vector store costs: writing, keeping, reading, and the least that a month costs.

How providers bill, from their pages on cost (Pinecone: "Understanding cost"; Chroma: "Cloud pricing"):

- Pinecone stores id, metadata and 4 bytes per dimension; a query takes 1 read unit per GB of the namespace, at least 0.25; an
  upsert takes 1 write unit per KB of the request, at least 5 a request, which batches of passages always reach. A month costs
  at least the plan's minimum; use counts towards it.
- Chroma bills what is written and kept, what queries scan, and what they return. What a query scans is taken to be everything
  that is stored, which is the most it can be.

The first filling of the index is a line of its own and is not counted towards the first month's minimum.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.costs.lines import MONTHLY, ONCE, Factor, Line, format_money, price_factor
from core.costs.prices import MINIMUM, READ, RETURN, SCAN, STORAGE, WRITE, Price
from core.costs.sheet_inputs import SheetInputs

_GB, _KB = 1e9, 1e3
_LEAST_READ_UNITS = 0.25
_HITS = 10  # that a query brings back, where nothing is reranked


def list_store_lines(inputs: SheetInputs) -> list[Line]:
    """The lines of the scenario's vector store; none if it is not bought."""
    if not inputs.buys_store:
        return []
    prices = inputs.prices.store(inputs.scenario.vector_store)
    lines = [*_keep(inputs, prices), *_write(inputs, prices), *_read(inputs, prices)]
    return [*lines, *_fill_up(lines, prices)]


def _keep(inputs: SheetInputs, prices: Mapping[str, Price]) -> list[Line]:
    if STORAGE not in prices:
        return []
    factors = (*inputs.count_passages(), inputs.size_passage(), price_factor(prices[STORAGE]))
    return [Line("store", "Keep vectors and texts in the vector store", factors, MONTHLY)]


def write_index(inputs: SheetInputs, name: str, words: str, share: tuple[Factor, ...], when: str) -> list[Line]:
    """One line for writing a share of the passages into the store; none if the store does not charge for it."""
    price = inputs.prices.store(inputs.scenario.vector_store).get(WRITE) if inputs.buys_store else None
    if price is None:
        return []
    per_kb = () if price.unit.endswith("written") else (Factor("bytes a write unit", _KB, "", divides=True),)
    factors = (*inputs.count_passages(), *share, inputs.size_passage(), *per_kb, price_factor(price))
    return [Line(name, words, factors, when)]


def _write(inputs: SheetInputs, prices: Mapping[str, Price]) -> list[Line]:
    if WRITE not in prices:
        return []
    return [
        *write_index(inputs, "write_index", "Write the index into the vector store", (), ONCE),
        *write_index(inputs, "write_changed", "Write changed documents into the vector store", inputs.count_changed(), MONTHLY),
        *write_index(inputs, "write_new", "Write new documents into the vector store", inputs.count_new(), MONTHLY),
    ]


def _read(inputs: SheetInputs, prices: Mapping[str, Price]) -> list[Line]:
    lines = []
    if READ in prices:
        units = max(_LEAST_READ_UNITS, inputs.stored_bytes / _GB)
        words = f"1 per GB of {inputs.stored_bytes / _GB:,.3g} GB stored, at least {_LEAST_READ_UNITS:g}"
        factors = (inputs.count_queries(), Factor(words, units, "read units a query"), price_factor(prices[READ]))
        lines.append(Line("search_store", "Search the vector store", factors, MONTHLY, per_query=True))
    if SCAN in prices:
        words = "Search the vector store; a query is assumed to scan all that is stored"
        scanned = (inputs.count_queries(), *inputs.count_passages(), inputs.size_passage(), price_factor(prices[SCAN]))
        lines.append(Line("search_store", words, scanned, MONTHLY, per_query=True))
    if RETURN in prices:
        hits = inputs.facts.rerank_depth or _HITS
        size = Factor("of text", inputs.text_bytes, "bytes a hit")
        returned = (inputs.count_queries(), Factor("", hits, "hits"), size, price_factor(prices[RETURN]))
        lines.append(Line("return_hits", "Hits that the vector store returns", returned, MONTHLY, per_query=True))
    return lines


def _fill_up(lines: list[Line], prices: Mapping[str, Price]) -> list[Line]:
    """What is missing to the store's minimum, as the share of it that use does not reach."""
    if MINIMUM not in prices or not prices[MINIMUM].price_usd:
        return []
    price = prices[MINIMUM]
    used = sum(line.value for line in lines if line.when == MONTHLY)
    missing = max(0.0, 1.0 - used / (price.price_usd / price.per))
    words = f"of the minimum that use of {format_money(used)} does not reach"
    factors = (Factor(words, missing, "share"), price_factor(price))
    return [Line("store_minimum", "The rest of the vector store's monthly minimum", factors, MONTHLY)]
