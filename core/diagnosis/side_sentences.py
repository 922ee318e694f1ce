"""What is said of sides that could not work, in plain words with the number beside, and what to do about it.

The same sentences on the pages, on the command line and in the report. Plain text: whoever shows it escapes it.
"""

from __future__ import annotations

from core.diagnosis.sides import EMBEDDINGS, TOO_LITTLE, ModelSide, Sides, WordSide
from core.text.languages import name_language
from core.text.phrases import count_of, join_words
from core.text.reading import LATIN, NOTED, UNREADABLE, Legibility, ScriptReading

SUGGESTED_MULTILINGUAL = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
_ROLES = {EMBEDDINGS: "embedding model"}
_DOUBTFUL = 0.1  # share of queries or letters from which a side's trouble throws doubt on what is concluded
_WHOLE = 0.995  # what is shown as 100 %
_CURE_OF_LANGUAGE = f"Compare it with a model for that language or a multilingual one, such as {SUGGESTED_MULTILINGUAL}."
_CURE_OF_LENGTH = "Use a model that reads more, or shorter queries."
_CURE_OF_SIGNS = "Write words into these queries, or leave them out."
_CURE_OF_WORDS = (
    "Set the language of word matching to that of the documents; where queries are in another language than the documents, "
    "only a multilingual embedding model can bring them together."
)
_FEW_WITHOUT_WORDS = (
    "They have other words than the documents, a typing error, another language, or a filter that fits nothing; embeddings may "
    "still find what they ask for."
)


def list_notes(sides: Sides) -> list[str]:
    """All that is to be known of the sides, each with its cure; empty if they could all work on all of the data."""
    models = [note for side in sides.models for note in explain_model(side)]
    return [*models, *(explain_words(side) for side in sides.words if not side.is_sound)]


def list_doubts(sides: Sides) -> list[str]:
    """What of it throws doubt on a verdict. A side that could work on more than nine tenths of the data (queries answered and
    read whole, letters known) has had its say: that is to be known, and no warning."""
    models = [note for side in sides.models if _is_doubtful(side) for note in explain_model(side)]
    return [*models, *(explain_words(side) for side in sides.words if side.unmatched >= _DOUBTFUL * max(side.asked, 1))]


def _is_doubtful(side: ModelSide) -> bool:
    unread = max(side.documents.unread, side.queries.unread)
    return bool(side.foreign) or unread >= _DOUBTFUL or side.cut >= _DOUBTFUL * max(side.asked, 1)


def describe_trouble(side: ModelSide | WordSide) -> str:
    """ "word matching returned nothing for 40 of 40 queries": why a side could not work, as the end of a sentence."""
    if isinstance(side, WordSide):
        return f"word matching {_say_nothing(side)}"
    if max(side.documents.unread, side.queries.unread) >= UNREADABLE:
        return f"{side.model} cannot read {_say_unread_texts(side)}"
    if side.lost >= TOO_LITTLE:
        return f"{side.model} does not read {side.lost:.0%} of what the queries say"
    return f"{side.model} cannot tell {side.alike:,} of {count_of(side.asked, 'query')} apart"


def explain_side(side: ModelSide | WordSide) -> str:
    """What hinders a side, and what to do about it; "" if nothing does."""
    if isinstance(side, WordSide):
        return "" if side.is_sound else explain_words(side)
    return " ".join(explain_model(side))


def list_cures(side: ModelSide | WordSide) -> list[str]:
    """What to do about a side that is hindered, a sentence for each of its troubles."""
    if isinstance(side, WordSide):
        return [_cure_words(side)]
    reading = [_cure_reading(side)] if _is_unread(side) else []
    reading += [_CURE_OF_LANGUAGE] if side.foreign else []
    return [*reading, *([_CURE_OF_LENGTH] if side.cut else [])]


def explain_model(side: ModelSide) -> list[str]:
    """The letters that a model cannot read, the queries that it reads in part; a sentence and its cure for each."""
    notes = []
    if _is_unread(side):
        notes.append(f"{_say_unread(side)} {_say_card(side)}{_cure_reading(side)}")
    if side.foreign:
        notes.append(f"{_say_foreign(side)} {_CURE_OF_LANGUAGE}")
    if side.cut:
        notes.append(f"{_say_cut(side)} {_CURE_OF_LENGTH}")
    return notes


def explain_words(side: WordSide) -> str:
    """For how many queries word matching returned nothing, and what to do about it."""
    named = f" ({join_words(side.systems)})" if side.systems else ""
    found = "no word of theirs stands in a document that they may see"
    if side.wordless:
        found += f" ({count_of(side.wordless, 'query')} {'has' if side.wordless == 1 else 'have'} no word at all, only signs)"
    return f"Word matching{named} {_say_nothing(side)}: {found}. {_cure_words(side)}"


def _cure_words(side: WordSide) -> str:
    if side.unmatched <= side.wordless:
        return _CURE_OF_SIGNS
    return _FEW_WITHOUT_WORDS if side.finds else _CURE_OF_WORDS


def _say_nothing(side: WordSide) -> str:
    return f"returned nothing for {side.unmatched:,} of {count_of(side.asked, 'query')}"


def _is_unread(side: ModelSide) -> bool:
    return max(side.documents.unread, side.queries.unread) >= NOTED


def _say_unread(side: ModelSide) -> str:
    """ "The embedding model M cannot read the documents and 5% of the letters of the queries: all Arabic letters …" """
    readings = (side.queries, side.documents)
    scripts = {script.script: script for reading in readings for script in _list_unread(reading)}
    letters = join_words([_say_letters(script) for script in scripts.values()])
    return f"The {_ROLES.get(side.kind, side.kind)} {side.model} cannot read {_say_unread_texts(side)}: {letters}."


def _say_unread_texts(side: ModelSide) -> str:
    return join_words(
        [
            f"the {name}" if reading.unread >= _WHOLE else f"{reading.unread:.0%} of the letters of the {name}"
            for name, reading in (("documents", side.documents), ("queries", side.queries))
            if reading.unread >= NOTED
        ]
    )


def _list_unread(reading: Legibility) -> list[ScriptReading]:
    return [script for script in reading.scripts if not script.readable and script.share >= NOTED]


def _say_letters(script: ScriptReading) -> str:
    if script.unknown > UNREADABLE:
        if script.unknown >= _WHOLE:
            return f"none of the {script.script} letters is in its vocabulary"
        return f"{_say_share(script.unknown)} {script.script} letters are not in its vocabulary"
    if script.spelled > UNREADABLE:
        return f"{_say_share(script.spelled)} {script.script} letters it can only spell one by one"
    return (
        f"{_say_share(script.unknown + script.spelled)} {script.script} letters it does not know, or can only spell one by one"
    )


def _say_share(share: float) -> str:
    return "all" if share >= _WHOLE else f"{share:.0%} of the"


def _say_card(side: ModelSide) -> str:
    """ "Its card names English alone. "; "" where no card is known."""
    names = [name_language(code) for code in side.languages]
    return f"Its card names {join_words(names)}{' alone' if len(names) == 1 else ''}. " if names else ""


def _say_foreign(side: ModelSide) -> str:
    """ "100% of the documents are in German, which the embedding model M reads poorly, in pieces of 2.7 letters …" """
    shares = [(f"{share:.0%}", name_language(code)) for code, share in side.foreign.items()]
    told = join_words([f"{share} of the documents are in {name}" for share, name in shares[:1]] + [
        f"{share} in {name}" for share, name in shares[1:]
    ])  # fmt: skip
    size = next((script.letters_per_token for script in side.documents.scripts if script.script == LATIN), 0.0)
    model = f"{_ROLES.get(side.kind, side.kind)} {side.model}"
    read = f"may read poorly, in pieces of {size:.1f} letters (of its own language a model has about five)"
    return f"{told}, which the {model} {read}. {_say_card(side)}".rstrip()


def _say_cut(side: ModelSide) -> str:
    """ "8 of 8 queries are cut at 256 tokens: M does not read what comes after, 36% of all that the queries say …" """
    verb = "is" if side.asked == 1 else "are"
    lost = f", {side.lost:.0%} of all that the queries say" if round(side.lost, 2) else ""
    alike = ""
    if side.alike:
        alike = f" What it reads of {side.alike:,} of them is the same as of another one, so that it cannot tell them apart."
    return (
        f"{side.cut:,} of {count_of(side.asked, 'query')} {verb} cut at {side.limit:,} tokens: {side.model} does not read what "
        f"comes after{lost}; word matching reads them whole.{alike}"
    )


def _cure_reading(side: ModelSide) -> str:
    if side.kind != EMBEDDINGS:
        return "Use a multilingual reranker."
    return f"Use a multilingual embedding model, such as {SUGGESTED_MULTILINGUAL}."
