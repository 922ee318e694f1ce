"""What a page shows before there is an experiment: how to come to one."""

from __future__ import annotations

import streamlit as st

from core.jobs.state import FAILED, Job, list_jobs
from pages.shared.frame.follow_job import list_waiting, show_waiting
from pages.shared.frame.links import Link, go
from pages.shared.frame.services import open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown


def show_nothing(view: View, job: Job | None) -> None:
    """The page before there is an experiment."""
    if not view.dataset_name:
        st.info("Nothing is loaded yet. Load a corpus with queries to compare ways of searching it.")
        if st.button("Load data", type="primary"):
            go(Link("data"))
        return
    if job:
        show_waiting(job, list_waiting(job, None))
        return
    failed = next((j for j in list_jobs(open_workspace()) if j.dataset == view.dataset_name), None)
    if failed and failed.state == FAILED:
        st.error(escape_markdown(f"The last run did not finish. {failed.error}"))
    st.info(f"No experiment has been run on {escape_markdown(view.dataset_name)} yet. Choose systems and start one.")
    if st.button("Choose systems", type="primary"):
        go(Link("experiment"))
