"""Hits as cards: what each system found for one query, side by side, with the evidence marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.evaluation.spans import count_characters, count_overlap, merge_spans
from core.schema import is_relevant
from pages.shared.frame.text import escape_html, mark_spans, shorten, show_html
from pages.shared.show.colours import LABELS, style_system

Span = tuple[int, int]

MOST_COLUMNS = 4
SCORE_HELP = "The score orders one system's own hits. Scores of different systems cannot be compared: each has its own scale."
NOTHING_FOUND = (
    "No hits. A filter that matches no document, or words that stand in no document, leave a system without hits: "
    "check the query's filter, or look at a dense system beside it."
)
GONE = "This document is no longer in the corpus, so its text cannot be shown. Run the experiment again."

_EXCERPT = 230  # characters: about three lines of a card
_LEAD = 60  # of them before the evidence
_LONGEST = 20_000  # characters of a document that a card carries; a page of forty cards has to stay light
_SHAPES = {"circle": "●", "diamond": "◆", "square": "■", "triangle-up": "▲", "x": "✕"}


@dataclass(frozen=True)
class Hit:
    """A document as one system found it. `missing`: the corpus no longer has it, so text and metadata are empty."""

    rank: int
    doc_id: str
    title: str
    text: str
    start: int
    end: int
    label: str
    spans: tuple[Span, ...]
    score: float
    metadata: dict[str, Any] = field(default_factory=dict)
    missing: bool = False


def make_hits(
    document_run: pd.DataFrame,
    dataset: Dataset,
    *,
    query_id: str | None,
    depth: int = 10,
    labels_of: str | None = None,
) -> list[Hit]:
    """The first `depth` documents of a run as hits, by rank.

    document_run: query_id, doc_id, score, rank, chunk_id, start, end (of the chunk that stands for the document).
    query_id: the dataset's query whose rows and labels are taken. None: a typed query; all rows are taken, and labels
    and evidence only if `labels_of` names a query of the dataset. Labels are "" when there are none to be had.
    """
    rows = document_run if query_id is None else document_run[document_run["query_id"] == query_id]
    rows = rows[rows["rank"] <= depth].sort_values("rank")
    judged = query_id if query_id is not None else labels_of
    labels = find_labels(dataset, judged)
    spans = find_spans(dataset, judged)
    known = dataset.documents[dataset.documents["doc_id"].isin(rows["doc_id"])]
    documents = {row.doc_id: row for row in known.itertuples()}
    unlabelled = "unjudged" if judged is not None and dataset.has_labels else ""
    hits = []
    for row in rows.to_dict("records"):
        document = documents.get(row["doc_id"])
        text = document.text if document is not None else ""
        start, end = _clip(row.get("start"), row.get("end"), len(text))
        hits.append(
            Hit(
                rank=int(row["rank"]),
                doc_id=row["doc_id"],
                title=document.title if document is not None else "",
                text=text,
                start=start,
                end=end,
                label=labels.get(row["doc_id"], unlabelled),
                spans=spans.get(row["doc_id"], ()) if document is not None else (),
                score=float(row["score"]),
                metadata=dict(document.metadata) if document is not None else {},
                missing=document is None,
            )
        )
    return hits


def find_labels(dataset: Dataset, query_id: str | None) -> dict[str, str]:
    """doc_id -> "relevant" or "not_relevant" for one query; unjudged documents are left out."""
    rows = dataset.judgments[dataset.judgments["query_id"] == query_id]
    return {
        doc: "relevant" if relevant else "not_relevant" for doc, relevant in zip(rows["doc_id"], is_relevant(rows), strict=True)
    }


def find_spans(dataset: Dataset, query_id: str | None) -> dict[str, tuple[Span, ...]]:
    """doc_id -> evidence spans of one query."""
    rows = dataset.evidence[dataset.evidence["query_id"] == query_id]
    spans: dict[str, tuple[Span, ...]] = {}
    for doc, start, end in zip(rows["doc_id"], rows["start"], rows["end"], strict=True):
        spans[doc] = (*spans.get(doc, ()), (int(start), int(end)))
    return spans


def show_columns(
    systems: Mapping[str, Sequence[Hit]],
    *,
    key: str,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Draws the systems' cards side by side: at most four columns, two in a narrow window, one in a very narrow one.

    notes: a line under a system's name ("12 ms", "nDCG@10 0.613"); for a system without hits it says why, with the cure.
    Everything is shown as plain text.
    """
    columns = []
    for name, hits in list(systems.items())[:MOST_COLUMNS]:
        note = (notes or {}).get(name, "")
        cards = "".join(_draw_card(hit) for hit in hits)
        empty = f'<p class="empty">{escape_html(note or NOTHING_FOUND)}</p>'
        columns.append(f"<section>{_draw_head(name, note if hits else '')}{cards or empty}</section>")
    with st.container(key=key):
        grid = f'<div class="hits hits-{len(columns)}">{"".join(columns)}</div>'
        show_html(f'<div class="hits-room">{_STYLE}{grid}</div>')
        if any(systems.values()):
            st.caption(SCORE_HELP)


def show_card(hit: Hit, *, key: str) -> None:
    """Draws one document by itself, whole, without rank and score."""
    title = escape_html(hit.title.strip() or hit.doc_id)
    text = f'<div class="whole">{_draw_text(hit)}</div>' if hit.text else '<p class="small">This document has a title only.</p>'
    body = f'{draw_label(hit.label)}<div class="title">{title}</div>{_draw_metadata(hit)}{text}'
    with st.container(key=key):
        show_html(f'<div class="hits-room">{_STYLE}<div class="hits hits-1"><article>{body}</article></div></div>')


def draw_label(label: str) -> str:
    """HTML of a label as shape and word; nothing when there are no labels."""
    if label not in LABELS:
        return ""
    word, shape = LABELS[label]
    return f'<span class="label {label}"><span aria-hidden="true">{shape}</span> {word}</span>'


def draw_name(name: str) -> str:
    """HTML of a system's name behind its colour and marker."""
    colour, symbol, _ = style_system(name)
    return f'<span aria-hidden="true" style="color: {colour}">{_SHAPES[symbol]}</span> {escape_html(name)}'


def describe_cover(hit: Hit) -> str:
    """How much of the evidence stands in the chunk that was found: "" if the document has no evidence."""
    wanted = merge_spans(hit.spans)
    if not wanted:
        return ""
    share = count_overlap(wanted, [(hit.start, hit.end)]) / count_characters(wanted)
    if share >= 1:
        return "The chunk found holds all of the evidence."
    if share == 0:
        return "The evidence stands elsewhere in this document, not in the chunk found."
    return f"The chunk found holds {max(1, min(99, round(100 * share)))} % of the evidence."


def cut_excerpt(hit: Hit) -> Span:
    """The characters that a card shows: around the evidence inside the chunk found, else the chunk's beginning."""
    inside = [(max(a, hit.start), min(b, hit.end)) for a, b in hit.spans if a < hit.end and b > hit.start]
    start, stop = hit.start, max(hit.end, hit.start)
    if inside:
        start = max(hit.start, min(inside)[0] - _LEAD)
    if stop - start < _EXCERPT:
        start = max(hit.start, stop - _EXCERPT)
    if start > hit.start:
        start = _next_word(hit.text, start, limit=min(inside)[0] if inside else stop)
    if start + _EXCERPT >= stop:
        return start, stop
    room = hit.text[start : start + _EXCERPT]
    last = max(room.rfind(" "), room.rfind("\n"))  # whole words, unless one word fills the room
    return start, start + (last if last > _LEAD else _EXCERPT)


def format_score(score: float) -> str:
    """Three significant digits, without an exponent where one can do without."""
    size = abs(score)
    if size == 0:
        return "0"
    if size >= 100:
        return f"{score:.0f}"
    digits = 1 if size >= 10 else 2 if size >= 1 else 3 if size >= 0.1 else 4
    return f"{score:.{digits}f}" if size >= 0.001 else f"{score:.1e}"


def _draw_head(name: str, note: str) -> str:
    line = f'<span class="small">{escape_html(note)}</span>' if note else ""
    return f"<header><strong>{draw_name(name)}</strong>{line}</header>"


def _draw_card(hit: Hit) -> str:
    title = escape_html(hit.title.strip() or hit.doc_id)
    score = f'<span class="small" title="{escape_html(SCORE_HELP)}">score {format_score(hit.score)}</span>'
    head = f'<div class="top"><span class="rank">{hit.rank}</span>{draw_label(hit.label)}{score}</div>'
    if hit.missing:
        body = f'<p class="small">{GONE}</p>'
    else:
        cover = f'<div class="small">{describe_cover(hit)}</div>' if hit.spans else ""
        body = f"<p>{_draw_excerpt(hit)}</p>{cover}{_draw_metadata(hit)}{_draw_document(hit)}"
    return f'<article>{head}<div class="title">{title}</div>{body}</article>'


def _draw_excerpt(hit: Hit) -> str:
    start, end = cut_excerpt(hit)
    if end <= start:
        return '<span class="small">This document has a title only.</span>'
    before, after = "… " if start > 0 else "", " …" if end < len(hit.text) else ""
    return f"{before}{_mark(hit, start, end)}{after}"


def _draw_metadata(hit: Hit) -> str:
    pairs = " · ".join(f"{name}: {shorten(value, width=40)}" for name, value in hit.metadata.items() if value not in (None, ""))
    own_id = hit.doc_id if hit.title.strip() else ""
    line = " · ".join(part for part in (own_id, pairs) if part)
    return f'<div class="small">{escape_html(shorten(line, width=240))}</div>' if line else ""


def _draw_document(hit: Hit) -> str:
    """The whole document, folded."""
    if not hit.text:
        return ""
    return f'<details><summary>Whole document</summary><div class="whole">{_draw_text(hit)}</div></details>'


def _draw_text(hit: Hit) -> str:
    """The document's text; the chunk found is underlined. A very long one is cut around it, and says so."""
    low, high = 0, len(hit.text)
    note = ""
    if high > _LONGEST:
        place = hit.start or min(hit.spans, default=(0, 0))[0]
        low = max(0, min(place - _LONGEST // 2, high - _LONGEST))
        high = low + _LONGEST
        note = f'<p class="small">Characters {low:,} to {high:,} of {len(hit.text):,}: longer documents are cut here.</p>'
    start, end = max(low, hit.start), min(high, hit.end)
    if end <= start:
        return note + _mark(hit, low, high)
    chunk = f'<span class="chunk" title="the chunk found">{_mark(hit, start, end)}</span>'
    return f"{note}{_mark(hit, low, start)}{chunk}{_mark(hit, end, high)}"


def _mark(hit: Hit, start: int, end: int) -> str:
    return mark_spans(hit.text[start:end], [(a - start, b - start) for a, b in hit.spans if a < end and b > start])


def _next_word(text: str, place: int, *, limit: int) -> int:
    """The first beginning of a word at or after `place`, but not after `limit`."""
    while place < limit and not (text[place - 1].isspace() and not text[place].isspace()):
        place += 1
    return place


def _clip(start: Any, end: Any, size: int) -> Span:
    """The chunk's span inside the text; the text may have changed since the run."""
    if pd.isna(start) or pd.isna(end):
        return 0, size
    low = min(max(int(start), 0), size)
    return low, min(max(int(end), low), size)


# Colours come from the text's own colour, so that both themes work; the evidence mark is the theme's blue, thinned.
# The columns follow the room they have, not the window: the sidebar may be open or not.
_STYLE = """<style>
.hits-room { container-type: inline-size; }
.hits { display: grid; gap: 0.75rem; align-items: start; grid-template-columns: minmax(0, 1fr); }
@container (min-width: 420px) {
  .hits-2, .hits-3, .hits-4 { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@container (min-width: 860px) {
  .hits-3 { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .hits-4 { grid-template-columns: repeat(4, minmax(0, 1fr)); }
}
.hits header { display: flex; flex-direction: column; padding-bottom: 0.4rem; overflow-wrap: anywhere; }
.hits article, .hits .empty {
  border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: 0.5rem;
  padding: 0.6rem 0.75rem; margin-bottom: 0.6rem; overflow-wrap: anywhere; font-size: 0.875rem; line-height: 1.45;
}
.hits .empty { border-style: dashed; }
.hits .top { display: flex; gap: 0.6rem; align-items: baseline; flex-wrap: wrap; }
.hits .top > :last-child { margin-left: auto; }
.hits .rank { font-weight: 600; font-variant-numeric: tabular-nums; min-width: 1.2em; }
.hits .title { font-weight: 600; margin: 0.15rem 0; }
.hits p { margin: 0.25rem 0; font-size: 0.875rem; }
.hits .small { font-size: 0.8rem; opacity: 0.75; }
.hits .label.relevant { font-weight: 600; }
.hits mark {
  background: color-mix(in srgb, #1966cc 28%, transparent); color: inherit; border-radius: 0.15rem; padding: 0 0.1em;
}
.hits details { margin-top: 0.3rem; }
.hits summary { cursor: pointer; font-size: 0.8rem; }
.hits .whole { white-space: pre-wrap; max-height: 24rem; overflow-y: auto; margin-top: 0.3rem; }
.hits .chunk { border-bottom: 2px solid color-mix(in srgb, currentColor 40%, transparent); }
</style>"""
