"""Recommendation: what to do first about this search, how sure is that, and is fine-tuning worth it?"""

from __future__ import annotations

import streamlit as st

from core.data.dataset import Dataset
from core.errors import LadderError
from core.recommendation.assess import Assessment
from pages.parts.recommendation import verdict
from pages.parts.recommendation.start import (
    find_running,
    follow_own_job,
    show_empty,
    show_ended,
    show_other,
    show_running,
)
from pages.shared.forms.goals import show_goals, start_assessment
from pages.shared.forms.own_systems import point_to_checks, show_checks
from pages.shared.frame.links import Link, go
from pages.shared.frame.page import page_setup
from pages.shared.frame.services import open_dataset
from pages.shared.frame.state import View, open_assessment
from pages.shared.frame.text import escape_markdown


def show_changed(assessment: Assessment, dataset: Dataset) -> None:
    """The banner when the recommendation is of earlier data."""
    if assessment.experiment.dataset["fingerprint"] == dataset.fingerprint:
        return
    st.warning("The dataset changed since this was found out. What follows is of the earlier data.")
    if st.button("Find out again", key="assess_changed", help="With the same goals, on the data as they are now."):
        start_assessment(dataset.name, assessment.goals)


def show_recommendation(view: View, assessment: Assessment, dataset: Dataset, *, running: bool) -> None:
    """The whole page, the verdict above the fold."""
    point_to_checks()
    show_changed(assessment, dataset)
    show_other(view, assessment.id)
    verdict.show_verdict(assessment)
    verdict.show_ladder(assessment)
    verdict.show_downloads(assessment, dataset)
    verdict.show_remarks(assessment)
    verdict.show_doubts(assessment)
    verdict.show_evidence(assessment, dataset)
    verdict.show_reasons(assessment)
    show_goals(dataset, assessment.goals, button="Run again with these", disabled=running)
    verdict.show_stability(assessment, dataset)
    verdict.show_split(assessment)
    verdict.show_numbers(assessment)
    show_checks(view, assessment)


def main() -> None:
    """The page: the recommendation, the run that looks for it, or the form that starts one."""
    view = page_setup(
        "Recommendation", looking_at=lambda view: verdict.describe_place(open_assessment(view), view.dataset_name)
    )
    verdict.tighten()
    if not view.dataset_name:
        st.info("Nothing is loaded yet. Load a corpus with queries to find out how to search it best.")
        if st.button("Load data", type="primary"):
            go(Link("data"))
        return
    follow_own_job()
    assessment, dataset = open_assessment(view), open_dataset(view.dataset_name)
    job = find_running(view.dataset_name)
    if job is not None:
        show_running(job, renewing=assessment is not None)
    else:
        show_ended(view.dataset_name, after=assessment.id if assessment is not None else "")
    if assessment is not None:
        show_recommendation(view, assessment, dataset, running=job is not None)
    elif job is None:
        show_empty(view, dataset)


try:
    main()
except LadderError as error:
    st.error(escape_markdown(error))
