"""The parts of the page Queries: state of the experiment, the list, previous and next, the query itself, one document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.experiment.compare import Experiment
from pages.parts.queries.query_list import Ratings
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_html, escape_markdown, shorten, show_html
from pages.shared.show.cards import Hit, find_labels, find_spans, show_card

QUERY, SPREAD, DIFFERENT, ID = "Query", "Disagreement", "Top ten differ", "Query id"
_LIST = "query_list"
_CHOSEN, _PLACE = "_query", "_query_place"
_ROWS_SHOWN = 6
_ROW, _HEAD = 35, 38  # pixels


def find_experiment(view: View) -> Experiment | None:
    """The experiment if one of its systems is ready; says what is missing, unfinished, unlabelled or changed."""
    experiment = view.experiment
    if experiment is None:
        what = "No experiment has been run on this dataset yet." if view.dataset_name else "No dataset is loaded yet."
        st.info(f"{what} Queries appear here, with what each system finds for them, as soon as one system has run.")
        return None
    if view.data_changed:
        st.warning(
            "The dataset was changed after this experiment ran. Texts and labels below are today's and may differ from what "
            "the systems saw; run the experiment again on the page Experiment."
        )
    if not experiment.ready:
        for system in experiment.systems:
            if system.error:
                st.error(f"{escape_markdown(system.name)} failed: {escape_markdown(system.error)}")
        if experiment.status == "running":
            st.info("No system is ready yet. The page follows by itself as soon as one is.")
        else:
            st.info("No system of this experiment has results. Choose another experiment, or run this one again.")
        return None
    if experiment.status == "running":
        st.info(f"Not finished: {_count(len(experiment.ready), 'system')} so far. The page follows as others become ready.")
    elif experiment.status == "cancelled":
        st.info("This experiment was cancelled. What was finished is shown; run it again to complete it.")
    if experiment.per_query.empty:
        st.info("No labels yet: compare hits by eye; add qrels or evidence to measure.")
    return experiment


def read_query(ids: Sequence[str], *, place: tuple[str, ...]) -> str:
    """The query of the link, else the one last looked at, else the first. ids: most disagreement first, never empty.

    place: what the ids belong to (dataset, split). A query that stands in the link only because the place changed under
    it is dropped without a word; one that somebody asked for is said not to be here, and the first is shown.
    """
    asked = st.query_params.get("query")
    chosen, seen = st.session_state.get(_CHOSEN), st.session_state.get(_PLACE)
    st.session_state[_PLACE] = place
    if asked is not None and asked not in ids:
        if asked != chosen or seen == place:
            st.warning(f"This query is not here: {escape_markdown(shorten(asked))}. The first of the list is shown.")
            return ids[0]
        asked = None
    current = str(asked or (chosen if chosen in ids else ids[0]))
    choose_query(current)
    return current


def choose_query(query_id: str) -> None:
    """Makes it the query that is looked at, here and in the link."""
    st.session_state[_CHOSEN] = query_id
    if st.query_params.get("query") != query_id:
        st.query_params["query"] = query_id


def show_list(ids: Sequence[str], ratings: Ratings, dataset: Dataset, *, query_id: str, measure: str) -> None:
    """The list of queries with every system's value; a click on a row opens the query. ids: those to list, in order."""
    if not ids:
        st.info("No query matches. Clear the search, the tags or the outcome.")
        return
    shown = make_list(ids, ratings, dataset)

    def open_row() -> None:
        rows = st.session_state[_LIST]["selection"]["rows"]
        if rows and rows[0] < len(ids):
            choose_query(ids[rows[0]])

    # The selection follows the previous and next buttons, so it is set anew at every run.
    st.session_state[_LIST] = {"selection": {"rows": [ids.index(query_id)] if query_id in ids else []}}
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        column_config=_configure(shown, measure),
        height=_HEAD + _ROW * min(len(ids), _ROWS_SHOWN),
        on_select=open_row,
        selection_mode="single-row",
        key=_LIST,
        alt=f"{_count(len(ids), 'query', 'queries')} with {measure} of each system, most disagreement first.",
    )


def make_list(ids: Sequence[str], ratings: Ratings, dataset: Dataset) -> pd.DataFrame:
    """Query, disagreement, each system's value, difference of the top tens, id; without labels no values."""
    texts = dataset.queries.set_index("query_id")["text"]
    rated = ratings.queries.set_index("query_id").loc[list(ids)]
    frame = pd.DataFrame({QUERY: [shorten(texts[query_id], width=200) for query_id in ids]})
    several = ratings.values.shape[1] > 1
    if ratings.values.notna().to_numpy().any():
        if several:
            frame[SPREAD] = rated["spread"].to_numpy()
        for name in ratings.values:
            column = name if name not in (QUERY, SPREAD, DIFFERENT, ID) else f"{name} (system)"
            frame[column] = ratings.values.loc[list(ids), name].to_numpy()
    if several:
        frame[DIFFERENT] = rated["different"].to_numpy()
    frame[ID] = list(ids)
    return frame


def _configure(shown: pd.DataFrame, measure: str) -> dict[str, Any]:
    known: dict[str, Any] = {
        QUERY: st.column_config.TextColumn(width=340, help="Click the box at the left of a row to open the query."),
        SPREAD: st.column_config.NumberColumn(
            format="%.3f",
            help=f"Highest minus lowest {escape_markdown(measure)} of the systems. The list starts with the largest.",
        ),
        DIFFERENT: st.column_config.NumberColumn(
            format="%.2f",
            help="How different the first ten documents are, over all pairs of systems: 0 is the same ten, 1 is none in "
            "common. Needs no labels; orders queries whose disagreement is equal.",
        ),
        ID: st.column_config.TextColumn(),
    }
    values = st.column_config.NumberColumn(format="%.3f", help=f"{escape_markdown(measure)} on this query")
    return {column: known.get(column, values) for column in shown.columns}


def show_steps(query_id: str, ids: Sequence[str]) -> None:
    """Previous and next in the list, also by the keys P and N; where we are in it."""
    place = ids.index(query_id) if query_id in ids else None
    before = ids[place - 1] if place else None
    after = (ids[place + 1] if place + 1 < len(ids) else None) if place is not None else next(iter(ids), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, target, key in (("Previous", before, "P"), ("Next", after, "N")):
            st.button(
                label,
                key=f"query_{label.lower()}",
                shortcut=key,
                disabled=target is None,
                on_click=choose_query,
                args=(target,),
                help=f"The {label.lower()} query of the list; the key {key} does the same.",
            )
        if place is None:
            st.caption("The query below is not in the filtered list.")
        else:
            st.caption(f"Query {place + 1} of {len(ids)}")


def show_query(query_id: str, dataset: Dataset) -> None:
    """The query's text, tags, filter, expected answer, and what its labels are."""
    row = dataset.queries.set_index("query_id").loc[query_id]
    facts = [("id", query_id)]
    if row["tags"]:
        facts.append(("tags", ", ".join(row["tags"])))
    if row["filter"]:
        facts.append(("filter", " and ".join(describe_filter(row["filter"]))))
    facts.append(("labels", describe_labels(query_id, dataset)))
    if row["answer"]:
        facts.append(("answer", row["answer"]))
    items = "".join(f"<div><span>{escape_html(name)}</span> {escape_html(value)}</div>" for name, value in facts if value)
    show_html(f'<div class="query">{_STYLE}<p>{escape_html(row["text"])}</p><div class="facts">{items}</div></div>')


def describe_filter(conditions: dict[str, object]) -> list[str]:
    """One phrase per field: "version is 3.1", "product is Hub or Desk", "year at least 2020, at most 2022"."""
    phrases = []
    for name, condition in conditions.items():
        if isinstance(condition, dict):
            words = {"gte": "at least", "lte": "at most"}
            ends = ", ".join(f"{words.get(end, end)} {_say(value)}" for end, value in condition.items())
            phrases.append(f"{name} {ends}")
        elif isinstance(condition, list):
            phrases.append(f"{name} is {' or '.join(_say(value) for value in condition)}")
        else:
            phrases.append(f"{name} is {_say(condition)}")
    return phrases


def describe_labels(query_id: str, dataset: Dataset) -> str:
    """ "2 relevant documents, 1 judged not relevant; evidence: 3 passages in 2 documents" """
    labels = find_labels(dataset, query_id)
    spans = find_spans(dataset, query_id)
    relevant = sum(label == "relevant" for label in labels.values())
    if not labels:
        return "none for this query" if dataset.has_labels else ""
    text = _count(relevant, "relevant document")
    if len(labels) > relevant:
        text += f", {len(labels) - relevant} judged not relevant"
    if spans:
        passages = sum(len(own) for own in spans.values())
        text += f"; evidence: {_count(passages, 'passage')} in {_count(len(spans), 'document')}"
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


def _say(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"


_STYLE = """<style>
.query { overflow-wrap: anywhere; }
.query p { font-size: 1.25rem; font-weight: 600; line-height: 1.35; margin: 0 0 0.4rem; white-space: pre-wrap; }
.query .facts { display: flex; flex-wrap: wrap; gap: 0.2rem 1.4rem; font-size: 0.875rem; }
.query .facts span { opacity: 0.7; margin-right: 0.25rem; }
</style>"""
