"""Filter: which documents a query may see, from its own metadata filter or from the values that its text names.

Applied before ranking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from core.schema import content_hash
from core.stages.base import Resources, Stage
from core.text.conditions import match_filter
from core.text.named_values import Spellings, collect_spellings, infer_filter


@dataclass(frozen=True)
class Allowed:
    """matrix[i, j] says whether the i-th query may see the document doc_ids[j]; filters are the queries' own, in order."""

    doc_ids: tuple[str, ...]
    matrix: np.ndarray
    filters: tuple[dict[str, Any], ...]

    def columns(self, doc_ids: pd.Series | list[str]) -> np.ndarray:
        """The matrix with one column per given document id (ids may repeat), bool, queries x len(doc_ids)."""
        position = pd.Series(range(len(self.doc_ids)), index=list(self.doc_ids))
        return self.matrix[:, position.loc[list(doc_ids)].to_numpy()]


@dataclass(frozen=True)
class CollectSpellings(Stage):
    """documents -> what infer_filter() looks for. A stage of the corpus, so that no query waits for it."""

    type: ClassVar[str] = "spellings"
    takes: ClassVar[tuple[str, ...]] = ("documents",)
    gives: ClassVar[str] = "spellings"
    forms_words: ClassVar[bool] = True
    version: ClassVar[int] = 2
    role: ClassVar[str] = "filter"
    fields: tuple[str, ...] = ()

    def __call__(self, documents: pd.DataFrame, *, resources: Resources | None = None) -> dict[str, Spellings]:
        """{field: its values as texts may name them}, see collect_spellings()."""
        return collect_spellings(documents["metadata"], self.fields)


@dataclass(frozen=True)
class MetadataFilter(Stage):
    """queries, documents, maybe spellings -> Allowed, from each query's `filter`; a query without one sees everything.

    given: whether the queries' own filters are used. infer: fields whose values are looked for in the text of every query
    without a (used) filter of its own; see infer_filter(). Fields that no document has are never named. Spellings that are
    not given are collected from the documents.
    """

    type: ClassVar[str] = "metadata"
    takes: ClassVar[tuple[str, ...]] = ("queries", "documents", "spellings?")
    gives: ClassVar[str] = "allowed"
    forms_words: ClassVar[bool] = True
    role: ClassVar[str] = "filter"
    step: ClassVar[str] = "filter"
    version: ClassVar[int] = 4  # dates are compared as times, in more forms, and with nothing else
    given: bool = field(default=True, metadata={"later": True})
    infer: tuple[str, ...] = field(default=(), metadata={"later": True})

    def __call__(
        self,
        queries: pd.DataFrame,
        documents: pd.DataFrame,
        spellings: Mapping[str, Spellings] | None = None,
        *,
        resources: Resources | None = None,
    ) -> Allowed:
        """What each query may see; all of it where no filter applies."""
        matrix = np.ones((len(queries), len(documents)), dtype=bool)
        known: dict[str, np.ndarray] = {}
        metadata = documents["metadata"].tolist()
        filters = self._choose_filters(queries, metadata, spellings)
        for row, wanted in enumerate(filters):
            if not wanted:
                continue
            name = content_hash(wanted)
            if name not in known:
                known[name] = np.fromiter((match_filter(item, wanted) for item in metadata), dtype=bool, count=len(metadata))
            matrix[row] = known[name]
        return Allowed(doc_ids=tuple(documents["doc_id"]), matrix=matrix, filters=tuple(filters))

    def _choose_filters(
        self, queries: pd.DataFrame, metadata: list[dict[str, Any]], spellings: Mapping[str, Spellings] | None
    ) -> list[dict[str, Any]]:
        filters = [dict(wanted or {}) if self.given else {} for wanted in queries["filter"]]
        if not self.infer or all(filters):
            return filters
        known = collect_spellings(metadata, self.infer) if spellings is None else spellings
        values = {name: known[name] for name in self.infer if name in known}
        return [own or infer_filter(text, values) for own, text in zip(filters, queries["text"], strict=True)]
