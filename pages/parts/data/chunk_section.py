"""The section Chunks: one document under one or two chunkings, and what they make of the whole corpus."""

from __future__ import annotations

import streamlit as st

from core.data.dataset import Dataset
from pages.parts.data.chunk_view import choose_chunker, describe_chunker, measure_chunking, show_chunked, show_numbers
from pages.parts.data.dataset_view import DOCUMENT, QUERY, find_evidence, get_choice, say_unknown, set_choice
from pages.shared.frame.text import shorten

_LISTED = 200  # documents in a select


def show_chunks(dataset: Dataset) -> None:
    """One document under one or two chunkings, and what they make of the whole corpus."""
    two = st.toggle("Compare two chunkings", value=True, key="data_two", bind="query-params")
    chunkers = []
    for slot, size, column in zip("ab", (200, 64), st.columns(2) if two else [st.container()], strict=False):
        with column:
            chunkers.append(choose_chunker(slot, kind="recursive", size=size))
    chosen = [chunker for chunker in chunkers if chunker is not None]
    if not chosen:
        return
    with st.spinner("Chunking…"):
        numbers = {
            describe_chunker(chunker): measure_chunking(dataset.fingerprint, repr(chunker), dataset, chunker)
            for chunker in chosen
        }
    show_numbers(numbers, total=len(dataset.indexed_documents))
    doc_id = choose_document(dataset)
    if doc_id is not None:
        query_id = get_choice(QUERY, dataset)
        spans = find_evidence(dataset, doc_id)
        own = find_evidence(dataset, doc_id, query_id) if query_id else []
        document = dataset.documents[dataset.documents["doc_id"] == doc_id]
        show_chunked(dataset, document, chosen, spans=spans, place=own[0][0] if own else None)


def choose_document(dataset: Dataset) -> str | None:
    """The document to draw: all of a small corpus to choose from, else those whose title or id has the words."""
    asked = get_choice(DOCUMENT, dataset)
    titles = dict(zip(dataset.documents["doc_id"], dataset.documents["title"], strict=True))
    if asked is not None and asked not in titles:
        say_unknown("document", asked)
        asked = None
    ids = list(titles)
    if len(ids) > _LISTED:
        wanted = st.text_input("Find a document by title or id", key="data_find_chunked").casefold().split()
        ids = [i for i in ids if all(word in f"{i} {titles[i]}".casefold() for word in wanted)][:_LISTED]
        st.caption(f"The first {len(ids)} that match can be chosen." if ids else "No title or id has these words.")
    if asked is not None and asked not in ids:
        ids.insert(0, asked)
    if not ids:
        return None

    def keep() -> None:
        set_choice(DOCUMENT, dataset, st.session_state["data_chunked"])

    st.session_state["data_chunked"] = asked if asked is not None else ids[0]
    label = "Document"
    chosen = st.selectbox(
        label, ids, key="data_chunked", on_change=keep,
        format_func=lambda i: f"{shorten(titles[i])} ({i})" if titles[i] else i,
    )  # fmt: skip
    return str(chosen)
