"""Prices with round figures and facts of three systems, for tests of costs: what a test expects does not hang on the shipped
table, and can be worked out on paper."""

from __future__ import annotations

from core.costs.prices import PriceTable, make_table
from core.costs.system_facts import SystemFacts

_ROWS = [
    ("embed", "An embedding model", "embedding", "1M tokens", 0.02),
    ("search", "A reranker by the search", "rerank_search", "1k searches", 2.0),
    ("tokens", "A reranker by the token", "rerank_tokens", "1M tokens", 0.05),
    ("pine-storage", "Pine, storage", "vector_storage", "GB-month", 0.33),
    ("pine-read", "Pine, read units", "vector_read", "1M read units", 16.0),
    ("pine-write", "Pine, write units", "vector_write", "1M write units", 4.0),
    ("pine-minimum", "Pine, minimum", "vector_minimum", "month", 50.0),
    ("scan-storage", "Scan, storage", "vector_storage", "GiB-month", 0.33),
    ("scan-write", "Scan, writes", "vector_write", "GiB written", 2.5),
    ("scan-scan", "Scan, scanned", "vector_scan", "TiB scanned", 0.0075),
    ("scan-return", "Scan, returned", "vector_return", "GiB returned", 0.09),
    ("core", "A vCPU", "cpu_hour", "vCPU-hour", 0.045),
    ("card", "A GPU", "gpu_hour", "GPU-hour", 0.805),
    ("label", "Labelling", "person_hour", "hour", 60.0),
    ("care", "Upkeep", "person_hour", "hour", 60.0),
]
CHOSEN = {
    "embedding": "embed", "rerank": "search", "vector_store": "pine", "cpu": "core", "labelling": "label", "upkeep": "care",
}  # fmt: skip

WORDS = SystemFacts(
    "words", tokens_per_document=100, indexed_tokens_per_document=100, lexical=True, cut=False, p50_ms=8, p95_ms=9
)
DENSE = SystemFacts(
    "dense", tokens_per_document=200, indexed_tokens_per_document=200, dimensions=384, dense=True, p50_ms=40, p95_ms=50,
    encode_ms=30, search_ms=4, tokens_per_second=1000, cores=2,
)  # fmt: skip


def make_prices() -> PriceTable:
    """A table with one row of every kind that a system needs, two vector stores, and both ways to pay a reranker."""
    names = ("id", "item", "kind", "unit", "price_usd", "source", "seen")
    rows = [dict(zip(names, (*row, "a page", "2026-11"), strict=True)) for row in _ROWS]
    return make_table(enumerate(rows, start=2), file="prices.csv")
