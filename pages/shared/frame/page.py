"""The frame of every page: menu, sidebar, title line. A page starts with page_setup() and works as a cold deep link."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.errors import LadderError
from core.evaluation.measures import DOCUMENT_MEASURES, EVIDENCE_MEASURES, PRIMARY
from core.experiment.history import HistoryEntry
from pages.shared.frame.follow_job import show_active_job
from pages.shared.frame.state import FIRST_DATASET, View, get_view, list_choices, make_view, start_background
from pages.shared.frame.text import escape_markdown, shorten

_PAGES = Path(__file__).resolve().parents[2]
# group, file (its name is the address), title, icon
_MENU = (
    ("Answer", "recommendation", "Recommendation", ":material/flag:"),
    ("Answer", "diagnosis", "Diagnosis", ":material/troubleshoot:"),
    ("Answer", "fine_tuning", "Fine-tuning", ":material/model_training:"),
    ("Answer", "cost_latency", "Cost & latency", ":material/payments:"),
    ("Evidence", "results", "Results", ":material/leaderboard:"),
    ("Evidence", "queries", "Queries", ":material/manage_search:"),
    ("Try", "try", "Try", ":material/search:"),
    ("Set up", "data", "Data", ":material/database:"),
    ("Set up", "experiment", "Experiment", ":material/science:"),
    ("Set up", "versions", "Versions", ":material/history:"),
)
_LANDING = ("recommendation", "results")  # the first that is there
_FRAME_KEY = "_frame_ran"

MEASURE_WORDS = {
    "nDCG@10": "how well the first ten are ordered: 1 is perfect, relevant hits near the top count more",
    "Success@1": "share of queries whose very first hit is relevant",
    "Success@5": "share of queries with a relevant hit among the first five",
    "R@5": "share of the relevant documents that are among the first five",
    "R@10": "share of the relevant documents that are among the first ten",
    "R@100": "share of the relevant documents that are among the first hundred",
    "P@5": "share of the first five hits that are relevant",
    "P@10": "share of the first ten hits that are relevant",
    "RR@10": "1 / rank of the first relevant hit, 0 if it is not among the first ten",
    "AP": "average precision: precision at each relevant document, averaged; its mean is called MAP",
    "evidence_recall@5": "share of the answer's characters that stand in the first five chunks",
    "evidence_precision@5": "share of the first five chunks' characters that belong to the answer",
    "evidence_iou@5": "answer found / (text retrieved + answer missed), in characters",
    "evidence_recall@1000tokens": "share of the answer's characters within the first 1,000 tokens (about 750 words) of hits",
    "answer_success@5": "share of queries with a hit among the first five that holds at least half of an answer passage",
}


def list_pages() -> dict[str, list[st.Page]]:
    """The menu: group -> pages, with absolute paths so that it works whichever script ran first."""
    groups: dict[str, list[st.Page]] = {}
    for group, name, title, icon in _MENU:
        file = _PAGES / f"{name}.py"
        if file.exists():
            groups.setdefault(group, []).append(st.Page(file, title=title, icon=icon, url_path=name))
    # Streamlit gives the default page no address of its own, so that a link to it would fail: "/" only leads on.
    next(iter(groups.values())).append(st.Page(_go_home, title="Home", default=True, visibility="hidden"))
    return groups


def _go_home() -> None:
    pages = {page.url_path: page for group in list_pages().values() for page in group}
    st.switch_page(next(pages[name] for name in _LANDING if name in pages), query_params=st.query_params.to_dict())


def run_app() -> None:
    """What app.py does: the menu, the sidebar, then the page."""
    _configure()
    st.session_state[_FRAME_KEY] = True
    page = st.navigation(list_pages())
    start_background()
    draw_sidebar()
    page.run()


def _configure() -> None:
    """Without an icon of our own the browser would fetch the page's icon from another machine as the tab's."""
    st.set_page_config(page_title="Retrieval Ladder", page_icon=str(Path(__file__).with_name("icon.png")), layout="wide")


def page_setup(title: str, *, looking_at: str | Callable[[View], str] | None = None) -> View:
    """Starts a page: heals a cold deep link, writes title and the line under it; returns what is being looked at.

    looking_at: the line under the title, or what makes it of the view; None says dataset, experiment, split and measure.
    Both are shown as plain text.
    """
    if not st.session_state.get(_FRAME_KEY):
        # A deep link on a fresh server runs the page without app.py: claim the menu, then start again through it.
        st.session_state[_FRAME_KEY] = True
        _configure()
        st.navigation(list_pages())
        st.rerun()
    view = get_view()
    st.title(escape_markdown(title))
    line = looking_at(view) if callable(looking_at) else looking_at
    st.caption(escape_markdown(describe_view(view) if line is None else line))
    for kind, name in view.unknown.items():
        st.warning(
            f"This {kind} is not here: {escape_markdown(shorten(name))}. "
            "Choose one in the sidebar; what is shown is another one."
        )
    return view


def describe_view(view: View) -> str:
    """One line: what is being looked at."""
    if not view.dataset_name:
        return "No dataset is loaded yet."
    if view.experiment is None:
        return f"Dataset {view.dataset_name}. No experiment has been run on it yet."
    count = len(view.query_ids)
    name, dataset = view.experiment.name, view.dataset_name
    return f"Experiment “{name}” on {dataset}, {count} queries (split: {view.split}), measure {view.measure}."


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
            view, splits, measures = View(dataset, None, "all", PRIMARY, unknown), ["all"], [PRIMARY]
        split = _choose("Split", splits, "split", unknown, default=view.experiment.split_used if view.experiment else None)
        measure = _choose("Measure", measures, "measure", unknown, help=_explain(measures))
        st.session_state["_view"] = View(view.dataset_name, view.experiment, split or splits[0], measure or PRIMARY, unknown)
        show_active_job()


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
    from pages.shared.frame.state import open_dataset

    present = set(open_dataset(view.dataset_name).queries["split"])
    return ["all", *(split for split in ("test", "tuning") if split in present)]


def _list_measures(view: View) -> list[str]:
    known = [*DOCUMENT_MEASURES, *EVIDENCE_MEASURES]
    if view.experiment is None or view.experiment.per_query.empty:
        return [PRIMARY]
    present = set(view.experiment.per_query["measure"])
    return [measure for measure in known if measure in present] or [PRIMARY]


def _explain(measures: list[str]) -> str:
    return "\n\n".join(f"**{escape_markdown(name)}**: {MEASURE_WORDS[name]}" for name in measures if name in MEASURE_WORDS)
