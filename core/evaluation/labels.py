"""Do the labels agree with anything? A check that comes before every verdict."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from core.evaluation.answers import find_answerable
from core.schema import select_relevant, to_document_run

_DEALS = 2_000


def measure_label_fit(runs: Mapping[str, pd.DataFrame], judgments: pd.DataFrame, *, seed: int = 0) -> dict[str, float]:
    """system -> p that its hits fit the labels no better than labels dealt to the queries at random.

    runs: schema.RUN per system, each without help from the labels (no filters). The fit of a query's hits to labels is the
    mean of 1 / log2(1 + rank) over the relevant documents; the labels of all queries are dealt out anew 2,000 times, seeded,
    and p = (1 + deals at least as good) / (1 + deals). With fewer than two answerable queries p is 1.
    """
    queries = find_answerable(judgments)
    if len(queries) < 2:
        return {system: 1.0 for system in runs}
    relevant = select_relevant(judgments)
    random = np.random.default_rng(seed)
    deals = np.argsort(random.random((_DEALS, len(queries))), axis=1)
    rows = np.arange(len(queries))
    fits = {}
    for system, run in runs.items():
        table = _match_labels(run, relevant, queries)
        dealt = table[rows, deals].sum(axis=1)
        fits[system] = float((1 + np.sum(dealt >= np.trace(table) - 1e-12)) / (1 + _DEALS))
    return fits


def _match_labels(run: pd.DataFrame, relevant: pd.DataFrame, queries: list[str]) -> np.ndarray:
    """table[i, j]: how well the hits of query i fit the labels of query j."""
    from scipy import sparse

    documents = to_document_run(run)
    place = {query_id: row for row, query_id in enumerate(queries)}
    names = {doc_id: column for column, doc_id in enumerate(dict.fromkeys(relevant["doc_id"]))}
    hits = documents[documents["query_id"].isin(place) & documents["doc_id"].isin(names)]
    shape = (len(queries), len(names))
    gains = 1 / np.log2(1 + hits["rank"].to_numpy(dtype=float))
    found = sparse.coo_matrix((gains, (hits["query_id"].map(place), hits["doc_id"].map(names))), shape=shape).tocsr()
    sizes = relevant.groupby("query_id")["doc_id"].transform("size").to_numpy(dtype=float)
    wanted = sparse.coo_matrix((1 / sizes, (relevant["query_id"].map(place), relevant["doc_id"].map(names))), shape=shape)
    return np.asarray((found @ wanted.T).todense())


def find_suspects(runs: Mapping[str, pd.DataFrame], judgments: pd.DataFrame, *, deep: int = 10) -> list[str]:
    """Queries whose labels deserve a second look: all systems agree on the first document, it is not labelled relevant, and
    none has a labelled one among its first `deep`. In the order of the judgments."""
    relevant = select_relevant(judgments)
    pairs = set(zip(relevant["query_id"], relevant["doc_id"], strict=True))
    first: dict[str, list[str]] = {}
    helped: set[str] = set()
    for run in runs.values():
        documents = to_document_run(run, depth=deep)
        for query_id, doc_id, rank in zip(documents["query_id"], documents["doc_id"], documents["rank"], strict=True):
            if rank == 1:
                first.setdefault(query_id, []).append(doc_id)
            if (query_id, doc_id) in pairs:
                helped.add(query_id)
    # A system that finds nothing agrees with nobody.
    agreed = {query for query, found in first.items() if len(found) == len(runs) and len(set(found)) == 1}
    return [query for query in find_answerable(judgments) if query in agreed and query not in helped]
