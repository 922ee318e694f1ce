"""Diagnosis: why do queries fail, and what could each fix gain?"""

from __future__ import annotations

import streamlit as st

from core.errors import LadderError
from core.jobs.kinds import ASSESS
from core.recommendation.assess import Assessment
from core.text.phrases import count_of
from pages.parts.diagnosis.failures import show_failures
from pages.parts.diagnosis.headroom import show_headroom
from pages.parts.diagnosis.metadata import show_metadata
from pages.parts.diagnosis.slices import show_slices
from pages.shared.frame.empty_page import show_nothing
from pages.shared.frame.follow_job import find_job, show_waiting
from pages.shared.frame.links import Link, go
from pages.shared.frame.page import page_setup
from pages.shared.frame.services import open_dataset
from pages.shared.frame.state import View, open_assessment
from pages.shared.frame.text import escape_markdown, shorten
from pages.shared.show.side_notes import show_side_notes


def show_empty(view: View) -> None:
    """The page before there is an assessment: what it will say, and how to get there."""
    job = find_job(view)
    if not view.dataset_name:
        show_nothing(view, job)
        return
    if job and job.kind == ASSESS:
        show_waiting(job, [])
        return
    st.info(
        f"Nothing has been diagnosed on {escape_markdown(view.dataset_name)} yet. This page says for every query that fails "
        "which layer loses its answer, and what each fix could gain at best. It needs a recommendation first."
    )
    if st.button("Go to Recommendation", type="primary"):
        go(Link("recommendation"))


def show_notices(view: View, assessment: Assessment) -> None:
    """What one must know before reading: which run this is, and whether its data are still the same."""
    experiment = assessment.experiment
    if view.experiment is None or view.experiment.id != experiment.id:
        st.info(
            "The experiment chosen in the sidebar has no diagnosis. Shown is the newest of this dataset: "
            f"“{escape_markdown(shorten(experiment.name))}”."
        )
    if open_dataset(view.dataset_name).fingerprint != experiment.dataset["fingerprint"]:
        st.warning(
            "The dataset changed since this run. What follows is of the earlier data; run the recommendation again to renew it."
        )
    show_side_notes(experiment.sides)
    reasons: dict[str, list[str]] = {}
    for name, reason in assessment.errors.items():
        reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        st.warning(f"No result: **{escape_markdown(', '.join(names))}**. {escape_markdown(reason)}")


def main() -> None:
    """The page: failures, headroom, kinds of queries and metadata of one recommendation."""
    view = page_setup("Diagnosis")
    assessment = open_assessment(view) if view.dataset_name else None
    if assessment is None:
        show_empty(view)
        return
    show_notices(view, assessment)
    dataset = open_dataset(view.dataset_name)
    if not assessment.analysis.counts:
        st.info("No system could be measured, so there is nothing to diagnose.")
        return
    split = assessment.split
    st.caption(
        f"Measured on {count_of(split['test'], 'test query')}. All choices were made on {split['tuning']:,} other queries, the "
        "tuning queries."
    )
    show_failures(assessment, dataset)
    show_headroom(assessment)
    show_slices(assessment, dataset)
    show_metadata(assessment, dataset)


try:
    main()
except LadderError as error:
    st.error(escape_markdown(error))
