"""What a word is to everything that matches words: cut out of a text, stop words left out, stemmed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import lru_cache, partial
from pathlib import Path

# Function words of English: articles, pronouns, prepositions, conjunctions, auxiliaries, question words.
STOP_WORDS = frozenset(Path(__file__).with_name("stop_words_en.txt").read_text(encoding="utf-8").split())
_WORD = re.compile(r"[^\W_]+(?:[-_.:/][^\W_]+)*", re.UNICODE)
_PART = re.compile(r"[^\W_]+", re.UNICODE)
_IDENTIFIER = re.compile(r"[_.:]|\d")


def is_identifier(word: str) -> bool:
    """True for codes, versions and names of parameters; not for words joined by a hyphen or a slash alone."""
    return bool(_IDENTIFIER.search(word))


def split_words(text: str, *, stem: Callable[[str], str] | None = None, stop_words: Collection[str] = ()) -> list[str]:
    """The words of a text: lower case, identifiers whole and in parts; the rest in parts alone.

    stem: what becomes of each part. stop_words: parts that are left out.
    """
    words: list[str] = []
    for word in _WORD.findall(text.lower()):
        parts = _PART.findall(word)
        if len(parts) > 1 and is_identifier(word):
            words.append(word)
        kept = [part for part in parts if part not in stop_words]
        words.extend(map(stem, kept) if stem else kept)
    return words


def make_tokenizer(*, stem: bool, stop_words: bool) -> Callable[[str], list[str]]:
    """split_words() as a function of the text alone. stem: Snowball stems of the parts. stop_words: STOP_WORDS are left out."""
    return partial(split_words, stem=_make_stemmer() if stem else None, stop_words=STOP_WORDS if stop_words else ())


def _make_stemmer() -> Callable[[str], str]:
    import Stemmer

    return lru_cache(maxsize=200_000)(Stemmer.Stemmer("english").stemWord)
