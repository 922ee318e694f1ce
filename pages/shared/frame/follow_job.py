"""Following one job on a page: which one is at work on what is shown, how far it is, how long it will take, stopping it."""

from __future__ import annotations

import streamlit as st

from core.errors import NotInWorkspace
from core.experiment.result import Experiment
from core.jobs.state import Job, cancel_job, find_active, read_job
from pages.shared.frame.services import open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown, shorten


def draw_progress(job_id: str) -> None:
    """The bar of one job as it is now, for a fragment that asks again; nothing once it was forgotten."""
    try:
        job = read_job(job_id, open_workspace())
    except NotInWorkspace:
        return
    st.progress(job.progress, text=escape_markdown(describe_job(job)))


def stop_job(job_id: str, words: str) -> None:
    """Asks a job to stop, for a button's on_click, and says so in `words`."""
    try:
        cancel_job(job_id, open_workspace())
    except NotInWorkspace:  # it ended, and was forgotten since
        return
    st.toast(words)


def describe_job(job: Job) -> str:
    """ "First look: embedding 180 of 310 passages, 20 s left" """
    left = f", {describe_seconds(job.seconds_left)} left" if job.seconds_left is not None else ""
    return f"{job.title}: {job.label}{left}"


def describe_seconds(seconds: float) -> str:
    """ "20 s", "3 min", "1.5 h" """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


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
