"""What a word is to everything that matches words: cut out of a text, stop words left out, stemmed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

# Function words of English: articles, pronouns, prepositions, conjunctions, auxiliaries, question words.
STOP_WORDS = frozenset(Path(__file__).with_name("stop_words_en.txt").read_text(encoding="utf-8").split())
_WORD = re.compile(r"[^\W_]+(?:[-_.:/][^\W_]+)*", re.UNICODE)
_PART = re.compile(r"[^\W_]+", re.UNICODE)
_IDENTIFIER = re.compile(r"[_.:]|\d")


def is_identifier(word: str) -> bool:
    """True for codes, versions and names of parameters; not for words joined by a hyphen or a slash alone."""
    return bool(_IDENTIFIER.search(word))


def make_tokenizer(*, stem: bool, stop_words: bool) -> Callable[[str], list[str]]:
    """A function text -> words: lower case, identifiers whole and in parts; the rest in parts alone.

    stem: Snowball stems of the parts. stop_words: parts in STOP_WORDS are left out.
    """
    stem_word = _make_stemmer() if stem else None

    def tokenize(text: str) -> list[str]:
        tokens: list[str] = []
        for word in _WORD.findall(text.lower()):
            parts = _PART.findall(word)
            if len(parts) > 1 and is_identifier(word):
                tokens.append(word)
            for part in parts:
                if stop_words and part in STOP_WORDS:
                    continue
                tokens.append(stem_word(part) if stem_word else part)
        return tokens

    return tokenize


def _make_stemmer() -> Callable[[str], str]:
    import Stemmer

    return lru_cache(maxsize=200_000)(Stemmer.Stemmer("english").stemWord)
