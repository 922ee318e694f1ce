"""What every way of loading comes to: naming, saying which columns are what, the button, and what is said afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from core.data.catalog import add_dataset, check_name, suggest_name
from core.data.dataset import Dataset
from core.data.readers.columns import TableUse
from core.data.readers.documents.reading import Reading, read_reading
from core.data.readers.layouts import layout_of
from core.data.readers.table_files import TABLE_SUFFIXES
from core.data.readers.uploads import Upload, UploadKind, inspect_upload
from core.errors import LadderError
from core.progress import ProgressCallback, ProgressEvent
from core.text.phrases import count_of
from core.workspace import remove_folder
from pages.parts.data.map_tables import map_tables
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_markdown

MESSAGE = "data_message"  # session state: (kind, sentence, control), shown once on the next run of the page
STAGED = "data_staged"  # session state: the upload that is being loaded
PATH = "data_looked_at"  # session state: the path on this machine that is being loaded
WAYS = ("Files or a zip", "A whole folder", "A path on this machine", "A Chroma collection")


def select_dataset(name: str) -> None:
    """A callback: looks at this dataset from now on."""
    st.session_state["dataset"] = name
    st.session_state["data_view"] = "Overview"


def show_message(beside: str = "") -> None:
    """What the last action came to, once. beside: the control that it is about, as say() was told; "" for the page's top."""
    kind, sentence, place = (*st.session_state.get(MESSAGE, ("", "")), "")[:3]
    if sentence and place == beside:
        st.session_state.pop(MESSAGE)
        {"error": st.error, "success": st.success}[kind](escape_markdown(sentence))


def say(kind: str, sentence: str, *, beside: str = "") -> None:
    """Keeps a sentence ("error" or "success") for the next run of the page, which shows it beside a control."""
    st.session_state[MESSAGE] = (kind, sentence, beside)


def choose_reading(upload: Upload) -> Reading | None:
    """How the documents of an upload are to be read; None where there is nothing to choose."""
    names = [name.lower() for name in upload.files] if upload.kind is UploadKind.DOCUMENTS else []
    pages = any(name.endswith((".html", ".htm", ".xhtml", ".epub")) for name in names)
    sheets = any(name.endswith((".xlsx", ".xlsm", ".xls", ".ods")) for name in names)
    if not pages and not sheets:
        return None
    reading = read_reading(upload.root)
    if pages:
        keep = st.toggle(
            "Keep menus, heads and feet of web pages", reading.keep_navigation, key=f"data_keep_{upload.root}",
            help="They are left out else, since they stand on every page.",
        )  # fmt: skip
        reading = replace(reading, keep_navigation=keep)
    if sheets:
        rows = st.toggle(
            "Every row of a sheet is a document", reading.row_documents, key=f"data_rows_{upload.root}",
            help="Else every sheet is one.",
        )  # fmt: skip
        reading = replace(reading, row_documents=rows)
    return reading


@contextmanager
def show_reading() -> Iterator[ProgressCallback]:
    """Shows how far the reading of files is, while it lasts."""
    bar = st.progress(0.0, "Reading the data…")

    def show(event: ProgressEvent) -> None:
        bar.progress(event.share, f"Reading the data… {event.label}")

    try:
        yield show
    finally:
        bar.empty()


def discard_upload(folder: Path) -> None:
    """A callback: removes an upload that was not loaded."""
    remove_folder(folder)
    st.session_state.pop(STAGED, None)


def describe_size(size: int) -> str:
    """ "312 kB", "4.1 MB", "2.0 GB" """
    for unit, bytes_of in (("GB", 1e9), ("MB", 1e6)):
        if size >= bytes_of:
            return f"{size / bytes_of:,.1f} {unit}"
    return f"{max(1, round(size / 1e3)):,} kB"


def list_tables(upload: Upload) -> tuple[str, ...]:
    """The tables among the files of an upload, as paths below its root."""
    files = sorted(path.relative_to(upload.root).as_posix() for path in upload.root.rglob("*") if path.is_file())
    labels = layout_of(upload.root).tables
    return tuple(name for name in files if name.lower().endswith(TABLE_SUFFIXES) or name in labels)


def choose_tables(upload: Upload, tables: tuple[str, ...]) -> bool:
    """Whether columns have to be named: always for tables alone, on demand where there are tables beside other files."""
    if upload.kind in (UploadKind.DATASET, UploadKind.DOCUMENTS) and tables:
        return st.toggle("Say which columns are what", key=f"data_map_{upload.root}", help="If the files have other columns.")
    return upload.kind is UploadKind.TABLES


def choose_dataset(upload: Upload, *, key: str) -> Upload:
    """The upload itself, or the one of its datasets that is chosen."""
    if upload.kind is not UploadKind.SEVERAL:
        return upload
    chosen = st.selectbox("Which of them?", upload.files, key=f"data_one_of_{key}")
    return inspect_upload(upload.root / str(chosen))


def ask_name(wanted: str, *, key: str = "data_name") -> tuple[str, str | None]:
    """(the name typed, why it cannot be taken or None)."""
    workspace = open_workspace()
    proposed = suggest_name(wanted, workspace)
    name = st.text_input("Name of the dataset", proposed, key=f"{key}_{wanted}", max_chars=60, width=420).strip()
    return name, check_name(name, workspace)


def finish(dataset: Dataset, name: str) -> None:
    """Looks at the dataset that was just loaded and says what is in it."""
    st.session_state.pop(STAGED, None)
    st.session_state.pop(PATH, None)
    select_dataset(name)
    counts = (len(dataset.documents), "document"), (len(dataset.queries), "query"), (len(dataset.judgments), "judgment")
    words = ", ".join(count_of(number, noun) for number, noun in counts)
    say("success", f"Loaded “{name}”: {words}.")


def without_folder(error: LadderError, *folders: Path) -> str:
    """The message with the file's name as the user knows it."""
    sentence = str(error)
    for folder in folders:
        sentence = sentence.replace(f"{folder}/", "").replace(str(folder), "the upload")
    return sentence


def show_mapping(source: Path, files: Sequence[str], *, wanted: str, staged: Path | None) -> None:
    """The mapping step and "Load", which says why it is disabled. source: a folder, or a single table."""
    mapped = map_tables(source, files)
    name, problem = ask_name(wanted, key="data_table_name")
    reason = mapped.reason or problem
    show_load_button(reason, _load_tables, (mapped.uses, name, source, staged), staged=staged)


def show_load_button(reason: str | None, load: Callable[..., None], args: tuple[Any, ...], *, staged: Path | None) -> None:
    """ "Load", with the reason beside it where it cannot be pressed; for an upload also the way to discard it."""
    if reason:
        st.caption(f"Not ready to load: {escape_markdown(reason)}")
    show_message("load")
    help = escape_markdown(reason) if reason else None
    with st.container(horizontal=True):
        st.button("Load", type="primary", key="data_load", disabled=bool(reason), help=help, on_click=load, args=args)
        if staged is not None:
            show_discard(staged)


def show_discard(staged: Path) -> None:
    """The button that discards an upload."""
    st.button("Discard the upload", on_click=discard_upload, args=(staged,))


def _load_tables(uses: tuple[TableUse, ...], name: str, source: Path, staged: Path | None) -> None:
    """A callback: the tables become a dataset; on an error nothing is left but the upload."""
    root = source if source.is_dir() else source.parent
    try:
        with st.spinner("Reading the tables…"):
            dataset = add_dataset(source, name, open_workspace(), told=uses)
    except LadderError as error:
        say("error", without_folder(error, root), beside="load")
        return
    if staged is not None:
        remove_folder(staged)
    finish(dataset, name)
