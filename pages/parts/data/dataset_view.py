"""A dataset's documents and queries on the screen, with search and paging for large ones; one of each in full."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.data.grades import spell_grade
from core.schema import is_relevant, select_relevant
from core.text.conditions import match_filter
from core.text.phrases import count_of
from pages.parts.data.chunk_view import STYLE, Span, choose_part
from pages.parts.data.health import show_no_labels
from pages.shared.frame.text import escape_html, escape_markdown, mark_spans, shorten

ROWS = 200  # of a table that are sent to the browser at once
DOCUMENT, QUERY = "data_doc", "data_query"
_START = 160  # characters of a text in a table
_AROUND = 400  # characters before and after evidence
_FIELDS = 6  # metadata columns in the table of documents
_SHOWN = 20  # documents shown for one query


def get_choice(name: str, dataset: Dataset) -> str | None:
    """The document or query that was chosen, from the link; forgotten when another dataset is chosen."""
    kept = f"_{name}_of"
    asked = st.query_params.get(name)
    of, value = st.session_state.get(kept, (dataset.name, None))
    if of != dataset.name:
        st.session_state.pop(kept)
        st.query_params.pop(name, None)
        return None
    if asked is None and value is not None:
        st.query_params[name] = value
        asked = value
    st.session_state[kept] = (dataset.name, asked)
    return asked


def set_choice(name: str, dataset: Dataset, value: str | None) -> None:
    """Puts a choice into the link, or takes it out."""
    st.session_state[f"_{name}_of"] = (dataset.name, value)
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


def say_unknown(kind: str, value: str) -> None:
    """Says that what the link names is not in this dataset."""
    st.warning(f"This {kind} is not here: {escape_markdown(shorten(value))}. Choose one of those below.")


@st.cache_data(show_spinner=False, max_entries=32)
def _find_documents(fingerprint: str, wanted: str, _dataset: Dataset) -> list[int]:
    """Positions of the documents that have all the words in id, title, text or metadata."""
    frame = _dataset.documents
    metadata = frame["metadata"].map(lambda values: " ".join(str(value) for value in values.values()))
    text = (frame["doc_id"] + " " + frame["title"] + " " + metadata.astype(str) + " " + frame["text"]).str.casefold()
    found = pd.Series(True, index=frame.index)
    for word in wanted.casefold().split():
        found &= text.str.contains(word, regex=False)
    return [int(position) for position in found.to_numpy().nonzero()[0]]


def _find_queries(dataset: Dataset, wanted: str, tags: Sequence[str], kinds: Sequence[str]) -> list[int]:
    frame = dataset.queries
    text = (frame["query_id"] + " " + frame["text"] + " " + frame["answer"]).str.casefold()
    found = pd.Series(True, index=frame.index)
    for word in wanted.casefold().split():
        found &= text.str.contains(word, regex=False)
    if tags:
        found &= frame["tags"].map(lambda have: bool(set(have) & set(tags))).astype(bool)
    if "with a filter" in kinds:
        found &= frame["filter"].map(bool).astype(bool)
    if "with evidence" in kinds:
        found &= frame["query_id"].isin(set(dataset.evidence["query_id"]))
    if "without a relevant document" in kinds:
        judged = dataset.judgments
        found &= ~frame["query_id"].isin(set(select_relevant(judged)["query_id"]))
    return [int(position) for position in found.to_numpy().nonzero()[0]]


def _choose_page(found: int, *, key: str, noun: str) -> int:
    """Asks for a page of a long table, says what is shown; returns its first row."""
    if found <= ROWS:
        st.caption(f"{count_of(found, noun)}. Select a row to open it.")
        return 0
    pages = -(-found // ROWS)
    page = int(st.number_input(f"Page, 1 to {pages}", 1, pages, 1, key=key, width=160))
    first = (page - 1) * ROWS
    plural = count_of(found, noun)
    st.caption(f"{first + 1:,} to {min(first + ROWS, found):,} of {plural}. Select a row to open it.")
    return first


def _select_row(
    dataset: Dataset, name: str, ids: list[str], table: pd.DataFrame, *, key: str, alt: str, config: dict[str, Any]
) -> None:
    """A table in which one row can be chosen; the choice goes into the link."""

    def keep() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        set_choice(name, dataset, ids[rows[0]] if rows else None)

    chosen = get_choice(name, dataset)
    default: Any = {"selection": {"rows": [ids.index(chosen)] if chosen in ids else [], "columns": [], "cells": []}}
    st.dataframe(
        table, hide_index=True, height=min(38 + 35 * max(len(table), 1), 390), on_select=keep, selection_mode="single-row",
        selection_default=default, key=key, column_config=config, alt=alt,
    )  # fmt: skip


def show_documents(dataset: Dataset) -> None:
    """The documents that match a search, and one of them in full."""
    chosen = get_choice(DOCUMENT, dataset)
    if chosen is not None and chosen not in set(dataset.documents["doc_id"]):
        say_unknown("document", chosen)
        chosen = None
    wanted = st.text_input(
        "Find documents", key="data_find", persist_state="session", placeholder="words in id, title, text or metadata"
    )
    found = _find_documents(dataset.fingerprint, wanted, dataset)
    if not found:
        st.info("No document has all these words. Try fewer, or the beginning of one.")
    else:
        key = f"data_documents_{dataset.fingerprint[:8]}_{wanted}"
        first = _choose_page(len(found), key=f"{key}_page", noun="document")
        page = dataset.documents.iloc[found[first : first + ROWS]]
        table, config = _tabulate_documents(page, dataset)
        _select_row(
            dataset, DOCUMENT, list(page["doc_id"]), table, key=f"{key}_{first}_rows", alt="Documents", config=config
        )  # fmt: skip
    if chosen is not None:
        show_document(dataset, chosen)


def _tabulate_documents(page: pd.DataFrame, dataset: Dataset) -> tuple[pd.DataFrame, dict]:
    positive = select_relevant(dataset.judgments)
    answers = positive["doc_id"].value_counts()
    table = pd.DataFrame(
        {
            "title": [shorten(title) for title in page["title"]],
            "text begins": [shorten(text[: 2 * _START], width=_START) for text in page["text"]],
            "words": [len(text.split()) for text in page["text"]],
            "relevant for": [int(answers.get(doc_id, 0)) for doc_id in page["doc_id"]],
        }
    )
    fields = dict.fromkeys(field for values in page["metadata"] for field in values)
    for field in list(fields)[:_FIELDS]:
        name = field if field not in table.columns else f"{field} (metadata)"
        table[name] = [_show_value(values.get(field)) for values in page["metadata"]]
    table["id"] = list(page["doc_id"])
    return table, {
        "title": st.column_config.Column(width=270),
        "text begins": st.column_config.Column(width=320),
        "relevant for": st.column_config.Column(help="Number of queries that this document answers, by the labels."),
    }


def _show_value(value: object) -> str:
    if value is None:
        return ""
    return shorten(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def show_document(dataset: Dataset, doc_id: str) -> None:
    """One document in full, with metadata, evidence and the queries it answers."""
    row = dataset.documents[dataset.documents["doc_id"] == doc_id].iloc[0]
    st.subheader(escape_markdown(row["title"] or doc_id))
    lines = {"id": doc_id, **{name: _show_value(value) for name, value in row["metadata"].items()}}
    st.html(" · ".join(f"{escape_html(name)} <b>{escape_html(value)}</b>" for name, value in lines.items()))
    spans = find_evidence(dataset, doc_id)
    with st.container(horizontal=True):
        st.button("Show its chunks", on_click=_open_section, args=("Chunks",), key="data_to_chunks")
        st.button("Close the document", on_click=set_choice, args=(DOCUMENT, dataset, None), key="data_close")
    low, high = choose_part(str(row["text"]), key=f"data_text_{doc_id}")
    if spans:
        st.caption(f"{count_of(len(spans), 'evidence span')} of all queries: bold and underlined.")
    with st.container(height=460, border=True):
        inside = [(start - low, end - low) for start, end in spans if start < high and end > low]
        _show_marked(str(row["text"])[low:high] or "This document has no text, only a title.", inside)
    judged = dataset.judgments[dataset.judgments["doc_id"] == doc_id]
    if len(judged):
        texts = dataset.queries.set_index("query_id")["text"]
        table = pd.DataFrame(
            {
                "query": [shorten(texts[query_id], width=_START) for query_id in judged["query_id"]],
                "label": [_label(*found) for found in zip(judged["relevance"], is_relevant(judged), strict=True)],
                "id": list(judged["query_id"]),
            }
        )
        st.markdown("**Queries judged for this document**")
        st.dataframe(table, hide_index=True, alt="Queries judged for this document")


def _open_section(section: str) -> None:
    st.session_state["data_view"] = section


def _show_marked(text: str, spans: Sequence[Span]) -> None:
    st.html(f'{STYLE}<div class="lad-text">{mark_spans(text, spans)}</div>')


def _label(grade: float, relevant: bool) -> str:
    words = "✓ relevant" if relevant else "✗ not relevant"
    return f"{words} ({spell_grade(grade)})" if grade else words


def find_evidence(dataset: Dataset, doc_id: str, query_id: str | None = None) -> list[Span]:
    """Evidence spans in a document, of all queries or of one."""
    frame = dataset.evidence[dataset.evidence["doc_id"] == doc_id]
    if query_id is not None:
        frame = frame[frame["query_id"] == query_id]
    return sorted({(int(start), int(end)) for start, end in zip(frame["start"], frame["end"], strict=True)})


def show_queries(dataset: Dataset) -> None:
    """The queries that match a search, and one of them with its evidence in the text."""
    if dataset.queries.empty:
        st.info("This dataset has no queries. The page Try answers queries that you type.")
        return
    if not dataset.has_labels:
        show_no_labels(dataset)
    chosen = get_choice(QUERY, dataset)
    if chosen is not None and chosen not in set(dataset.queries["query_id"]):
        say_unknown("query", chosen)
        chosen = None
    tags = sorted({tag for have in dataset.queries["tags"] for tag in have})
    wanted = st.text_input(
        "Find queries", key="data_find_queries", persist_state="session", placeholder="words in id, query or answer"
    )
    columns = st.columns(2)
    kinds = columns[0].multiselect(
        "Only those", ["with a filter", "with evidence", "without a relevant document"], key="data_kinds"
    )
    wanted_tags = columns[1].multiselect("Tags", tags, key="data_tags") if tags else []
    found = _find_queries(dataset, wanted, wanted_tags, kinds)
    if not found:
        st.info("No query fits. Try fewer words or tags.")
    else:
        key = f"data_queries_{dataset.fingerprint[:8]}_{wanted}_{wanted_tags}_{kinds}"
        first = _choose_page(len(found), key=f"{key}_page", noun="query")
        page = dataset.queries.iloc[found[first : first + ROWS]]
        table, config = _tabulate_queries(page, dataset)
        _select_row(
            dataset, QUERY, list(page["query_id"]), table, key=f"{key}_{first}_rows", alt="Queries", config=config
        )  # fmt: skip
    if chosen is not None:
        show_query(dataset, chosen)


def _tabulate_queries(page: pd.DataFrame, dataset: Dataset) -> tuple[pd.DataFrame, dict]:
    positive = select_relevant(dataset.judgments)
    relevant = positive["query_id"].value_counts()
    evidence = dataset.evidence["query_id"].value_counts()
    table = pd.DataFrame(
        {
            "query": [shorten(text, width=_START) for text in page["text"]],
            "relevant": [int(relevant.get(query_id, 0)) for query_id in page["query_id"]],
            "evidence": [int(evidence.get(query_id, 0)) for query_id in page["query_id"]],
            "tags": [", ".join(tags) for tags in page["tags"]],
            "filter": [_show_filter(conditions) for conditions in page["filter"]],
            "split": list(page["split"]),
            "id": list(page["query_id"]),
        }
    )
    empty = [name for name in ("tags", "filter", "split") if not any(table[name])]
    return table.drop(columns=empty), {
        "query": st.column_config.Column(width="large"),
        "relevant": st.column_config.Column(help="Number of relevant documents, by the labels."),
        "evidence": st.column_config.Column(help="Number of passages marked as the answer."),
        "filter": st.column_config.Column(
            width="medium", help="What a document's metadata must be; used by systems that filter."
        ),
    }


def _show_filter(conditions: dict) -> str:
    return ", ".join(f"{name} = {_show_value(value)}" for name, value in conditions.items())


def show_query(dataset: Dataset, query_id: str) -> None:
    """One query: its text, filter, answer, and the relevant documents with the evidence in their text."""
    row = dataset.queries[dataset.queries["query_id"] == query_id].iloc[0]
    st.subheader(escape_markdown(shorten(row["text"], width=400)))
    lines = {"id": query_id, "tags": ", ".join(row["tags"]), "answer": row["answer"]}
    if row["filter"]:
        left = sum(match_filter(values, row["filter"]) for values in dataset.documents["metadata"])
        lines["filter"] = f"{_show_filter(row['filter'])} (leaves {left:,} of {len(dataset.documents):,} documents)"
    shown = [f"{escape_html(name)} <b>{escape_html(value)}</b>" for name, value in lines.items() if value]
    st.html("<br>".join(shown))
    judged = dataset.judgments[dataset.judgments["query_id"] == query_id].sort_values(
        "relevance", ascending=False, kind="stable"
    )
    if judged.empty:
        st.info("No document is judged for this query, so it counts in no measure.")
    documents = dataset.documents.set_index("doc_id")
    labels = [_label(*found) for found in zip(judged["relevance"], is_relevant(judged), strict=True)]
    for doc_id, label in zip(judged["doc_id"].head(_SHOWN), labels, strict=False):
        with st.container(border=True):
            if doc_id not in documents.index:
                st.caption(f"{label}. The document {escape_markdown(doc_id)} is not in the corpus: no system can find it.")
                continue
            _show_relevant(dataset, query_id, doc_id, label, documents.loc[doc_id])
    if len(judged) > _SHOWN:
        st.caption(f"{len(judged) - _SHOWN:,} more judged documents are not shown.")


def _show_relevant(dataset: Dataset, query_id: str, doc_id: str, label: str, document: pd.Series) -> None:
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.markdown(f"**{escape_markdown(document['title'] or doc_id)}**  \n{label} · {escape_markdown(doc_id)}")
    right.button("Open", key=f"data_open_{doc_id}", on_click=_open_document, args=(dataset, doc_id), help="The whole document")
    text, spans = str(document["text"]), find_evidence(dataset, doc_id, query_id)
    if not spans:
        _show_marked(shorten(text[: 2 * _AROUND], width=_AROUND), [])
        return
    for low, high in _surroundings(spans, text):
        inside = [(start - low + bool(low), end - low + bool(low)) for start, end in spans if start < high and end > low]
        _show_marked(f"{'…' if low else ''}{text[low:high]}{'…' if high < len(text) else ''}", inside)


def _surroundings(spans: Sequence[Span], text: str) -> list[Span]:
    """Stretches around the spans, from one space to another, joined where they meet."""
    joined: list[Span] = []
    for start, end in spans:
        low, high = max(start - _AROUND, 0), min(end + _AROUND, len(text))
        if low:
            low = text.find(" ", low, start) + 1 or low
        if high < len(text):
            high = max(text.rfind(" ", end, high), end)
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return joined


def _open_document(dataset: Dataset, doc_id: str) -> None:
    set_choice(DOCUMENT, dataset, doc_id)
    _open_section("Documents")
