"""Search by words: BM25 over whole documents or over chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from rank_bm25 import BM25Okapi

from core.export.program.pieces.chunks import Chunk
from core.export.program.pieces.corpus import Document
from core.export.program.pieces.runs import Hit, Run, sort_run


class Unit(NamedTuple):
    """What words are matched with: a chunk, or a whole document. document and chunk: their numbers."""

    chunk: int | None
    document: int
    text: str


def list_documents(documents: list[Document]) -> list[Unit]:
    """Whole documents, with their titles."""
    texts = ["\n".join(part for part in (document.title, document.text.strip()) if part) for document in documents]
    return [Unit(None, number, text) for number, text in enumerate(texts)]


def list_chunks(chunks: list[Chunk]) -> list[Unit]:
    """Chunks, with all that is indexed for them."""
    return [Unit(place, chunk.document, "\n".join(chunk.passages)) for place, chunk in enumerate(chunks)]


class LexicalIndex:
    """Units by the words in them. split: the words of a text."""

    def __init__(self, units: list[Unit], split: Callable[[str], list[str]], *, k1: float, b: float) -> None:
        self.units = units
        self.split = split
        self.bm25 = BM25Okapi([split(unit.text) for unit in units], k1=k1, b=b)

    def weigh(self, query: str) -> dict[str, float]:
        """The query's terms, each as often as it stands there."""
        return {term: float(count) for term, count in Counter(self.split(query)).items()}

    def search(self, weights: dict[str, float], allowed: set[int] | None) -> Run:
        """Units by BM25, if they share a term with the query. weights: of the query's terms."""
        scores = np.zeros(len(self.units))
        for term, weight in weights.items():
            scores += weight * np.asarray(self.bm25.get_scores([term]))
        return sort_run(
            [
                Hit(float(scores[place]), unit.chunk, unit.document)
                for place, unit in enumerate(self.units)
                if (allowed is None or unit.document in allowed) and not weights.keys().isdisjoint(self.bm25.doc_freqs[place])
            ]
        )
