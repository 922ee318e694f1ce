"""Search by words: BM25 over whole documents or over chunks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rank_bm25 import BM25Okapi

from core.export.program.pieces.chunks import Chunk
from core.export.program.pieces.corpus import Document
from core.export.program.pieces.runs import Hit, Run, sort_run
from core.text.words import Analyzer


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
    """Units by the terms in them. languages: of the units, in their order. apart: what only some queries ask for."""

    def __init__(self, units: list[Unit], analyzer: Analyzer, *, languages: list[str], k1: float, b: float) -> None:
        self.units = units
        self.analyzer = analyzer
        terms = [analyzer.index(unit.text, language) for unit, language in zip(units, languages, strict=True)]
        self.bm25 = make_bm25([own for own, _ in terms], k1=k1, b=b)
        self.apart = make_bm25([own for _, own in terms], k1=k1, b=b)

    def weigh(self, query: str) -> dict[str, float]:
        """The query's terms, each as often as it stands there."""
        return {term: float(count) for term, count in self.analyzer.ask(query).items()}

    def search(self, weights: dict[str, float], allowed: set[int] | None) -> Run:
        """Units by BM25, if they share a term with the query. weights: of the query's terms."""
        scores = np.zeros(len(self.units))
        for bm25 in (self.bm25, self.apart):
            for term in weights.keys() & bm25.idf.keys():
                scores += weights[term] * np.asarray(bm25.get_scores([term]))
        return sort_run(
            [
                Hit(float(scores[place]), unit.chunk, unit.document)
                for place, unit in enumerate(self.units)
                if (allowed is None or unit.document in allowed) and self.holds_any(place, weights)
            ]
        )

    def holds_any(self, place: int, weights: dict[str, float]) -> bool:
        """Whether a unit holds one of the terms."""
        return any(not weights.keys().isdisjoint(bm25.doc_freqs[place]) for bm25 in (self.bm25, self.apart))


def make_bm25(tokens: list[list[str]], *, k1: float, b: float) -> BM25Okapi:
    """Statistics of units in terms; of a term that no query has where there is none, which rank_bm25 cannot count."""
    return BM25Okapi(tokens if any(tokens) else [["  "], *tokens[1:]], k1=k1, b=b)
