"""The chunkers: exact offsets, sizes, coverage, structure, on text that is easy and on text that is nasty."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from core.errors import InputError, StageError
from core.schema import CHUNKS, empty, list_passages, make_chunk_id
from core.stages.chunk import (
    FixedTokens,
    Headings,
    ParentDocument,
    Recursive,
    SentenceWindow,
    WholeDocument,
)
from core.stages.registry import list_choices
from core.text.tokens import Tokenizer, load_tokenizer
from tests.support.nasty_texts import NASTY
from tests.support.sources import REPOSITORY

CHUNKERS = list_choices("chunk")


class WordTokenizer:
    """A token is a run of visible characters."""

    max_tokens = 6
    special_tokens = 2

    def count(self, texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\S+", text)]


class CharacterTokenizer(WordTokenizer):
    """A token is a visible character; a character outside the basic plane is three tokens (as in byte-level models)."""

    def count(self, texts: list[str]) -> list[int]:
        return [len(self.offsets(text)) for text in texts]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [m.span() for m in re.finditer(r"\S", text) for _ in range(3 if ord(m[0]) > 0xFFFF else 1)]


class SpaceTakingTokenizer(WordTokenizer):
    """Counts the space before a word as part of its token, as some do, and the first word as two tokens."""

    def count(self, texts: list[str]) -> list[int]:
        return [len(self.offsets(text)) for text in texts]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        spans = [match.span() for match in re.finditer(r"\s?\S+", text)]
        return [*spans[:1], *spans]


class OneTokenizer:
    """Resources that hold one tokenizer."""

    def __init__(self, tokenizer: object) -> None:
        self._tokenizer = tokenizer

    def tokenizer(self, name: str) -> object:
        return self._tokenizer


WORDS = OneTokenizer(WordTokenizer())


@pytest.fixture(scope="module")
def bundled() -> Tokenizer:
    return load_tokenizer("all-MiniLM-L6-v2")


def make_documents(*texts: str, title: str = "") -> pd.DataFrame:
    rows = [(f"d{number}", title, text, {}) for number, text in enumerate(texts)]
    return pd.DataFrame(rows, columns=["doc_id", "title", "text", "metadata"])


def cut(chunker, text: str, *, resources=WORDS) -> list[str]:
    return chunker(make_documents(text), resources=resources)["text"].tolist()


SMALL = [
    WholeDocument(),
    Recursive(size=5),  # words are cut, and counted again as the parts they became
    Recursive(size=16),
    Recursive(size=20, overlap=7),
    FixedTokens(size=12, overlap=0),
    FixedTokens(size=12, overlap=5),
    SentenceWindow(sentences=3, size=16),
    Headings(size=16),
    ParentDocument(child_size=7, parent_size=24),
]
SIZE_OF_TEXT = {"recursive": "size", "tokens": "size", "headings": "size", "parent": "parent_size"}
SIZE_OF_PASSAGE = {"window": "size", "parent": "child_size"}


def check_offsets(chunks: pd.DataFrame, documents: pd.DataFrame) -> None:
    """Every chunk is what stands at its place, every passage stands in its chunk, and nothing visible is in none."""
    by_document = chunks.groupby("doc_id", sort=False)
    for (doc_id, group), source in zip(by_document, documents["text"], strict=True):
        assert group["position"].tolist() == list(range(len(group)))
        seen = bytearray(len(source))
        for row in group.itertuples():
            assert row.text == source[row.start : row.end], doc_id
            assert row.text and row.text == row.text.strip(), doc_id
            assert row.chunk_id == make_chunk_id(doc_id, row.start, row.end, row.text)
            assert row.passages and all(passage.strip() for passage in row.passages)
            seen[row.start : row.end] = b"x" * (row.end - row.start)
            # Before a part of the chunk stand at most the title and the path of headings, a line each.
            assert all(any(passage.split("\n", head)[-1] in row.text for head in range(3)) for passage in row.passages), doc_id
        assert not "".join(letter for letter, is_seen in zip(source, seen, strict=True) if not is_seen).strip(), doc_id


def read_some_documents() -> pd.DataFrame:
    """Every twentieth document of the corpora that are here: manuals, contracts, Arabic, Chinese, German."""
    rows = []
    for corpus in sorted(
        [*REPOSITORY.glob("sample_corpora/*/corpus.jsonl"), *REPOSITORY.glob("tests/support/data/*/corpus.jsonl")]
    ):
        for number, line in enumerate(corpus.read_text(encoding="utf-8").splitlines()[::20]):
            document = json.loads(line)
            rows.append((f"{corpus.parent.name} {number}", document.get("title", ""), document["text"], {}))
    return pd.DataFrame(rows, columns=["doc_id", "title", "text", "metadata"])


@pytest.mark.parametrize("chunker", SMALL, ids=lambda chunker: f"{chunker}"[:40])
def test_contract_on_corpora(chunker, bundled):
    documents = read_some_documents()
    assert len(documents) > 15
    check_offsets(chunker(documents, resources=OneTokenizer(bundled)), documents)


@pytest.mark.parametrize("kind", ["bundled", "words", "characters", "space taking"])
@pytest.mark.parametrize("chunker", SMALL, ids=lambda chunker: f"{chunker}"[:40])
def test_contract_on_nasty_texts(chunker, kind, bundled):
    tokenizer = {
        "bundled": bundled,
        "words": WordTokenizer(),
        "characters": CharacterTokenizer(),
        "space taking": SpaceTakingTokenizer(),
    }[kind]
    documents = make_documents(*NASTY.values())
    before = documents.copy(deep=True)
    chunks = chunker(documents, resources=OneTokenizer(tokenizer))
    again = chunker(documents, resources=OneTokenizer(tokenizer))

    pd.testing.assert_frame_equal(documents, before)
    pd.testing.assert_frame_equal(chunks, again)
    assert list(chunks.columns) == CHUNKS
    assert chunks["chunk_id"].is_unique
    assert not chunks.duplicated(["doc_id", "start", "end"]).any()
    check_offsets(chunks, documents)
    if chunker.type in SIZE_OF_TEXT:
        assert max(tokenizer.count(chunks["text"].tolist())) <= getattr(chunker, SIZE_OF_TEXT[chunker.type])
    if chunker.type in SIZE_OF_PASSAGE:
        passages = list_passages(chunks)
        assert max(tokenizer.count(passages)) <= getattr(chunker, SIZE_OF_PASSAGE[chunker.type])


@pytest.mark.parametrize("chunker", CHUNKERS.values(), ids=CHUNKERS)
def test_empty_frame_and_spec_round_trip(chunker):
    chunks = chunker()(empty(["doc_id", "title", "text", "metadata"]), resources=OneTokenizer(None))
    assert chunks.empty
    assert list(chunks.columns) == CHUNKS
    assert chunker(**dataclasses.asdict(chunker())) == chunker()


@pytest.mark.parametrize("chunker", CHUNKERS.values(), ids=CHUNKERS)
@pytest.mark.parametrize("text", ["", " \n "])
@pytest.mark.parametrize("prefix", ["title", "none"])
def test_title_without_text(chunker, text, prefix):
    chunks = chunker(prefix=prefix)(make_documents(text, title=" Lost and found "), resources=WORDS)
    assert chunks[["position", "start", "end", "text"]].values.tolist() == [[0, 0, 0, ""]]
    assert chunks["passages"].tolist() == [("Lost and found",)]


def test_missing_columns():
    with pytest.raises(StageError, match="expected the columns"):
        Recursive()(pd.DataFrame({"doc_id": ["a"]}), resources=WORDS)


# Sizes by hand: with WordTokenizer a token is a word.


def test_recursive_prefers_paragraphs_then_lines_then_sentences_then_words():
    text = "a b\n\nc d\n\ne f\ng h. i j. k l m n o p q r s"
    # 5 tokens. Paragraphs "a b" and "c d" fit together (4). The third has 15: its line "e f" fits, its line
    # "g h. i j. k ... s" has 13: sentences "g h." and "i j." fit, "k ... s" (9) is cut into words.
    # Joined again: a b c d | e f g h. (4, with i j. it were 6) | i j. k l m | n o p q r | s
    assert cut(Recursive(size=5), text) == ["a b\n\nc d", "e f\ng h.", "i j. k l m", "n o p q r", "s"]


def test_recursive_keeps_short_document_whole():
    assert cut(Recursive(size=5), " a b. c\n\nd e ") == ["a b. c\n\nd e"]


def test_recursive_overlap_begins_at_a_sentence_or_a_word():
    text = "a b c. d e f. g h i. j k l."
    # Units fit 6 - 3 = 3 tokens: the four sentences. Two fit into 6; the last sentence is repeated.
    assert cut(Recursive(size=6, overlap=3), text) == ["a b c. d e f.", "d e f. g h i.", "g h i. j k l."]
    # With an overlap of 2 no sentence begins in the last two tokens, so the next chunk begins at the word before.
    # Units fit 4: a b c. | d e f. | ...; the chunk "e f. g h i." has 5, with "j" it would have 6, with the sentence 8.
    assert cut(Recursive(size=6, overlap=2), text) == ["a b c. d e f.", "e f. g h i.", "h i. j k l."]


def test_fixed_tokens_by_hand():
    text = "a b. c d\n\ne f g"
    assert cut(FixedTokens(size=3, overlap=0), text) == ["a b. c", "d\n\ne f", "g"]
    # Each next chunk goes one word back.
    assert cut(FixedTokens(size=3, overlap=1), text) == ["a b. c", "c d\n\ne", "e f g"]


@pytest.mark.parametrize("chunker", [Recursive(size=40, overlap=15), FixedTokens(size=40, overlap=15)])
def test_overlap_really_overlaps(chunker, bundled):
    text = " ".join(f"Sentence number {number} talks about topic {number % 7}." for number in range(80))
    chunks = chunker(make_documents(text), resources=OneTokenizer(bundled))
    rows = list(chunks.itertuples())
    assert len(rows) > 10
    shared = [text[after.start : before.end] for before, after in pairwise(rows)]
    assert all(after.start < before.end for before, after in pairwise(rows))
    assert all(0 < count <= 15 for count in bundled.count(shared))
    assert all(text[row.start - 1].isspace() for row in rows[1:])


def test_long_word_is_cut_to_size():
    resources = OneTokenizer(CharacterTokenizer())
    # "cdefghijk" is longer than a chunk, so it is cut between tokens, and its parts fill the chunks up.
    assert cut(FixedTokens(size=4, overlap=0), "ab cdefghijk l", resources=resources) == ["ab cd", "efgh", "ijk l"]
    # Half a word overlaps when there is no other boundary.
    assert cut(FixedTokens(size=4, overlap=2), "abcdefgh", resources=resources) == ["abcd", "cdef", "efgh"]


def test_one_character_of_more_tokens_than_the_size_stays_whole():
    assert cut(Recursive(size=2), "a👍b", resources=OneTokenizer(CharacterTokenizer())) == ["a", "👍", "b"]


def test_sentence_window_by_hand():
    chunks = SentenceWindow()(make_documents("A a. B b. C c. D d."), resources=WORDS)
    assert chunks["text"].tolist() == ["A a. B b.", "A a. B b. C c.", "B b. C c. D d.", "C c. D d."]
    assert chunks["passages"].tolist() == [("A a.",), ("B b.",), ("C c.",), ("D d.",)]


def test_sentences_with_one_window_share_a_chunk():
    chunks = SentenceWindow(sentences=5)(make_documents("Aa x. Bb x. Cc x."), resources=WORDS)
    assert chunks["text"].tolist() == ["Aa x. Bb x. Cc x."]
    assert chunks["passages"].tolist() == [("Aa x.", "Bb x.", "Cc x.")]


def test_parent_by_hand():
    chunks = ParentDocument(child_size=2, parent_size=4)(make_documents("a b c. d\n\ne f", title="T"), resources=WORDS)
    assert chunks["text"].tolist() == ["a b c. d", "e f"]
    assert chunks["passages"].tolist() == [("T\na b", "T\nc. d"), ("T\ne f",)]


@pytest.mark.parametrize(
    ("title", "text", "passage"),
    [
        ("Wing lift", "We measure.", "Wing lift\nWe measure."),
        ("wing lift .", "Wing  lift . we measure .", "Wing  lift . we measure ."),
        ("Wing lift", "# Wing lift\n\nWe measure.", "# Wing lift\n\nWe measure."),
        ("Install", "Installation is easy.", "Install\nInstallation is easy."),
        ("", "We measure.", "We measure."),
        ("  ", "We measure.", "We measure."),
    ],
)
def test_title_prefix(title, text, passage):
    chunks = WholeDocument()(make_documents(text, title=title), resources=WORDS)
    assert chunks["passages"].tolist() == [(passage,)]
    plain = WholeDocument(prefix="none")(make_documents(text, title=title), resources=WORDS)
    assert plain["passages"].tolist() == [(text,)]


def test_title_stands_before_later_chunks_too():
    chunks = Recursive(size=3)(make_documents("T one two. Three four.", title="T"), resources=WORDS)
    assert chunks["passages"].tolist() == [("T one two.",), ("T\nThree four.",)]


# Structure


MANUAL = """Preface.

# Install
## Wi-Fi
Press the button.

```sh
# not a heading
```
~~~
## neither
```
# nor this
~~~
## Cable ##
Plug it in.

Trouble
-------
Call us.
#hashtag is text

    # indented code is text
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_heading_paths(newline):
    text = MANUAL.replace("\n", newline)
    chunks = Headings()(make_documents(text, title="Router"), resources=WORDS)
    # "# Install" has nothing of its own, so it begins the section "Install > Wi-Fi".
    assert [passage[0].splitlines()[:2] for passage in chunks["passages"]] == [
        ["Router", "Preface."],
        ["Router", "Install > Wi-Fi"],
        ["Router", "Install > Cable"],
        ["Router", "Install > Trouble"],
    ]
    assert [part.splitlines()[0] for part in chunks["text"]] == ["Preface.", "# Install", "## Cable ##", "Trouble"]
    assert all(text[row.start : row.end] == row.text for row in chunks.itertuples())


def test_long_section_is_cut_and_keeps_its_path():
    chunks = Headings(size=4, prefix="none")(make_documents("# A\n\n## B\none two three four five"), resources=WORDS)
    # The section has 4 + 5 words: "# A ## B" is 4, then 4, then 1.
    assert chunks["passages"].tolist() == [
        ("A > B\n# A\n\n## B",),
        ("A > B\none two three four",),
        ("A > B\nfive",),
    ]


def test_title_is_not_repeated_before_a_path_that_begins_with_it():
    chunks = Headings()(make_documents("# Router\nx\n## Wi-Fi\ny", title="Router"), resources=WORDS)
    assert chunks["passages"].tolist() == [("Router\n# Router\nx",), ("Router > Wi-Fi\n## Wi-Fi\ny",)]


def test_without_headings_as_recursive():
    text = NASTY["prose"]
    assert cut(Headings(size=20), text) == cut(Recursive(size=20), text)


def test_chunking_does_not_import_torch_or_reach_for_the_network(tmp_path: Path):
    import subprocess

    code = (
        "import sys, pandas as pd\n"
        "from core.stages.chunk import Recursive\n"
        "from core.text.tokens import load_tokenizer\n"
        "class R:\n    tokenizer = staticmethod(load_tokenizer)\n"
        "frame = pd.DataFrame([('a', '', 'x y', {})], columns=['doc_id', 'title', 'text', 'metadata'])\n"
        "assert len(Recursive()(frame, resources=R())) == 1\n"
        "sys.exit(', '.join({'torch', 'transformers', 'huggingface_hub', 'chonkie'} & set(sys.modules)) or None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Recursive(size=0), "recursive: size must be a whole number of at least 1"),
        (lambda: Recursive(size=10, overlap=10), "overlap must be a whole number from 0 to less than the size"),
        (lambda: FixedTokens(size=10, overlap=-1), "tokens: overlap must be"),
        (lambda: FixedTokens(size=True), "found True"),
        (lambda: SentenceWindow(sentences=2), "must be an odd number of at least 1"),
        (lambda: Headings(size="200"), "found '200'"),
        (lambda: ParentDocument(child_size=50, parent_size=40), "child_size must be at most parent_size"),
        (lambda: WholeDocument(prefix="both"), "prefix must be 'title', 'always' or 'none', found 'both'"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(InputError, match=message):
        make()
