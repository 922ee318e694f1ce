"""Filters: which documents a query may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.export.program.pieces.corpus import Document
from core.text.conditions import match_filter
from core.text.same_text import normalise_text


def find_allowed(documents: list[Document], conditions: Mapping[str, Any]) -> set[int] | None:
    """The numbers of the documents whose metadata meets every condition; None if there is no condition."""
    if not conditions:
        return None
    return {number for number, document in enumerate(documents) if match_filter(document.metadata, conditions)}


def number_texts(documents: list[Document]) -> dict[str, set[int]]:
    """What documents say, without regard to cases and punctuation, and the numbers of those that say it."""
    found: dict[str, set[int]] = {}
    for number, document in enumerate(documents):
        for form in {normalise_text(document.text), normalise_text(f"{document.title} {document.text}")} - {""}:
            found.setdefault(form, set()).add(number)
    return found


def leave_out_own(query: str, texts: Mapping[str, set[int]], allowed: set[int] | None, size: int) -> set[int] | None:
    """The documents that a query may see without those that it is itself. texts: number_texts(); size: of the corpus."""
    own = texts.get(normalise_text(query))
    if own is None:
        return allowed
    return (set(range(size)) if allowed is None else allowed) - own
