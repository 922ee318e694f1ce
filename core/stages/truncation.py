"""What a model reads of its chunks: passages beyond its limit are cut short without a word."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.schema import list_passages
from core.text.tokens import TextTokenizer


def truncation_share(chunks: pd.DataFrame, *, tokenizer: TextTokenizer) -> float:
    """Share of all passage tokens, 0 to 1, that lie beyond what the model reads; 0 for no chunks."""
    counts, room = _count_passages(chunks, tokenizer)
    return sum(max(count - room, 0) for count in counts) / max(sum(counts), 1)


def share_of_passages_cut(chunks: pd.DataFrame, *, tokenizer: TextTokenizer) -> float:
    """Share of the passages, 0 to 1, of which the model does not read the end; 0 for no chunks."""
    counts, room = _count_passages(chunks, tokenizer)
    return sum(count > room for count in counts) / max(len(counts), 1)


def find_read_ends(chunks: pd.DataFrame, *, tokenizer: TextTokenizer) -> np.ndarray:
    """The character of the document up to which the model reads each chunk: its end, or less where it is cut short.

    A chunk that is indexed in several passages counts as read whole, since those are small.
    """
    room = tokenizer.max_tokens - tokenizer.special_tokens
    ends = chunks["end"].to_numpy(dtype=np.int64, copy=True)
    counts = tokenizer.count([group[0] for group in chunks["passages"]])
    for row, (group, count) in enumerate(zip(chunks["passages"], counts, strict=True)):
        if len(group) == 1 and count > room:
            prefix = len(group[0]) - len(chunks["text"].iloc[row])
            read = tokenizer.offsets(group[0])[room - 1][1] - prefix
            ends[row] = chunks["start"].iloc[row] + min(max(read, 0), ends[row] - chunks["start"].iloc[row])
    return ends


def _count_passages(chunks: pd.DataFrame, tokenizer: TextTokenizer) -> tuple[list[int], int]:
    """Tokens of each passage, and how many of them the model reads."""
    passages = list_passages(chunks)
    return tokenizer.count(passages), tokenizer.max_tokens - tokenizer.special_tokens
