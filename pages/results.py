"""Results: which system is best, by how much, and where to look next?"""

from __future__ import annotations

import streamlit as st

from core.errors import LadderError
from core.evaluation.measures import list_measures
from core.evaluation.per_query import find_success_measure
from core.experiment.result import Experiment
from core.jobs.state import Job
from core.systems.named import BASELINE
from core.systems.trained_systems import count_seen
from pages.parts.results.measure_tables import show_more
from pages.parts.results.query_tables import show_queries_of
from pages.parts.results.question_charts import show_question
from pages.parts.results.unlabelled import show_unlabelled
from pages.shared.forms.choose import read_choice, select_choice
from pages.shared.frame.address import follow_link
from pages.shared.frame.empty_page import show_nothing
from pages.shared.frame.follow_job import find_job, list_waiting, show_waiting
from pages.shared.frame.page import page_setup
from pages.shared.frame.services import open_dataset, open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown
from pages.shared.show import tables
from pages.shared.show.side_notes import show_side_notes

_UNTOUCHED = "_baseline_untouched"  # the default that nobody has changed yet


def show_notices(view: View, experiment: Experiment, job: Job | None) -> None:
    """What one must know before reading the numbers."""
    if view.data_changed:
        st.warning(
            "The dataset changed since this run. The numbers are of the earlier data; run the experiment again to renew them."
        )
    specs = [system.spec for system in experiment.systems]
    for name, count in count_seen(specs, view.query_ids, open_workspace()).items():
        st.warning(
            f"**{escape_markdown(name)}** has learned from {count} of these queries and looks better here than it is. The page "
            "Fine-tuning compares it on queries that it never saw."
        )
    show_side_notes(experiment.sides)
    if experiment.status == "cancelled":
        st.info("This run was cancelled. What was finished is shown; run the experiment again to complete it.")
    elif experiment.status == "running" and job is None:
        st.info("This run was interrupted. What was finished is shown; run the experiment again to complete it.")


def show_cures(experiment: Experiment) -> None:
    """Why systems have no result and what to do; systems with the same reason are named together."""
    reasons: dict[str, list[str]] = {}
    for system in experiment.systems:
        if system.error:
            reasons.setdefault(system.error, []).append(system.name)
    for reason, names in reasons.items():
        st.warning(f"No result: **{escape_markdown(', '.join(names))}**. {escape_markdown(reason)}")


def choose_baseline(experiment: Experiment) -> str:
    """The system that the others are compared with; a choice made by hand stands in the link.

    While an experiment runs the default moves on as better ones become ready, unless somebody chose.
    """
    ready, state = experiment.ready, st.session_state
    default = BASELINE if BASELINE in ready else ready[0]
    linked = any(name in ready for name in (follow_link("baseline") or [])[:1])
    if not linked and (state.get("baseline") not in ready or state["baseline"] == state.get(_UNTOUCHED)):
        state["baseline"] = state[_UNTOUCHED] = default
    read_choice("baseline", ready, default=default, missing="The system {} has no result here. Choose another baseline.")
    told = "Differences are measured against this system, query by query."
    return select_choice("Baseline", ready, name="baseline", unlinked=default, help=told)


def show_measured(view: View, experiment: Experiment, waiting: list[str]) -> None:
    """Headline, leaderboard, the queries behind it, and the charts."""
    dataset = open_dataset(view.dataset_name)
    headline = st.container()
    place, _ = st.columns([1, 2])
    with place:
        baseline = choose_baseline(experiment)
    board = tables.make_leaderboard(view, baseline=baseline, waiting=waiting)
    leader = str(board["system"].iloc[0])
    with headline:
        st.subheader(escape_markdown(tables.describe_best(view, leader=leader, baseline=baseline)))
        st.markdown(escape_markdown(tables.describe_difference(view, leader=leader, baseline=baseline)))
    success = find_success_measure(view.per_query)
    chosen = tables.show_leaderboard(board, measure=view.measure, success=success, baseline=baseline, key="leaderboard")
    st.caption(escape_markdown(f"{tables.describe_queries(view, dataset)} Select a row to see its queries."))
    filtered = tables.describe_filtered(experiment, dataset, view)
    if filtered:
        st.caption(escape_markdown(filtered))
    uneven = tables.describe_judged(experiment)
    if uneven:
        st.info(escape_markdown(uneven))
    show_cures(experiment)
    if chosen:
        rival = baseline if chosen != baseline else next((name for name in board["system"] if name != baseline), None)
        show_queries_of(view, dataset, system=chosen, other=rival if rival in experiment.ready else None)
    present = set(view.per_query["measure"])
    show_more(view, [measure for measure in list_measures() if measure in present])
    show_question(view, dataset, board=board, baseline=baseline)


def show_results(view: View) -> None:
    """The page: notices, then the numbers as far as systems are ready."""
    job = find_job(view)
    experiment = view.experiment
    if experiment is None:
        show_nothing(view, job)
        return
    waiting = list_waiting(job, experiment)
    show_notices(view, experiment, job)
    if job and waiting:
        show_waiting(job, waiting)
    if not experiment.ready:
        show_cures(experiment)
        return
    if view.per_query.empty:
        show_unlabelled(view, open_dataset(view.dataset_name))
        show_cures(experiment)
        return
    show_measured(view, experiment, waiting)


try:
    show_results(page_setup("Results"))
except LadderError as error:
    st.error(escape_markdown(error))
