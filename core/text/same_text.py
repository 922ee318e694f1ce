"""When two texts say the same, word for word: letter cases, punctuation and spaces apart."""

from __future__ import annotations

from core.text.words import find_words, fold, split_parts


def normalise_text(text: str) -> str:
    """The words of a text in their normal form, in parts, single spaces; the text itself where it has no word."""
    folded = fold(text)
    found = find_words(folded)
    parts = [part for word in found.words for part in split_parts(word)]
    run = "".join(letter for run in found.runs for letter in run)  # scripts without spaces: one that stands there says nothing
    return " ".join([*parts, *([run] if run else []), *found.signed]) or " ".join(folded.split())
