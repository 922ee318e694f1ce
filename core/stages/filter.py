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


def match_filter(metadata: Mapping[str, Any], conditions: Mapping[str, Any]) -> bool:
    """Whether a document's metadata satisfies every condition of a filter; an empty filter matches everything.

    A condition is a value, a list of values (any of them), or {"gte": low, "lte": high} with one or both ends. Text,
    numbers and true/false are different types: 3.1 is not "3.1"; 3 and 3.0 are the same number. If a document's value is
    a list, one matching item is enough. Dates are text such as 2024-09-18, whose order is their alphabetical order.
    """
    return all(match_condition(metadata.get(field), condition) for field, condition in conditions.items())


def match_condition(value: Any, condition: Any) -> bool:
    """Whether one metadata value (None if the field is absent) satisfies one condition."""
    if isinstance(value, list | tuple):
        return any(match_condition(item, condition) for item in value)
    if isinstance(condition, list | tuple):
        return any(_same(value, item) for item in condition)
    if isinstance(condition, Mapping):
        if any(name_type(value) != name_type(end) for end in condition.values()):
            return False
        return bool(condition.get("gte", value) <= value <= condition.get("lte", value))
    return _same(value, condition)


def _same(value: Any, wanted: Any) -> bool:
    return name_type(value) == name_type(wanted) and bool(value == wanted)


def name_type(value: Any) -> str:
    """The type of a metadata value in plain words; values of different types never match."""
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__


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
                known[name] = np.fromiter((match_filter(item, wanted) for item in metadata), dtype=bool, count=len(metadata))
            matrix[row] = known[name]
        return Allowed(doc_ids=tuple(documents["doc_id"]), matrix=matrix, filters=tuple(filters))
