"""Lexical index: rank_bm25 builds the statistics, scoring is one sparse matrix product over all queries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from core.stages.base import CONSTANT, Resources, Stage
from core.stages.indexed_chunks import IndexedChunks
from core.text.words import make_tokenizer

if TYPE_CHECKING:
    from scipy import sparse


@dataclass(frozen=True)
class LexicalIndex:
    """weights: sparse, terms x units (a unit is a document or a chunk), BM25 weight of one occurrence in the query.

    counts: sparse, units x terms, how often a term stands in a unit (for relevance feedback).
    vocabulary: term -> row. chunks: the units, in column order.
    """

    weights: sparse.csr_matrix
    counts: sparse.csr_matrix
    vocabulary: dict[str, int]
    chunks: pd.DataFrame
    stem: bool
    stop_words: bool

    @cached_property
    def indexed(self) -> IndexedChunks:
        """What ranking needs to know of the chunks."""
        return IndexedChunks.of(self.chunks)

    def tokenize(self, text: str) -> list[str]:
        """The terms of a text, as those of the index were made."""
        return make_tokenizer(stem=self.stem, stop_words=self.stop_words)(text)


@dataclass(frozen=True)
class IndexBm25(Stage):
    """chunks -> LexicalIndex over their passages' text (all passages of a chunk joined).

    k1, b, epsilon as in rank_bm25.BM25Okapi, whose statistics these are: weights equal its get_scores within 1e-9.
    """

    type: ClassVar[str] = "bm25"
    takes: ClassVar[tuple[str, ...]] = ("chunks",)
    gives: ClassVar[str] = "lexical_index"
    role: ClassVar[str] = "index"
    k1: float = 1.5
    b: float = 0.75
    epsilon: float = 0.25
    stem: bool = True
    stop_words: bool = True

    def __call__(self, chunks: pd.DataFrame, *, resources: Resources | None = None) -> LexicalIndex:
        """The index over the chunks, in their order."""
        tokenize = make_tokenizer(stem=self.stem, stop_words=self.stop_words)
        tokens = [tokenize("\n".join(passages)) for passages in chunks["passages"]]
        return build_index(tokens, chunks, self)


def build_index(tokens: list[list[str]], chunks: pd.DataFrame, spec: IndexBm25) -> LexicalIndex:
    """The index of tokenised units; a corpus without a single token gives an index that finds nothing."""
    from scipy import sparse

    size = len(tokens)
    options = {"stem": spec.stem, "stop_words": spec.stop_words}
    if not any(tokens):
        nothing = sparse.csr_matrix((0, size))
        return LexicalIndex(weights=nothing, counts=nothing.T.tocsr(), vocabulary={}, chunks=chunks, **options)
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
    counts = sparse.csr_matrix((frequency, (columns, rows)), shape=shape[::-1])
    return LexicalIndex(weights=weights, counts=counts, vocabulary=vocabulary, chunks=chunks, **options)


def encode_terms(texts: list[str], index: LexicalIndex) -> sparse.csr_matrix:
    """Term counts of query texts, sparse, queries x terms; terms the corpus lacks are left out."""
    from scipy import sparse

    tokenize = make_tokenizer(stem=index.stem, stop_words=index.stop_words)
    rows, columns = [], []
    for row, text in enumerate(texts):
        found = [index.vocabulary[term] for term in tokenize(text) if term in index.vocabulary]
        rows.extend([row] * len(found))
        columns.extend(found)
    data = np.ones(len(rows))
    return sparse.csr_matrix((data, (rows, columns)), shape=(len(texts), len(index.vocabulary)))


@dataclass(frozen=True)
class CountTerms(Stage):
    """queries, lexical index -> sparse term counts, queries x terms."""

    type: ClassVar[str] = "count_terms"
    takes: ClassVar[tuple[str, ...]] = ("queries", "lexical_index")
    gives: ClassVar[str] = "query_terms"
    role: ClassVar[str] = "embed"
    step: ClassVar[str] = "read words"
    growth: ClassVar[tuple[str, ...]] = (CONSTANT,)

    def __call__(self, queries: pd.DataFrame, index: LexicalIndex, *, resources: Resources | None = None) -> sparse.csr_matrix:
        """See encode_terms()."""
        return encode_terms(queries["text"].tolist(), index)
