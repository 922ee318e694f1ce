"""The frames that pass between stages: their columns, their checks, and the one place that sorts and breaks ties.

All frames are long pandas frames with ids as str and full precision. Labels belong to documents or to character
spans, never to chunks: otherwise changing the chunker would invalidate them.

| frame        | columns (key in capitals)                                                    |
|--------------|------------------------------------------------------------------------------|
| documents    | DOC_ID, title, text, metadata ({field: value}, values as in the source JSON)  |
| chunks       | CHUNK_ID, doc_id, position, start, end, text, passages                        |
| queries      | QUERY_ID, text, split ("tuning", "test" or ""), filter, tags, answer,         |
|              | maybe leave_out (ids of documents that are the query itself)                  |
| judgments    | QUERY_ID, DOC_ID, relevance (number >= 0; absent = unjudged), maybe relevant  |
| evidence     | QUERY_ID, DOC_ID, START, end (characters of the document's text, end exclusive)|
| run          | QUERY_ID, CHUNK_ID, doc_id, score, rank                                       |
| document run | QUERY_ID, DOC_ID, score, rank, chunk_id (the best chunk stands for it)        |
| per query    | SYSTEM, QUERY_ID, MEASURE, value                                              |

`passages` is the tuple of texts that are indexed for a chunk: usually one (the title and the chunk's text), one
sentence for a sentence window, several small pieces for a parent document. The best passage stands for its chunk.

What counts as relevant is the dataset's to say: judgments have the column `relevant` (bool) where that is not "from grade 1
on". is_relevant() reads it; nobody else compares grades.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.errors import StageError

DOCUMENTS = ["doc_id", "title", "text", "metadata"]
CHUNKS = ["chunk_id", "doc_id", "position", "start", "end", "text", "passages"]
QUERIES = ["query_id", "text", "split", "filter", "tags", "answer"]
JUDGMENTS = ["query_id", "doc_id", "relevance"]
EVIDENCE = ["query_id", "doc_id", "start", "end"]
RUN = ["query_id", "chunk_id", "doc_id", "score", "rank"]
DOCUMENT_RUN = ["query_id", "doc_id", "score", "rank", "chunk_id"]
LEAVE_OUT = "leave_out"  # of queries, where there is one
PER_QUERY = ["system", "query_id", "measure", "value"]

RUN_DEPTH = 100  # documents per query that every run is cut at


def content_hash(value: Any) -> str:
    """32 hex digits of the SHA-256 of a JSON value; the same value gives the same digits on every machine."""
    encoded = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(encoded.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def make_chunk_id(doc_id: str, start: int, end: int, text: str) -> str:
    """An id from the chunk's content, so that an unchanged chunk keeps its id when its neighbours change."""
    return content_hash([doc_id, start, end, text])[:16]


def empty(columns: list[str]) -> pd.DataFrame:
    """An empty frame with these columns."""
    return pd.DataFrame({column: pd.Series(dtype=object) for column in columns})


def check_frame(frame: pd.DataFrame, columns: list[str], *, key: list[str], what: str) -> pd.DataFrame:
    """Returns the frame if it has the columns and its key is unique; raises StageError that names what is wrong."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise StageError(f"{what}: expected the columns {columns}, found {list(frame.columns)}")
    if frame.duplicated(key).any():
        twice = frame.loc[frame.duplicated(key), key].iloc[0].tolist()
        raise StageError(f"{what}: {key} must be unique, found {twice} twice")
    return frame


def is_relevant(judgments: pd.DataFrame) -> pd.Series:
    """Which judgments say that a document is relevant, bool, in their order."""
    return judgments["relevant"] if "relevant" in judgments else judgments["relevance"] >= 1


def select_relevant(judgments: pd.DataFrame) -> pd.DataFrame:
    """The judgments that say that a document is relevant."""
    return judgments[is_relevant(judgments)]


def list_passages(chunks: pd.DataFrame) -> list[str]:
    """The indexed texts of a chunks frame in its order, those of one chunk after those of the one before."""
    return [passage for passages in chunks["passages"] for passage in passages]


def check_documents(frame: pd.DataFrame, *, what: str = "documents") -> pd.DataFrame:
    """check_frame() for documents."""
    return check_frame(frame, DOCUMENTS, key=["doc_id"], what=what)


def check_chunks(frame: pd.DataFrame, *, what: str = "chunks") -> pd.DataFrame:
    """check_frame() for chunks."""
    return check_frame(frame, CHUNKS, key=["chunk_id"], what=what)


def check_run(frame: pd.DataFrame, *, what: str = "run") -> pd.DataFrame:
    """check_frame() for runs; also checks that scores are finite: a NaN would sort silently anywhere."""
    check_frame(frame, RUN, key=["query_id", "chunk_id"], what=what)
    if len(frame) and not np.isfinite(frame["score"].to_numpy(dtype=float)).all():
        raise StageError(f"{what}: every score must be a finite number, found NaN or infinity")
    return frame


def make_frame(columns: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """A frame of arrays of one length. Ids stay Python strings: inferring pandas' string type costs more than a search."""
    index = pd.RangeIndex(len(next(iter(columns.values()))))
    made = {name: pd.Series(values, index=index, dtype=values.dtype, copy=False) for name, values in columns.items()}
    return pd.DataFrame(made, index=index)


def order_hits(query_ids: np.ndarray, ids: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows in run order, their ranks): queries in order of first appearance, score descending, id ascending."""
    queries = pd.factorize(query_ids)[0]
    order = np.lexsort((pd.factorize(ids, sort=True)[0], -scores.astype(float), queries))
    starts = np.flatnonzero(np.diff(queries[order], prepend=-1))
    lengths = np.diff(starts, append=len(order))
    return order, np.arange(len(order)) - np.repeat(starts, lengths) + 1


def rank_run(scores: pd.DataFrame) -> pd.DataFrame:
    """Sorts scored hits into a run.

    scores: query_id, chunk_id, doc_id, score. Returns RUN columns ordered by query_id (order of first appearance),
    then score descending, then chunk_id ascending; rank counts from 1 within a query. Empty in, empty out.
    """
    if scores.empty:
        return empty(RUN)
    query_ids, chunk_ids, doc_ids = (scores[name].to_numpy(dtype=object) for name in ("query_id", "chunk_id", "doc_id"))
    values = scores["score"].to_numpy()
    order, ranks = order_hits(query_ids, chunk_ids, values)
    kept = (query_ids[order], chunk_ids[order], doc_ids[order], values[order], ranks)
    return make_frame(dict(zip(RUN, kept, strict=True)))


def to_document_run(run: pd.DataFrame, *, depth: int = RUN_DEPTH) -> pd.DataFrame:
    """The document view of a run: each document once, at its best chunk's place, cut at `depth` documents.

    Returns DOCUMENT_RUN columns; equal scores are ordered by document id, so that the order does not depend on chunk ids.
    """
    if run.empty:
        return empty(DOCUMENT_RUN)
    query_ids, chunk_ids, doc_ids = (run[name].to_numpy(dtype=object) for name in ("query_id", "chunk_id", "doc_id"))
    values = run["score"].to_numpy()
    best = first_rows(query_ids, doc_ids)[1]  # a run is sorted, so a document's first row is its best chunk
    order, ranks = order_hits(query_ids[best], doc_ids[best], values[best])
    rows, ranks = best[order][ranks <= depth], ranks[ranks <= depth]
    kept = (query_ids[rows], doc_ids[rows], values[rows], ranks, chunk_ids[rows])
    return make_frame(dict(zip(DOCUMENT_RUN, kept, strict=True)))


def first_rows(query_ids: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(code of every row's pair of query and id, first row of every code); codes count in order of first appearance."""
    names, distinct = pd.factorize(ids)
    codes = pd.factorize(pd.factorize(query_ids)[0] * len(distinct) + names)[0]
    return codes, np.unique(codes, return_index=True)[1]
