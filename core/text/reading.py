"""How a model reads texts: what share of their letters its tokenizer does not know, or can only spell one by one.

A tokenizer that never saw a language still cuts its texts into tokens: unknown ones, or single letters. Neither carries a
meaning, so that what the model finds on such texts says nothing about embeddings. Measured script by script, since a text may
mix them, and from the tokenizer alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import punctuation
from typing import Protocol

LATIN, HAN = "Latin", "Chinese or Japanese"
_TEXTS, _MOST = 1_000, 400_000  # looked at: texts, and characters in all; enough for shares, and a fifth of a second
NOTED = 0.02  # share of the letters from which a script is spoken of: less cannot move a mean by the smallest useful gain
# Half of a script's letters. Over texts in 29 languages and four tokenizers (one English WordPiece, one English and two
# multilingual BPE vocabularies): of a script of which a vocabulary holds words, at most 44 % of the letters were unknown or
# alone in a token, in one case 69 % (Korean); of the others 63 to 100 %.
UNREADABLE = 0.5
_WORDS_KNOWN = 100  # tokens of several letters from which a vocabulary has learned a script: English ones hold 8 Cyrillic ones
_MULTILINGUAL = 3  # scripts besides Latin; an English vocabulary has learned none
_DIGIT = re.compile(r"\d")
_BETWEEN = re.compile(r"[ \-]")
_WIDTHS = ("FULLWIDTH", "HALFWIDTH")
_SCRIPTS = {"CJK": HAN, "IDEOGRAPHIC": HAN, "HIRAGANA": HAN, "KATAKANA": HAN, "BOPOMOFO": HAN, "HANGUL": "Korean"}
# How names of letters begin that are signs of mathematics and physics, or marks on other letters.
_SIGNS = frozenset({
    "ANGSTROM", "BLACK", "CIRCLED", "COMBINING", "DOUBLE", "FEMININE", "KELVIN", "MASCULINE", "MATHEMATICAL", "MICRO",
    "MODIFIER", "OHM", "PARENTHESIZED", "SCRIPT", "SQUARED", "SUBSCRIPT", "SUPERSCRIPT", "VARIATION",
})  # fmt: skip


class PieceReader(Protocol):
    """What is asked of a tokenizer here; core.text.tokens.Tokenizer is one."""

    def pieces(self, texts: list[str]) -> list[list[tuple[int, int, bool]]]:
        """(start, end, known) of each token in characters of its text; known: it is in the vocabulary."""

    @property
    def scripts(self) -> frozenset[str]:
        """find_known_scripts() of its vocabulary; asked for only where something cannot be read."""


@dataclass(frozen=True)
class ScriptReading:
    """How the letters of one script are read.

    share: of all letters that were looked at, 0 to 1. unknown, spelled: shares of this script's letters that are in no token
    of the vocabulary, or alone in a token though their word goes on. letters_per_token: of its known letters, 0 if there are
    none. readable: the model can read it.
    """

    script: str
    share: float
    unknown: float
    spelled: float
    letters_per_token: float
    readable: bool


@dataclass(frozen=True)
class Legibility:
    """How texts are read: scripts, the most frequent first; empty if there are no letters. texts: looked at, of how many."""

    texts: int = 0
    of: int = 0
    scripts: tuple[ScriptReading, ...] = ()

    @property
    def unread(self) -> float:
        """Share of the letters, 0 to 1, in scripts that the model cannot read."""
        return sum(script.share for script in self.scripts if not script.readable)


@lru_cache(maxsize=100_000)
def find_script(sign: str) -> str:
    """The script of a letter or of a vowel sign, "Latin", "Arabic", ...; "" for everything else."""
    if not sign.isalpha() and unicodedata.category(sign) not in ("Mn", "Mc"):
        return ""
    words = _BETWEEN.split(unicodedata.name(sign, ""))
    first = words[1] if words[0] in _WIDTHS and len(words) > 1 else words[0]
    return "" if first in _SIGNS else _SCRIPTS.get(first, first.title())


def measure_reading(texts: Sequence[str], tokenizer: PieceReader) -> Legibility:
    """How a tokenizer reads texts: of more than 1,000 by those at equal distances, of more than 400,000 characters by the
    beginnings.

    Strings with a digit are left out: part numbers, formulas and times are no language. So are letters that stand alone, as
    variables do. One Chinese sign is a word, which is why it counts as read wherever the vocabulary holds it.
    """
    taken = texts[:: max(1, -(-len(texts) // _TEXTS))]
    room = _MOST // max(len(taken), 1)
    # Behind a space, as they stand in the text: many tokenizers know a word only there.
    words = Counter(f" {word.strip(punctuation)}" for text in taken for word in text[:room].split() if not _DIGIT.search(word))
    counts: dict[str, _Count] = {}
    distinct = list(words)
    for word, pieces in zip(distinct, tokenizer.pieces(distinct), strict=True):
        _count_word(word, pieces, words[word], counts)
    total = sum(count.letters for count in counts.values())
    doubtful = any(count.letters >= NOTED * total and count.not_words > UNREADABLE * count.letters for count in counts.values())
    known = tokenizer.scripts if doubtful else frozenset()
    ordered = sorted(counts.items(), key=lambda item: (-item[1].letters, item[0]))
    return Legibility(
        texts=len(taken),
        of=len(texts),
        scripts=tuple(
            ScriptReading(
                script,
                share=count.letters / total,
                unknown=count.unknown / count.letters,
                spelled=count.spelled / count.letters,
                letters_per_token=(count.letters - count.unknown) / count.tokens if count.tokens else 0.0,
                readable=_is_readable(script, count, known),
            )
            for script, count in ordered
        ),
    )


def find_known_scripts(vocabulary: Iterable[str]) -> frozenset[str]:
    """The scripts of which a vocabulary holds words, or parts of words, of several letters."""
    counts: Counter[str] = Counter()
    for token in vocabulary:
        scripts = [script for sign in token if (script := find_script(sign))]
        if len(scripts) > 1 and len(set(scripts)) == 1:
            counts[scripts[0]] += 1
    return frozenset(script for script, count in counts.items() if count >= _WORDS_KNOWN)


@dataclass
class _Count:
    """Letters of one script: all, unknown, alone in a token; tokens: known ones that begin with such a letter."""

    letters: int = 0
    unknown: int = 0
    spelled: int = 0
    tokens: int = 0

    @property
    def not_words(self) -> int:
        """Letters that are not read as parts of words."""
        return self.unknown + self.spelled


def _is_readable(script: str, count: _Count, known: frozenset[str]) -> bool:
    """Unknown letters are never read. Single ones are where the model has learned many scripts: large multilingual models read
    words that they spell. And of Latin letters, codes and abbreviations are spelled in every language, up to 65 % of them."""
    if count.unknown > UNREADABLE * count.letters:
        return False
    return count.not_words <= UNREADABLE * count.letters or script == LATIN or len(known - {LATIN}) >= _MULTILINGUAL


def _count_word(word: str, pieces: list[tuple[int, int, bool]], times: int, counts: dict[str, _Count]) -> None:
    """Adds the letters of a string between spaces."""
    scripts = [find_script(sign) for sign in word]
    size = len(word)
    widest, holders, unknown = [0] * size, [0] * size, [False] * size
    for start, end, known in pieces:
        inside = [place for place in range(start, end) if scripts[place]]
        for place in inside:
            widest[place] = max(widest[place], len(inside))
            holders[place] += 1
            unknown[place] |= not known
        if inside and known:
            counts.setdefault(scripts[inside[0]], _Count()).tokens += times
    for place, script in enumerate(scripts):
        if not script or (not holders[place] and not word[place].isalpha()):
            continue  # no letter; or a mark that the tokenizer takes off its letter
        count = counts.setdefault(script, _Count())
        count.letters += times
        if unknown[place] or not holders[place]:
            count.unknown += times
        elif _is_ideograph(word[place]):
            count.spelled += times * (holders[place] > 1)  # a byte a token
        elif widest[place] == 1 and script in scripts[max(place - 1, 0) : place] + scripts[place + 1 : place + 2]:
            count.spelled += times


def _is_ideograph(sign: str) -> bool:
    return "一" <= sign <= "鿿" or "㐀" <= sign <= "䶿" or sign >= "\U00020000"
