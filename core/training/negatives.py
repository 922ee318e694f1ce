"""Hard negatives: passages that the model takes for answers and that are none. Mined by sentence-transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.settings import quieten_libraries
from core.training.material import DUPLICATE, Material

POOL = 30  # most similar wrong passages of a query that negatives are drawn from


class KnownVectors:
    """Stands for a SentenceTransformer whose vectors are all known already: nothing is embedded twice."""

    device = "cpu"

    def __init__(self, queries: dict[str, np.ndarray], documents: dict[str, np.ndarray]) -> None:
        self._queries, self._documents = queries, documents

    def encode_query(self, texts: Sequence[str], **_: Any) -> np.ndarray:
        """Vectors of queries, one a row; KeyError for a text that is not known."""
        return np.stack([self._queries[text] for text in texts])

    def encode_document(self, texts: Sequence[str], **_: Any) -> np.ndarray:
        """Vectors of passages, one a row; KeyError for a text that is not known."""
        return np.stack([self._documents[text] for text in texts])

    def similarity(self, queries: Any, documents: Any) -> Any:
        """Cosines, queries x documents."""
        from sentence_transformers.util import cos_sim

        return cos_sim(queries, documents)

    def similarity_pairwise(self, queries: Any, documents: Any) -> Any:
        """Cosines of each query with the document in its place."""
        from sentence_transformers.util import pairwise_cos_sim

        return pairwise_cos_sim(queries, documents)


def mine_negatives(material: Material, *, query_ids: Sequence[str], count: int, seed: int) -> dict[str, list[int]]:
    """query id -> rows of the passages that its negatives are drawn from, most similar first: POOL of them, or `count` if that
    is more, or as many as there are.

    mine_hard_negatives() skips what it is told is positive: every passage of a document judged relevant to the query, or that
    is the query itself, and every near-duplicate (cosine >= .95) of its positives, which may answer it too without being
    judged.
    """
    if not query_ids or count < 1:
        return {}
    quieten_libraries()
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives

    passages = material.passages
    first_row = {text: row for row, text in reversed(list(enumerate(passages)))}
    skipped = {query_id: _find_skipped(material, query_id) for query_id in query_ids}
    pairs = [(material.texts[q], passages[row]) for q in query_ids for row in skipped[q]]
    if not pairs:
        return {}
    wanted = min(max(POOL, count), len(first_row))  # where a query has fewer, it gets fewer
    queries = {material.texts[q]: material.query_matrix[material.query_rows[q]] for q in query_ids}
    vectors = {text: material.matrix[row] for text, row in first_row.items()}
    mined = mine_hard_negatives(
        Dataset.from_dict({"query": [query for query, _ in pairs], "positive": [text for _, text in pairs]}),
        KnownVectors(queries, vectors),
        anchor_column_name="query",
        positive_column_name="positive",
        corpus=list(first_row),
        num_negatives=wanted,
        range_max=wanted,
        sampling_strategy="top",
        output_format="triplet",
        verbose=False,
    )
    by_text: dict[str, list[int]] = {}
    for query, negative in zip(mined["query"], mined["negative"], strict=True):
        rows = by_text.setdefault(query, [])
        if first_row[negative] not in rows:
            rows.append(first_row[negative])
    return {query_id: by_text.get(material.texts[query_id], []) for query_id in query_ids}


def _find_skipped(material: Material, query_id: str) -> np.ndarray:
    """Rows of the passages that may not be negatives of a query."""
    closed = material.closed_rows(query_id)
    positives = [row for row, _ in material.positive_rows(query_id)]
    alike = np.flatnonzero((material.matrix[positives] @ material.matrix.T >= DUPLICATE).any(axis=0))
    return np.union1d(closed, alike)
