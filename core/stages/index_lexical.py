"""Lexical index: rank_bm25 builds the statistics, scoring is one sparse matrix product over all queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from core.errors import StageError
from core.stages.base import CONSTANT, Resources, Stage
from core.stages.indexed_chunks import IndexedChunks
from core.text.languages import AUTO, READ_CHARACTERS, choose_languages
from core.text.words import Analyzer

if TYPE_CHECKING:
    from scipy import sparse


@dataclass(frozen=True)
class LexicalIndex:
    """weights: sparse, terms x units (a unit is a document or a chunk), BM25 weight of one occurrence in the query.

    counts: sparse, units x terms, how often a term stands in a unit (for relevance feedback); nothing of the terms apart (see
    core.text.words.Terms), which have statistics of their own. vocabulary: term -> row. chunks: the units, in column order.
    """

    weights: sparse.csr_matrix
    counts: sparse.csr_matrix
    vocabulary: dict[str, int]
    chunks: pd.DataFrame
    analyzer: Analyzer

    @cached_property
    def indexed(self) -> IndexedChunks:
        """What ranking needs to know of the chunks."""
        return IndexedChunks.of(self.chunks)


@dataclass(frozen=True)
class IndexBm25(Stage):
    """chunks -> LexicalIndex over their passages' text (all passages of a chunk joined).

    k1, b, epsilon as in rank_bm25.BM25Okapi, whose statistics these are: weights equal its get_scores within 1e-9.
    languages: those of the corpus, the most frequent first; where there are several, each document has its likeliest. They have
    to be given: ("auto",) stands in graphs that are looked at and never run.
    """

    type: ClassVar[str] = "bm25"
    takes: ClassVar[tuple[str, ...]] = ("chunks",)
    gives: ClassVar[str] = "lexical_index"
    forms_words: ClassVar[bool] = True
    role: ClassVar[str] = "index"
    k1: float = 1.5
    b: float = 0.75
    epsilon: float = 0.25
    stem: bool = True
    stop_words: bool = True
    languages: tuple[str, ...] = field(default=(AUTO,), metadata={"later": True})
    fold_accents: bool = field(default=True, metadata={"later": True})

    def __call__(self, chunks: pd.DataFrame, *, resources: Resources | None = None) -> LexicalIndex:
        """The index over the chunks, in their order. Raises StageError while the languages are to be found from the corpus."""
        if AUTO in self.languages:
            raise StageError("IndexBm25: the language was not resolved; build the system that resolve_language() gives")
        analyzer = Analyzer(self.languages, self.stem, self.stop_words, self.fold_accents)
        texts = ["\n".join(passages) for passages in chunks["passages"]]
        made = [
            analyzer.index(text, own) for text, own in zip(texts, _list_languages(chunks, texts, self.languages), strict=True)
        ]
        return build_index([terms for terms, _ in made], chunks, self, analyzer, apart=[apart for _, apart in made])


def _list_languages(chunks: pd.DataFrame, texts: list[str], languages: tuple[str, ...]) -> list[str]:
    """The language of each text, which is that of its document: of what is first read there."""
    if len(languages) == 1:
        return [languages[0]] * len(texts)
    doc_ids = chunks["doc_id"].tolist()
    documents: dict[str, str] = {}
    for doc_id, text in zip(doc_ids, texts, strict=True):
        known = documents.get(doc_id, "")
        documents[doc_id] = known if len(known) >= READ_CHARACTERS else f"{known}\n{text}".strip()
    chosen = dict(zip(documents, choose_languages(list(documents.values()), languages), strict=True))
    return [chosen[doc_id] for doc_id in doc_ids]


def build_index(
    tokens: list[list[str]], chunks: pd.DataFrame, spec: IndexBm25, analyzer: Analyzer, *, apart: list[list[str]]
) -> LexicalIndex:
    """The index of units in terms; a corpus without a single term gives an index that finds nothing."""
    from scipy import sparse

    vocabulary, weights, counts = _weigh(tokens, spec)
    rare, more, _ = _weigh(apart, spec)
    return LexicalIndex(
        weights=sparse.vstack([weights, more], format="csr"),
        counts=sparse.hstack([counts, sparse.csr_matrix(more.shape[::-1])], format="csr"),
        vocabulary=vocabulary | {term: len(vocabulary) + row for term, row in rare.items()},
        chunks=chunks,
        analyzer=analyzer,
    )


def _weigh(tokens: list[list[str]], spec: IndexBm25) -> tuple[dict[str, int], sparse.csr_matrix, sparse.csr_matrix]:
    """Term -> row, weights (terms x units) and counts (units x terms) of units in terms."""
    from scipy import sparse

    size = len(tokens)
    if not any(tokens):
        return {}, sparse.csr_matrix((0, size)), sparse.csr_matrix((size, 0))
    from rank_bm25 import BM25Okapi

    model = BM25Okapi(tokens, k1=spec.k1, b=spec.b, epsilon=spec.epsilon)
    vocabulary = {term: row for row, term in enumerate(model.idf)}
    lengths = np.fromiter((len(frequencies) for frequencies in model.doc_freqs), dtype=np.int64, count=size)
    columns = np.repeat(np.arange(size), lengths)
    rows = np.fromiter((vocabulary[term] for f in model.doc_freqs for term in f), dtype=np.int64, count=lengths.sum())
    frequency = np.fromiter((n for f in model.doc_freqs for n in f.values()), dtype=float, count=lengths.sum())
    idf = np.fromiter(model.idf.values(), dtype=float, count=len(vocabulary))
    norm = spec.k1 * (1 - spec.b + spec.b * np.asarray(model.doc_len, dtype=float) / model.avgdl)
    values = idf[rows] * (frequency * (spec.k1 + 1) / (frequency + norm[columns]))
    shape = (len(vocabulary), size)
    weights = sparse.csr_matrix((values, (rows, columns)), shape=shape)
    return vocabulary, weights, sparse.csr_matrix((frequency, (columns, rows)), shape=shape[::-1])


def encode_terms(texts: list[str], index: LexicalIndex) -> sparse.csr_matrix:
    """Term counts of query texts, sparse, queries x terms; terms the corpus lacks are left out."""
    from scipy import sparse

    found = [
        (row, index.vocabulary[term], count)
        for row, text in enumerate(texts)
        for term, count in index.analyzer.ask(text).items()
        if term in index.vocabulary
    ]
    rows, columns, counts = zip(*found, strict=True) if found else ((), (), ())
    shape = (len(texts), len(index.vocabulary))
    return sparse.csr_matrix((np.array(counts, dtype=float), (rows, columns)), shape=shape)


@dataclass(frozen=True)
class CountTerms(Stage):
    """queries, lexical index -> sparse term counts, queries x terms."""

    type: ClassVar[str] = "count_terms"
    takes: ClassVar[tuple[str, ...]] = ("queries", "lexical_index")
    gives: ClassVar[str] = "query_terms"
    forms_words: ClassVar[bool] = True
    role: ClassVar[str] = "embed"
    step: ClassVar[str] = "read words"
    growth: ClassVar[tuple[str, ...]] = (CONSTANT,)

    def __call__(self, queries: pd.DataFrame, index: LexicalIndex, *, resources: Resources | None = None) -> sparse.csr_matrix:
        """See encode_terms()."""
        return encode_terms(queries["text"].tolist(), index)
