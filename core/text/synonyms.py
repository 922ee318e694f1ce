"""Synonyms: a text together with the other terms of every group of synonyms that it names one of."""

from __future__ import annotations

from collections.abc import Iterable

from core.text.words import find_phrase, fold


def add_synonyms(text: str, groups: Iterable[tuple[str, ...]]) -> str:
    """The text with synonyms at its end, each once, in the order of the groups.

    groups: each the terms that mean the same; a term may hold spaces; matched as whole words, both in their normal form.
    """
    folded = fold(text)
    added: list[str] = []
    for group in groups:
        present = {term for term in group if find_phrase(folded, fold(term))}
        if present:
            added.extend(term for term in group if term not in present and term not in added)
    return " ".join([text, *added])
