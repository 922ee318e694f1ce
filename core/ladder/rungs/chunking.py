"""Chunking: the documents cut into other pieces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.diagnosis import headroom
from core.diagnosis.sides import EMBEDDINGS
from core.ladder.offer import Offer
from core.ladder.rungs.rung import Rung, rely_on, take
from core.stages.chunk import ParentDocument, Recursive, SentenceWindow, WholeDocument
from core.systems.system import System

_WORDS = {
    "whole": "whole documents",
    "window": "single sentences with their neighbours",
    "parent": "small pieces that bring the larger chunk around them",
}


def _propose(incumbent: System, offer: Offer) -> list[System]:
    chunkers = (
        Recursive(size=128, overlap=0),
        Recursive(size=128, overlap=32),
        Recursive(size=64, overlap=0),
        WholeDocument(),
        ParentDocument(),
        SentenceWindow(),
    )
    return [replace(incumbent, chunk=chunker) for chunker in chunkers]


def _describe(system: System) -> str:
    """ "chunks of 128 tokens"; "" without chunks."""
    chunk: Any = system.chunk
    if isinstance(chunk, Recursive):
        return f"chunks of {chunk.size} tokens" + (f" that overlap by {chunk.overlap}" if chunk.overlap else "")
    return "" if chunk is None else _WORDS.get(chunk.type, f"{chunk.type} chunks")


def _name_part(system: System) -> str:
    """chunk64, or chunks64 where both sides of a hybrid run over these chunks; nothing for the usual chunks.

    Chunkers other than Recursive are named by their type alone: the ladder tries one size each; two would share a name.
    """
    chunk: Any = system.chunk
    by_chunk = getattr(system.fuse, "level", "document") == "chunk" or (system.dense is None and chunk is not None)
    word = "chunks" if by_chunk else "chunk"
    if isinstance(chunk, Recursive):
        usual = chunk.size == 200 and not chunk.overlap and not by_chunk
        return "" if usual else f"{word}{chunk.size}" + (f"o{chunk.overlap}" if chunk.overlap else "")
    return "" if chunk is None else (f"chunks-{chunk.type}" if by_chunk else str(chunk.type))


def _say_once(system: System, chunks: int) -> str:
    return f"embed and index {chunks:,} chunks anew" if chunks else "embed and index the corpus anew"


CHUNKING = Rung(
    name="chunking",
    title="Chunking",
    action="fix_chunking",
    action_title="Change the chunking first",
    propose=_propose,
    describe=_describe,
    name_part=_name_part,
    one_time=_say_once,
    relies_on=rely_on(EMBEDDINGS),
    cures="chunking",
    isolate=take("chunk"),
    headroom=headroom.CHUNKING,
)
