"""Filters: which documents a query may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.export.program.pieces.corpus import Document
from core.text.conditions import match_filter


def find_allowed(documents: list[Document], conditions: Mapping[str, Any]) -> set[int] | None:
    """The numbers of the documents whose metadata meets every condition; None if there is no condition."""
    if not conditions:
        return None
    return {number for number, document in enumerate(documents) if match_filter(document.metadata, conditions)}
