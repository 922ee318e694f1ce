"""Filter: which documents a query may see, from its own metadata filter. Applied before ranking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from core.schema import content_hash


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


def matches(metadata: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """True if every field of the filter holds. A list in the metadata matches if one of its values does."""
    return all(field in metadata and value_matches(metadata[field], test) for field, test in wanted.items())


def value_matches(value: Any, test: Any) -> bool:
    """test: a value, a list of values (any of them), or {"gte": low, "lte": high}; types are not converted."""
    if isinstance(value, list | tuple):
        return any(value_matches(item, test) for item in value)
    if isinstance(test, Mapping):
        return all(_compare(value, bound, name) for name, bound in test.items())
    if isinstance(test, list | tuple):
        return any(_same(value, item) for item in test)
    return _same(value, test)


def _same(value: Any, other: Any) -> bool:
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _compare(value: Any, bound: Any, name: str) -> bool:
    if isinstance(value, str) != isinstance(bound, str) or value is None:
        return False
    return bool(value >= bound if name == "gte" else value <= bound)


@dataclass(frozen=True)
class MetadataFilter:
    """queries, documents -> Allowed, from each query's `filter`; a query without one sees everything."""

    type: ClassVar[str] = "metadata"
    takes: ClassVar[tuple[str, ...]] = ("queries", "documents")
    gives: ClassVar[str] = "allowed"

    def __call__(self, queries: pd.DataFrame, documents: pd.DataFrame, *, resources: Any = None) -> Allowed:
        matrix = np.ones((len(queries), len(documents)), dtype=bool)
        known: dict[str, np.ndarray] = {}
        metadata = documents["metadata"].tolist()
        filters = [dict(wanted or {}) for wanted in queries["filter"]]
        for row, wanted in enumerate(filters):
            if not wanted:
                continue
            name = content_hash(wanted)
            if name not in known:
                known[name] = np.fromiter((matches(item, wanted) for item in metadata), dtype=bool, count=len(metadata))
            matrix[row] = known[name]
        return Allowed(doc_ids=tuple(documents["doc_id"]), matrix=matrix, filters=tuple(filters))
