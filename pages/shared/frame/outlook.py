"""What running systems would take: how much is left to embed, how long it takes here, what is cached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from core.data.dataset import Dataset
from core.experiment.system_runs import SystemRuns
from core.graph.estimate import WorkEstimate
from core.graph.resources import Models, Resources
from core.jobs.state import list_jobs
from core.schema import content_hash
from core.settings import DEFAULT_MODEL, ENDPOINT_PREFIX, TRAINED_PREFIX, find_model_folder
from core.systems.system import System
from pages.shared.frame.follow_job import describe_seconds
from pages.shared.frame.services import open_workspace


@dataclass(frozen=True)
class Outlook:
    """What a run would take. left_out: systems whose model is on the hub; broken: name -> why it cannot run."""

    plan: WorkEstimate | None
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
    return not here and find_model_folder(model) is None


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
