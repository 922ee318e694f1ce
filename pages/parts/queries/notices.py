"""What one must know before reading the queries: what is missing, unfinished, unlabelled or changed."""

from __future__ import annotations

import streamlit as st

from core.experiment.result import Experiment
from pages.parts.queries.query_view import count
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown


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
        st.info(f"Not finished: {count(len(experiment.ready), 'system')} so far. The page follows as others become ready.")
    elif experiment.status == "cancelled":
        st.info("This experiment was cancelled. What was finished is shown; run it again to complete it.")
    if experiment.per_query.empty:
        st.info("No labels yet: compare hits by eye; add qrels or evidence to measure.")
    return experiment
