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
from dataclasses import dataclass, field
from typing import ClassVar

import pandas as pd

from core.errors import InputError
from core.schema import CHUNKS, check_documents, empty, make_chunk_id
from core.settings import DEFAULT_MODEL
from core.stages.base import Stage, TokenizerSource, setting
from core.text.cutting import (
    MeasuredText,
    Piece,
    cut_parents,
    cut_recursive,
    cut_sections,
    cut_tokens,
    cut_whole,
    cut_windows,
    write_passages,
)

PREFIXES = ("title", "always", "none")
SIZE = setting("Size in tokens", "Longest chunk, in tokens of the embedding model.")
OVERLAP = setting("Overlap in tokens", "How many tokens of a chunk the next one repeats.")


@dataclass(frozen=True)
class _Chunker(Stage):
    """tokenizer: whose tokens the sizes are in (see load_tokenizer). prefix: "title" puts the document's title before
    each indexed text that does not begin with it, "always" before every one, "none" before none."""

    takes: ClassVar[tuple[str, ...]] = ("documents",)
    gives: ClassVar[str] = "chunks"
    role: ClassVar[str] = "chunk"
    tokenizer: str = field(default=DEFAULT_MODEL, kw_only=True)
    prefix: str = field(
        default="title",
        kw_only=True,
        metadata=setting("Title before the text", "title: unless the text begins with it; always; none.", choices=PREFIXES),
    )

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
                passages = write_passages(title, text, piece, prefix=self.prefix)
                rows.append((make_chunk_id(doc_id, start, end, part), doc_id, position, start, end, part, passages))
        return pd.DataFrame(rows, columns=CHUNKS) if rows else empty(CHUNKS)

    def _cut(self, text: MeasuredText) -> list[Piece]:
        """The pieces of a text; every chunker has its own way."""
        raise NotImplementedError


@dataclass(frozen=True)
class WholeDocument(_Chunker):
    """One chunk per document, however long; the model reads what it can."""

    type: ClassVar[str] = "whole"
    label: ClassVar[str] = "whole documents"
    about: ClassVar[str] = "One chunk per document, however long; the model reads what it can."
    summary: ClassVar[str] = "whole documents"

    def _cut(self, text: MeasuredText) -> list[Piece]:
        return cut_whole(text.text)


@dataclass(frozen=True)
class Recursive(_Chunker):
    """Chunks of at most `size` tokens, cut between paragraphs; where one is too long, between its lines, then
    sentences, then words. The next chunk begins up to `overlap` tokens back, at a sentence if one begins there,
    else at a word."""

    type: ClassVar[str] = "recursive"
    label: ClassVar[str] = "recursive (paragraphs, sentences)"
    about: ClassVar[str] = "Cut between paragraphs; where one is too long, between lines, sentences, words."
    summary: ClassVar[str] = "recursive, {size} tokens"
    size: int = field(default=200, metadata=SIZE)
    overlap: int = field(default=0, metadata=OVERLAP)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_size(self.type, "size", self.size)
        _check_overlap(self.type, self.overlap, self.size)

    def _cut(self, text: MeasuredText) -> list[Piece]:
        return cut_recursive(text, size=self.size, overlap=self.overlap)


@dataclass(frozen=True)
class FixedTokens(_Chunker):
    """As many whole words as fit into `size` tokens, whatever the structure; the next chunk begins up to `overlap`
    tokens back. Words are cut only when they are longer than a chunk: half a word is another word to the model."""

    type: ClassVar[str] = "tokens"
    label: ClassVar[str] = "fixed number of tokens"
    about: ClassVar[str] = "As many whole words as fit, whatever the structure, with an overlap."
    summary: ClassVar[str] = "fixed, {size} tokens"
    size: int = field(default=200, metadata=SIZE)
    overlap: int = field(default=50, metadata=OVERLAP)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_size(self.type, "size", self.size)
        _check_overlap(self.type, self.overlap, self.size)

    def _cut(self, text: MeasuredText) -> list[Piece]:
        return cut_tokens(text, size=self.size, overlap=self.overlap)


@dataclass(frozen=True)
class SentenceWindow(_Chunker):
    """Indexes single sentences; a hit returns the `sentences` sentences around it (3: the sentence and one on each
    side; fewer at the ends of the document). Sentences with the same window share a chunk and are its passages.
    A sentence of more than `size` tokens (a table, a list without full stops) is cut as by Recursive."""

    type: ClassVar[str] = "window"
    label: ClassVar[str] = "sentences with neighbours"
    about: ClassVar[str] = "Single sentences are searched; a hit brings the sentences around it."
    summary: ClassVar[str] = "single sentences of at most {size} tokens, each hit with {sentences} in all"
    sentences: int = field(
        default=3, metadata=setting("Sentences", "An odd number: the sentence itself and as many on each side.")
    )
    size: int = field(default=200, metadata=SIZE)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_size(self.type, "size", self.size)
        if not _is_whole(self.sentences) or self.sentences % 2 != 1 or self.sentences < 1:
            raise InputError(
                f"{self.type}: sentences must be an odd number of at least 1 (the sentence itself and as many on each "
                f"side), found {self.sentences!r}; 3 is usual."
            )

    def _cut(self, text: MeasuredText) -> list[Piece]:
        return cut_windows(text, sentences=self.sentences, size=self.size)


@dataclass(frozen=True)
class Headings(_Chunker):
    """One chunk per section of a Markdown document; a section of more than `size` tokens is cut as by Recursive.
    The path of headings ("Install > Wi-Fi") stands before the indexed text, whatever the prefix, and like the title
    is not counted in the size. A document without headings is cut as by Recursive."""

    type: ClassVar[str] = "headings"
    label: ClassVar[str] = "sections under headings"
    about: ClassVar[str] = "One chunk per section of a Markdown document; long sections are cut further."
    summary: ClassVar[str] = "sections under headings, {size} tokens"
    size: int = field(default=200, metadata=SIZE)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_size(self.type, "size", self.size)

    def _cut(self, text: MeasuredText) -> list[Piece]:
        return cut_sections(text, size=self.size)


@dataclass(frozen=True)
class ParentDocument(_Chunker):
    """Indexes pieces of at most `child_size` tokens; a hit returns the chunk of at most `parent_size` tokens that the
    piece lies in. One row per parent, its pieces as passages; both cut as by Recursive."""

    type: ClassVar[str] = "parent"
    label: ClassVar[str] = "small pieces, larger chunks"
    about: ClassVar[str] = "Small pieces are searched; a hit brings the larger chunk around it."
    summary: ClassVar[str] = "pieces of {child_size} tokens in chunks of {parent_size}"
    child_size: int = field(default=64, metadata=setting("Size of a piece", "Tokens of the small pieces that are searched."))
    parent_size: int = field(
        default=400, metadata=setting("Size of the chunk around it", "Tokens of the chunk that a hit returns.")
    )

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
        return cut_parents(text, child_size=self.child_size, parent_size=self.parent_size)


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
