"""Datasets whose documents are called by letters, so that an order of hits reads as a word."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.data.dataset import Dataset
from core.schema import EVIDENCE, JUDGMENTS
from tests.support.models import make_documents, make_queries, make_run

LETTERS = "abcdefghijkl"


def make_dataset(
    relevant: dict[str, dict[str, int]],
    *,
    metadata: dict[str, dict[str, Any]] | None = None,
    filters: dict[str, dict[str, Any]] | None = None,
    spans: list[tuple[str, str, int, int]] | None = None,
    documents: str = LETTERS,
) -> Dataset:
    labels = [(query_id, doc_id, grade) for query_id, grades in relevant.items() for doc_id, grade in grades.items()]
    return Dataset(
        name="made",
        documents=make_documents({name: f"text {name}" for name in documents}, metadata),
        queries=make_queries(dict.fromkeys(relevant, "words"), filters),
        judgments=pd.DataFrame(labels, columns=JUDGMENTS),
        evidence=pd.DataFrame(spans or [], columns=EVIDENCE),
    )


def run_in_order(orders: dict[str, str]) -> pd.DataFrame:
    """One hit per letter, best first; each is the chunk 0-10 of its document, of 10 tokens."""
    hits = {query: [(f"{doc}1", -float(place)) for place, doc in enumerate(order)] for query, order in orders.items()}
    return make_run(hits).assign(start=0, end=10, tokens=10)


def order_of(run: pd.DataFrame, query_id: str = "q") -> str:
    rows = run[run["query_id"] == query_id]
    assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
    assert rows["score"].is_monotonic_decreasing
    return "".join(rows["doc_id"])


# Documents of three versions in turn; ids name documents, `rare` covers five of them, `same` tells none apart.
VERSIONS: dict[str, dict[str, Any]] = {
    name: {"version": str(1 + place % 3), "id": name, **({"rare": "x"} if place < 5 else {}), "same": 1}
    for place, name in enumerate(LETTERS)
}  # a d g j: 1, b e h k: 2, c f i l: 3
