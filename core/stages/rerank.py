"""Rerank: score the first hits of a run anew, together with the query. What lies below keeps its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from core.errors import ModelUnavailable, check_range
from core.schema import rank_run
from core.settings import DEFAULT_MODEL
from core.stages.embed import first_line


@dataclass(frozen=True)
class LateInteraction:
    """score = standardised first-stage score + standardised MaxSim, over the first `depth` hits of each query.

    MaxSim = sum over the query's tokens of the largest cosine with any token of the hit (ColBERT: Khattab, Zaharia 2020),
    here with the token vectors of an embedding model that was not trained for it: a weak reranker, but free and offline.
    queries, run, chunks -> run. A hit that is a whole document is scored over the tokens of all its chunks.
    """

    type: ClassVar[str] = "late_interaction"
    takes: ClassVar[tuple[str, ...]] = ("queries", "run", "chunks")
    gives: ClassVar[str] = "run"
    model: str = DEFAULT_MODEL
    revision: str = ""
    depth: int = 50

    def __post_init__(self) -> None:
        check_range("depth", self.depth, low=1)

    def __call__(self, queries: pd.DataFrame, run: pd.DataFrame, chunks: pd.DataFrame, *, resources: Any) -> pd.DataFrame:
        passages = HitPassages(chunks)
        texts = queries["text"].tolist()
        by_query = dict(zip(queries["query_id"], texts, strict=True))
        query_tokens = resources.token_vectors(self.model, self.revision, texts, role="query")
        scored = []
        for query_id, hits in run.groupby("query_id", sort=False):
            resources.cancel.check()
            head = hits[hits["rank"] <= self.depth]
            groups = [
                passages.find(chunk_id, doc_id) for chunk_id, doc_id in zip(head["chunk_id"], head["doc_id"], strict=True)
            ]
            wanted = list(dict.fromkeys(text for group in groups for text in group))
            tokens = resources.token_vectors(self.model, self.revision, wanted, role="document")
            similarity = max_similarity(query_tokens[by_query[str(query_id)]], [[tokens[t] for t in group] for group in groups])
            scored.append(place_on_top(hits, standardise(head["score"].to_numpy(dtype=float)) + standardise(similarity)))
        return rank_run(pd.concat(scored, ignore_index=True)) if scored else run


@dataclass(frozen=True)
class CrossEncoderRerank:
    """score = the cross-encoder's, over the first `depth` hits of each query. queries, run, chunks -> run.

    model: any sentence-transformers CrossEncoder by hub name or local folder. A hit that is a whole document is read from
    its beginning as far as the model reads.
    """

    type: ClassVar[str] = "cross_encoder"
    takes: ClassVar[tuple[str, ...]] = ("queries", "run", "chunks")
    gives: ClassVar[str] = "run"
    model: str = "cross-encoder/ms-marco-MiniLM-L6-v2"
    revision: str = ""
    depth: int = 50

    def __post_init__(self) -> None:
        check_range("depth", self.depth, low=1)

    def __call__(self, queries: pd.DataFrame, run: pd.DataFrame, chunks: pd.DataFrame, *, resources: Any) -> pd.DataFrame:
        passages = HitPassages(chunks)
        by_query = dict(zip(queries["query_id"], queries["text"], strict=True))
        model = resources.cross_encoder(self.model)
        scored = []
        groups = list(run.groupby("query_id", sort=False))
        for done, (query_id, hits) in enumerate(groups, start=1):
            head = hits[hits["rank"] <= self.depth]
            found = [passages.find(chunk_id, doc_id) for chunk_id, doc_id in zip(head["chunk_id"], head["doc_id"], strict=True)]
            pairs = [(by_query[str(query_id)], "\n".join(group)) for group in found]
            scored.append(place_on_top(hits, np.asarray(model.predict(pairs, show_progress_bar=False), dtype=float)))
            resources.report(f"reranking query {done} of {len(groups)}")
        return rank_run(pd.concat(scored, ignore_index=True)) if scored else run


def load_cross_encoder(name: str) -> Any:
    """A sentence-transformers CrossEncoder; raises ModelUnavailable with what to do."""
    try:
        from sentence_transformers import CrossEncoder
        from transformers.utils import logging

        logging.disable_progress_bar()
        return CrossEncoder(name)
    except Exception as error:  # the libraries raise many kinds; whatever it is, this model cannot be had
        raise ModelUnavailable(
            f"The reranker {name!r} cannot be loaded ({first_line(error)}). Connect once so that it can be downloaded, "
            "or give the path of a local cross-encoder folder."
        ) from error


class HitPassages:
    """From a hit to the passages it is scored by: its chunk's, or those of all the document's chunks."""

    def __init__(self, chunks: pd.DataFrame) -> None:
        self._by_chunk = dict(zip(chunks["chunk_id"], chunks["passages"], strict=True))
        self._by_doc: dict[str, list[str]] = {}
        for doc_id, group in zip(chunks["doc_id"], chunks["passages"], strict=True):
            self._by_doc.setdefault(doc_id, []).extend(group)

    def find(self, chunk_id: str, doc_id: str) -> list[str]:
        """The passages in document order; never empty for a document that was chunked."""
        return list(self._by_chunk.get(chunk_id) or self._by_doc.get(doc_id, [""]))


def max_similarity(query: np.ndarray, hits: list[list[np.ndarray]]) -> np.ndarray:
    """MaxSim of one query with each hit: query tokens x dimensions against the hit's token matrices; one product for all."""
    if not hits:
        return np.zeros(0)
    flat = [matrix for group in hits for matrix in group]
    lengths = [sum(len(matrix) for matrix in group) for group in hits]
    similarity = query.astype(np.float32) @ np.concatenate(flat).astype(np.float32).T
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    best: np.ndarray = np.maximum.reduceat(similarity, starts, axis=1)
    return best.sum(axis=0).astype(float)


def standardise(scores: np.ndarray) -> np.ndarray:
    """(scores - mean) / standard deviation; zeros where all are equal."""
    if not len(scores):
        return scores
    spread = scores.std()
    return (scores - scores.mean()) / spread if spread > 0 else np.zeros(len(scores))


def place_on_top(hits: pd.DataFrame, head_scores: np.ndarray) -> pd.DataFrame:
    """One query's hits with new scores for the first ones; the rest follow below in their old order."""
    size = len(head_scores)
    floor = head_scores.min() if size else 0.0
    tail = floor - 1.0 - np.arange(len(hits) - size, dtype=float)
    return hits.assign(score=np.concatenate([head_scores, tail]))


RERANKERS: dict[str, type] = {stage.type: stage for stage in (LateInteraction, CrossEncoderRerank)}
