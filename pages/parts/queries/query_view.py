"""One query: its text, tags, filter, expected answer and labels, and one document with its evidence."""

from __future__ import annotations

import streamlit as st

from core.data.dataset import Dataset
from pages.shared.frame.text import escape_html, escape_markdown, show_html
from pages.shared.show.cards import Hit, find_labels, find_spans, show_card
from pages.shared.show.conditions import describe_conditions


def show_query(query_id: str, dataset: Dataset) -> None:
    """The query's text, tags, filter, expected answer, and what its labels are."""
    row = dataset.queries.set_index("query_id").loc[query_id]
    facts = [("id", query_id)]
    if row["tags"]:
        facts.append(("tags", ", ".join(row["tags"])))
    if row["filter"]:
        facts.append(("filter", " and ".join(describe_conditions(row["filter"]))))
    facts.append(("labels", describe_labels(query_id, dataset)))
    if row["answer"]:
        facts.append(("answer", row["answer"]))
    items = "".join(f"<div><span>{escape_html(name)}</span> {escape_html(value)}</div>" for name, value in facts if value)
    show_html(f'<div class="query">{_STYLE}<p>{escape_html(row["text"])}</p><div class="facts">{items}</div></div>')


def describe_labels(query_id: str, dataset: Dataset) -> str:
    """ "2 relevant documents, 1 judged not relevant; evidence: 3 passages in 2 documents" """
    labels = find_labels(dataset, query_id)
    spans = find_spans(dataset, query_id)
    relevant = sum(label == "relevant" for label in labels.values())
    if not labels:
        return "none for this query" if dataset.has_labels else ""
    text = count(relevant, "relevant document")
    if len(labels) > relevant:
        text += f", {len(labels) - relevant} judged not relevant"
    if spans:
        passages = sum(len(own) for own in spans.values())
        text += f"; evidence: {count(passages, 'passage')} in {count(len(spans), 'document')}"
    return text


def show_document(doc_id: str | None, query_id: str, dataset: Dataset) -> None:
    """The document of the row that is selected in the table of ranks, whole, with the evidence marked."""
    if doc_id is None:
        st.caption("Select a row to read the document, also one that no system found.")
        return
    rows = dataset.documents[dataset.documents["doc_id"] == doc_id]
    if rows.empty:
        st.info(f"{escape_markdown(doc_id)} is labelled for this query but is not in the corpus: no system can find it.")
        return
    document = rows.iloc[0]
    spans = find_spans(dataset, query_id).get(doc_id, ())
    label = find_labels(dataset, query_id).get(doc_id, "unjudged" if dataset.has_labels else "")
    show_card(
        Hit(0, doc_id, document["title"], document["text"], 0, 0, label, spans, 0.0, dict(document["metadata"])),
        key="query_document",
    )


def count(number: int, one: str, many: str = "") -> str:
    """ "1 document", "3 documents"; many: the plural where it is not the noun with an s."""
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"


_STYLE = """<style>
.query { overflow-wrap: anywhere; }
.query p { font-size: 1.25rem; font-weight: 600; line-height: 1.35; margin: 0 0 0.4rem; white-space: pre-wrap; }
.query .facts { display: flex; flex-wrap: wrap; gap: 0.2rem 1.4rem; font-size: 0.875rem; }
.query .facts span { opacity: 0.7; margin-right: 0.25rem; }
</style>"""
