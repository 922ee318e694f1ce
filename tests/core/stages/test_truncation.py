"""What a model reads of its chunks, counted by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from core.schema import CHUNKS, empty
from core.stages.truncation import find_read_ends, share_of_passages_cut, truncation_share
from tests.support.models import WordTokenizer


class ShortSighted(WordTokenizer):
    """Reads six words, two of them special."""

    max_tokens = 6


READER = ShortSighted()


def test_what_the_model_does_not_read():
    # READER reads 6 - 2 = 4 tokens: of 3 + 6 + 1 passage tokens the last 2 of the second are cut.
    chunks = pd.DataFrame({"passages": [("a b c",), ("a b c d e f", "x")]})
    assert truncation_share(chunks, tokenizer=READER) == pytest.approx(2 / 10)
    assert share_of_passages_cut(chunks, tokenizer=READER) == pytest.approx(1 / 3)
    assert truncation_share(empty(CHUNKS), tokenizer=READER) == 0
    assert share_of_passages_cut(empty(CHUNKS), tokenizer=READER) == 0


def test_read_ends_are_where_the_model_stops() -> None:
    """The model reads four words: of a passage with a title of two words the first two of the text, "word word"."""
    words = " ".join(["word"] * 7)
    chunks = pd.DataFrame(
        [
            ("long", "d", 0, 100, 100 + len(words), words, (f"two words\n{words}",)),
            ("short", "d", 1, 0, 9, "two words", ("two words",)),
            ("parts", "d", 2, 0, len(words), words, (words[:9], words[10:])),
        ],
        columns=CHUNKS,
    )
    assert find_read_ends(chunks, tokenizer=READER).tolist() == [100 + len("word word"), 9, len(words)]
