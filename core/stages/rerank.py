"""Rerank: score the first hits of a run anew, together with the query. What lies below keeps its order.

The score of a pair of texts is kept and found again by other runs, so it must not depend on what is scored beside it: not
on the other hits of the query, nor on the batch. Each reranker sees to that in its own way.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from core.errors import ModelUnavailable, check_range, first_line
from core.schema import RUN, content_hash, empty, list_passages, rank_run
from core.settings import DEFAULT_MODEL, find_model_folder
from core.stages.arithmetic import max_similarities, mix_scores
from core.stages.base import DEPTH, MODEL, Pair, Resources, Scorer, Stage, setting
from core.stages.embed import model_revision

_LATE_AT_ONCE = 4096  # pairs between two writes: a second or two
_CROSS_AT_ONCE = 64


@dataclass(frozen=True)
class LateInteraction(Stage):
    """score = standardised first-stage score + standardised MaxSim, over the first `depth` hits of each query.

    MaxSim = sum over the query's tokens of the largest cosine with any token of the hit (ColBERT: Khattab, Zaharia 2020),
    here with the token vectors of an embedding model that was not trained for it: a weak reranker, but free and offline.
    queries, run, chunks -> run. A hit that is a whole document is scored over the tokens of all its chunks.
    """

    type: ClassVar[str] = "late_interaction"
    takes: ClassVar[tuple[str, ...]] = ("queries", "run", "chunks")
    gives: ClassVar[str] = "run"
    version: ClassVar[int] = 2
    role: ClassVar[str] = "rerank"
    label: ClassVar[str] = "late interaction (bundled)"
    summary: ClassVar[str] = "late interaction, first {depth}"
    step: ClassVar[str] = "rerank"
    encodes: ClassVar[tuple[str, ...]] = ("queries", "chunks")
    token_vectors: ClassVar[bool] = True
    model: str = field(default=DEFAULT_MODEL, metadata=MODEL)
    revision: str = ""
    depth: int = field(default=50, metadata=DEPTH)

    def __post_init__(self) -> None:
        check_range("depth", self.depth, low=1)

    def __call__(self, queries: pd.DataFrame, run: pd.DataFrame, chunks: pd.DataFrame, *, resources: Resources) -> pd.DataFrame:
        """The run, its first hits in the order of the mixed scores."""
        texts = queries["text"].tolist()
        asked = list_asked(queries, run, chunks, depth=self.depth)
        pairs = [pair for _, of_query in asked for pair in of_query]
        passages = list(dict.fromkeys(text for _, group in pairs for text in group))
        resources.note_texts(self.model, self.revision, texts, role="query")
        resources.note_texts(self.model, self.revision, passages, role="document")

        @functools.cache
        def read_queries() -> dict[str, np.ndarray]:
            return resources.token_vectors(self.model, self.revision, texts, role="query")

        def read_passages(wanted: list[str]) -> dict[str, np.ndarray]:
            resources.cancel.check()
            return resources.token_vectors(self.model, self.revision, wanted, role="document")

        scores = resources.pair_scores(
            Scorer(f"{self.type} {self.version}", self.model, self.revision),
            pairs,
            lambda batch: max_similarities(batch, query_tokens=read_queries(), read_passages=read_passages),
            at_once=_LATE_AT_ONCE,
        )
        return place_all(asked, scores, mix_scores)

    def warm_up(self, *inputs: pd.DataFrame, resources: Resources) -> None:
        """Encodes the passages of the chunks."""
        (chunks,) = inputs
        resources.keep_token_vectors(self.model, self.revision, list_passages(chunks), role="document")


@dataclass(frozen=True)
class CrossEncoderRerank(Stage):
    """score = the cross-encoder's, over the first `depth` hits of each query. queries, run, chunks -> run.

    model: any sentence-transformers CrossEncoder by hub name or local folder, or "trained:ID". A hit that is a whole document
    is read from its beginning as far as the model reads. mixed: score = standardised first-stage score + standardised
    cross-encoder score, for a model that knows too little to order hits alone.
    """

    type: ClassVar[str] = "cross_encoder"
    takes: ClassVar[tuple[str, ...]] = ("queries", "run", "chunks")
    gives: ClassVar[str] = "run"
    version: ClassVar[int] = 2
    role: ClassVar[str] = "rerank"
    label: ClassVar[str] = "cross-encoder (by name)"
    summary: ClassVar[str] = "{model}, first {depth}"
    step: ClassVar[str] = "rerank"
    model: str = field(default="cross-encoder/ms-marco-MiniLM-L6-v2", metadata=MODEL)
    revision: str = ""
    depth: int = field(default=50, metadata=DEPTH)
    mixed: bool = field(
        default=False,
        metadata={"later": True, **setting("Mixed", "Adds the first score, for a model that knows too little to order alone.")},
    )

    def __post_init__(self) -> None:
        check_range("depth", self.depth, low=1)

    def __call__(self, queries: pd.DataFrame, run: pd.DataFrame, chunks: pd.DataFrame, *, resources: Resources) -> pd.DataFrame:
        """The run, its first hits in the order of the cross-encoder's scores."""
        asked = list_asked(queries, run, chunks, depth=self.depth)
        pairs = [pair for _, of_query in asked for pair in of_query]

        @functools.cache
        def load() -> Any:
            return resources.cross_encoder(self.model)

        def predict(batch: list[Pair]) -> np.ndarray:
            # One pair at a time: beside others it is padded, and its score changes in the last digits. On CPU cores that
            # is no slower, since nothing is spent on padding.
            texts = [(query, "\n".join(passages)) for query, passages in batch]
            scores = np.asarray(load().predict(texts, batch_size=1, show_progress_bar=False), dtype=float)
            if scores.ndim != 1:
                raise ModelUnavailable(
                    f"The model {self.model!r} gives {scores.shape[-1]} numbers for a pair of texts, and a reranker gives "
                    "one: it is a classifier. Choose a cross-encoder that was trained to rank."
                )
            return scores

        # The files are looked at now: self.revision was found out when the system was built, which may be a while ago.
        scorer = Scorer(f"{self.type} {self.version}", self.model, model_revision(self.model))
        scores = resources.pair_scores(scorer, pairs, predict, at_once=_CROSS_AT_ONCE)
        mix = mix_scores if self.mixed else lambda _, score: score
        return place_all(asked, scores, mix)

    def warm_up(self, *inputs: pd.DataFrame, resources: Resources) -> None:
        """Loads the model."""
        resources.report("loading the reranker")
        resources.cross_encoder(self.model)


def load_cross_encoder(name: str) -> Any:
    """A sentence-transformers CrossEncoder; raises ModelUnavailable with what to do."""
    find_model_folder(name)  # a path that may not be opened is refused here
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


def list_asked(
    queries: pd.DataFrame, run: pd.DataFrame, chunks: pd.DataFrame, *, depth: int
) -> list[tuple[pd.DataFrame, list[Pair]]]:
    """(a query's hits, the pairs of the first `depth` of them) for each query of the run, in its order."""
    passages = HitPassages(chunks)
    texts = dict(zip(queries["query_id"], queries["text"], strict=True))
    asked = []
    for query_id, hits in run.groupby("query_id", sort=False):
        head = hits[hits["rank"] <= depth]
        found = (passages.find(chunk_id, doc_id) for chunk_id, doc_id in zip(head["chunk_id"], head["doc_id"], strict=True))
        asked.append((hits, [(texts[str(query_id)], tuple(group)) for group in found]))
    return asked


def place_all(
    asked: list[tuple[pd.DataFrame, list[Pair]]],
    scores: np.ndarray,
    combine: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> pd.DataFrame:
    """The run with new scores. scores: of all pairs, one query's after the other's. combine(first-stage scores, scores)."""
    placed, start = [], 0
    for hits, pairs in asked:
        first = hits["score"].to_numpy(dtype=float)[: len(pairs)]
        placed.append(place_on_top(hits, combine(first, scores[start : start + len(pairs)])))
        start += len(pairs)
    return rank_run(pd.concat(placed, ignore_index=True)) if placed else empty(RUN)


def hash_pairs(scorer: Scorer, pairs: Iterable[Pair]) -> list[str]:
    """The keys of pairs in the cache of scores; those of other texts or another scorer differ."""
    prefix, hash_text = content_hash(scorer), functools.cache(content_hash)  # the same texts come in many pairs
    joined = (prefix + hash_text(query) + hash_text(passages) for query, passages in pairs)  # each of one length
    return [hashlib.sha256(key.encode()).hexdigest()[:32] for key in joined]


def place_on_top(hits: pd.DataFrame, head_scores: np.ndarray) -> pd.DataFrame:
    """One query's hits with new scores for the first ones; the rest follow below in their old order."""
    size = len(head_scores)
    floor = head_scores.min() if size else 0.0
    tail = floor - 1.0 - np.arange(len(hits) - size, dtype=float)
    return hits.assign(score=np.concatenate([head_scores, tail]))
