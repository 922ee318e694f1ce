"""The running job in the sidebar: what it does, how long it will take, Cancel. The page follows as systems become ready."""

from __future__ import annotations

import streamlit as st

from core.errors import NotInWorkspace
from core.jobs.state import DEPLOY, INTERRUPTED, SCALE, TRAIN, Job, cancel_job, find_active, list_jobs, read_job
from pages.shared.frame.state import open_workspace
from pages.shared.frame.text import escape_markdown

_SEEN = "_job_seen"
_WHOLE = "_job_whole_page"  # this run draws the page, not only the job
_SECONDS = 1.0
_PAGES = {
    TRAIN: "Fine-tuning",
    DEPLOY: "Versions",
    SCALE: "Cost & latency",
}  # where a job of this kind is started; others on Experiment


def show_active_job() -> None:
    """Draws the job; asks again every second while one is active, not at all otherwise."""
    active = bool(find_active(open_workspace()))
    st.session_state[_WHOLE] = True
    st.fragment(_draw, run_every=_SECONDS if active else None)()


def _draw() -> None:
    workspace = open_workspace()
    active = find_active(workspace)
    # The page is drawn anew when a system becomes ready or the job ends, not at every tick.
    state = tuple((job.id, job.state, len(job.ready)) for job in active)
    # When the whole page is being drawn it shows the news anyway, and another rerun would swallow the click that caused it.
    whole = st.session_state.pop(_WHOLE, False)
    changed = st.session_state.get(_SEEN) not in (None, state)
    st.session_state[_SEEN] = state
    if changed and not whole:
        st.rerun(scope="app")
    if not active:
        _show_interrupted()
        return
    job = active[0]
    st.progress(job.progress, text=escape_markdown(describe_job(job)))
    if st.button("Cancel", key=f"cancel_{job.id}", help="Stops after the current batch; what is finished is kept."):
        cancel_job(job.id, workspace)
        st.toast("Stopping after the current batch.")
    for other in active[1:]:
        st.caption(escape_markdown(f"{other.title}: {other.label}"))


def _show_interrupted() -> None:
    jobs = list_jobs(open_workspace())[:1]
    if jobs and jobs[0].state == INTERRUPTED:
        st.caption(
            escape_markdown(
                f"“{jobs[0].title}” was interrupted. What was finished is kept; start it again on the page "
                f"{_PAGES.get(jobs[0].kind, 'Experiment')}."
            )
        )


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
