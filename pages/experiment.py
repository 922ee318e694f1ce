"""Experiment: which systems shall be compared, what does that take, and what was run before?"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.data.dataset import Dataset
from core.errors import LadderError
from core.jobs.kinds.compare import make_comparison_job
from core.jobs.state import find_same
from core.systems.named import make_named_systems, preselect
from core.systems.system import System
from core.systems.trained import list_models
from core.systems.trained_systems import make_trained_systems
from pages.parts.experiment.history import show_history
from pages.parts.experiment.runs import show_changed, show_jobs, start
from pages.parts.experiment.system_editor import read_own_systems, show_systems
from pages.parts.experiment.workspace import show_workspace
from pages.shared.forms.own_systems import offer_scores
from pages.shared.frame.links import Link, go
from pages.shared.frame.outlook import Outlook, describe_outlook, look_ahead
from pages.shared.frame.page import page_setup
from pages.shared.frame.services import open_dataset, open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown, shorten

PARTS = ("Run", "History", "Systems", "Workspace")
_SPLITS = {"all": "all", "test": "test", "tuning": "tuning"}


def show_run(view: View, own: Mapping[str, System]) -> None:
    """Choose systems, see what lies ahead, start, follow."""
    if not view.dataset_name:
        st.info("Nothing is loaded yet. Load a corpus with queries, then choose how to search it.")
        if st.button("Load data", type="primary"):
            go(Link("data"))
        return
    if view.data_changed and view.experiment:
        show_changed(view.experiment)
    show_jobs(view.dataset_name)
    try:
        dataset = open_dataset(view.dataset_name)
    except LadderError as error:
        st.error(escape_markdown(error))
        return
    st.subheader("Compare systems")
    systems = choose_systems(dataset, own)
    splits = [split for split in ("test", "tuning") if len(dataset.queries_of(split))]
    left, right = st.columns([1, 2]) if splits else (None, st.container())
    split = choose_split(dataset, splits, left) if left else "all"
    name = right.text_input("Name (optional)", key="run_name", max_chars=120, placeholder="what this run is to find out")
    show_start(dataset, systems, split, name.strip())


def choose_systems(dataset: Dataset, own: Mapping[str, System]) -> dict[str, System]:
    """One box per system: the preselected ones, the user's, and the rest folded away."""
    named = make_named_systems()
    first = preselect(has_filters=dataset.has_filters)
    chosen = tick(dataset, {name: named[name] for name in first}, ticked=True)
    if own:
        st.markdown("**Yours**")
        chosen |= tick(dataset, own, ticked=False)
    trained = make_trained_systems(list_models(open_workspace(), dataset=dataset.name))
    if trained:
        st.markdown("**Trained here** · on queries they learned from they look better than they are: see Fine-tuning")
        chosen |= tick(dataset, trained, ticked=False)
    rest = {name: system for name, system in named.items() if name not in first}
    with st.expander(f"{len(rest)} more systems that come with the product", key="run_more"):
        if not dataset.has_filters:
            st.caption(
                "No query of this dataset carries a filter, so that the filtered systems find the same as the plain ones."
            )
        chosen |= tick(dataset, rest, ticked=False)
    return {name: system for name, system in {**named, **trained, **own}.items() if name in chosen}


def tick(dataset: Dataset, systems: Mapping[str, System], *, ticked: bool) -> set[str]:
    """The names of the systems whose boxes are ticked; each has its sentence beside it."""
    chosen = set()
    for name, system in systems.items():
        label = f"**{escape_markdown(shorten(name, width=60))}** · {escape_markdown(system.description or 'No description.')}"
        if st.checkbox(label, ticked, key=f"run_{dataset.name}_{name}", persist_state="session"):
            chosen.add(name)
    return chosen


def choose_split(dataset: Dataset, splits: list[str], place: DeltaGenerator) -> str:
    """Which queries to use, where the dataset has a split."""
    options = ["all", *splits]
    return str(
        place.selectbox(
            "Queries",
            options,
            options.index(dataset.default_split) if dataset.default_split in options else 0,
            key=f"run_split_{dataset.name}",
            format_func=lambda split: f"{_SPLITS[split]} ({len(dataset.queries_of(split))})",
            help="Choose settings on the tuning queries, report on the test queries: a setting chosen on the queries that "
            "it is then reported on looks better than it is.",
        )
    )


def show_start(dataset: Dataset, systems: Mapping[str, System], split: str, name: str) -> None:
    """What lies ahead, then Start, with the reason where it cannot be pressed."""
    outlook = None
    reason = find_reason(dataset, systems, split)
    if reason is None:
        try:
            outlook = look_ahead(dataset, systems, split)
        except LadderError as error:
            reason = str(error)
    if outlook:
        show_outlook(outlook)
    if not dataset.has_labels and reason is None:
        st.caption("No labels yet: compare hits by eye; add qrels or evidence to measure.")
    if st.button("Start", type="primary", disabled=reason is not None, key="run_start"):
        start(dataset.name, systems, split=split, name=name)
    if reason:
        st.caption(escape_markdown(reason))


def show_outlook(outlook: Outlook) -> None:
    """What the run would take, and which systems cannot run."""
    st.markdown(escape_markdown(describe_outlook(outlook)))
    for system, problem in outlook.broken.items():
        st.warning(f"**{escape_markdown(system)}** cannot run: {escape_markdown(problem)} The others are not affected.")


def find_reason(dataset: Dataset, systems: Mapping[str, System], split: str) -> str | None:
    """Why Start cannot be pressed, or None."""
    if dataset.queries.empty:
        return "This dataset has no queries. Add queries.jsonl on the page Data, or type queries on the page Try."
    if not systems:
        return "Tick at least one system."
    same = find_same(make_comparison_job(dataset.name, systems, split=split), open_workspace())
    return f"This comparison is already {same.state}; see above." if same else None


view = page_setup("Experiment")
part = st.segmented_control(
    "Part", PARTS, default="Run", required=True, key="experiment_part", bind="query-params", label_visibility="collapsed"
)
own_systems, trouble = read_own_systems()
if trouble:
    st.error(f"Your own systems cannot be read. {escape_markdown(trouble)}")
if part == "History":
    show_history(view)
elif part == "Workspace":
    show_workspace()
elif part == "Systems":
    show_systems(own_systems)
    if st.session_state.get("system_base") in own_systems:
        offer_scores(view.dataset_name, st.session_state["system_base"], key="system_score")
else:
    show_run(view, own_systems)
