"""Chunk: documents to passages of a size the embedding model can read, with exact character offsets.

A chunker takes the documents frame and gives the chunks frame (core.schema). For every chunk of every chunker
text == document text[start:end], nothing is empty or white space alone or begins or ends with white space, no two
chunks of a document have the same (start, end), and every visible character of the document is in some chunk.
A document with a title but no text gives one chunk with start = end = 0, text "" and the title as its passage.

The splitting is our own. The recursive chunker of the library in use (chonkie 1.7) keeps exact offsets on plain prose,
but decodes tokens when a word is longer than a chunk: on Japanese, accented and unspaced text its offsets no longer
fit the source and sizes are overshot (22 tokens for 20). It also has no overlap and tokenizes every piece anew.
Here a document is tokenized once, pieces are measured on the tokens' offsets, and only finished chunks are counted
again.
"""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import pandas as pd

from core.errors import InputError
from core.schema import CHUNKS, check_documents, empty, make_chunk_id
from core.settings import DEFAULT_MODEL
from core.stages.base import TokenizerSource
from core.text.boundaries import LINE, PARAGRAPH, SENTENCE, WORD, find_boundaries, find_sections, find_sentences
from core.text.tokens import TextTokenizer

PREFIXES = ("title", "always", "none")
_TOKEN = WORD + 1  # the level below words: a word longer than a chunk is cut between tokens

Span = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """A chunk before it has an id: where it is, the headings above it, and the spans of the text to index for it."""

    span: Span
    indexed: tuple[Span, ...]
    path: str = ""


class MeasuredText:
    """A document's text with its boundaries and the positions of its tokens, each found when first asked for."""

    def __init__(self, text: str, load: Callable[[], TextTokenizer]) -> None:
        self.text = text
        self.load = load

    @functools.cached_property
    def boundaries(self) -> list[list[int]]:
        """Per level from PARAGRAPH to tokens: the positions where a unit of that level begins."""
        return [*find_boundaries(self.text), sorted({start for start, _ in self._offsets})]

    @functools.cached_property
    def _offsets(self) -> list[Span]:
        return self.load().offsets(self.text)

    @functools.cached_property
    def _places(self) -> list[int]:
        # The last character of a token: some tokenizers count the space before a word as part of it.
        return sorted(max(start, end - 1) for start, end in self._offsets)

    @functools.cached_property
    def _starts(self) -> list[list[int]]:
        """Where a chunk may begin, best first: at a sentence (or line), at a word, at a token."""
        levels = self.boundaries
        sentences = sorted([*levels[PARAGRAPH], *levels[LINE], *levels[SENTENCE]])
        return [sentences, sorted([*sentences, *levels[WORD]]), levels[_TOKEN]]

    @functools.cached_property
    def _visible(self) -> Span:
        return self.strip(0, len(self.text))

    def count(self, start: int, end: int) -> int:
        """Tokens of the document in [start, end)."""
        return bisect_left(self._places, end) - bisect_left(self._places, start)

    def strip(self, start: int, end: int) -> Span:
        """The span without the white space around it; start == end if there is nothing else."""
        part = self.text[start:end]
        begin = start + len(part) - len(part.lstrip())
        return (begin, max(begin, start + len(part.rstrip())))

    def cut(self, start: int, end: int, *, size: int, overlap: int = 0, level: int = PARAGRAPH) -> list[Span]:
        """Stripped spans of at most `size` tokens that cover [start, end), in order.

        The text is split into units of `level`, units that are too long into units of the next level, and neighbours
        are joined again up to `size`. Only a single character that is more than `size` tokens stays longer.
        """
        start, end = self.strip(start, end)
        if start == end:
            return []
        if self.count(start, end) <= size:
            spans = [(start, end)]
        else:
            # Units leave room for the overlap, so that it always fits.
            units = self._split(start, end, limit=size - overlap, level=level)
            spans = [self.strip(*span) for span in self._join(units, size=size, overlap=overlap)]
        return self._halve_to_fit(spans, size)

    def _split(self, start: int, end: int, *, limit: int, level: int) -> list[Span]:
        if level > _TOKEN or self.count(start, end) <= limit:
            return [(start, end)]
        places = self.boundaries[level]
        inside = places[bisect_right(places, start) : bisect_left(places, end)]
        return [
            unit
            for first, last in pairwise([start, *inside, end])
            for unit in self._split(first, last, limit=limit, level=level + 1)
        ]

    def _join(self, units: list[Span], *, size: int, overlap: int) -> list[Span]:
        spans = []
        start, end = units[0]
        for first, last in units[1:]:
            if self.count(start, last) > size:
                spans.append((start, end))
                start = self._step_back(start, end, overlap) if overlap else first
            end = last
        return [*spans, (start, end)]

    def _step_back(self, start: int, end: int, overlap: int) -> int:
        """Where the chunk after [start, end) begins: up to `overlap` tokens before its end, at the best boundary."""
        first_token = bisect_left(self._places, end) - overlap
        earliest = max(start, self._places[first_token - 1] if first_token > 0 else start) + 1
        for places in self._starts:
            index = bisect_left(places, earliest)
            if index < len(places) and places[index] < end:
                return places[index]
        return end

    def _halve_to_fit(self, spans: list[Span], size: int) -> list[Span]:
        """Counts the chunks as the model will: one that begins inside a word can have more tokens than its share."""
        if spans == [self._visible]:
            return spans  # the whole text: counted already
        fitting: list[Span] = []
        left = spans
        while left:
            counts = self.load().count([self.text[start:end] for start, end in left])
            halves: list[Span] = []
            for span, count in zip(left, counts, strict=True):
                parts = [span] if count <= size else self._halve(*span)
                (fitting if len(parts) == 1 else halves).extend(parts)
            left = halves
        return sorted(set(fitting))

    def _halve(self, start: int, end: int) -> list[Span]:
        for places in (self._starts[1], self._starts[2], range(start + 1, end)):
            inside = places[bisect_right(places, start) : bisect_left(places, end)]
            if inside:
                middle = inside[len(inside) // 2]
                return [self.strip(start, middle), self.strip(middle, end)]
        return [(start, end)]


@dataclass(frozen=True)
class _Chunker:
    """tokenizer: whose tokens the sizes are in (see load_tokenizer). prefix: "title" puts the document's title before
    each indexed text that does not begin with it, "always" before every one, "none" before none."""

    type: ClassVar[str]
    takes: ClassVar[tuple[str, ...]] = ("documents",)
    gives: ClassVar[str] = "chunks"
    tokenizer: str = field(default=DEFAULT_MODEL, kw_only=True)
    prefix: str = field(default="title", kw_only=True)

    def __post_init__(self) -> None:
        if self.prefix not in PREFIXES:
            raise InputError(f"{self.type}: prefix must be 'title', 'always' or 'none', found {self.prefix!r}; choose one.")

    def __call__(self, documents: pd.DataFrame, *, resources: TokenizerSource) -> pd.DataFrame:
        """documents frame -> chunks frame, in the order of the documents; an empty frame for an empty frame.

        Raises StageError if columns are missing and ModelUnavailable if the tokenizer cannot be had.
        """
        check_documents(documents)
        load = functools.cache(lambda: resources.tokenizer(self.tokenizer))
        rows: list[tuple[object, ...]] = []
        for doc_id, title, text in zip(documents["doc_id"], documents["title"], documents["text"], strict=True):
            pieces = sorted(self._cut(MeasuredText(text, load)), key=lambda piece: piece.span)
            for position, piece in enumerate(pieces or [Piece((0, 0), ())]):
                start, end = piece.span
                part = text[start:end]
                passages = [_write_passage(title, piece.path, text[a:b], self.prefix) for a, b in piece.indexed]
                distinct = tuple(dict.fromkeys(passages)) or (title.strip(),)
                rows.append((make_chunk_id(doc_id, start, end, part), doc_id, position, start, end, part, distinct))
        return pd.DataFrame(rows, columns=CHUNKS) if rows else empty(CHUNKS)

    def _cut(self, text: MeasuredText) -> list[Piece]:
        """The pieces of a text; every chunker has its own way."""
        raise NotImplementedError


@dataclass(frozen=True)
class WholeDocument(_Chunker):
    """One chunk per document, however long; the model reads what it can."""

    type: ClassVar[str] = "whole"

    def _cut(self, text: MeasuredText) -> list[Piece]:
        span = text.strip(0, len(text.text))
        return [Piece(span, (span,))] if span[0] < span[1] else []


@dataclass(frozen=True)
class Recursive(_Chunker):
    """Chunks of at most `size` tokens, cut between paragraphs; where one is too long, between its lines, then
    sentences, then words. The next chunk begins up to `overlap` tokens back, at a sentence if one begins there,
    else at a word."""

    type: ClassVar[str] = "recursive"
    size: int = 200
    overlap: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_size(self.type, "size", self.size)
        _check_overlap(self.type, self.overlap, self.size)

    def _cut(self, text: MeasuredText) -> list[Piece]:
        spans = text.cut(0, len(text.text), size=self.size, overlap=self.overlap)
        return [Piece(span, (span,)) for span in spans]


@dataclass(frozen=True)
class FixedTokens(_Chunker):
    """As many whole words as fit into `size` tokens, whatever the structure; the next chunk begins up to `overlap`
    tokens back. Words are cut only when they are longer than a chunk: half a word is another word to the model."""

    type: ClassVar[str] = "tokens"
    size: int = 200
    overlap: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_size(self.type, "size", self.size)
        _check_overlap(self.type, self.overlap, self.size)

    def _cut(self, text: MeasuredText) -> list[Piece]:
        flat = FlatText(text.text, text.load)
        spans = flat.cut(0, len(text.text), size=self.size, overlap=self.overlap, level=WORD)
        return [Piece(span, (span,)) for span in spans]


class FlatText(MeasuredText):
    """A text in which every boundary is one between words."""

    @functools.cached_property
    def boundaries(self) -> list[list[int]]:
        """As in MeasuredText, all on the level of words but those between tokens."""
        *levels, tokens = super().boundaries
        return [[], [], [], sorted(place for level in levels for place in level), tokens]


@dataclass(frozen=True)
class SentenceWindow(_Chunker):
    """Indexes single sentences; a hit returns the `sentences` sentences around it (3: the sentence and one on each
    side; fewer at the ends of the document). Sentences with the same window share a chunk and are its passages.
    A sentence of more than `size` tokens (a table, a list without full stops) is cut as by Recursive."""

    type: ClassVar[str] = "window"
    sentences: int = 3
    size: int = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_size(self.type, "size", self.size)
        if not _is_whole(self.sentences) or self.sentences % 2 != 1 or self.sentences < 1:
            raise InputError(
                f"{self.type}: sentences must be an odd number of at least 1 (the sentence itself and as many on each "
                f"side), found {self.sentences!r}; 3 is usual."
            )

    def _cut(self, text: MeasuredText) -> list[Piece]:
        whole = find_sentences(text.text, text.boundaries)
        sentences = [part for start, end in whole for part in text.cut(start, end, size=self.size)]
        side = self.sentences // 2
        windows: dict[Span, list[Span]] = {}
        for index, sentence in enumerate(sentences):
            first, last = max(index - side, 0), min(index + side, len(sentences) - 1)
            windows.setdefault((sentences[first][0], sentences[last][1]), []).append(sentence)
        return [Piece(window, tuple(inside)) for window, inside in windows.items()]


@dataclass(frozen=True)
class Headings(_Chunker):
    """One chunk per section of a Markdown document; a section of more than `size` tokens is cut as by Recursive.
    The path of headings ("Install > Wi-Fi") stands before the indexed text, whatever the prefix, and like the title
    is not counted in the size. A document without headings is cut as by Recursive."""

    type: ClassVar[str] = "headings"
    size: int = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_size(self.type, "size", self.size)

    def _cut(self, text: MeasuredText) -> list[Piece]:
        return [
            Piece(span, (span,), section.path)
            for section in find_sections(text.text)
            for span in text.cut(section.start, section.end, size=self.size)
        ]


@dataclass(frozen=True)
class ParentDocument(_Chunker):
    """Indexes pieces of at most `child_size` tokens; a hit returns the chunk of at most `parent_size` tokens that the
    piece lies in. One row per parent, its pieces as passages; both cut as by Recursive."""

    type: ClassVar[str] = "parent"
    child_size: int = 64
    parent_size: int = 400

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_size(self.type, "child_size", self.child_size)
        _check_size(self.type, "parent_size", self.parent_size)
        if self.child_size > self.parent_size:
            raise InputError(
                f"{self.type}: child_size must be at most parent_size, found {self.child_size} and {self.parent_size}; "
                "make the children smaller."
            )

    def _cut(self, text: MeasuredText) -> list[Piece]:
        parents = text.cut(0, len(text.text), size=self.parent_size)
        return [Piece(parent, tuple(text.cut(*parent, size=self.child_size))) for parent in parents]


CHUNKERS: dict[str, type[_Chunker]] = {
    chunker.type: chunker for chunker in (WholeDocument, Recursive, FixedTokens, SentenceWindow, Headings, ParentDocument)
}


def _write_passage(title: str, path: str, text: str, prefix: str) -> str:
    body = f"{path}\n{text}" if path else text
    title = title.strip()
    if prefix == "none" or not title or (prefix == "title" and _begins_with(body, title)):
        return body
    return f"{title}\n{body}"


def _begins_with(text: str, title: str) -> bool:
    """Whether the text repeats the title at its beginning, apart from case, spacing, a final dot and Markdown's #."""
    wanted = " ".join(title.split()).rstrip(" .").casefold()
    found = " ".join(text[: 2 * len(title) + 40].lstrip("# ").split()).casefold()
    return found.startswith(wanted) and not found[len(wanted) : len(wanted) + 1].isalnum()


def _check_size(chunker: str, name: str, value: int) -> None:
    if not _is_whole(value) or value < 1:
        raise InputError(f"{chunker}: {name} must be a whole number of at least 1 (tokens), found {value!r}; 200 is usual.")


def _check_overlap(chunker: str, overlap: int, size: int) -> None:
    if not _is_whole(overlap) or not 0 <= overlap < size:
        raise InputError(
            f"{chunker}: overlap must be a whole number from 0 to less than the size ({size} tokens), "
            f"found {overlap!r}; choose a smaller one."
        )


def _is_whole(value: object) -> bool:
    """Settings come from YAML, where anything can stand; True is an int to Python."""
    return isinstance(value, int) and not isinstance(value, bool)
