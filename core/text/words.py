"""What a word is to everything that matches words: its normal form, where words begin and end, stems, common words.

For matching alone: nothing here knows where in a text a word stood. A text is folded (fold), cut into words (split_words), and
its words become terms of an index (Analyzer).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from core.text.languages import LETTERS, NOT_LATIN, OWN_LETTERS, STEMMERS

# Raised whenever anything below, or core.text.languages, comes to other words for a text: results that were kept go by it.
FORM = 2

# Function words of English: articles, pronouns, prepositions, conjunctions, auxiliaries, question words. Other languages
# have no list: what is common has a low weight in any case, and a list that fits one corpus loses words of another.
STOP_WORDS = frozenset(Path(__file__).with_name("stop_words_en.txt").read_text(encoding="utf-8").split())

_WORD = re.compile(r"[^\W_]+(?:[-_.:/][^\W_]+)*")
_JOINT = re.compile(r"[-_.:/]")
_IDENTIFIER = re.compile(r"[_.:]|\d")
_SIGN_AFTER = re.compile(r"(?<![^\W_])[^\W\d_][^\W_]{0,30}(?:\+{1,2}|#)(?![\w+#])")  # C++, C#, Notepad++, Google+
_DOT_BEFORE = re.compile(r"\.(?<![\w.)\]]\.)[^\W\d_][^\W_]+")  # .NET, .htaccess
_AND_INSIDE = re.compile(
    r"(?<![\w&=])[^\W_]{1,3}(?:&(?!amp;|lt;|gt;)[^\W_]{1,3}){1,2}(?![\w&=])"
)  # AT&T, R&D; no parts of addresses
_NO_WORD = re.compile(r"[^\x00-\xa1\w\s]")
_CAPITALS = re.compile(r"(?<![^\W_])[A-Z]{2,}(?![^\W_])")
_BROKEN = re.compile(r"(?<![^\W\d_])([^\W\d_]{2,40})-[ \t]*\r?\n[ \t]*([^\W\d_]{2,40})(?![^\W\d_])")  # a word at a line's end
_HYPHENED = re.compile(r"[\u00ad\u00ac][ \t]*\r?\n[ \t]*")  # the same with a sign that stands nowhere else in a word
# What is not seen (Unicode's Default_Ignorable_Code_Point: soft hyphens, zero-width signs, variation selectors) and what
# only stretches a word (tatweel).
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u0640\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\U000e0000-\U000e0fff]"
)
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
# Hyphens are one; signs that would grow into the word before them (Hub™, which becomes "hubtm") stand apart.
_ONE_SIGN = str.maketrans({"\u2010": "-", "\u2011": "-", "\u2122": " ", "\u2120": " "})
_ACCENT = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u093c]"
)
# In Devanagari a nasal before a consonant is written as a letter or as a sign (हिन्दी, हिंदी), the sign with a moon or not.
_NASAL = re.compile("[\u0919\u091e\u0923\u0928\u092e]\u094d(?=[\u0915-\u0928\u092a-\u092e])|\u0901")
_LIGATED = {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "þ": "th", "ŧ": "t"}
# Letters of scripts that put no spaces between words (Korean puts them between phrases): Thai, Lao, Burmese, Khmer, jamo,
# kana, bopomofo, Han, Hangul.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3031-\u3035\u3041-\u30ff\u3105-\u312f\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f"
    "\U00020000-\U0003ffff"
)
_APART = " "  # before terms that only some queries ask for: no other term has a space


class Words(NamedTuple):
    """A text in words. words: of scripts with spaces. runs: letters, each with its marks, of the others, as they adjoin.
    signed: names with a sign (c++, .net, at&t)."""

    words: list[str]
    runs: list[list[str]]
    signed: list[str]


class _Scripts(NamedTuple):
    """Patterns for texts with combining marks or with letters of scripts without spaces, compiled when the first one comes.

    run, letter: neighbouring letters without spaces, and one with its marks. word: the rest; "_" is a
    joint of words and no letter, so it is written as _LINE there. inside: between two signs of one word.
    """

    run: re.Pattern[str]
    letter: re.Pattern[str]
    word: re.Pattern[str]
    inside: re.Pattern[str]


# Letters that are neither marked by signs of their own nor written without spaces, and punctuation: most texts have no other.
_OTHER = re.compile("[^\u0000-\u02ff\u0370-\u0482\u048a-\u052f\u1e00-\u20cf\u2100-\u2bff]")
_LINE = "\u203f"  # undertie: stands for "_", is no letter


@functools.cache
def _compile_scripts() -> _Scripts:
    marks = "".join(f"{chr(first)}-{chr(last)}" for first, last in _list_marks())
    unspaced = f"(?:(?![\\W_{marks}])[{UNSPACED}])"
    return _Scripts(
        run=re.compile(f"({unspaced}(?:{unspaced}|[{marks}])*)"),
        letter=re.compile(f".[{marks}]*", re.DOTALL),
        word=re.compile(rf"[\w{marks}]+(?:[-{_LINE}.:/][\w{marks}]+)*"),
        inside=re.compile(rf"(?<=[\w{marks}])(?=[{marks}])|(?<=[\w{marks}])(?<![{UNSPACED}])(?=\w)(?![{UNSPACED}])"),
    )


def _list_marks() -> Iterator[tuple[int, int]]:
    """First and last of the combining marks that neighbour each other; without those of symbols (a key cap around a 1)."""
    first = last = -1
    for place in range(0x300, 0x20000):
        if unicodedata.category(chr(place)) in ("Mn", "Mc") and not 0x20D0 <= place <= 0x20FF:
            if place != last + 1 or first < 0:
                if first >= 0:
                    yield first, last
                first = place
            last = place
    yield first, last


def fold(text: str, language: str = "") -> str:
    """The normal form in which texts are compared: NFKC with case folding (Unicode's toNFKC_Casefold), digits as 0 to 9, one
    hyphen, without what is not seen. Its length may differ.

    language: a code; Turkish has another small letter for I, and Arabic letters come from several keyboards. Without one, the
    four letters I, İ, ı and i are two: i and ı.
    """
    if language in LETTERS:
        text = text.translate(LETTERS[language])
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", _HYPHENED.sub("", text).translate(_ONE_SIGN))
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text).casefold()).replace("i\u0307", "i")
    return _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def count_words(text: str) -> int:
    """About how many words a text has: what stands between spaces, and every two letters where a script has none."""
    letters = 0
    if _OTHER.search(text):
        scripts = _compile_scripts()
        letters = sum((len(scripts.letter.findall(run)) + 1) // 2 for run in scripts.run.findall(text))
        text = scripts.run.sub(" ", text)
    return sum(any(sign.isalnum() for sign in word) for word in text.split()) + letters


def is_identifier(word: str) -> bool:
    """True for codes, versions and names of parameters; not for words joined by a hyphen or a slash alone."""
    return bool(_IDENTIFIER.search(word))


def find_words(folded: str) -> Words:
    """The words of a folded text. Words broken at a line's end are there as a whole and in parts: it might be a hyphen."""
    if "-" in folded and "\n" in folded:
        folded = _BROKEN.sub(r"\1\2 \1 \2", folded)
    signed = _DOT_BEFORE.findall(folded)
    if "+" in folded or "#" in folded:
        signed += _SIGN_AFTER.findall(folded)
    if "&" in folded:
        signed += _AND_INSIDE.findall(folded)
    if folded.isascii() or not _OTHER.search(folded):
        return Words(_WORD.findall(folded), [], signed)
    scripts = _compile_scripts()
    words: list[str] = []
    runs: list[list[str]] = []
    for place, piece in enumerate(scripts.run.split(folded)):
        if place % 2:
            runs.append(scripts.letter.findall(piece))
        else:
            words += [word.replace(_LINE, "_") for word in scripts.word.findall(piece.replace("_", _LINE))]
    return Words(words, runs, signed)


def split_parts(word: str) -> list[str]:
    """The parts of a word of find_words(), as its joints part them."""
    return _JOINT.split(word)


def split_words(text: str) -> list[str]:
    """The words of a text in their normal form, identifiers whole and in parts, the rest in parts alone; pairs of letters
    where a script has no spaces, and single letters that stand alone."""
    found = find_words(fold(text))
    words: list[str] = []
    for word in found.words:
        parts = split_parts(word)
        words += [word, *parts] if len(parts) > 1 and is_identifier(word) else parts
    pairs = [pair for run in found.runs for pair in (_pair(run) or run)]
    return [*words, *pairs, *found.signed]


def _pair(run: list[str]) -> list[str]:
    """Overlapping pairs of neighbouring letters, as Lucene's CJKBigramFilter makes them; none of a single letter."""
    return [first + second for first, second in pairwise(run)]


def find_phrase(folded: str, phrase: str) -> bool:
    """Whether a phrase stands in a text as whole words. Both are folded."""
    place = folded.find(phrase) if phrase else -1
    inside = find_inside(folded) if place >= 0 else frozenset()
    while place >= 0:
        if place not in inside and place + len(phrase) not in inside:
            return True
        place = folded.find(phrase, place + 1)
    return False


def find_inside(folded: str) -> frozenset[int]:
    """The places inside a word of a folded text, where no other begins or ends. In a script without spaces one may between any
    two letters, but not between a letter and its mark."""
    return frozenset(match.start() for match in _compile_scripts().inside.finditer(folded))


class Terms(NamedTuple):
    """What a text is matched by. terms: what every query is. apart: what only a query is that has nothing else to be matched
    by; each begins with a space."""

    terms: list[str]
    apart: list[str]


@dataclass(frozen=True)
class Analyzer:
    """Makes terms of texts. languages: codes, of which a text has one and a query all; ("none",): words as they are written.

    stem: Snowball's stems of the language; words in Latin letters inside a language of other letters get English ones.
    stop_words: those of English are left out. fold_accents: é as e, unless it is a letter of its own in the language.
    """

    languages: tuple[str, ...] = ("en",)
    stem: bool = True
    stop_words: bool = True
    fold_accents: bool = True

    def index(self, text: str, language: str) -> Terms:
        """The terms of a text to be found, in its language.

        Apart are its stop words, alone and with a neighbouring one ("to be"), stop words that stand out in capitals ("IT"),
        single letters of scripts whose terms are pairs, and signs that say something (🎸, €).
        """
        folded = fold(text, language)
        found = find_words(folded)
        terms, apart = self._form_all(found, text, language)
        letters = [_APART + letter for run in found.runs for letter in run]
        return Terms(terms, [*apart, *letters, *_list_symbols(folded)])

    def collect(self, text: str) -> set[str]:
        """The distinct terms of a text in every language; no stop words, no single letters: what a text is about."""
        return {
            term for language in self.languages for term in self._form_all(find_words(fold(text, language)), text, language)[0]
        }

    def ask(self, text: str) -> Counter[str]:
        """The terms of a query, and how often each stands there: its forms in every language together, each counted once.

        A letter that stands alone is looked up alone. A query that is left without a term is made of its stop words, and one
        without a word of its signs.
        """
        asked: Counter[str] = Counter()
        for language in self.languages:
            folded = fold(text, language)
            found = find_words(folded)
            terms, apart = self._form_all(found, text, language)
            terms += [_APART + run[0] for run in found.runs if len(run) == 1]
            asked |= Counter(terms or apart or _list_symbols(folded))
        return asked

    def _form_all(self, found: Words, text: str, language: str) -> tuple[list[str], list[str]]:
        """The terms of a text's words, and its stop words."""
        leaves_out = self.stop_words and language == "en"
        form = _make_former(language, self.stem, leaves_out, self.fold_accents)
        terms = [*found.signed, *(pair for run in found.runs for pair in _pair(run))]
        common: list[str] = []
        before = ""
        for word in found.words:
            own, term = form(word)
            terms += own
            if term:
                common.append(term)
                if before:
                    common.append(before + term)
            before = term
        if common:
            common += [_APART + word for word in _CAPITALS.findall(text) if word.lower() in STOP_WORDS]
        return terms, common


@functools.cache
def _make_former(
    language: str, stem: bool, leaves_out: bool, fold_accents: bool
) -> Callable[[str], tuple[tuple[str, ...], str]]:
    """A function from a word to its terms and, if it is a stop word, to the term that stands for it apart."""
    own = _make_stemmer(STEMMERS[language]) if stem and language in STEMMERS else None
    latin = _make_stemmer("english") if stem and language in NOT_LATIN else own
    kept = OWN_LETTERS.get(language, "")

    def make(part: str) -> str:
        if language == "el" and fold_accents:  # the algorithm drops accents itself, but takes ϊ (προϊόν) for η
            part = drop_accents(part)
        stemmer = latin if part.isascii() else own
        term = stemmer(part) if stemmer else part
        return term if term.isascii() or not fold_accents else drop_accents(term, kept)

    @functools.lru_cache(maxsize=200_000)
    def form(word: str) -> tuple[tuple[str, ...], str]:
        parts = split_parts(word)
        whole = [word] if len(parts) > 1 and is_identifier(word) else []
        terms = [make(part) for part in parts if not (leaves_out and part in STOP_WORDS)]
        return (*whole, *terms), "" if terms or whole else _APART + " ".join(parts)

    return form


def _list_symbols(folded: str) -> list[str]:
    """The terms of the pictures, currencies and signs of mathematics in a folded text; ASCII signs and punctuation are none."""
    if folded.isascii():
        return []
    return [_APART + sign for sign in _NO_WORD.findall(folded) if unicodedata.category(sign) in ("So", "Sc", "Sm")]


def drop_accents(word: str, kept: str = "") -> str:
    """A word without the marks above and below its letters: Latin, Greek, Arabic, Hebrew; in Cyrillic without stress alone; in
    Devanagari with one sign for nasals, as Lucene's normalisation of Hindi has it.

    kept: letters that stay as they are.
    """
    word = _NASAL.sub("\u0902", unicodedata.normalize("NFC", word))
    signs = (sign if sign in kept else _LIGATED.get(sign) or _drop_accent(sign) for sign in word)
    return unicodedata.normalize("NFC", "".join(signs))


def _drop_accent(sign: str) -> str:
    if "\u0400" <= sign <= "\u052f":  # й is и with a mark to Unicode, and another letter to everyone else
        return sign
    return _ACCENT.sub("", unicodedata.normalize("NFD", sign))


@functools.cache
def _make_stemmer(algorithm: str) -> Callable[[str], str]:
    import Stemmer

    stem: Callable[[str], str] = Stemmer.Stemmer(algorithm).stemWord
    return stem
