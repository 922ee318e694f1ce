"""Following one job on a page: which one is at work on what is shown, how far it is, how long it will take, stopping it."""

from __future__ import annotations

import contextlib

import streamlit as st

from core.errors import NotInWorkspace
from core.experiment.result import Experiment
from core.jobs.state import RUNNING, Job, cancel_job, find_active, read_job
from pages.shared.frame.services import open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown, shorten


def draw_progress(job_id: str, *, key: str, help: str) -> None:
    """The bar of one job as it is now, and its Cancel, for a fragment that asks again; nothing once it was forgotten."""
    try:
        job = read_job(job_id, open_workspace())
    except NotInWorkspace:
        return
    st.progress(job.progress, text=escape_markdown(describe_job(job)))
    draw_cancel(job, key=key, help=help)


def draw_cancel(job: Job, *, key: str, help: str) -> None:
    """The button that asks a job to stop. Drawn in the fragment that shows the job, so that it answers at once."""
    if job.is_active:
        words = "Cancelling" if job.cancelling else "Cancel"
        st.button(words, key=f"{key}_{job.id}", disabled=job.cancelling, help=help, on_click=_stop, args=(job.id,))


def _stop(job_id: str) -> None:
    with contextlib.suppress(NotInWorkspace):  # it ended, and was forgotten since
        cancel_job(job_id, open_workspace())


def describe_job(job: Job) -> str:
    """ "First look: embedding 180 of 310 passages, 20 s left", "First look: cancelling, after this batch, about 4 s" """
    if job.cancelling:
        return f"{job.title}: cancelling{_say_end(job)}"
    left = f", {describe_seconds(job.seconds_left)} left" if job.seconds_left is not None else ""
    return f"{job.title}: {job.label}{left}"


def _say_end(job: Job) -> str:
    if job.state != RUNNING:
        return ""
    if job.step_seconds is None or job.step_seconds > job.stop_seconds:
        return f", ends within {describe_seconds(job.stop_seconds)}"
    return f", after this batch, about {describe_seconds(job.step_seconds)}"


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
