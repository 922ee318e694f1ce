"""Data: what is loaded, is it sound, and what do the chunkers make of it?"""

import streamlit as st

from core.data.catalog import CatalogEntry, find_named, remove_dataset
from core.data.dataset import Dataset
from core.errors import InputError, LadderError
from core.experiment.history import list_experiments
from core.storage.files import folder_size
from pages.parts.data.chunk_section import show_chunks
from pages.parts.data.dataset_view import show_documents, show_queries
from pages.parts.data.health import show_counts, show_findings
from pages.parts.data.label_rules import show_label_rules
from pages.parts.data.load import show_load
from pages.parts.data.load_message import say, show_message
from pages.parts.data.load_steps import describe_size, select_dataset
from pages.shared.frame.links import Link, go
from pages.shared.frame.page import list_pages, page_setup
from pages.shared.frame.services import open_dataset, open_workspace
from pages.shared.frame.state import View, list_choices
from pages.shared.frame.text import escape_markdown

SECTIONS = ("Overview", "Documents", "Chunks", "Queries", "Load data")
KINDS = {"sample": "comes with the product", "uploaded": "in the workspace", "folder": "a folder on this machine"}


def main() -> None:
    """The page: the section of the link over the chosen dataset, or the way to load one."""
    name = str(st.session_state.get("dataset") or "")
    view = page_setup("Data", looking_at=f"Dataset {name}." if name else "No dataset is loaded yet.")
    show_message()
    if not view.dataset_name:
        st.info("Open a sample or load your own data; then this page shows what is in it.")
        show_load()
        return
    section = st.segmented_control(
        "Section", SECTIONS, default=SECTIONS[0], required=True, key="data_view", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    if section == "Load data":
        show_load()
        return
    entry = find_named(view.dataset_name, open_workspace())
    try:
        with st.spinner("Reading the data…"):
            dataset = open_dataset(view.dataset_name)
    except InputError as error:
        st.error(escape_markdown(error))
        st.caption("It was readable before. Correct the file, load the data again under Load data, or remove it here.")
        show_removal(entry)
        return
    if view.data_changed and view.experiment is not None:
        st.warning(
            f"The data changed since “{escape_markdown(view.experiment.name)}” ran: its numbers are about the data as it was. "
            "Run the experiment again to compare on the data as it is."
        )
    if section == "Overview":
        show_counts(dataset)
        show_actions(dataset, entry, view)
        show_label_rules(dataset, entry)
        show_findings(dataset, entry)
        st.caption(escape_markdown(f"{dataset.name}: {KINDS[entry.kind]}, {entry.path}"))
    elif section == "Documents":
        show_documents(dataset)
    elif section == "Chunks":
        show_chunks(dataset)
    else:
        show_queries(dataset)


def show_actions(dataset: Dataset, entry: CatalogEntry, view: View) -> None:
    """On to the experiment; remove."""
    pages = {page.url_path for group in list_pages().values() for page in group}
    with st.container(horizontal=True):
        if "experiment" in pages:
            reason = "There are no queries to compare systems on." if dataset.queries.empty else None
            if st.button("Run an experiment", type="primary", disabled=reason is not None, help=reason):
                go(Link("experiment", dataset=view.dataset_name))
        show_removal(entry)


def show_removal(entry: CatalogEntry) -> None:
    """Removes an uploaded dataset, or forgets a folder; asks first."""
    if entry.kind == "sample":
        return
    uploaded = entry.kind == "uploaded"
    with st.popover("Remove this dataset"):
        count = sum(other.dataset == entry.name for other in list_experiments(open_workspace()))
        kept = f" {count} experiments on it stay in the history." if count else ""
        if uploaded:
            st.markdown(f"Deletes the copy in the workspace ({describe_size(folder_size(entry.path))}).{kept}")
        else:
            st.markdown(f"Takes the folder off the list; its files stay where they are.{kept}")
        st.button("Yes, delete it" if uploaded else "Yes, take it off", on_click=remove, args=(entry.name,), key="data_remove")


def remove(name: str) -> None:
    """A callback: removes the dataset and looks at another one."""
    try:
        remove_dataset(name, open_workspace())
    except LadderError as error:
        say("error", str(error))
        return
    others = [entry.name for entry in list_choices()[0]]
    if others:
        select_dataset(others[0])
    else:
        st.session_state.pop("dataset", None)
    say("success", f"“{name}” is removed.")


main()
