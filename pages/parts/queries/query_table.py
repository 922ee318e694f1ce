"""The list of queries as a table: which one is looked at, opening another, previous and next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from pages.parts.queries.disagreement import Ratings
from pages.parts.queries.query_view import count
from pages.shared.frame.text import escape_markdown, shorten

QUERY, SPREAD, DIFFERENT, ID = "Query", "Disagreement", "Top ten differ", "Query id"
_LIST = "query_list"
_CHOSEN, _PLACE = "_query", "_query_place"
_ROWS_SHOWN = 6
_ROW, _HEAD = 35, 38  # pixels


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
        alt=f"{count(len(ids), 'query', 'queries')} with {measure} of each system, most disagreement first.",
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


def show_neighbours(query_id: str, ids: Sequence[str]) -> None:
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
