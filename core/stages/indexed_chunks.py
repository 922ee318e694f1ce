"""What ranking needs to know of an index's chunks, worked out once per index instead of once per query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class IndexedChunks:
    """Arrays with one item per chunk: its id, its document's id, a number per document, its place in order of chunk ids."""

    chunk_ids: np.ndarray
    doc_ids: np.ndarray
    doc_codes: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, chunks: pd.DataFrame) -> IndexedChunks:
        """Of a chunks frame, in its order."""
        chunk_ids, doc_ids = chunks["chunk_id"].to_numpy(dtype=object), chunks["doc_id"].to_numpy(dtype=object)
        places = np.empty(len(chunk_ids), dtype=int)
        places[np.argsort(chunk_ids.astype(str), kind="stable")] = np.arange(len(chunk_ids))
        return cls(chunk_ids, doc_ids, pd.factorize(doc_ids)[0], places)
