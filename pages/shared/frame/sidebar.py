"""The sidebar: dataset, experiment, split and measure, which stand in the link, and the job that runs."""

from __future__ import annotations

import contextlib

import streamlit as st

from core.errors import LadderError
from core.evaluation.measures import PRIMARY, explain_measure, list_measures
from core.experiment.history import HistoryEntry
from core.jobs.kinds import find_kind
from core.jobs.state import INTERRUPTED, find_active, list_jobs
from pages.shared.frame.follow_job import describe_job, draw_cancel
from pages.shared.frame.services import FIRST_DATASET, open_dataset, open_workspace
from pages.shared.frame.state import View, list_choices, make_view
from pages.shared.frame.text import escape_markdown, shorten, show_html
from server.reach import asks_login

_JOB_SEEN = "_job_seen"
_WHOLE_PAGE = "_job_whole_page"  # this run draws the page, not only the job
_SECONDS = 1.0


def draw_sidebar() -> None:
    """Dataset, experiment, split and measure, bound to the link, and the running job. Computes the View."""
    datasets, history = list_choices()
    names = [entry.name for entry in datasets]
    unknown: dict[str, str] = {}
    with st.sidebar:
        asked = next((entry.dataset for entry in history if entry.id == st.query_params.get("experiment")), None)
        default = asked if asked in names else _first_dataset(history, names)
        before = st.session_state.get("_link_dataset")
        dataset = _choose("Dataset", names, "dataset", unknown, default=default)
        if before not in (None, dataset):
            _drop_own("experiment", "split", "measure")
        entries = {entry.id: entry for entry in history if entry.dataset == dataset}
        experiment_id = _choose("Experiment", list(entries), "experiment", unknown, labels=_label_experiments(entries))
        try:
            view = make_view(dataset, experiment_id, "", PRIMARY, unknown)
            splits = _list_splits(view)
            measures = _list_measures(view)
        except LadderError as error:
            st.error(escape_markdown(error))
            view, splits, measures = View(dataset, None, "all", PRIMARY, unknown), ["all"], []
        split = _choose("Split", splits, "split", unknown, default=view.experiment.split_used if view.experiment else None)
        measure = _choose("Measure", measures, "measure", unknown, help=_explain(measures))
        st.session_state["_view"] = View(view.dataset_name, view.experiment, split or splits[0], measure or PRIMARY, unknown)
        show_active_job()
        if asks_login():
            show_html('<a href="logout" target="_self" style="color: inherit">Log out</a>')


def _drop_own(*keys: str) -> None:
    """Takes from the link what was written there for the dataset before: nobody asked for it, so no warning is due."""
    for key in keys:
        if key in st.query_params and st.query_params[key] == st.session_state.get(f"_link_{key}"):
            del st.query_params[key]


def _choose(
    label: str,
    options: list[str],
    key: str,
    unknown: dict[str, str],
    *,
    default: str | None = None,
    labels: dict[str, str] | None = None,
    help: str | None = None,
) -> str:
    """A select whose value always stands in the link; one in the link that is not an option is put down in `unknown`.

    Streamlit's own binding leaves a widget's default out of the link, whose meaning would then change with the next
    experiment. So: a link that differs from what was last written is obeyed, everything else is written to the link.
    """
    asked, written = st.query_params.get(key), f"_link_{key}"
    before, now = st.session_state.get(written), st.session_state.get(key)
    chosen_by_hand = before is not None and now in options and now != before
    if asked is not None and asked not in options and not chosen_by_hand:
        unknown[key] = asked
    if not options:
        st.selectbox(label, ["none yet"], disabled=True, key=f"{key}_none")
        return ""
    if asked in options and asked != before:
        st.session_state[key] = asked
    elif now not in options:
        st.session_state[key] = default if default in options else options[0]
    chosen = str(
        st.selectbox(
            label,
            options,
            key=key,
            persist_state="session",
            help=help,
            format_func=lambda option: (labels or {}).get(option, option),
        )
    )
    st.session_state[written] = chosen
    if key not in unknown and asked != chosen:
        st.query_params[key] = chosen
    return chosen


def _first_dataset(history: list[HistoryEntry], names: list[str]) -> str | None:
    """The dataset that was worked on last; before that the sample that is searched by itself."""
    return next((entry.dataset for entry in history if entry.dataset in names), FIRST_DATASET)


def _label_experiments(entries: dict[str, HistoryEntry]) -> dict[str, str]:
    times = {key: entry.created[5:16].replace("T", " ") for key, entry in entries.items()}
    return {key: f"{shorten(entry.name, width=34)} · {times[key]}" for key, entry in entries.items()}


def _list_splits(view: View) -> list[str]:
    if view.experiment is None:
        return ["all"]
    if view.experiment.split_used != "all":
        return [view.experiment.split_used]
    present = set(open_dataset(view.dataset_name).queries["split"])
    return ["all", *(split for split in ("test", "tuning") if split in present)]


def _list_measures(view: View) -> list[str]:
    """None before there are values: a choice of one, shown first, would be what a slow browser sends back over the link's."""
    if view.experiment is None or view.experiment.per_query.empty:
        return []
    present = set(view.experiment.per_query["measure"])
    return [measure for measure in list_measures() if measure in present] or [PRIMARY]


def _explain(measures: list[str]) -> str:
    return "\n\n".join(f"**{escape_markdown(name)}**: {explain_measure(name)}" for name in measures)


def show_active_job() -> None:
    """Draws the job; asks again every second while one is active, not at all otherwise."""
    active = bool(find_active(open_workspace()))
    st.session_state[_WHOLE_PAGE] = True
    st.fragment(_draw_job, run_every=_SECONDS if active else None)()


def _draw_job() -> None:
    workspace = open_workspace()
    active = find_active(workspace)
    # The page is drawn anew when a system becomes ready or the job ends, not at every tick.
    state = tuple((job.id, job.state, len(job.ready)) for job in active)
    # When the whole page is being drawn it shows the news anyway, and another rerun would swallow the click that caused it.
    whole = st.session_state.pop(_WHOLE_PAGE, False)
    changed = st.session_state.get(_JOB_SEEN) not in (None, state)
    st.session_state[_JOB_SEEN] = state
    if changed and not whole:
        st.rerun(scope="app")
    if not active:
        _show_interrupted()
        return
    job = active[0]
    st.progress(job.progress, text=escape_markdown(describe_job(job)))
    draw_cancel(job, key="cancel", help="Stops after the current batch; what is finished is kept.")
    for other in active[1:]:
        st.caption(escape_markdown(describe_job(other)))


def _show_interrupted() -> None:
    jobs = list_jobs(open_workspace())[:1]
    if jobs and jobs[0].state == INTERRUPTED:
        again = ""
        with contextlib.suppress(LadderError):  # of a kind that another version knows
            again = f"; start it again on the page {find_kind(jobs[0].kind).started_on}"
        st.caption(escape_markdown(f"“{jobs[0].title}” was interrupted. What was finished is kept{again}."))
