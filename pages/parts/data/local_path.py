"""A folder, a zip or a table on the machine that runs the app."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.data.catalog import new_import_folder
from core.data.load import split_part
from core.data.readers.archive import unpack_zip
from core.data.readers.layouts import layout_of
from core.data.readers.table_files import SHEET_SUFFIXES, TABLE_SUFFIXES
from core.data.readers.uploads import Upload, UploadKind, inspect_upload
from core.errors import InputError, LadderError
from core.text.phrases import count_of
from pages.parts.data.collection import show_place
from pages.parts.data.load_message import say, show_message
from pages.parts.data.load_steps import (
    PATH,
    STAGED,
    choose_dataset,
    show_steps,
)
from pages.parts.data.typed_place import describe_limits, may_type, read_collection_place, read_path
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_markdown


def show_path() -> None:
    """A path to type, what lies there, and "Load"."""
    typed = st.text_input(
        "Path of a folder, a zip or a table on the machine that runs this app",
        key="data_path",
        persist_state="session",
        disabled=not may_type(),
    ).strip()
    if limits := describe_limits():
        st.caption(escape_markdown(limits))
        if not may_type():
            return
    st.caption("A folder stays where it is and is read again when its files change. Zips and tables are copied.")
    st.button("Look", on_click=_look)  # never disabled: the click that ends the typing would be lost
    show_message("look")
    path = st.session_state.get(PATH)
    try:
        if not isinstance(path, Path) or path != read_path(typed) or not split_part(path)[0].exists():
            return
        place = read_collection_place(str(path), "")
    except InputError as error:  # links were followed anew: something has changed since the path was looked at
        st.error(escape_markdown(error))
        return
    with st.container(border=True):
        st.markdown(f"**{escape_markdown(path)}**")
        if place is not None:
            show_place(place)
            return
        upload = _inspect_path(path)
        st.markdown(escape_markdown(upload.message))
        if upload.kind is UploadKind.SEVERAL:
            upload = choose_dataset(upload, key=path.name)
            path = upload.root
            st.markdown(escape_markdown(upload.message))
        if upload.kind is not UploadKind.UNKNOWN:
            show_steps(path, upload, wanted=path.name, staged=None)


def _look() -> None:
    """A callback: what the path is. A zip is unpacked into the workspace and goes on as an upload."""
    typed = str(st.session_state["data_path"]).strip()  # as it is at the click, not as it was when the page was drawn
    if not typed:
        say("error", "Type a path first.", beside="look")
        return
    try:
        path = read_path(typed)
    except InputError as error:
        say("error", str(error), beside="look")
        return
    if not split_part(path)[0].exists():
        say("error", f"There is nothing at {path} on this machine; check the path.", beside="look")
    elif path.suffix.lower() == ".zip" and path.is_file():
        target = new_import_folder(path.name, open_workspace())
        try:
            with st.spinner("Unpacking the zip…"):
                unpack_zip(path, target)
            st.session_state[STAGED] = target
        except LadderError as error:
            say("error", str(error), beside="look")
    elif path.is_file() and not path.name.lower().endswith((*TABLE_SUFFIXES, *SHEET_SUFFIXES, ".json")):
        sentence = f"{path} is a single file; give the folder that holds it, a zip, or a table (.csv .tsv .jsonl .parquet)."
        say("error", sentence, beside="look")
    else:
        st.session_state[PATH] = path


def _inspect_path(path: Path) -> Upload:
    folder = split_part(path)[0]
    if folder.is_dir():
        return inspect_upload(folder)
    if layout_of(path).whole:
        return Upload(UploadKind.DATASET, path.parent, (path.name,), f"A dataset: {path.name}.")
    tables = layout_of(path).tables
    return Upload(UploadKind.TABLES, path.parent, tables, f"{count_of(len(tables), 'table')}; say which columns are what.")
