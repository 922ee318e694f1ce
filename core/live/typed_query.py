"""A typed query: its frame, what its stages may reach for, and the answer of one system."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from core.graph.resources import Resources
from core.schema import DOCUMENT_RUN, LEAVE_OUT, QUERIES, RUN, empty, make_frame
from core.stages.embed import Encoded


@dataclass(frozen=True)
class Answer:
    """One system's answer to typed queries.

    documents: schema.DOCUMENT_RUN with start and end of the chunk that stands for each document. run: the chunk run, same
    columns. seconds: time of the system's own stages; error: why there is none.
    """

    documents: pd.DataFrame
    run: pd.DataFrame
    seconds: float
    error: str | None = None

    @classmethod
    def fail(cls, error: str, *, seconds: float = 0.0) -> Answer:
        """An answer without hits. error: a sentence."""
        return cls(empty([*DOCUMENT_RUN, "start", "end"]), empty([*RUN, "start", "end"]), seconds, error)


@dataclass(frozen=True, eq=False)
class TypedResources(Resources):
    """Embeds a typed text once per model, for its vector and its token vectors alike, and writes neither to disk.

    guard: held while the shared memory of token vectors is read and trimmed.
    """

    guard: threading.Lock = field(default_factory=threading.Lock)
    typed: dict[tuple[str, str, str | None, tuple[str, ...]], Encoded] = field(default_factory=dict)

    def encode(self, model: str, revision: str, texts: list[str], *, role: str, prompt: str | None) -> np.ndarray:
        """As Resources.encode(); a query is never looked up on disk."""
        if role == "query":
            return self._encode_typed(model, revision, texts, prompt, tokens=self.keep_tokens).vectors
        return super().encode(model, revision, texts, role=role, prompt=prompt)

    def token_vectors(self, model: str, revision: str, texts: list[str], *, role: str) -> dict[str, np.ndarray]:
        """As Resources.token_vectors(); a query's are those of its one encoding."""
        if role == "query":
            encoded = self._encode_typed(model, revision, texts, None, tokens=True)
            return dict(zip(texts, encoded.tokens or [], strict=True))
        with self.guard:
            return super().token_vectors(model, revision, texts, role=role)

    def _encode_typed(self, model: str, revision: str, texts: list[str], prompt: str | None, *, tokens: bool) -> Encoded:
        key = (model, revision, prompt, tuple(texts))
        if key not in self.typed or (tokens and self.typed[key].tokens is None):
            sent = [(prompt or "") + text for text in texts]
            role = "query" if prompt is None else "raw"
            self.typed[key] = self.encoder(model, revision).encode(sent, role=role, tokens=tokens)
        return self.typed[key]


def locate_hits(run: pd.DataFrame, spans: Mapping[str, tuple[int, int]]) -> pd.DataFrame:
    """The run with the start and end of each row's chunk. spans: chunk_id -> (start, end) in characters of its document."""
    found = np.array([spans[chunk_id] for chunk_id in run["chunk_id"]], dtype=np.int64).reshape(-1, 2)
    columns = {name: run[name].to_numpy() for name in run.columns}
    return make_frame({**columns, "start": found[:, 0], "end": found[:, 1]})


def make_queries(
    texts: Sequence[str], filter: Mapping[str, Any] | None = None, *, leave_out: Sequence[Sequence[str]] | None = None
) -> pd.DataFrame:
    """A queries frame of typed texts with one filter for all; ids "1", "2", ... leave_out: the documents that each text is
    itself, which are not to be found."""
    rows = [
        {"query_id": str(number), "text": text, "split": "", "filter": dict(filter or {}), "tags": (), "answer": ""}
        for number, text in enumerate(texts, start=1)
    ]
    made = pd.DataFrame(rows, columns=QUERIES)
    return made if leave_out is None else made.assign(**{LEAVE_OUT: [tuple(ids) for ids in leave_out]})
