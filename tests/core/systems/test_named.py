"""The systems that come with the product: which they are, and those that a comparison starts with."""

from __future__ import annotations

from core.systems.build import build, make_sources
from core.systems.named import PRESELECTED, make_named_systems, preselect

NAMED = make_named_systems()
DOCUMENTS, QUERIES = make_sources("d", "q")

NAMES = [
    "dense",
    "dense-whole",
    "dense-chunk64",
    "dense-chunk128",
    "dense-window",
    "dense-parent",
    "bm25",
    "dense-filtered",
    "bm25-filtered",
    "hybrid-rrf",
    "hybrid-weighted",
    "hybrid-filtered",
    "hybrid-prf",
    "dense-rerank",
    "hybrid-rerank",
]


def test_the_named_systems() -> None:
    assert list(NAMED) == NAMES
    assert all(system.description.endswith(".") and system.name == name for name, system in NAMED.items())
    assert len({build(system, documents=DOCUMENTS, queries=QUERIES).key for system in NAMED.values()}) == 15
    assert set(PRESELECTED) <= set(NAMED)
    assert preselect(has_filters=False) == ["dense", "dense-chunk128", "bm25", "hybrid-rrf", "hybrid-rerank"]
    assert preselect(has_filters=True)[-1] == "dense-filtered"
