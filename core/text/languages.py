"""Languages: their codes and names, what word matching knows of each, and which one a text is written in."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

AUTO, NONE = "auto", "none"  # as a setting: found from the corpus; words as they are written

# Code -> name of the Snowball algorithm. Croatian and Bosnian share one with Serbian, as they share their grammar.
STEMMERS = {
    "ar": "arabic", "bs": "serbian", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hr": "serbian", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "st": "sesotho", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
# Letters with marks that an alphabet counts as letters of their own: there they are no accents (Swedish "för" is not "for").
OWN_LETTERS = {
    "az": "çğöşü", "da": "åæø", "es": "ñ", "et": "äõöü", "fi": "åäö", "gl": "ñ", "hu": "öőüű", "is": "ðþæö", "no": "åæø",
    "sv": "åäö", "tr": "çğöşü",
}  # fmt: skip
# What keyboards of neighbours write for a letter of this language, and capitals that become small in another way.
LETTERS = {
    "ar": str.maketrans("یکى", "يكي"),
    "az": str.maketrans("Iİ", "ıi"),
    "fa": str.maketrans("يىك", "ییک"),
    "tr": str.maketrans("Iİ", "ıi"),
    "ur": str.maketrans("يك", "یک"),
}
# Scripts, as Unicode names begin, and the languages that are written in them. All other languages here have Latin letters.
SCRIPTS = {
    "ARABIC": "ar fa ps ug ur", "ARMENIAN": "hy", "BENGALI": "bn as", "CJK": "zh ja",
    "CYRILLIC": "ba be bg kk ky mk mn ru sr tg tt uk", "DEVANAGARI": "hi mr ne sa", "ETHIOPIC": "am", "GEORGIAN": "ka",
    "GREEK": "el", "GUJARATI": "gu", "GURMUKHI": "pa", "HANGUL": "ko", "HEBREW": "he yi", "HIRAGANA": "ja", "KANNADA": "kn",
    "KATAKANA": "ja", "KHMER": "km", "LAO": "lo", "MALAYALAM": "ml", "MYANMAR": "my", "ORIYA": "or", "SINHALA": "si",
    "TAMIL": "ta", "TELUGU": "te", "THAI": "th", "TIBETAN": "dz",
}  # fmt: skip
NOT_LATIN = frozenset(" ".join(SCRIPTS.values()).split()) - {"sr"}
NAMES = {
    "af": "Afrikaans", "am": "Amharic", "ar": "Arabic", "as": "Assamese", "az": "Azerbaijani", "ba": "Bashkir",
    "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali", "bs": "Bosnian", "ca": "Catalan", "cs": "Czech", "cy": "Welsh",
    "da": "Danish", "de": "German", "dz": "Dzongkha", "el": "Greek", "en": "English", "eo": "Esperanto", "es": "Spanish",
    "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French", "ga": "Irish", "gl": "Galician",
    "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "hy": "Armenian",
    "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ja": "Japanese", "ka": "Georgian", "kk": "Kazakh",
    "km": "Khmer", "kn": "Kannada", "ko": "Korean", "ky": "Kyrgyz", "la": "Latin", "lo": "Lao", "lt": "Lithuanian",
    "lv": "Latvian", "mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian", "mr": "Marathi", "ms": "Malay",
    "mt": "Maltese", "my": "Burmese", "ne": "Nepali", "nl": "Dutch", "no": "Norwegian", "or": "Odia", "pa": "Punjabi",
    "pl": "Polish", "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sa": "Sanskrit",
    "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "sq": "Albanian", "sr": "Serbian", "st": "Sesotho", "sv": "Swedish",
    "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "tg": "Tajik", "th": "Thai", "tl": "Tagalog", "tr": "Turkish",
    "tt": "Tatar", "ug": "Uyghur", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese", "yi": "Yiddish",
    "zh": "Chinese",
}  # fmt: skip

READ_CHARACTERS = 400  # of a text; more do not change which language is found
_SCRIPT_LETTERS = 200  # letters of a text by which its script is told
_KANA_SHARE = 0.05  # of the letters: Japanese has far more, a Chinese text may quote some
_SCRIPT_WEIGHT = 2  # a letter of another script than Latin counts so much: texts of every script name things in Latin letters


def parse_languages(text: str) -> tuple[str, ...]:
    """Codes from a setting: "de", "de, en", "German"; "auto" and "none" stand alone. Each once, as they come.

    Raises ValueError naming what is not known.
    """
    by_name = {name.casefold(): code for code, name in NAMES.items()}
    given = [word.casefold() for word in re.split(r"[,;\s]+", text) if word]
    codes = tuple(dict.fromkeys(by_name.get(word, word) for word in given))
    unknown = [code for code in codes if code not in NAMES and code not in (AUTO, NONE)]
    if unknown or not codes or (len(codes) > 1 and {AUTO, NONE} & set(codes)):
        raise ValueError(
            f"the language {', '.join(unknown) or repr(text)} cannot be used; give {AUTO}, {NONE} or codes (de, en). "
            f"With word forms: {', '.join(sorted(STEMMERS))}; without: {', '.join(sorted(NAMES.keys() - STEMMERS.keys()))}"
        )
    return codes


def name_language(code: str) -> str:
    """ "de" -> "German"; a code that is not known stands for itself."""
    return "no language" if code == NONE else NAMES.get(code, code)


def list_possible(text: str) -> tuple[str, ...]:
    """The languages that are written in the script of a text's first letters; () for a text without letters."""
    counts: dict[str, int] = {}
    seen = 0
    for sign in text[: 4 * READ_CHARACTERS]:
        if sign.isalpha():
            script = "LATIN" if sign.isascii() else unicodedata.name(sign, "").partition(" ")[0].partition("-")[0]
            script = {"FULLWIDTH": "LATIN", "HALFWIDTH": "KATAKANA", "IDEOGRAPHIC": "CJK"}.get(script, script)
            counts[script] = counts.get(script, 0) + (1 if script == "LATIN" else _SCRIPT_WEIGHT)
            seen += 1
            if seen == _SCRIPT_LETTERS:
                break
    if not counts:
        return ()
    kana = counts.get("HIRAGANA", 0) + counts.get("KATAKANA", 0)
    if kana > _KANA_SHARE * sum(counts.values()) and counts.get("LATIN", 0) < kana + counts.get("CJK", 0):
        return ("ja",)
    script = max(counts, key=lambda name: counts[name])
    return tuple(SCRIPTS[script].split()) if script in SCRIPTS else _list_latin()


@functools.cache
def _list_latin() -> tuple[str, ...]:
    return tuple(code for code in NAMES if code not in NOT_LATIN)


def measure_languages(texts: Sequence[str], languages: Sequence[str]) -> np.ndarray:
    """How likely each text is in each language, texts x languages, rows sum to 1; equal for a text that tells nothing.

    By py3langid's naive Bayes over byte n-grams (Lui, Baldwin 2012), among the languages of the text's script alone.
    """
    column = {code: place for place, code in enumerate(languages)}
    likely = np.full((len(texts), len(languages)), 1 / max(len(languages), 1))
    for row, text in enumerate(texts):
        possible = [code for code in list_possible(text) if code in column]
        if len(possible) == 1:
            found = {possible[0]: 1.0}
        elif possible:
            ranked = dict(_load_identifier().rank(text[:READ_CHARACTERS]))
            found = {code: ranked.get(code, 0.0) for code in possible}
        else:
            continue
        total = sum(found.values())
        if total > 0:
            likely[row] = 0.0
            for code, value in found.items():
                likely[row, column[code]] = value / total
    return likely


def choose_languages(texts: Sequence[str], languages: Sequence[str]) -> list[str]:
    """The likeliest of the languages for each text; the first of them where the text does not tell."""
    if len(languages) == 1:
        return [languages[0]] * len(texts)
    return [languages[place] for place in measure_languages(texts, languages).argmax(axis=1)]


@functools.cache
def _load_identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
