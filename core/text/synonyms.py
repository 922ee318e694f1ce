"""Synonyms: a text together with the other terms of every group of synonyms that it names one of."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable


def add_synonyms(text: str, groups: Iterable[tuple[str, ...]]) -> str:
    """The text with synonyms at its end, each once, in the order of the groups.

    groups: each the terms that mean the same; a term may hold spaces; matched as whole words in any case.
    """
    added: list[str] = []
    for group in groups:
        present = {term for term in group if _whole_word(term).search(text)}
        if present:
            added.extend(term for term in group if term not in present and term not in added)
    return " ".join([text, *added])


@functools.cache
def _whole_word(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(term)}(?!\w)", re.IGNORECASE)
