"""What can be done next with index versions: build one beside the live one, promote one past a bar, ask the live one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.data.dataset import Dataset
from core.errors import LadderError
from core.evaluation.verdicts import SMALLEST_USEFUL_GAIN
from core.graph.resources import Models, Resources
from core.jobs.state import FAILED, find_active, list_jobs
from core.live.search import LiveSearch
from core.live.typed_query import Answer
from core.recommendation.own_systems import get_recommended
from core.schema import content_hash
from core.systems.named import BASELINE
from core.systems.system import System
from core.text.phrases import count_of
from core.versions.build import VersionPlan, plan_version
from core.versions.contents import open_version
from core.versions.promote import ANY, BAR_WORDS, BARS, Bar
from core.versions.request import BUILD, PROMOTE, VersionRequest
from core.versions.version import Live, Version
from pages.parts.versions.progress import begin_change, find_last, is_running, turn_to
from pages.parts.versions.sentences import say_size, say_usd, show_facts
from pages.shared.frame.follow_job import describe_seconds
from pages.shared.frame.outlook import needs_hub
from pages.shared.frame.services import open_models, open_workspace
from pages.shared.frame.state import View, list_known_systems, open_assessment
from pages.shared.frame.text import escape_markdown
from pages.shared.show.cards import make_hits, show_columns

_HITS = 5
_EPSILON = 0.05  # seconds; less is said as nothing


def find_recommended(dataset: str) -> System | None:
    """The system of the dataset's newest recommendation; None if there is none, or it cannot be read."""
    with contextlib.suppress(LadderError, StopIteration):
        assessment = open_assessment(View(dataset, None, "all", "", {}))
        return get_recommended(assessment) if assessment is not None else None
    return None


def show_build(dataset: Dataset, live: Live) -> None:
    """Choose a system, see what its index takes, build it."""
    systems = list_known_systems(dataset.name)
    recommended = find_recommended(dataset.name)
    if recommended is not None:
        systems = {**systems, recommended.name: systems.get(recommended.name, recommended)}
    default = recommended.name if recommended is not None else BASELINE
    names = list(systems)
    name = str(
        st.selectbox(
            "System",
            names,
            names.index(default) if default in names else 0,
            key=f"versions_system_{dataset.name}",
            persist_state="session",
            format_func=lambda one: f"{one} (recommended)" if recommended is not None and one == recommended.name else one,
        )
    )
    system = systems[name]
    if system.description:
        st.caption(escape_markdown(system.description))
    plan: VersionPlan | None = None
    try:
        plan = plan_build(dataset, system)
    except LadderError as error:
        st.error(escape_markdown(error))
        return
    if plan is not None and plan.exists:
        st.markdown(escape_markdown(f"{plan.id} is built already, over the documents as they are now."))
        st.button("Look at it", key="versions_look", on_click=turn_to, args=(plan.id,))
        return
    if plan is None:
        st.markdown("Its model comes from the hub when it is built (network needed); what it takes is known then.")
    else:
        _show_plan(plan, live)
    request = VersionRequest(BUILD, system=system.to_spec())
    running = is_running(dataset.name, request)
    st.button(
        "Build beside the live one" if live.version else "Build it",
        type="primary",
        key="versions_build",
        icon=":material/construction:",
        disabled=running,
        on_click=begin_change,
        args=(dataset.name, request),
        help="It answers once it is promoted; until then the live version, if there is one, goes on answering.",
    )
    if running:
        st.caption("This build is already running; see above.")
    elif find_active(open_workspace()):
        st.caption("Another run is at work; this one starts when that is done.")


@st.cache_resource(show_spinner=False)
def _open_tokenizers() -> Models:
    """Models of their own: the plan must not wait while the embedding model loads."""
    return Models(threads=1)


@st.cache_data(max_entries=32, show_spinner="Cutting the documents to see what is left to embed")
def _plan(key: str, _dataset: Dataset, _system: System) -> VersionPlan:
    return plan_version(_dataset, _system, Resources(open_workspace(), models=_open_tokenizers()))


def plan_build(dataset: Dataset, system: System) -> VersionPlan | None:
    """What building takes, counted anew whenever a job has moved on; None where a model would have to be fetched for that.
    Raises LadderError."""
    if needs_hub(system):
        return None
    workspace = open_workspace()
    moved = [(job.id, job.state) for job in list_jobs(workspace)[:3]]
    built = sorted(path.name for path in workspace.versions(dataset.name).glob("*"))
    key = content_hash([str(workspace.folder), dataset.name, dataset.fingerprint, system.to_spec(), moved, built])
    return _plan(key, dataset, system)


def _show_plan(plan: VersionPlan, live: Live) -> None:
    facts = {"Documents": f"{plan.documents:,}"}
    if plan.model:
        known = plan.passages - plan.texts
        facts |= {
            "Passages": f"{plan.passages:,}",
            "To embed": f"{plan.texts:,}" + (f" (the other {known:,} are in the cache, or say the same)" if known else ""),
            "Time here": _say_times({"embed": plan.embed_seconds, "index": plan.index_seconds}),
            "Cost": f"{say_usd(plan.usd)} for this machine",
        }
    else:
        facts["To embed"] = "nothing: words are matched"
    facts["Disk"] = f"about {say_size(plan.disk_bytes)}" + (", beside the live version" if live.version else "")
    show_facts(facts)
    st.markdown(
        escape_markdown(
            f"Before it answers it is measured on about {count_of(plan.test_queries, 'test query')}: by default it has to be "
            f"{Bar().describe()}."
        )
        if plan.test_queries
        else "There are no labelled test queries to measure it by. It can be promoted without, and the history will say so."
    )


def _say_times(seconds: Mapping[str, float]) -> str:
    """ "about 7 s to embed, 2 s to index"; what takes no time is left out."""
    parts = [f"{describe_seconds(took)} to {what}" for what, took in seconds.items() if took >= _EPSILON]
    return f"about {', '.join(parts)}" if parts else "a moment"


def show_promotion(version: Version, dataset: Dataset, live: Live, told: Mapping[str, Any] | None) -> None:
    """The bar, and Promote; after a bar that was not passed, a second step that promotes it all the same."""
    with st.container(border=True, key="versions_promotion"):
        st.markdown("**Promote it**")
        if not dataset.has_labels:
            st.warning(
                "This dataset has no labels, so nothing can be measured. Add labels on the page Data, or promote it anyway."
            )
        bar = _ask_bar(live)
        request = VersionRequest(PROMOTE, version=version.id, bar=bar)
        running = is_running(dataset.name, request)
        st.button(
            "Measure and promote",
            type="primary",
            key="versions_promote",
            icon=":material/rocket_launch:",
            disabled=running or not dataset.has_labels,
            on_click=begin_change,
            args=(dataset.name, request),
            help="It answers as soon as it has passed. The version that answers now is kept to go back to.",
        )
        if running:
            st.caption("It is being measured; see above.")
        why = _find_failure(version, dataset, live, told)
        if why:
            st.divider()
            st.markdown(f"**{why}** It can answer all the same; the history will say that it did not pass.")
            st.button(
                "Promote anyway",
                key="versions_anyway",
                disabled=running,
                on_click=begin_change,
                args=(dataset.name, VersionRequest(PROMOTE, version=version.id, bar=bar, anyway=True)),
            )


def _find_failure(version: Version, dataset: Dataset, live: Live, told: Mapping[str, Any] | None) -> str:
    """Why the second step is offered; "" if it is not: nobody asked yet, or what was asked is of another live version."""
    if not dataset.has_labels:
        return "It cannot be measured."
    last = find_last(dataset.name)
    if last is not None and last.state == FAILED and last.options.get("version") == version.id:
        return "It could not be measured."
    if told is not None and not told["passed"] and told["against"] in ("", live.version):
        return "It did not pass."
    return ""


def _ask_bar(live: Live) -> Bar:
    kind = str(
        st.radio(
            "On the test queries it has to be",
            BARS,
            format_func=lambda one: BAR_WORDS[one],
            key="versions_bar",
            persist_state="session",
        )
    )
    left, right = st.columns(2)
    gain = left.number_input(
        "Smallest useful difference",
        0.001,
        1.0,
        SMALLEST_USEFUL_GAIN,
        0.005,
        format="%.3f",
        key="versions_gain",
        persist_state="session",
        disabled=kind == ANY,
        help="Of the means. A loss of this size has to be ruled out, or a gain of this size shown.",
    )
    least = right.number_input(
        "Least mean, if any",
        0.0,
        1.0,
        None,
        0.05,
        format="%.2f",
        key="versions_least",
        persist_state="session",
        placeholder="none",
        help="From 0 to 1: the mean that it has to reach besides.",
    )
    if not live.version:
        st.caption(
            "Nothing is live to compare with: it passes if it can be measured, and reaches the least mean, if one is given."
        )
    return Bar(kind, min_gain=float(gain), least=float(least) if least is not None else None)


@st.cache_resource(max_entries=2, show_spinner="Opening the live version")
def _open(workspace: str, version_id: str, _version: Version) -> LiveSearch:
    return open_version(_version, open_workspace(), models=open_models())


@st.cache_data(max_entries=64, show_spinner="Asking the live version; the first time its model is loaded")
def _ask(workspace: str, version_id: str, text: str, _version: Version) -> Answer:
    search = _open(workspace, version_id, _version)
    return search.search([text], {_version.name: _version.read_system()}, depth=_HITS)[_version.name]


def show_ask(version: Version) -> None:
    """A typed query, answered from the live version's own files."""
    text = st.text_input(
        "Query",
        key="versions_query",
        max_chars=1_000,
        placeholder="Type a query and press Enter",
        persist_state="session",
        type="search",
    ).strip()
    if not text:
        st.caption("Its hits come from the version's own files, as a program that asks it would get them.")
        return
    folder = str(open_workspace().folder)
    try:
        answer = _ask(folder, version.id, text, version)
        if answer.error:
            _ask.clear(folder, version.id, text, version)  # an endpoint may be back the next time
            st.error(escape_markdown(answer.error))
            return
        hits = make_hits(answer.documents, _open(folder, version.id, version).dataset, query_id=None, depth=_HITS)
    except LadderError as error:
        st.error(escape_markdown(error))
        return
    notes = {version.name: f"{1000 * answer.seconds:.0f} ms, {version.id}"} if hits else {}
    show_columns({version.name: hits}, key="versions_hits", notes=notes)
