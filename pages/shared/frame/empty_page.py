"""What a page shows while there is nothing to show yet: no data, no experiment, or systems that are not ready."""

from __future__ import annotations

import streamlit as st

from core.errors import NotInWorkspace
from core.experiment.compare import Experiment
from core.jobs.state import FAILED, Job, find_active, list_jobs, read_job
from pages.shared.frame.follow_job import describe_job
from pages.shared.frame.links import Link, go
from pages.shared.frame.state import View, open_workspace
from pages.shared.frame.text import escape_markdown, shorten


def find_job(view: View) -> Job | None:
    """The job that is at work on what is shown: on this experiment, or before there is one, on this dataset."""
    for job in find_active(open_workspace()):
        if job.id == view.experiment.id if view.experiment else job.dataset == view.dataset_name:
            return job
    return None


def list_waiting(job: Job | None, experiment: Experiment | None) -> list[str]:
    """Systems of the job that have no result yet."""
    shown = {system.name for system in experiment.systems} if experiment else set()
    return [str(spec["name"]) for spec in job.systems if spec["name"] not in shown] if job else []


def show_waiting(job: Job, waiting: list[str]) -> None:
    """Which systems are to come and what the job does now; follows the job once a second."""

    def draw() -> None:
        try:
            now = read_job(job.id, open_workspace())
        except NotInWorkspace:
            return
        names = escape_markdown(", ".join(shorten(name, width=30) for name in waiting))
        awaited = f"Waiting: {names}\n\n" if names else ""  # an assessment does not know its systems beforehand
        st.info(f"{awaited}{escape_markdown(describe_job(now))}", icon=":material/hourglass_top:")

    st.fragment(draw, run_every=1.0)()


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
