"""Chunks drawn over a document's text: where a chunker cuts, what overlaps, what the model does not read."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.errors import InputError
from core.settings import DEFAULT_MODEL
from core.stages.registry import list_choices
from core.stages.truncation import truncation_share
from core.text.tokens import TextTokenizer, load_tokenizer
from pages.shared.frame.text import escape_html, escape_markdown
from pages.shared.show.stage_words import describe_part

Span = tuple[int, int]

PART = 15_000  # characters drawn at once; longer documents are turned over in parts
_SAMPLE = 1_600_000  # characters that are chunked for the numbers over a whole corpus: one to two seconds

# field -> (smallest, largest, step) that can be tried out
_RANGES = {
    "size": (8, 2000, 8),
    "overlap": (0, 1000, 8),
    "sentences": (1, 15, 2),
    "child_size": (8, 1000, 8),
    "parent_size": (8, 2000, 8),
}
_RANGE = (0, 2000, 1)

STYLE = """<style>
.lad-text {white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.75; font-size: .9375rem}
.lad-text span, .lad-legend span {box-decoration-break: clone; -webkit-box-decoration-break: clone}
.lad-0 {background: rgba(77, 148, 235, .34)}
.lad-1 {background: rgba(128, 128, 128, .30)}
.lad-2 {background: repeating-linear-gradient(-45deg, rgba(77, 148, 235, .60) 0 1.5px, rgba(102, 138, 180, .30) 1.5px 7px)}
.lad-unread {opacity: .6; text-decoration: line-through}
.lad-text mark, .lad-legend mark {background: none; color: inherit; font-weight: 700; border-bottom: 3px solid currentColor}
.lad-no {font-size: .6875rem; font-weight: 600; border: 1px solid currentColor; border-radius: 3px; padding: 0 4px;
  margin: 0 4px 0 0; white-space: nowrap; user-select: none; opacity: .85}
.lad-legend {font-size: .8125rem; line-height: 2}
.lad-legend > * {margin-right: 1.25rem; padding: 1px 4px}
</style>"""


@dataclass(frozen=True)
class DrawnChunk:
    """A chunk on the text. tokens: of its text. pieces: passages that are searched for it. unread: spans of the text that
    lie in a passage beyond what the model reads."""

    start: int
    end: int
    tokens: int
    pieces: int = 1
    unread: tuple[Span, ...] = ()


@dataclass(frozen=True)
class ChunkingNumbers:
    """What a chunker makes of a corpus. documents: how many of it were chunked for the numbers. unread: share of all tokens
    that the model does not read. whole: evidence spans that are whole in one chunk, of `evidence`."""

    documents: int
    chunks: int
    median_tokens: float
    max_tokens: int
    unread: float
    whole: int
    evidence: int


@st.cache_resource(show_spinner=False)
def open_tokenizer() -> TextTokenizer:
    """The default model's tokenizer alone: it is there at once, while the model is still loading."""
    return load_tokenizer(DEFAULT_MODEL)


class _Tokenizers:
    """What chunkers ask for their tokenizer."""

    def tokenizer(self, name: str) -> TextTokenizer:
        return open_tokenizer()


def choose_chunker(slot: str, *, kind: str, size: int) -> object | None:
    """Type and sizes of a chunker, bound to the link as data_{slot}_…; None, with the reason shown, if they do not fit."""
    chunkers = list_choices("chunk")
    kinds = list(chunkers)
    chosen = st.selectbox(
        f"Chunking {slot.upper()}",
        kinds,
        index=kinds.index(kind),
        format_func=lambda name: chunkers[name].label.capitalize(),
        key=f"data_{slot}_chunker",
        bind="query-params",
        help="\n\n".join(f"**{chunker.label.capitalize()}**: {chunker.about}" for chunker in chunkers.values()),
    )
    chunker = chunkers[str(chosen)]
    # Whole numbers that people may change; a flag is no number, though Python takes it for one.
    fields = [field for field in dataclasses.fields(chunker) if type(field.default) is int and "label" in field.metadata]
    values: dict[str, Any] = {}
    for field, column in zip(fields, st.columns(max(len(fields), 2)), strict=False):
        low, high, step = _RANGES.get(field.name, _RANGE)
        usual = size if (chosen, field.name) == (kind, "size") else int(str(field.default))
        key = f"data_{slot}_{chosen}_{field.name}"
        label, words = field.metadata["label"], field.metadata["help"]
        with column:
            values[field.name] = int(st.number_input(label, low, high, usual, step, key=key, bind="query-params", help=words))
    st.caption(chunker.about)
    try:
        return chunker(**values)
    except InputError as error:
        st.warning(escape_markdown(error))
        return None


def describe_chunker(chunker: object) -> str:
    """ "Recursive, 200 tokens, no overlap" """
    words = describe_part(chunker)
    return words[:1].upper() + words[1:]


def cut_document(document: pd.DataFrame, chunker: object, tokenizer: TextTokenizer) -> list[DrawnChunk]:
    """The chunks of a documents frame of one row, in the order of the text."""
    frame = _run(chunker, document)
    room = tokenizer.max_tokens - tokenizer.special_tokens
    drawn = []
    counts = tokenizer.count(list(frame["text"]))
    for start, end, text, passages, tokens in zip(
        frame["start"], frame["end"], frame["text"], frame["passages"], counts, strict=True
    ):
        unread = [span for passage in passages for span in _find_unread(passage, text, start, room, tokenizer)]
        drawn.append(DrawnChunk(int(start), int(end), int(tokens), len(passages), tuple(sorted(set(unread)))))
    return sorted(drawn, key=lambda chunk: (chunk.start, chunk.end))


def _find_unread(passage: str, text: str, start: int, room: int, tokenizer: TextTokenizer) -> list[Span]:
    """Where in the document the part of a passage lies that the model does not read."""
    offsets = tokenizer.offsets(passage)
    if len(offsets) <= room:
        return []
    # A title and a path of headings may stand before the text, each on its own line.
    body, skipped = passage, 0
    while (place := text.find(body)) < 0:
        _, found, rest = body.partition("\n")
        if not found:
            return []
        skipped, body = skipped + len(body) - len(rest), rest
    first = max(offsets[room][0] - skipped, 0)
    return [(start + place + first, start + place + len(body))]


@st.cache_data(show_spinner=False, max_entries=32)
def measure_chunking(fingerprint: str, spec: str, _dataset: Dataset, _chunker: object) -> ChunkingNumbers:
    """Numbers over the corpus, or over documents spread evenly over it if it is large. spec: the chunker with its settings."""
    documents = _sample(_dataset.indexed_documents)
    tokenizer = open_tokenizer()
    frame = _run(_chunker, documents)
    tokens = tokenizer.count(list(frame["text"]))
    spans = _dataset.evidence[_dataset.evidence["doc_id"].isin(set(documents["doc_id"]))]
    return ChunkingNumbers(
        documents=len(documents),
        chunks=len(frame),
        median_tokens=float(np.median(tokens)) if tokens else 0.0,
        max_tokens=max(tokens, default=0),
        unread=truncation_share(frame, tokenizer=tokenizer),
        whole=sum(
            count_whole(list(zip(part["start"], part["end"], strict=True)), _spans_of(frame, str(doc_id)))
            for doc_id, part in spans.groupby("doc_id")
        ),
        evidence=len(spans),
    )


def _sample(documents: pd.DataFrame) -> pd.DataFrame:
    total = int(documents["text"].str.len().sum())
    step = -(-total // _SAMPLE) if total > _SAMPLE else 1
    return documents.iloc[::step].reset_index(drop=True)


def _spans_of(chunks: pd.DataFrame, doc_id: str) -> list[Span]:
    part = chunks[chunks["doc_id"] == doc_id]
    return list(zip(part["start"], part["end"], strict=True))


def count_whole(evidence: Sequence[Span], chunks: Sequence[Span]) -> int:
    """How many evidence spans of a document lie whole in one of its chunks."""
    if not evidence or not chunks:
        return 0
    ordered = np.array(sorted(chunks))
    starts, reach = ordered[:, 0], np.maximum.accumulate(ordered[:, 1])
    spans = np.array(evidence)
    place = np.searchsorted(starts, spans[:, 0], side="right") - 1
    return int(((place >= 0) & (reach[np.maximum(place, 0)] >= spans[:, 1])).sum())


def _run(chunker: object, documents: pd.DataFrame) -> pd.DataFrame:
    frame: pd.DataFrame = chunker(documents, resources=_Tokenizers())  # type: ignore[operator]
    return frame


def draw_chunks(text: str, chunks: Sequence[DrawnChunk], evidence: Iterable[Span] = (), *, window: Span | None = None) -> str:
    """HTML of the text, escaped, with the chunks as alternating bands, stripes where they overlap, evidence in bold.

    window: the part of the text to draw. A chunk's number and tokens stand where it begins.
    """
    low, high = window or (0, len(text))
    marked = sorted(evidence)
    unread = sorted(span for chunk in chunks for span in chunk.unread)
    numbers = {low: [n for n, c in enumerate(chunks) if c.start < low < c.end]}
    for number, chunk in enumerate(chunks):
        if low <= chunk.start < high or (chunk.start == chunk.end == low == high):
            numbers.setdefault(chunk.start, []).append(number)
    ends = [place for c in chunks for place in (c.start, c.end)] + [p for span in (*marked, *unread) for p in span]
    places = sorted({low, high, *(place for place in ends if low < place < high)})
    bounds = np.array([(chunk.start, chunk.end) for chunk in chunks] or [(0, 0)])
    parts = [STYLE, '<div class="lad-text">']
    for number in numbers.get(high, []) if low == high else []:
        parts.append(_draw_number(number, chunks[number], begins=True))
    for start, end in itertools.pairwise(places):
        inside = np.flatnonzero((bounds[:, 0] <= start) & (bounds[:, 1] >= end)) if chunks else np.array([], dtype=int)
        for number in numbers.get(start, []):
            parts.append(_draw_number(number, chunks[number], begins=chunks[number].start >= low))
        piece = escape_html(text[start:end])
        if any(first <= start and end <= last for first, last in marked):
            piece = f'<mark title="evidence">{piece}</mark>'
        if any(first <= start and end <= last for first, last in unread):
            piece = f'<span class="lad-unread" title="the model does not read this">{piece}</span>'
        if len(inside):
            band = 2 if len(inside) > 1 else int(inside[0]) % 2
            names = " and ".join(str(number + 1) for number in inside[:9])
            piece = f'<span class="lad-{band}" title="chunk {names}">{piece}</span>'
        parts.append(piece)
    return "".join([*parts, "</div>"])


def _draw_number(number: int, chunk: DrawnChunk, *, begins: bool) -> str:
    words = (
        f"{number + 1} · {chunk.tokens} {'token' if chunk.tokens == 1 else 'tokens'}" if begins else f"{number + 1}, continued"
    )
    if begins and chunk.pieces > 1:
        words += f" · {chunk.pieces} pieces"
    return f'<span class="lad-no">{words}</span>'


def draw_legend(*, evidence: bool, unread: bool, overlap: bool) -> str:
    """What the bands mean: only what can be seen."""
    parts = ['<span class="lad-0">one chunk</span>', '<span class="lad-1">the next chunk</span>']
    if overlap:
        parts.append('<span class="lad-2">in both: overlap</span>')
    if evidence:
        parts.append("<mark>evidence</mark>")
    if unread:
        parts.append('<span class="lad-unread">beyond what the model reads</span>')
    return f'{STYLE}<div class="lad-legend">{" ".join(parts)}</div>'


def split_parts(text: str) -> list[Span]:
    """Spans of about PART characters that cover the text, cut at line ends or spaces where there are any."""
    parts: list[Span] = []
    start = 0
    while len(text) - start > PART * 1.2:
        end = start + PART
        for mark in ("\n", " "):
            found = text.find(mark, end, end + 600)
            if found >= 0:
                end = found + 1
                break
        parts.append((start, end))
        start = end
    return [*parts, (start, len(text))]


def choose_part(text: str, *, key: str, place: int | None = None) -> Span:
    """The part of a long text to show; asks only if there are several. place: a character that should be in the first one."""
    parts = split_parts(text)
    if len(parts) == 1:
        return parts[0]
    first = next((n for n, (low, high) in enumerate(parts, start=1) if place is not None and low <= place < high), 1)
    number = st.number_input(
        f"Part of the text, 1 to {len(parts)}", 1, len(parts), first, key=f"{key}_{first}", width=220,
        help=f"The text has {len(text):,} characters; about {PART:,} are shown at once.",
    )  # fmt: skip
    return parts[int(number) - 1]


def show_numbers(rows: dict[str, ChunkingNumbers], *, total: int) -> None:
    """One line per chunking."""
    table = pd.DataFrame(
        {
            "chunking": list(rows),
            "chunks": [numbers.chunks for numbers in rows.values()],
            "tokens, typical": [round(numbers.median_tokens) for numbers in rows.values()],
            "tokens, most": [numbers.max_tokens for numbers in rows.values()],
            "not read": [f"{numbers.unread:.1%}" for numbers in rows.values()],
            "evidence whole": [f"{n.whole} of {n.evidence}" if n.evidence else "no evidence" for n in rows.values()],
        }
    )
    help_of = {
        "chunks": "Chunks of all documents together.",
        "tokens, typical": "Median over the chunks; title and heading path not counted.",
        "tokens, most": "The longest chunk.",
        "not read": "Share of all tokens that lie beyond what the embedding model reads of a text.",
        "evidence whole": "Evidence spans that lie whole in one chunk. A span that is cut in two can be missed by halves.",
    }
    config = {name: st.column_config.Column(help=words) for name, words in help_of.items()}
    st.dataframe(table, hide_index=True, column_config=config, alt="What each chunking makes of the corpus")
    used = next(iter(rows.values())).documents
    if used < total:
        st.caption(f"Measured on {used:,} of {total:,} documents, spread evenly over the corpus.")


def show_chunked(
    dataset: Dataset, document: pd.DataFrame, chunkers: Sequence[object], *, spans: Sequence[Span], place: int | None
) -> None:
    """A document under one or two chunkings, side by side."""
    tokenizer = open_tokenizer()
    text = str(document["text"].iloc[0])
    window = choose_part(text, key=f"data_part_{document['doc_id'].iloc[0]}", place=place)
    cuts = [cut_document(document, chunker, tokenizer) for chunker in chunkers]
    unread = any(chunk.unread for chunks in cuts for chunk in chunks)
    overlap = any(a.end > b.start for chunks in cuts for a, b in itertools.pairwise(chunks))
    st.html(draw_legend(evidence=bool(spans), unread=unread, overlap=overlap))
    for column, chunker, chunks in zip(st.columns(len(cuts)), chunkers, cuts, strict=True):
        with column:
            st.markdown(f"**{escape_markdown(describe_chunker(chunker))}**")
            st.caption(describe_cut(chunks, spans))
            with st.container(height=620, border=True):
                st.html(draw_chunks(text, chunks, spans, window=window))


def describe_cut(chunks: Sequence[DrawnChunk], spans: Sequence[Span]) -> str:
    """ "7 chunks, 58 to 187 tokens; 3 of 4 evidence spans are whole in one chunk." """
    sizes = [chunk.tokens for chunk in chunks]
    words = f"{len(chunks):,} {'chunk' if len(chunks) == 1 else 'chunks'}, "
    words += f"{sizes[0]:,} tokens" if len(set(sizes)) == 1 else f"{min(sizes):,} to {max(sizes):,} tokens"
    if spans:
        whole = count_whole(spans, [(chunk.start, chunk.end) for chunk in chunks])
        words += f"; {whole} of {len(spans)} evidence {'span is' if len(spans) == 1 else 'spans are'} whole in one chunk"
    return f"{words}."
