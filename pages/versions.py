"""Versions: which index answers now, is it up to date, and is the next one fit to take over?"""

from __future__ import annotations

import streamlit as st

from core.data.dataset import Dataset
from core.errors import LadderError
from core.versions.version import Live, Version, list_versions, load_version, read_live
from pages.parts.versions.forms import show_ask, show_build
from pages.parts.versions.keeping_up import show_changes
from pages.parts.versions.progress import (
    ALL,
    ANOTHER,
    ASK,
    NOW,
    PART,
    PARTS,
    VERSION,
    follow_change,
    show_running,
    show_trouble,
    show_unfinished,
)
from pages.parts.versions.sentences import say_time
from pages.parts.versions.table import make_table, show_history, show_live, show_table, show_version
from pages.shared.forms.choose import choose_part, read_choice, select_choice
from pages.shared.frame.address import follow_link
from pages.shared.frame.links import Link, go
from pages.shared.frame.page import page_setup
from pages.shared.frame.services import open_dataset, open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown

_FIRST = (
    "A version is an index that can answer: one system over the documents as they were, built beside the one that answers now "
    "and kept whole. The next one takes over once the test queries say that it may, and the one before stays, so that going "
    "back takes a moment."
)


def describe_place(view: View) -> str:
    """The line under the title."""
    if not view.dataset_name:
        return "No dataset is loaded yet."
    return f"Dataset {view.dataset_name}. The index that answers, the next one beside it, and the way back."


def read_version(dataset: Dataset, live: Live) -> Version | None:
    """The live version; None where nothing is live, or it cannot be read."""
    try:
        return load_version(live.version, dataset.name, open_workspace()) if live.version else None
    except LadderError:
        return None


def choose_version(dataset: Dataset, versions: list[Version], live: Live) -> Version:
    """The table, and the version of the link or of a click, else the newest."""
    known = {version.id: version for version in versions}
    missing = "This version is not here: {}. Choose one below; what is shown is another one."
    shown = read_choice(VERSION, known, default=versions[0].id, missing=missing)
    ids = list(known)
    key = f"versions_table_{shown}"

    def choose_row() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows and rows[0] < len(ids):
            st.session_state[VERSION] = ids[rows[0]]

    show_table(make_table(versions, dataset, live), ids.index(shown), key=key, on_select=choose_row)

    def spell(one: str) -> str:
        return f"{one} · built {say_time(known[one].created)}" if one in known else one

    return known[select_choice("Version", ids, name=VERSION, spell=spell)]


def show_parts(dataset: Dataset, versions: list[Version], live: Live, version: Version | None) -> None:
    """One of the page's parts; without a version that can be read, those that need none."""
    if follow_link(VERSION) and not follow_link(PART):  # a link that names a version alone leads to it
        st.session_state[PART] = ALL
    part = choose_part(PART, PARTS if version is not None else (ALL, ANOTHER))
    if part == ALL:
        show_version(choose_version(dataset, versions, live), dataset, live)
        show_history(live)
    elif part == ANOTHER:
        show_build(dataset, live)
    elif part == NOW and version is not None:
        show_changes(dataset, version)
    elif part == ASK and version is not None:
        show_ask(version)


def main() -> None:
    """The page: what answers now, what runs, then one of its parts."""
    view = page_setup("Versions", looking_at=describe_place)
    if not view.dataset_name:
        st.info("Nothing is loaded yet. Load a corpus to build an index that can answer from it.")
        if st.button("Load data", type="primary"):
            go(Link("data"))
        return
    dataset = open_dataset(view.dataset_name)
    workspace = open_workspace()
    versions, live = list_versions(dataset.name, workspace), read_live(dataset.name, workspace)
    version = read_version(dataset, live)
    follow_change(dataset)
    if versions or live.version:
        show_live(dataset, live, version)
    show_trouble()
    show_running(dataset)
    show_unfinished(dataset)
    if versions:
        show_parts(dataset, versions, live, version)
    else:
        st.info(_FIRST)
        st.subheader("Build the first", anchor=False)
        show_build(dataset, live)


try:
    main()
except LadderError as error:
    st.error(escape_markdown(error))
