"""Uploads: written to the workspace at once and forgotten by the browser, then looked at, named and loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from core.data.catalog import (
    list_import_folders,
    name_import,
    new_import_folder,
)
from core.data.readers.documents.reading import FILE as READING
from core.data.readers.documents.reading import read_reading, write_reading
from core.data.readers.layouts import layout_of
from core.data.readers.told import TOLD
from core.data.readers.uploads import Upload, UploadKind, inspect_upload, save_upload
from core.errors import LadderError
from core.storage.files import folder_size, remove_folder
from pages.parts.data.load_message import say, show_message
from pages.parts.data.load_steps import (
    STAGED,
    WAYS,
    choose_dataset,
    describe_size,
    discard_upload,
    show_discard,
    show_steps,
)
from pages.parts.data.typed_place import may_type
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_markdown, shorten

_UPLOADS = "data_uploads"  # session state: counts uploads, so that each gets an empty uploader
_READING = (
    (
        "keep_navigation", (".html", ".htm", ".xhtml", ".epub"), "Keep menus, heads and feet of web pages",
        "They are left out else, since they stand on every page.",
    ),
    ("row_documents", (".xlsx", ".xlsm", ".xls", ".ods"), "Every row of a sheet is a document", "Else every sheet is one."),
)  # fmt: skip
# field of Reading, kinds of files that it is about, words, help
_SPLIT_FILES = ("train.tsv", "dev.tsv", "test.tsv")


def get_staged() -> Path | None:
    """The upload being loaded, if it is still there."""
    path = st.session_state.get(STAGED)
    return path if isinstance(path, Path) and path.is_dir() else None


def show_uploader(*, folder: bool) -> None:
    """The uploader for files and zips, or for a whole folder."""
    limit = int(st.get_option("server.maxUploadSize"))
    key = f"data_upload_{int(folder)}_{st.session_state.get(_UPLOADS, 0)}"
    st.file_uploader(
        "Choose a folder" if folder else "Choose files or one zip",
        accept_multiple_files="directory" if folder else True,
        key=key,
        on_change=_take_upload,
        args=(key,),
    )
    show_message("upload")
    larger = f"Larger data: choose “{WAYS[2]}”, which has no limit."
    larger = larger if may_type() else "Whoever runs the app can load larger data."
    st.caption(f"At most {limit:,} MB a file; it is written to the workspace at once. {larger}")


def _take_upload(key: str) -> None:
    """A callback: writes what was uploaded to the workspace and frees the browser's copy."""
    files = st.session_state[key] or []
    if not files:
        return
    named = [(file.name, file) for file in files]
    target = new_import_folder(_name_upload([name for name, _ in named]), open_workspace())
    _stage(_place_splits(named), target)
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1


def _add_files(staged: Path, key: str) -> None:
    """A callback: the staged upload and more files, together in a new folder."""
    files = st.session_state[key] or []
    old = sorted(path for path in staged.rglob("*") if path.is_file())
    opened = [(path.relative_to(staged).as_posix(), path.open("rb")) for path in old]
    try:
        named = [*opened, *((file.name, file) for file in files)]
        if files and _stage(_place_splits(named), new_import_folder(name_import(staged), open_workspace())):
            remove_folder(staged)
    finally:
        for _, file in opened:
            file.close()
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1


def _stage(files: Iterable[tuple[str, Any]], target: Path) -> bool:
    try:
        st.session_state[STAGED] = save_upload(files, target)
    except LadderError as error:
        say("error", str(error), beside="upload")
        return False
    return True


def _name_upload(names: list[str]) -> str:
    """What an upload is called until it is loaded: its zip, its folder, or its only file."""
    if len({name.split("/", 1)[0] for name in names}) == 1:
        name = names[0].split("/", 1)[0]
        return name if name != "corpus.jsonl" else "my-data"
    return "my-data"


def _place_splits(files: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """test.tsv and train.tsv that were chosen as single files go where a dataset has them: into qrels/."""
    names = {name for name, _ in files}
    if "corpus.jsonl" not in names:
        return files
    return [(f"qrels/{name}" if name in _SPLIT_FILES else name, file) for name, file in files]


def show_unfinished() -> None:
    """Uploads of earlier that were not loaded: go on with them, or discard them."""
    folders = list_import_folders(open_workspace())
    if not folders:
        return
    st.markdown("**Uploaded, but not loaded yet**")
    for folder in folders:
        name, load, discard = st.columns([4, 1, 1], vertical_alignment="center")
        name.markdown(f"{escape_markdown(name_import(folder))}, {describe_size(folder_size(folder))}")
        load.button("Go on", key=f"data_go_on_{folder.name}", on_click=_go_on, args=(folder,))
        discard.button("Discard", key=f"data_discard_{folder.name}", on_click=discard_upload, args=(folder,))


def _go_on(folder: Path) -> None:
    st.session_state[STAGED] = folder


def show_staged(staged: Path) -> None:
    """An upload that is in the workspace: what it is, under which name it goes, and "Load"."""
    upload = inspect_upload(staged)
    wanted = name_import(staged)
    with st.container(border=True):
        st.markdown(f"**Uploaded: {escape_markdown(wanted)}** ({describe_size(folder_size(staged))})")
        st.markdown(escape_markdown(upload.message))
        if upload.kind is UploadKind.SEVERAL:
            upload = choose_dataset(upload, key=staged.name)
            wanted = upload.root.name
            st.markdown(escape_markdown(upload.message))
        if upload.kind is UploadKind.UNKNOWN:
            show_discard(staged)
        else:
            _show_left_out(upload)
            _ask_reading(upload)
            show_steps(upload.root, upload, wanted=wanted, staged=staged)
    with st.expander("Add more files to this upload"):
        key = f"data_more_{st.session_state.get(_UPLOADS, 0)}"
        st.file_uploader("Files", accept_multiple_files=True, key=key, on_change=_add_files, args=(staged, key))
        show_message("upload")


def _ask_reading(upload: Upload) -> None:
    """How documents are read where there is a choice; it is kept in the upload."""
    if upload.kind is not UploadKind.DOCUMENTS:
        return
    reading, names = read_reading(upload.root), [name.lower() for name in upload.files]
    for field, suffixes, words, help in _READING:
        if any(name.endswith(suffixes) for name in names):
            key = f"data_{field}_{upload.root}"

            def keep(field: str = field, key: str = key) -> None:
                write_reading(upload.root, replace(read_reading(upload.root), **{field: bool(st.session_state[key])}))

            st.toggle(words, value=getattr(reading, field), key=key, on_change=keep, help=help)


def _show_left_out(upload: Upload) -> None:
    files = {path.relative_to(upload.root).as_posix() for path in upload.root.rglob("*") if path.is_file()}
    layout = layout_of(upload.root)
    known = {*upload.files, layout.corpus, layout.queries, *layout.qrels, *layout.tables, TOLD, READING}
    left = sorted(files - known)
    if left:
        names = shorten(", ".join(left), width=200)
        st.caption(f"Not read: {escape_markdown(names)}.")
