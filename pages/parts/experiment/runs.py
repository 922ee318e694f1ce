"""Starting comparisons and following them: what runs and for whom, what became of the last one."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.errors import LadderError, NotInWorkspace
from core.experiment.result import Experiment
from core.jobs.kinds import find_kind
from core.jobs.kinds.compare import make_comparison_job
from core.jobs.kinds.kind import make_again
from core.jobs.state import CANCELLED, DONE, FAILED, INTERRUPTED, Job, find_active, list_jobs, read_job
from core.systems.system import System
from core.systems.yaml_files import from_spec
from pages.shared.frame.follow_job import describe_job, draw_cancel
from pages.shared.frame.links import Link, go
from pages.shared.frame.services import open_runner, open_workspace
from pages.shared.frame.text import escape_markdown, shorten

_STARTED = "_started_job"


def start(dataset: str, systems: Mapping[str, System], *, split: str, name: str) -> None:
    """Starts the comparison, or joins the same one if it runs already, and draws the page anew."""
    st.session_state[_STARTED] = open_runner().submit(make_comparison_job(dataset, systems, split=split, name=name))
    st.rerun()


def start_again(job: Job) -> None:
    """The same work once more; what was finished comes from the cache."""
    st.session_state[_STARTED] = open_runner().submit(make_again(job))
    st.rerun()


def show_changed(experiment: Experiment) -> None:
    """The banner when the numbers are of earlier data."""
    st.warning(
        f"The dataset changed since {escape_markdown(shorten(experiment.name))} was run. Its numbers are of the earlier data."
    )
    if st.button("Run again", key="run_again", help="The same systems on the data as it is now."):
        try:
            systems = {system.name: from_spec(system.spec) for system in experiment.systems}
            start(str(experiment.dataset["name"]), systems, split=experiment.split_used, name=experiment.name)
        except LadderError as error:
            st.error(escape_markdown(error))


def show_jobs(dataset: str) -> None:
    """What runs or waits in this workspace; else what became of the last one, if it matters here."""
    active = find_active(open_workspace())
    for job in active:
        with st.container(border=True):
            st.fragment(_draw_job, run_every=1.0)(job.id)
            if _has_results(job) and st.button("See what is ready in Results", key=f"see_{job.id}"):
                go(Link("results", dataset=job.dataset, experiment=job.id))
    if not active:
        _show_last(dataset)


def _has_results(job: Job) -> bool:
    return (open_workspace().experiments / job.id / "experiment.json").is_file()


def _draw_job(job_id: str) -> None:
    try:
        job = read_job(job_id, open_workspace())
    except NotInWorkspace:
        return
    owner = "" if job.is_ours else f" Started by {escape_markdown(job.owner)}."
    st.markdown(f"**{escape_markdown(shorten(job.title))}** on {escape_markdown(job.dataset)}.{owner}")
    st.progress(job.progress, text=escape_markdown(describe_job(job)))
    ready = [name for name in job.system_names if name in job.ready]
    waiting = [name for name in job.system_names if name not in job.ready]
    st.markdown(
        "  \n".join(
            f"{word}: {escape_markdown(', '.join(shorten(name, width=40) for name in names))}"
            for word, names in (("✓ Ready", ready), ("… Waiting", waiting))
            if names
        )
    )
    draw_cancel(job, key="page_cancel", help="Stops soon; what is finished is kept.")


def _show_last(dataset: str) -> None:
    """The newest job, if this browser started it or it ended badly on this dataset."""
    last = next(iter(list_jobs(open_workspace())), None)
    mine = last is not None and last.id == st.session_state.get(_STARTED)
    if last is None or not (mine or (last.state in (FAILED, INTERRUPTED) and last.dataset == dataset)):
        return
    title = escape_markdown(shorten(last.title))
    if last.state == DONE:
        st.success(f"{title} is finished.")
    elif last.state == CANCELLED:
        st.info(f"{title} was cancelled. {_say_kept(last)}")
    elif last.state == INTERRUPTED:
        st.warning(f"{title} was interrupted: its process ended. {_say_kept(last)} Starting again goes on from what is cached.")
    else:
        st.error(f"{title} failed. {escape_markdown(last.error or '')}")
    with st.container(horizontal=True):
        if _has_results(last) and st.button("Open in Results", type="primary", key="last_open"):
            go(Link("results", dataset=last.dataset, experiment=last.id))
        if last.state != DONE and st.button("Start again", key="last_again"):
            try:
                start_again(last)
            except LadderError as error:
                st.error(escape_markdown(error))


def _say_kept(job: Job) -> str:
    """What is left of a job that ended before it was done, in a sentence."""
    try:
        kind = find_kind(job.kind)
    except NotInWorkspace as error:
        return escape_markdown(error)
    if not kind.counts_systems:
        return "What was computed is kept." if kind.keeps_parts else "Nothing of it is kept."
    kept = " and are kept" if job.state == CANCELLED else ""
    return f"{len(job.ready)} of {len(job.systems)} systems were finished{kept}."
