"""Starting comparisons and following them: what lies ahead, what runs and for whom, what became of the last one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.data.dataset import Dataset
from core.errors import LadderError, NotInWorkspace
from core.experiment.compare import Experiment
from core.experiment.system_runs import SystemRuns
from core.graph.estimate import PlanEstimate
from core.graph.resources import Models, Resources
from core.jobs.state import (
    ASSESS,
    CANCELLED,
    CHECK,
    DEPLOY,
    DONE,
    FAILED,
    INTERRUPTED,
    SCALE,
    SCORE,
    TRAIN,
    Job,
    cancel_job,
    find_active,
    list_jobs,
    read_job,
)
from core.ladder.goals import Goals
from core.schema import content_hash
from core.settings import DEFAULT_MODEL
from core.stages.embed import ENDPOINT_PREFIX, TRAINED_PREFIX
from core.systems.system import System
from core.systems.yaml_files import from_spec
from core.training.request import TrainingRequest
from core.versions.request import DeploymentRequest
from pages.shared.frame.follow_job import describe_job, describe_seconds
from pages.shared.frame.links import Link, go
from pages.shared.frame.services import open_runner, open_workspace
from pages.shared.frame.text import escape_markdown, shorten

_STARTED = "_started_job"


@dataclass(frozen=True)
class Outlook:
    """What a run would take. left_out: systems whose model is on the hub; broken: name -> why it cannot run."""

    plan: PlanEstimate | None
    left_out: tuple[str, ...]
    broken: dict[str, str]


@st.cache_resource(show_spinner=False)
def _open_tokenizers() -> Models:
    """Models of their own: the estimate must not wait while the embedding model loads."""
    return Models(threads=1)


@st.cache_data(max_entries=64, show_spinner="Cutting the documents to see what is left to embed")
def _look_ahead(key: str, split: str, _dataset: Dataset, _systems: Mapping[str, System]) -> Outlook:
    near = {name: system for name, system in _systems.items() if not needs_hub(system)}
    left_out = tuple(name for name in _systems if name not in near)
    if not near:
        return Outlook(None, left_out, {})
    system_runs = SystemRuns(_dataset, near, split, Resources(open_workspace(), models=_open_tokenizers()))
    return Outlook(system_runs.estimate(), left_out, system_runs.broken)


def look_ahead(dataset: Dataset, systems: Mapping[str, System], split: str) -> Outlook:
    """What running the systems would take now; counted anew whenever a job has moved on. Raises LadderError."""
    moved = [(job.id, job.state, len(job.ready)) for job in list_jobs(open_workspace())[:3]]
    specs = [system.to_spec() for system in systems.values()]
    return _look_ahead(content_hash([dataset.fingerprint, split, specs, moved]), split, dataset, systems)


def needs_hub(system: System) -> bool:
    """Counting would have to download a tokenizer; that is left to the run."""
    model = system.dense.model if system.dense else DEFAULT_MODEL
    here = model == DEFAULT_MODEL or model.startswith((ENDPOINT_PREFIX, TRAINED_PREFIX))
    return not here and not Path(model).expanduser().is_dir()


def describe_outlook(outlook: Outlook) -> str:
    """ "312 chunks and queries to embed, about 15 s here, 4 of 11 steps cached." """
    plan = outlook.plan
    if plan is None:
        told = "What lies ahead is known once the model is there."
    elif plan.steps and plan.cached == plan.steps:
        told = f"All {plan.steps} steps are cached: the result comes at once."
    elif not plan.texts:
        told = f"Nothing to embed, {plan.cached} of {plan.steps} steps cached: a few seconds."
    else:
        noun = "chunk or query" if plan.texts == 1 else "chunks and queries"
        told = (
            f"{plan.texts:,} {noun} to embed, about {describe_seconds(plan.seconds)} here, "
            f"{plan.cached} of {plan.steps} steps cached."
        )
    if outlook.left_out:
        told += f" Not counted: {', '.join(outlook.left_out)}, whose model comes from the hub when it runs (network needed)."
    return told


def start(dataset: str, systems: Mapping[str, System], *, split: str, name: str) -> None:
    """Starts the comparison, or joins the same one if it runs already, and draws the page anew."""
    st.session_state[_STARTED] = open_runner().submit(dataset, systems, split=split, name=name)
    st.rerun()


def start_again(job: Job) -> None:
    """The same work once more; what was finished comes from the cache."""
    runner = open_runner()
    systems = {str(spec["name"]): from_spec(spec) for spec in job.systems}
    if job.kind == ASSESS:
        st.session_state[_STARTED] = runner.submit_assessment(job.dataset, Goals.from_json(job.options), name=job.title)
        st.rerun()
    if job.kind == TRAIN:
        st.session_state[_STARTED] = runner.submit_training(job.dataset, TrainingRequest.from_json(job.options))
        st.rerun()
    if job.kind == DEPLOY:
        st.session_state[_STARTED] = runner.submit_deployment(job.dataset, DeploymentRequest.from_json(job.options))
        st.rerun()
    if job.kind == SCALE:
        st.session_state[_STARTED] = runner.submit_scaling(job.dataset, systems)
        st.rerun()
    if job.kind in (SCORE, CHECK):
        assessment = str(job.options["assessment"])
        st.session_state[_STARTED] = (
            runner.submit_scores(job.dataset, assessment, systems)
            if job.kind == SCORE
            else runner.submit_check(job.dataset, assessment, next(iter(systems.values())))
        )
        st.rerun()
    start(job.dataset, systems, split=job.split, name=job.title)


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
    workspace = open_workspace()
    try:
        job = read_job(job_id, workspace)
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
    if job.is_active and st.button("Cancel", key=f"page_cancel_{job.id}", help="Stops soon; what is finished is kept."):
        cancel_job(job.id, workspace)
        st.toast("Stopping after the current batch.")


def _show_last(dataset: str) -> None:
    """The newest job, if this browser started it or it ended badly on this dataset."""
    last = next(iter(list_jobs(open_workspace())), None)
    mine = last is not None and last.id == st.session_state.get(_STARTED)
    if last is None or not (mine or (last.state in (FAILED, INTERRUPTED) and last.dataset == dataset)):
        return
    title = escape_markdown(shorten(last.title))
    count = f"{len(last.ready)} of {len(last.systems)} systems were finished"
    cancelled, interrupted = f"{count} and are kept.", f"{count}."
    if last.kind in (ASSESS, TRAIN, DEPLOY, SCALE):  # no systems that could be counted, nothing to look at before it is done
        cancelled = interrupted = "What was computed is kept." if last.kind != SCALE else "Nothing of it is kept."
    if last.state == DONE:
        st.success(f"{title} is finished.")
    elif last.state == CANCELLED:
        st.info(f"{title} was cancelled. {cancelled}")
    elif last.state == INTERRUPTED:
        st.warning(f"{title} was interrupted: its process ended. {interrupted} Starting again goes on from what is cached.")
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
