"""Retrieve: the best chunks for every query, from the dense or the lexical index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from core.schema import LEAVE_OUT, RUN, RUN_DEPTH, empty, make_frame, rank_run
from core.stages.base import LINEAR, LOG, Resources, Stage
from core.stages.embed import check_dimensions, check_same_model
from core.stages.filter import Allowed
from core.stages.index_dense import DenseIndex
from core.stages.index_lexical import LexicalIndex
from core.stages.indexed_chunks import IndexedChunks

if TYPE_CHECKING:
    from scipy import sparse

MOST_CHUNKS = 1_000  # chunks per query kept in a run, besides the best chunk of each of its first 100 documents
_BLOCK = 4_000_000  # scores held at once: bounds memory on large corpora


@dataclass(frozen=True)
class RetrieveDense(Stage):
    """queries, query vectors, dense index, maybe allowed -> run by cosine.

    Exact up to 50,000 passages, else through the index. The best passage stands for its chunk. A run holds the chunks
    down to the `depth`-th distinct document.
    """

    type: ClassVar[str] = "dense"
    takes: ClassVar[tuple[str, ...]] = ("queries", "query_vectors", "dense_index", "allowed?")
    gives: ClassVar[str] = "run"
    role: ClassVar[str] = "retrieve"
    step: ClassVar[str] = "search vectors"
    # A search through HNSW visits about log(n) nodes (Malkov, Yashunin 2018); a filter has to look at every document.
    growth: ClassVar[tuple[str, ...]] = (LOG, LINEAR)
    depth: int = RUN_DEPTH

    def check_inputs(self, inputs: Sequence[Any]) -> None:
        """Raises WiringError if queries and passages were embedded by different models."""
        check_same_model(inputs)

    def __call__(
        self,
        queries: pd.DataFrame,
        vectors: np.ndarray,
        index: DenseIndex,
        allowed: Allowed | None = None,
        *,
        resources: Resources,
    ) -> pd.DataFrame:
        """The run. Raises InputError if queries and index have vectors of different sizes."""
        check_dimensions(vectors, index.vectors.matrix)
        if not index.is_small or resources.through_index:
            return self._through_index(queries, vectors, index, allowed)
        chunks = index.vectors.chunks
        open_chunks, own_chunks = _open_columns(allowed, chunks), _find_own_rows(queries, chunks)
        names = queries["query_id"].tolist()
        starts = np.flatnonzero(np.diff(index.vectors.chunk_rows, prepend=-1))
        parts = []
        step = max(1, _BLOCK // max(1, index.size))
        for first in range(0, len(queries), step):
            resources.cancel.check()
            scores = index.exact(vectors[first : first + step]).astype(float)
            if len(starts) != index.size:
                scores = np.maximum.reduceat(scores, starts, axis=1)
            mask = open_chunks[first : first + step] if open_chunks is not None else None
            if own_chunks is not None:
                mask = _close(own_chunks[first : first + step], np.ones_like(scores, dtype=bool) if mask is None else mask)
            parts.append(top_chunks(names[first : first + step], scores, index.indexed, self.depth, mask=mask))
        return join_runs(parts)

    def _through_index(
        self, queries: pd.DataFrame, vectors: np.ndarray, index: DenseIndex, allowed: Allowed | None
    ) -> pd.DataFrame:
        chunks = index.vectors.chunks
        filters = allowed.filters if allowed is not None else [{}] * len(queries)
        names = queries["query_id"].tolist()
        doc_ids, own = chunks["doc_id"].to_numpy(), _list_own(queries) or [[]] * len(names)
        frames: dict[int, pd.DataFrame] = {}
        pending, reach = list(range(len(names))), 3 * self.depth
        while pending:
            found = index.approximate(vectors[pending], [filters[row] for row in pending], depth=reach)
            short = []
            for row, (passages, scores) in zip(pending, found, strict=True):
                rows = index.vectors.chunk_rows[passages]
                others = ~np.isin(doc_ids[rows], own[row])
                rows = rows[others]
                frames[row] = pd.DataFrame({"row": rows, "score": scores[others]}).drop_duplicates("row")
                full = len(set(doc_ids[rows])) >= self.depth or len(passages) < min(reach, index.size)
                if not full and reach < index.size:
                    short.append(row)
            pending, reach = short, reach * 4  # deeper only for queries whose chunks crowd into few documents
        parts = []
        for row, frame in frames.items():
            hits = chunks.iloc[frame["row"].to_numpy()][["chunk_id", "doc_id"]]
            part = rank_run(hits.assign(query_id=names[row], score=frame["score"].to_numpy()))
            parts.append((row, cut_run(part, self.depth)))
        return join_runs([part for _, part in sorted(parts, key=lambda item: item[0])])


@dataclass(frozen=True)
class RetrieveLexical(Stage):
    """queries, query terms, lexical index, maybe allowed -> run by BM25; only units that share a term with the query."""

    type: ClassVar[str] = "lexical"
    takes: ClassVar[tuple[str, ...]] = ("queries", "query_terms", "lexical_index", "allowed?")
    gives: ClassVar[str] = "run"
    role: ClassVar[str] = "retrieve"
    step: ClassVar[str] = "search words"
    depth: int = RUN_DEPTH

    def __call__(
        self,
        queries: pd.DataFrame,
        terms: sparse.csr_matrix,
        index: LexicalIndex,
        allowed: Allowed | None = None,
        *,
        resources: Resources | None = None,
    ) -> pd.DataFrame:
        """The run; a query without a known term has no hits."""
        open_units, own_units = _open_columns(allowed, index.chunks), _find_own_rows(queries, index.chunks)
        parts = []
        step = max(1, _BLOCK // max(1, len(index.chunks)))
        names = queries["query_id"].tolist()
        for first in range(0, len(names), step):
            block = terms[first : first + step]
            scores = score_terms(block, index)
            mask = find_matches(block, scores, index)
            if open_units is not None:
                mask &= open_units[first : first + step]
            if own_units is not None:
                mask = _close(own_units[first : first + step], mask)
            parts.append(top_chunks(names[first : first + step], scores, index.indexed, self.depth, mask=mask))
        return join_runs(parts)


def score_terms(terms: sparse.csr_matrix, index: LexicalIndex) -> np.ndarray:
    """BM25 of every query with every unit, float64, queries x units, as one sparse product."""
    product: np.ndarray = (terms @ index.weights).toarray()
    return product


def find_matches(terms: sparse.csr_matrix, scores: np.ndarray, index: LexicalIndex) -> np.ndarray:
    """Which units share a term with each query, bool, queries x units.

    With positive weights that is a score above 0; in tiny corpora a weight may be 0 or negative, so terms are counted.
    """
    if index.weights.nnz and index.weights.data.min() > 0:
        return scores > 0
    from scipy import sparse

    ones = sparse.csr_matrix((np.ones(index.weights.nnz), index.weights.indices, index.weights.indptr), index.weights.shape)
    shared: np.ndarray = (terms @ ones).toarray() > 0
    return shared


def _open_columns(allowed: Allowed | None, chunks: pd.DataFrame) -> np.ndarray | None:
    """Which chunks each query may see, bool, queries x chunks; None if all may see everything."""
    if allowed is None or allowed.matrix.all():
        return None
    return allowed.columns(chunks["doc_id"])


def _list_own(queries: pd.DataFrame) -> list[list[str]] | None:
    """The documents that each query is itself; None where nobody looked for such."""
    return [list(ids) for ids in queries[LEAVE_OUT]] if LEAVE_OUT in queries else None


def _find_own_rows(queries: pd.DataFrame, chunks: pd.DataFrame) -> list[np.ndarray] | None:
    """The chunks of the documents that each query is itself, by row; None where nobody looked for such."""
    own = _list_own(queries)
    if own is None:
        return None
    wanted = {doc_id for ids in own for doc_id in ids}
    rows = np.flatnonzero(chunks["doc_id"].isin(wanted))
    owners = chunks["doc_id"].to_numpy()[rows]
    return [rows[np.isin(owners, ids)] for ids in own]


def _close(own: list[np.ndarray], mask: np.ndarray) -> np.ndarray:
    """The mask (queries x chunks) without the chunks that belong to a query's own documents."""
    mask = mask.copy()
    for row, columns in enumerate(own):
        mask[row, columns] = False
    return mask


def top_chunks(
    query_ids: list[str],
    scores: np.ndarray,
    chunks: pd.DataFrame | IndexedChunks,
    depth: int,
    *,
    mask: np.ndarray | None = None,
) -> pd.DataFrame:
    """The run of a score matrix (queries x chunks): each query's chunks down to its `depth`-th distinct document.

    mask: where False, the chunk is not a hit. At most MOST_CHUNKS chunks a query, but always the best chunk of each of
    the first `depth` documents. Ties by chunk id, as everywhere.
    """
    indexed = chunks if isinstance(chunks, IndexedChunks) else IndexedChunks.of(chunks)
    if not len(indexed.chunk_ids) or not query_ids:
        return empty(RUN)
    kept_rows = [
        _order(values, indexed.places, mask[row] if mask is not None else None, indexed.doc_codes, depth)
        for row, values in enumerate(scores)
    ]
    lengths = [len(order) for order in kept_rows]
    flat = np.concatenate(kept_rows)
    query_rows = np.repeat(np.arange(len(query_ids)), lengths)
    if not len(flat):
        return empty(RUN)
    ranks = np.concatenate([np.arange(1, length + 1) for length in lengths])
    names = np.array(query_ids, dtype=object)[query_rows]
    kept = (names, indexed.chunk_ids[flat], indexed.doc_ids[flat], scores[query_rows, flat].astype(float), ranks)
    return make_frame(dict(zip(RUN, kept, strict=True)))


def _order(values: np.ndarray, id_place: np.ndarray, mask: np.ndarray | None, doc_codes: np.ndarray, depth: int) -> np.ndarray:
    """Rows of one query's hits in run order, cut as top_chunks() says."""
    candidates = np.flatnonzero(mask) if mask is not None else np.arange(len(values))
    reach = 4 * depth
    while True:
        rows = candidates
        if reach < len(rows):  # sort only the best few; all that tie with the last of them stay in
            bound = np.partition(values[rows], len(rows) - reach)[len(rows) - reach]
            rows = rows[values[rows] >= bound]
        rows = rows[np.lexsort((id_place[rows], -values[rows]))]
        codes, first = np.unique(doc_codes[rows], return_index=True)
        if len(codes) >= depth or len(rows) == len(candidates):
            break
        reach *= 4
    firsts = np.sort(first)[:depth]
    if not len(firsts):
        return rows[:0]
    last = firsts[-1] + 1
    if len(firsts) < depth:
        last = len(rows)  # fewer documents than asked for: all their chunks
    if last <= MOST_CHUNKS:
        return rows[:last]
    keep = np.union1d(np.arange(MOST_CHUNKS), firsts)
    return rows[keep]


def cut_run(run: pd.DataFrame, depth: int) -> pd.DataFrame:
    """A one-query run down to its `depth`-th distinct document."""
    firsts = run.loc[~run.duplicated("doc_id"), "rank"].to_numpy()
    if len(firsts) < depth:
        return run
    return run[run["rank"] <= firsts[depth - 1]]


def join_runs(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Runs of different queries, one after the other; an empty run if none has a hit."""
    filled = [part for part in parts if len(part)]
    if len(filled) == 1:
        return filled[0].reset_index(drop=True)
    return pd.concat(filled, ignore_index=True) if filled else empty(RUN)
