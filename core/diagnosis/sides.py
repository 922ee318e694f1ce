"""Which side of a search could not work on a dataset: word matching that finds nothing, a model that cannot read the texts.

A side is word matching, or a model: one that embeds or one that reranks. Before anything is concluded from a side it is asked
whether it could work at all, from texts, the model's tokenizer and runs alone; no label is read. What is said of it stands in
core.diagnosis.side_sentences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.text.languages import NAMES, NOT_LATIN
from core.text.reading import NOTED, UNREADABLE, Legibility, measure_reading
from core.text.tokens import Tokenizer

EMBEDDINGS, RERANKER, WORDS = "embeddings", "reranker", "words"
# Half: a side that has nothing to say for half of the queries, or of what they say, has its gain halved or more, and a fix that
# is worth the smallest useful gain twice over would still be called useless.
TOO_LITTLE = 0.5
_FOREIGN = 0.1  # of the documents: fewer may be names, codes and quotes that look like another language


@dataclass(frozen=True)
class ModelSide:
    """What a model makes of a dataset's texts.

    kind: EMBEDDINGS or RERANKER. languages: those that its card names, as it writes them; empty if that is not known. limit:
    tokens that it reads of a text. documents, queries: how their letters are read. asked: queries; cut: those of them that are
    longer than the limit; lost: share of all their tokens that lie beyond it; alike: cut queries of which the model reads just
    what it reads of another one, though they differ. foreign: languages that its card does not name -> share of the documents
    that are written in them. systems: that use it, by name.
    """

    kind: str
    model: str
    languages: tuple[str, ...]
    limit: int
    documents: Legibility
    queries: Legibility
    asked: int
    cut: int
    lost: float
    alike: int = 0
    foreign: dict[str, float] = field(default_factory=dict)
    systems: tuple[str, ...] = ()

    @property
    def reads(self) -> bool:
        """Whether it can read most of the documents and most of what the queries say, and tell most queries apart."""
        letters = max(self.documents.unread, self.queries.unread) < UNREADABLE
        return letters and self.lost < TOO_LITTLE and self.alike <= TOO_LITTLE * self.asked

    @property
    def is_sound(self) -> bool:
        """Whether there is nothing to say about it."""
        return self.cut == 0 and not self.foreign and max(self.documents.unread, self.queries.unread) < NOTED


@dataclass(frozen=True)
class WordSide:
    """What word matching finds. asked: queries; unmatched: those for which it returned nothing; wordless: those of
    these that have no word, only signs. systems: that use it."""

    asked: int
    unmatched: int
    systems: tuple[str, ...] = ()
    wordless: int = 0

    @property
    def finds(self) -> bool:
        """Whether it returns something for most of the queries."""
        return self.unmatched < TOO_LITTLE * self.asked or not self.asked

    @property
    def is_sound(self) -> bool:
        """Whether there is nothing to say about it."""
        return self.unmatched <= NOTED * self.asked


@dataclass(frozen=True)
class Sides:
    """The sides of systems; empty where nothing was looked at, as in older results."""

    models: tuple[ModelSide, ...] = ()
    words: tuple[WordSide, ...] = ()

    def find_stuck(self, system: str, kinds: Sequence[str]) -> list[ModelSide | WordSide]:
        """The sides of these kinds that a system uses and that could not work, models first."""
        models = [side for side in self.models if side.kind in kinds and system in side.systems and not side.reads]
        words = [side for side in self.words if WORDS in kinds and system in side.systems and not side.finds]
        return [*models, *words]

    def list_stuck(self) -> list[ModelSide | WordSide]:
        """All sides that could not work: models that embed, then rerankers, then words."""
        models = [side for side in self.models if not side.reads]
        return [*sorted(models, key=lambda side: side.kind), *(side for side in self.words if not side.finds)]


NOTHING_KNOWN = Sides()


def measure_model(
    model: str,
    tokenizer: Tokenizer,
    *,
    documents: Sequence[str],
    queries: Sequence[str],
    kind: str = EMBEDDINGS,
    prompt: str = "",
    languages: Mapping[str, float] | None = None,
) -> ModelSide:
    """What a model makes of texts. prompt: what is put before each query. languages: of the documents, code -> share."""
    room = tokenizer.max_tokens - tokenizer.special_tokens
    asked = [prompt + text for text in queries]
    lengths = tokenizer.count(asked)
    beyond = [max(length - room, 0) for length in lengths]
    cut = {text for text, more in zip(asked, beyond, strict=True) if more}
    beginnings = Counter(text[: tokenizer.offsets(text)[room - 1][1]] for text in cut)
    return ModelSide(
        kind=kind,
        model=model,
        languages=tokenizer.languages,
        limit=tokenizer.max_tokens,
        documents=measure_reading(documents, tokenizer),
        queries=measure_reading(queries, tokenizer),
        asked=len(queries),
        cut=sum(map(bool, beyond)),
        lost=sum(beyond) / max(sum(lengths), 1),
        alike=sum(count for count in beginnings.values() if count > 1),
        foreign=find_foreign(languages or {}, tokenizer.languages),
    )


def find_foreign(languages: Mapping[str, float], named: Sequence[str]) -> dict[str, float]:
    """The languages in Latin letters that a card does not name, with their shares, if they come to a tenth of the documents.

    languages: of the documents. named: on the card; where an entry is no code of a language ("multilingual"), nothing is
    concluded. Other scripts are measured by their letters, which tells more.
    """
    codes = {name.lower().replace("_", "-").partition("-")[0] for name in named}
    if not codes or not codes <= NAMES.keys():
        return {}
    found = {code: share for code, share in languages.items() if code not in codes and code not in NOT_LATIN}
    return found if sum(found.values()) >= _FOREIGN else {}


def count_wordless(queries: Iterable[str]) -> int:
    """How many queries have neither a letter nor a digit."""
    return sum(not any(map(str.isalnum, text)) for text in queries)


def merge_words(sides: Sequence[WordSide]) -> tuple[WordSide, ...]:
    """Sides that leave equally many queries without a hit as one, under the names of all; in order."""
    merged: dict[tuple[int, int], WordSide] = {}
    for side in sides:
        key = (side.asked, side.unmatched)
        before = merged.get(key, replace(side, systems=()))
        merged[key] = replace(before, systems=(*before.systems, *side.systems))
    return tuple(merged.values())
