"""The frame of every page: menu and title line. A page starts with page_setup() and works as a cold deep link."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.shared.frame.services import start_background
from pages.shared.frame.sidebar import draw_sidebar
from pages.shared.frame.state import View, get_view
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
