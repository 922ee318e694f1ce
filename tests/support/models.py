"""Models one can reason about: five keywords are five axes, everything else is the sixth; a word is a token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import ModelUnavailable
from core.graph.resources import Models, Resources
from core.schema import QUERIES
from core.stages.arithmetic import unit_rows
from core.stages.embed import Encoded
from core.workspace import Workspace

KEYWORDS = ("battery", "clock", "hub", "mail", "price")
UNKNOWN = len(KEYWORDS)  # the axis of text without a keyword
DIMENSIONS = len(KEYWORDS) + 1
MISSING = "missing-model"  # a name that cannot be loaded


def axis_of(word: str) -> int:
    """The axis of a word: its keyword's, else the last."""
    return KEYWORDS.index(word) if word in KEYWORDS else UNKNOWN


def vector_of(text: str) -> np.ndarray:
    """The sum of the axes of the distinct keywords in a text, unit length; the last axis if there is none."""
    found = {axis_of(word) for word in words_of(text)} - {UNKNOWN} or {UNKNOWN}
    # one keyword: 1 on its axis; two: 1/sqrt(2) on each
    return unit_rows(np.array([[float(axis in found) for axis in range(DIMENSIONS)]]))[0]


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


@dataclass
class FakeEncoder:
    """Vectors by keyword, one token vector a word. Keeps what it was asked to encode, and as what."""

    asked: list[tuple[str, str]] = field(default_factory=list)  # (role, text)

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        self.asked.extend((role, text) for text in texts)
        vectors = np.stack([vector_of(text) for text in texts])
        if not tokens:
            return Encoded(vectors)
        rows = np.eye(DIMENSIONS, dtype=np.float16)
        return Encoded(vectors, [rows[[axis_of(word) for word in words_of(text)] or [UNKNOWN]] for text in texts])

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.asked]


class WordTokenizer:
    """A token is a run of visible characters; the model reads 64 of them, two taken by special tokens."""

    max_tokens = 64
    special_tokens = 2
    languages: tuple[str, ...] = ()
    is_own = True
    scripts: frozenset[str] = frozenset()

    def count(self, texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\S+", text)]

    def pieces(self, texts: list[str]) -> list[list[tuple[int, int, bool]]]:
        return [[(start, end, True) for start, end in self.offsets(text)] for text in texts]


@dataclass
class WordOverlapReranker:
    """A stand-in for a cross-encoder: the score of a pair is the number of distinct words that both texts have."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def predict(self, pairs: Sequence[tuple[str, str]], **_: Any) -> np.ndarray:
        self.asked.extend(pairs)
        return np.array([len(set(words_of(query)) & set(words_of(text))) for query, text in pairs], dtype=np.float32)


class FakeModels(Models):
    """Models whose encoder, tokenizer and cross-encoder are the ones above, whatever name is asked for but MISSING."""

    def __init__(self) -> None:
        self.fake = FakeEncoder()
        self.reranker = WordOverlapReranker()
        super().__init__(load=self._load)

    def _load(self, name: str, **_: Any) -> FakeEncoder:
        if name == MISSING:
            raise ModelUnavailable(f"The embedding model {name!r} cannot be loaded.")
        return self.fake

    def tokenizer(self, name: str, revision: str = "", **_: Any) -> Any:
        return WordTokenizer()

    def cross_encoder(self, name: str) -> Any:
        if name == MISSING:
            raise ModelUnavailable(f"The reranker {name!r} cannot be loaded.")
        return self.reranker


def make_resources(folder: Path, models: Models | None = None, **options: Any) -> Resources:
    """Resources over a workspace folder with the fake models."""
    return Resources(Workspace(folder), models=models or FakeModels(), **options)


def make_documents(texts: dict[str, str], metadata: dict[str, dict[str, Any]] | None = None) -> pd.DataFrame:
    """A documents frame without titles."""
    known = metadata or {}
    return pd.DataFrame(
        {
            "doc_id": list(texts),
            "title": ["" for _ in texts],
            "text": list(texts.values()),
            "metadata": pd.Series([known.get(name, {}) for name in texts], dtype=object),
        }
    )


def make_queries(texts: dict[str, str], filters: dict[str, dict[str, Any]] | None = None) -> pd.DataFrame:
    """A queries frame; filters: query id -> filter."""
    known = filters or {}
    rows = [(name, text, "", known.get(name, {}), (), "") for name, text in texts.items()]
    return pd.DataFrame(rows, columns=QUERIES)


def make_chunks(texts: dict[str, tuple[str, ...]], doc_ids: dict[str, str] | None = None) -> pd.DataFrame:
    """A chunks frame: chunk id -> passages. A chunk is its own document unless doc_ids says which one it is in."""
    rows = []
    for name, passages in texts.items():
        text = "\n".join(passages)
        rows.append((name, (doc_ids or {}).get(name, f"doc-{name}"), 0, 0, len(text), text, passages))
    return pd.DataFrame(rows, columns=["chunk_id", "doc_id", "position", "start", "end", "text", "passages"])


def make_run(hits: dict[str, list[tuple[str, float]]], doc_ids: dict[str, str] | None = None) -> pd.DataFrame:
    """A run: query id -> (chunk id, score), ordered as rank_run() does. A chunk "a1" is in document "a" by default."""
    from core.schema import rank_run

    rows = [
        (query_id, chunk_id, (doc_ids or {}).get(chunk_id, chunk_id[0]), score)
        for query_id, found in hits.items()
        for chunk_id, score in found
    ]
    return rank_run(pd.DataFrame(rows, columns=["query_id", "chunk_id", "doc_id", "score"]))
