"""Chunks: the documents in pieces, each with the passages that are indexed for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from core.export.program.pieces.corpus import Document
from core.export.program.pieces.runs import Hit
from core.text.cutting import Piece, write_passages


class Chunk(NamedTuple):
    """document: its number."""

    document: int
    text: str
    passages: tuple[str, ...]


def make_chunks(documents: list[Document], cut: Callable[[str], list[Piece]], *, prefix: str) -> list[Chunk]:
    """The chunks of all documents, in order; a document with a title alone is one chunk."""
    return [
        Chunk(number, document.text[slice(*piece.span)], write_passages(document.title, document.text, piece, prefix=prefix))
        for number, document in enumerate(documents)
        for piece in sorted(cut(document.text), key=lambda piece: piece.span) or [Piece((0, 0), ())]
    ]


class ModelTokenizer:
    """Counts and finds the tokens of texts as a model's own (fast) tokenizer does, without limit and special tokens."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def count(self, texts: list[str]) -> list[int]:
        """The number of tokens of each text."""
        return [len(found) for found in self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """(start, end) of each token, in characters of the text."""
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [(start, end) for start, end in encoded["offset_mapping"]]


def find_text(hit: Hit, documents: list[Document], chunks: list[Chunk]) -> str:
    """The text of a hit."""
    return documents[hit.document].text if hit.chunk is None else chunks[hit.chunk].text
