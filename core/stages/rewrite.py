"""Rewrite: change the query before it is searched, by feedback from a first search or by a glossary of synonyms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from core.errors import InputError, check_range
from core.stages.arithmetic import unit_rows
from core.stages.base import CONSTANT, Resources, Stage, setting
from core.stages.index_dense import DenseIndex
from core.stages.index_lexical import LexicalIndex
from core.text.synonyms import add_synonyms

if TYPE_CHECKING:
    from scipy import sparse


@dataclass(frozen=True)
class Glossary(Stage):
    """Adds the synonyms of every term that a query names. queries -> queries.

    groups: each a tuple of terms that mean the same; a term may hold spaces; matched as whole words in any case.
    """

    type: ClassVar[str] = "glossary"
    takes: ClassVar[tuple[str, ...]] = ("queries",)
    gives: ClassVar[str] = "queries"
    forms_words: ClassVar[bool] = True
    version: ClassVar[int] = 2
    role: ClassVar[str] = "rewrite"
    label: ClassVar[str] = "synonyms from a glossary"
    summary: ClassVar[str] = "synonyms from a glossary of {groups} lines"
    step: ClassVar[str] = "add synonyms"
    growth: ClassVar[tuple[str, ...]] = (CONSTANT,)
    groups: tuple[tuple[str, ...], ...] = ()

    def __call__(self, queries: pd.DataFrame, *, resources: Resources | None = None) -> pd.DataFrame:
        """The queries, with synonyms at the end of their texts."""
        return queries.assign(text=[add_synonyms(text, self.groups) for text in queries["text"]])


def parse_glossary(text: str, *, file: str = "glossary") -> tuple[tuple[str, ...], ...]:
    """Groups of synonyms from text: one group a line, terms between commas; empty lines and lines from # are skipped.

    Raises InputError naming the line when a group has fewer than two terms.
    """
    groups = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        terms = tuple(dict.fromkeys(term.strip() for term in line.split(",") if term.strip()))
        if len(terms) < 2:
            raise InputError(
                f"found {line.strip()!r}; a glossary line holds two or more terms that mean the same, with commas between",
                file=file,
                line=number,
            )
        groups.append(terms)
    return tuple(groups)


@dataclass(frozen=True)
class Rocchio(Stage):
    """Moves each query vector towards the mean of its best passages: unit(original * q + feedback * mean).

    query vectors, queries, first run, dense index -> query vectors. (Rocchio 1971, without a negative part.)
    """

    type: ClassVar[str] = "rocchio"
    takes: ClassVar[tuple[str, ...]] = ("query_vectors", "queries", "run", "dense_index")
    gives: ClassVar[str] = "query_vectors"
    role: ClassVar[str] = "rewrite"
    step: ClassVar[str] = "vector feedback"
    chunks: int = 5
    original: float = 1.0
    feedback: float = 0.5

    def __call__(
        self,
        vectors: np.ndarray,
        queries: pd.DataFrame,
        run: pd.DataFrame,
        index: DenseIndex,
        *,
        resources: Resources | None = None,
    ) -> np.ndarray:
        """The moved vectors; a query without hits keeps its own."""
        rows = pd.Series(range(len(queries)), index=queries["query_id"].to_numpy())
        first = run[run["rank"] <= self.chunks]
        chunk_row = pd.Series(range(len(index.vectors.chunks)), index=index.vectors.chunks["chunk_id"].to_numpy())
        moved = self.original * vectors.astype(np.float64)
        means = _chunk_means(index)
        for query_id, hits in first.groupby("query_id", sort=False):
            moved[rows[query_id]] += self.feedback * means(chunk_row.loc[hits["chunk_id"]].to_numpy())
        return unit_rows(moved)


def _chunk_means(index: DenseIndex) -> Any:
    """A function from chunk rows to the mean vector of their passages."""
    starts = np.flatnonzero(np.diff(index.vectors.chunk_rows, prepend=-1))
    stops = np.append(starts[1:], len(index.vectors.chunk_rows))

    def mean(rows: np.ndarray) -> np.ndarray:
        averages = [index.vectors.matrix[starts[row] : stops[row]].mean(axis=0) for row in rows]
        return np.mean(averages, axis=0)

    return mean


@dataclass(frozen=True)
class Rm3(Stage):
    """Mixes the query's terms with the terms that stand out in its best units.

    weight(t) = (1 - feedback) * tf(t, query) / |query| + feedback * P(t), where P(t) is the mean of tf / length over the
    first `documents` units, weighted by their scores and cut to its `terms` largest (RM3: Abdul-Jaleel et al. 2004).
    query terms, queries, first run, lexical index -> query terms (sparse, float).
    """

    type: ClassVar[str] = "rm3"
    takes: ClassVar[tuple[str, ...]] = ("query_terms", "queries", "run", "lexical_index")
    gives: ClassVar[str] = "query_terms"
    role: ClassVar[str] = "rewrite"
    step: ClassVar[str] = "word feedback"
    documents: int = 10
    terms: int = 10
    feedback: float = 0.5

    def __call__(
        self,
        terms: sparse.csr_matrix,
        queries: pd.DataFrame,
        run: pd.DataFrame,
        index: LexicalIndex,
        *,
        resources: Resources | None = None,
    ) -> sparse.csr_matrix:
        """The mixed weights; a query without hits keeps its own."""
        from scipy import sparse

        rows = pd.Series(range(len(queries)), index=queries["query_id"].to_numpy())
        units = pd.Series(range(len(index.chunks)), index=index.chunks["chunk_id"].to_numpy())
        lengths = np.asarray(index.counts.sum(axis=1)).ravel()
        mixed = terms.astype(float).tolil(copy=True)
        for query_id, hits in run[run["rank"] <= self.documents].groupby("query_id", sort=False):
            row = rows[query_id]
            found = units.loc[hits["chunk_id"]].to_numpy()
            weight = hits["score"].to_numpy(dtype=float)
            weight = weight / weight.sum() if weight.sum() > 0 else np.full(len(weight), 1 / len(weight))
            model = np.asarray((sparse.diags(weight / lengths[found]) @ index.counts[found]).sum(axis=0)).ravel()
            best = np.argsort(-model, kind="stable")[: self.terms]
            best = best[model[best] > 0]
            original = np.asarray(terms[[row]].todense()).ravel()
            blend = (1 - self.feedback) * original / max(original.sum(), 1.0)
            blend[best] += self.feedback * model[best] / max(model[best].sum(), 1e-12)
            mixed[row] = blend
        return mixed.tocsr()


@dataclass(frozen=True)
class Feedback:
    """Pseudo-relevance feedback in a system: stands for Rocchio on its dense side and Rm3 on its lexical side."""

    type: ClassVar[str] = "prf"
    role: ClassVar[str] = "rewrite"
    label: ClassVar[str] = "feedback from the first hits"
    summary: ClassVar[str] = "feedback from the first {chunks} chunks and {documents} documents"
    chunks: int = field(
        default=5, metadata=setting("First chunks that feed back", "How many of the first hits move the query's vector.")
    )
    dense_weight: float = field(default=0.5, metadata=setting("Their weight for vectors", "0 leaves the query as it is."))
    documents: int = field(
        default=10, metadata=setting("First documents that feed back", "How many of the first hits lend words to the query.")
    )
    terms: int = field(default=10, metadata=setting("Words taken over", "How many words are added at most."))
    lexical_weight: float = field(
        default=0.5, metadata=setting("Their weight for words", "0 leaves the query as it is, 1 drops its own words.")
    )

    def __post_init__(self) -> None:
        for name in ("chunks", "documents", "terms"):
            check_range(name, getattr(self, name), low=1)
        check_range("dense_weight", self.dense_weight, low=0)
        check_range("lexical_weight", self.lexical_weight, low=0, high=1)
