"""What the pages work with, opened once and kept warm: workspace, models, runner, datasets, results, live search."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import streamlit as st

from core.data.catalog import find_kept_rules, find_named, list_datasets
from core.data.dataset import Dataset
from core.data.label_rules import LabelRules
from core.data.load import load_dataset, split_part
from core.errors import LadderError
from core.experiment.history import list_experiments, load_experiment
from core.experiment.result import Experiment
from core.graph.resources import Models
from core.jobs.kinds.assess import make_assessment_job
from core.jobs.kinds.compare import make_comparison_job
from core.jobs.log import keep_log
from core.jobs.runner import JobRunner
from core.jobs.state import find_active
from core.ladder.goals import Goals
from core.live.search import LiveSearch
from core.recommendation.assess import Assessment
from core.recommendation.files import FILE as ASSESSMENT_FILE
from core.recommendation.files import load_assessment
from core.settings import DEFAULT_MODEL, get_preload, get_threads, get_workspace, quieten_libraries
from core.storage.names import find_entry
from core.systems.named import make_named_systems, preselect
from core.workspace import Workspace

FIRST_DATASET = "product_docs"


@st.cache_resource(show_spinner=False)
def open_workspace() -> Workspace:
    """The app's workspace (LADDER_WORKSPACE, else ./workspace)."""
    quieten_libraries()
    return Workspace(get_workspace())


@st.cache_resource(show_spinner=False)
def open_models() -> Models:
    """The models of this server process, for live search; encoding leaves the pages a core."""
    return Models(threads=get_threads(leave_one=True))


@st.cache_resource(show_spinner=False)
def open_runner() -> JobRunner:
    """Runs the jobs of this server, each in a process of its own."""
    return JobRunner(open_workspace())


@st.cache_resource(show_spinner=False, max_entries=4)
def _open_dataset(name: str, path: str, signature: str, rules: LabelRules | None, _read: Dataset | None = None) -> Dataset:
    return dataclasses.replace(_read, name=name) if _read is not None else load_dataset(path, name=name, rules=rules)


def sign_folder(path: Path) -> str:
    """Changes when a file below the path is added, removed or written."""
    path, part = split_part(path)
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
    return str(hash((part, *stats)))


def open_dataset(name: str, *, read: Dataset | None = None) -> Dataset:
    """The dataset of this name, loaded once per content. Raises InputError if it is not there or cannot be read.

    read: what its place holds, where that was read a moment ago.
    """
    entry = find_named(name, open_workspace())
    rules = find_kept_rules(entry.name, open_workspace())
    return _open_dataset(entry.name, str(entry.path), sign_folder(entry.path), rules, read)


@st.cache_resource(show_spinner=False, max_entries=4)
def _open_experiment(experiment_id: str, written: int) -> Experiment:
    return load_experiment(experiment_id, open_workspace())


def open_experiment(experiment_id: str) -> Experiment:
    """The experiment of this id as it is on disk now. Raises NotInWorkspace."""
    folder = find_entry(open_workspace().experiments, experiment_id)
    file = folder / "experiment.json" if folder is not None else None
    return _open_experiment(experiment_id, file.stat().st_mtime_ns if file is not None and file.exists() else 0)


@st.cache_resource(show_spinner=False, max_entries=4)
def _open_assessment(experiment_id: str, written: int, _experiment: Experiment) -> Assessment:
    return load_assessment(experiment_id, open_workspace(), experiment=_experiment)


def open_kept_assessment(experiment_id: str) -> Assessment:
    """The recommendation that is kept with an experiment, as it is on disk now. It has to be there."""
    written = (open_workspace().experiments / experiment_id / ASSESSMENT_FILE).stat().st_mtime_ns
    return _open_assessment(experiment_id, written, open_experiment(experiment_id))


@st.cache_resource(show_spinner=False, max_entries=3)
def _open_search(fingerprint: str, _dataset: Dataset) -> LiveSearch:
    return LiveSearch(_dataset, open_workspace(), open_models())


def open_search(dataset: Dataset) -> LiveSearch:
    """The warm indexes of a dataset, shared by all sessions."""
    return _open_search(dataset.fingerprint, dataset)


@st.cache_resource(show_spinner=False)
def start_background() -> bool:
    """Once per server: begins the log, loads the model in the background, and on an empty workspace runs the sample.

    First a comparison, then the ladder, which gives way to whatever the user starts.
    """
    workspace, runner, models = open_workspace(), open_runner(), open_models()
    keep_log(workspace, "app")
    names = {entry.name for entry in list_datasets(workspace)}
    if FIRST_DATASET in names and not list_experiments(workspace) and not find_active(workspace):
        systems = {name: make_named_systems()[name] for name in preselect(has_filters=True)}

        def look_deeper() -> str:
            return runner.submit(make_assessment_job(FIRST_DATASET, Goals(), name="What to do first", gives_way=True))

        def look() -> str:
            job = make_comparison_job(FIRST_DATASET, systems, split="all", name="First look")
            return runner.submit(job, then=look_deeper)

        if runner.submit_once("first-run", look):
            return True  # it loads the model when it gets there; loading it now would keep word matching waiting
    if get_preload():
        threading.Thread(target=_warm_up, args=(models,), name="load model", daemon=True).start()
    return True


def _warm_up(models: Models) -> None:
    try:
        models.encoder(DEFAULT_MODEL, _default_revision())
    except LadderError:
        return  # the system that needs the model will say so, with the cure


def _default_revision() -> str:
    from core.stages.embed import model_revision

    return model_revision(DEFAULT_MODEL)
