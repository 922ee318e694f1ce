"""Queries: on which queries do the systems disagree, and what does each of them find?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.experiment.result import Experiment
from pages.parts.queries import disagreement
from pages.parts.queries.notices import find_experiment
from pages.parts.queries.query_table import read_query, show_list, show_neighbours
from pages.parts.queries.query_view import show_document, show_query
from pages.parts.queries.rank_table import rank_documents, show_rank_table
from pages.parts.queries.slope import describe_slope, make_slope
from pages.shared.frame.page import page_setup
from pages.shared.frame.services import open_dataset
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown, shorten
from pages.shared.show.cards import make_hits, show_columns

_PICKED = "_systems_picked"  # what the user chose; without it the page chooses per query


def show_filters(view: View, experiment: Experiment, dataset: Dataset, ratings: disagreement.Ratings) -> list[str]:
    """Search box, tags and outcome; returns the ids that are left, most disagreement first."""
    ids = list(ratings.queries["query_id"])
    queries = dataset.queries[dataset.queries["query_id"].isin(ids)]
    tags = sorted({tag for own in queries["tags"] for tag in own})
    search, tagging, outcome = st.columns([2, 1, 1])
    words = search.text_input("Search the queries", key="query_search", persist_state="session", placeholder="words or an id")
    chosen = tagging.multiselect(
        "Tags", tags, key="query_tags", persist_state="session", disabled=not tags, placeholder="any" if tags else "no tags"
    )
    options = disagreement.list_outcomes(experiment.ready) if len(view.per_query) else [disagreement.ALL_QUERIES]
    asked = st.query_params.get("outcome")
    if asked is not None and asked not in options:
        st.warning(f"This outcome is not here: {escape_markdown(shorten(asked))}. All queries are listed.")
    if st.session_state.get("outcome") not in options:
        st.session_state.pop("outcome", None)
    kind = outcome.selectbox(
        "Outcome",
        options,
        key="outcome",
        bind="query-params",
        persist_state="session",
        disabled=len(options) == 1,
        help="Found: a relevant document is among the first five. Queries without a relevant label have no outcome.",
    )
    return disagreement.filter_queries(ids, queries, words=words, tags=chosen, outcome=kind, per_query=view.per_query)


def choose_systems(query_id: str, experiment: Experiment, runs: disagreement.Runs, ratings: disagreement.Ratings) -> list[str]:
    """The systems of the cards: the user's, else the link's, else the three that tell most about this query."""
    names = [system.name for system in experiment.systems]
    asked = st.query_params.get("systems", st.session_state.get(_PICKED, ""))
    linked, unknown = disagreement.read_systems(asked, names)
    if unknown:
        listed = escape_markdown(shorten(", ".join(unknown)))
        st.warning(f"This system is not here: {listed}. Choose from those that this experiment ran.")
    st.session_state["systems_shown"] = linked or disagreement.pick_systems(query_id, runs, ratings.values)

    def keep() -> None:
        st.session_state[_PICKED] = ",".join(st.session_state["systems_shown"])
        st.query_params.from_dict({**st.query_params.to_dict(), "systems": st.session_state[_PICKED]})

    picked: list[str] = st.multiselect(
        "Systems side by side",
        names,
        key="systems_shown",
        max_selections=4,
        on_change=keep,
        help="At most four. As long as you choose none: the baseline, the best of the others on this query, and the one whose "
        "first ten differ most from those two. Clear the choice to return to that.",
    )
    return picked


def show_hits(
    query_id: str, view: View, *, picked: list[str], dataset: Dataset, runs: disagreement.Runs, ratings: disagreement.Ratings
) -> None:
    """The cards of the systems picked, with the measure's value under each name."""
    errors = {system.name: system.error for system in view.experiment.systems} if view.experiment else {}
    notes, columns = {}, {}
    for name in picked:
        columns[name] = make_hits(runs[name], dataset, query_id=query_id) if name in runs else []
        if errors.get(name):
            notes[name] = f"This system failed: {errors[name]}"
        elif columns[name] and pd.notna(ratings.values.loc[query_id, name]):
            notes[name] = f"{view.measure} {ratings.values.loc[query_id, name]:.3f}"
    show_columns(columns, key="query_cards", notes=notes)


def main() -> None:
    """The page: the list, one query, who ranks what where, and the hits side by side."""
    view = page_setup("Queries")
    experiment = find_experiment(view)
    if experiment is None:
        return
    dataset = open_dataset(view.dataset_name)
    ready = tuple(experiment.ready)
    runs = disagreement.open_document_runs(experiment.id, ready, experiment)
    ids = disagreement.list_queries(view.query_ids, runs, per_query=view.per_query, changed=view.data_changed)
    if not ids:
        st.info("None of the experiment's queries is in the dataset any more. Run the experiment again.")
        return
    key = (experiment.id, ready, view.split, dataset.fingerprint)
    ratings = disagreement.open_ratings(key, ids, runs, view.per_query, view.measure)
    query_id = read_query(list(ratings.queries["query_id"]), place=(view.dataset_name, view.split))
    listed = show_filters(view, experiment, dataset, ratings)
    show_list(listed, ratings, dataset, query_id=query_id, measure=view.measure)
    show_neighbours(query_id, listed)
    show_query(query_id, dataset)

    table = rank_documents(query_id, runs, dataset=dataset)
    failed = [system.name for system in experiment.systems if system.error]
    if table.empty:
        st.info("No system found a document for this query, and none is labelled relevant.")
    else:
        st.subheader("Who ranks what where", help="Every document in some system's first ten, and every relevant one.")
        selected = show_rank_table(table, list(ready), failed=failed, key=f"ranks_{query_id}")
        for system in experiment.systems:
            if system.error:
                st.caption(escape_markdown(f"{system.name} has no results: {system.error}"))
        show_document(selected, query_id, dataset)

    st.subheader("Hits side by side")
    picked = choose_systems(query_id, experiment, runs, ratings)
    show_hits(query_id, view, picked=picked, dataset=dataset, runs=runs, ratings=ratings)

    moving = [name for name in picked if name in runs]
    if len(moving) > 1 and not table.empty:
        st.subheader("Rank movement", help="One line per document: a line that rises to the right is ranked better there.")
        chart = make_slope(table, moving)
        st.plotly_chart(chart, key="slope", theme="streamlit", alt=describe_slope(table, moving), config={"displaylogo": False})


main()
