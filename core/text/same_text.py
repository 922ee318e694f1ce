"""When two texts say the same, word for word: letter cases, punctuation and spaces apart."""

from __future__ import annotations

from core.text.words import find_words, fold, split_parts


def normalise_text(text: str) -> str:
    """The words of a text in their normal form, in parts, single spaces; the text itself where it has no word."""
    folded = fold(text)
    found = find_words(folded)
    parts = [part for word in found.words for part in split_parts(word)]
    runs = ["".join(run) for run in found.runs]
    return " ".join([*parts, *runs, *found.signed]) or " ".join(folded.split())
