"""Cutting: a text into spans of at most so many tokens, in the ways that chunkers do it, and what is indexed for each span.

A document is tokenized once, spans are measured on the tokens' offsets, and only finished ones are counted again.
"""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from core.text.boundaries import LINE, PARAGRAPH, SENTENCE, WORD, find_boundaries, find_sections, find_sentences

_TOKEN = WORD + 1  # the level below words: a word longer than a chunk is cut between tokens

Span = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """A chunk before it has an id: where it is, the headings above it, and the spans of the text to index for it."""

    span: Span
    indexed: tuple[Span, ...]
    path: str = ""


class TokenCounter(Protocol):
    """What cutting needs of a tokenizer; special tokens such as [CLS] are in no count and no offset."""

    def count(self, texts: list[str]) -> list[int]:
        """The number of tokens of each text."""

    def offsets(self, text: str) -> list[Span]:
        """(start, end) of each token, in characters of the text."""


class MeasuredText:
    """A document's text with its boundaries and the positions of its tokens, each found when first asked for."""

    def __init__(self, text: str, load: Callable[[], TokenCounter]) -> None:
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
        return strip_span(self.text, start, end)

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


class FlatText(MeasuredText):
    """A text in which every boundary is one between words."""

    @functools.cached_property
    def boundaries(self) -> list[list[int]]:
        """As in MeasuredText, all on the level of words but those between tokens."""
        *levels, tokens = super().boundaries
        return [[], [], [], sorted(place for level in levels for place in level), tokens]


def cut_whole(text: str) -> list[Piece]:
    """One piece, the text without the white space around it; none if nothing else is there."""
    span = strip_span(text, 0, len(text))
    return [Piece(span, (span,))] if span[0] < span[1] else []


def cut_recursive(text: MeasuredText, *, size: int, overlap: int) -> list[Piece]:
    """Pieces of at most `size` tokens, cut between paragraphs; where one is too long, between its lines, then sentences,
    then words. The next one begins up to `overlap` tokens back."""
    return [Piece(span, (span,)) for span in text.cut(0, len(text.text), size=size, overlap=overlap)]


def cut_tokens(text: MeasuredText, *, size: int, overlap: int) -> list[Piece]:
    """As many whole words as fit into `size` tokens, whatever the structure."""
    flat = FlatText(text.text, text.load)
    return [Piece(span, (span,)) for span in flat.cut(0, len(text.text), size=size, overlap=overlap, level=WORD)]


def cut_windows(text: MeasuredText, *, sentences: int, size: int) -> list[Piece]:
    """Windows of `sentences` sentences, each around the sentences that are indexed for it; a sentence of more than `size`
    tokens is cut as by cut_recursive()."""
    whole = find_sentences(text.text, text.boundaries)
    parts = [part for start, end in whole for part in text.cut(start, end, size=size)]
    side = sentences // 2
    windows: dict[Span, list[Span]] = {}
    for index, part in enumerate(parts):
        first, last = max(index - side, 0), min(index + side, len(parts) - 1)
        windows.setdefault((parts[first][0], parts[last][1]), []).append(part)
    return [Piece(window, tuple(inside)) for window, inside in windows.items()]


def cut_sections(text: MeasuredText, *, size: int) -> list[Piece]:
    """The sections under a Markdown text's headings, with the headings' path; one of more than `size` tokens is cut as by
    cut_recursive()."""
    return [
        Piece(span, (span,), section.path)
        for section in find_sections(text.text)
        for span in text.cut(section.start, section.end, size=size)
    ]


def cut_parents(text: MeasuredText, *, child_size: int, parent_size: int) -> list[Piece]:
    """Pieces of at most `parent_size` tokens, for each of which its own pieces of at most `child_size` are indexed."""
    parents = text.cut(0, len(text.text), size=parent_size)
    return [Piece(parent, tuple(text.cut(*parent, size=child_size))) for parent in parents]


def strip_span(text: str, start: int, end: int) -> Span:
    """The span of the text without the white space around it; start == end if there is nothing else."""
    part = text[start:end]
    begin = start + len(part) - len(part.lstrip())
    return (begin, max(begin, start + len(part.rstrip())))


def write_passages(title: str, text: str, piece: Piece, *, prefix: str) -> tuple[str, ...]:
    """The distinct texts to index for a piece of `text`; the title where there is no text. prefix: "title" puts the title
    before each that does not begin with it, "always" before every one, "none" before none."""
    passages = [_write_passage(title, piece.path, text[start:end], prefix) for start, end in piece.indexed]
    return tuple(dict.fromkeys(passages)) or (title.strip(),)


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
