"""Loading data: samples, uploads, a path on this machine, and tables whose columns are said to be what.

Uploads are written to the workspace at once and forgotten by the browser; nothing is a dataset until it was read whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.data.catalog import (
    add_dataset,
    check_name,
    list_import_folders,
    name_import,
    new_import_folder,
    remember_folder,
    suggest_name,
)
from core.data.dataset import Dataset
from core.data.load import TABLE_SUFFIXES, load_dataset
from core.data.readers.archive import unpack_zip
from core.data.readers.tables import tables_to_dataset_folder
from core.data.readers.uploads import Upload, UploadKind, inspect_upload, save_upload
from core.data.samples import list_samples
from core.errors import LadderError
from core.text.phrases import count_of
from core.workspace import folder_size, remove_folder
from pages.parts.data.map_tables import map_tables
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_markdown, shorten

MESSAGE = "data_message"  # session state: (kind, sentence), shown once on the next run of the page
_STAGED = "data_staged"  # session state: the upload that is being loaded
_PATH = "data_looked_at"  # session state: the path on this machine that is being loaded
_UPLOADS = "data_uploads"  # session state: counts uploads, so that each gets an empty uploader
_WAYS = ("Files or a zip", "A whole folder", "A path on this machine")
_SPLIT_FILES = ("train.tsv", "dev.tsv", "test.tsv")

FORMATS = """
- **A dataset**: `corpus.jsonl` (`_id`, `text`, and if you like `title`, `metadata`), `queries.jsonl` (`_id`, `text`, and if
  you like `filter`, `tags`, `evidence`, `answer`), `qrels.tsv` or `qrels/*.tsv` (query id, document id, relevance).
  Only the corpus is needed.
- **Documents**: .txt, .md, .html, .pdf, .docx, also in sub-folders; front matter and folder names become metadata.
  `queries.jsonl` and `qrels.tsv` may lie beside them.
- **Tables**: .csv, .tsv, .jsonl or .parquet; you say which columns are what.
- **Evidence** is a list of `{"doc_id": …, "quote": …}` or `{"doc_id": …, "start": …, "end": …}`; its documents count as
  relevant.
"""


def show_load() -> None:
    """Everything on the section "Load data"."""
    st.subheader("Sample corpora")
    samples = list_samples()
    if not samples:
        st.caption("None came with this copy of the product.")
    for sample in samples:
        with st.container(border=True):
            left, right = st.columns([5, 1], vertical_alignment="center")
            left.markdown(f"**{escape_markdown(sample.title)}**  \n{escape_markdown(sample.description)}")
            right.button("Open", key=f"data_sample_{sample.name}", on_click=select_dataset, args=(sample.name,))
    st.subheader("Your own data")
    with st.expander("What can be loaded"):
        st.markdown(FORMATS)
    if _get_staged() is not None:
        _show_staged(_get_staged())
        return
    way = st.segmented_control("From", _WAYS, default=_WAYS[0], required=True, key="data_way")
    if way == _WAYS[2]:
        _show_path()
    else:
        _show_uploader(folder=way == _WAYS[1])
    _show_unfinished()


def select_dataset(name: str) -> None:
    """A callback: looks at this dataset from now on."""
    st.session_state["dataset"] = name
    st.session_state["data_view"] = "Overview"


def show_message() -> None:
    """What the last action came to, once."""
    kind, sentence = st.session_state.pop(MESSAGE, ("", ""))
    if sentence:
        {"error": st.error, "success": st.success}[kind](escape_markdown(sentence))


def _say(kind: str, sentence: str) -> None:
    st.session_state[MESSAGE] = (kind, sentence)


def _get_staged() -> Path | None:
    """The upload being loaded, if it is still there."""
    path = st.session_state.get(_STAGED)
    return path if isinstance(path, Path) and path.is_dir() else None


# ---- uploads


def _show_uploader(*, folder: bool) -> None:
    limit = int(st.get_option("server.maxUploadSize"))
    key = f"data_upload_{int(folder)}_{st.session_state.get(_UPLOADS, 0)}"
    st.file_uploader(
        "Choose a folder" if folder else "Choose files or one zip",
        accept_multiple_files="directory" if folder else True,
        key=key,
        on_change=_take_upload,
        args=(key,),
    )
    st.caption(
        f"At most {limit:,} MB a file; it is written to the workspace at once. "
        f"Larger data: choose “{_WAYS[2]}”, which has no limit."
    )


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
        st.session_state[_STAGED] = save_upload(files, target)
    except LadderError as error:
        _say("error", str(error))
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


def _show_unfinished() -> None:
    folders = list_import_folders(open_workspace())
    if not folders:
        return
    st.markdown("**Uploaded, but not loaded yet**")
    for folder in folders:
        name, load, discard = st.columns([4, 1, 1], vertical_alignment="center")
        name.markdown(f"{escape_markdown(name_import(folder))}, {describe_size(folder_size(folder))}")
        load.button("Go on", key=f"data_go_on_{folder.name}", on_click=_go_on, args=(folder,))
        discard.button("Discard", key=f"data_discard_{folder.name}", on_click=_discard, args=(folder,))


def _go_on(folder: Path) -> None:
    st.session_state[_STAGED] = folder


def _discard(folder: Path) -> None:
    remove_folder(folder)
    st.session_state.pop(_STAGED, None)


def describe_size(size: int) -> str:
    """ "312 kB", "4.1 MB", "2.0 GB" """
    for unit, bytes_of in (("GB", 1e9), ("MB", 1e6)):
        if size >= bytes_of:
            return f"{size / bytes_of:,.1f} {unit}"
    return f"{max(1, round(size / 1e3)):,} kB"


def _show_staged(staged: Path) -> None:
    """An upload that is in the workspace: what it is, under which name it goes, and "Load"."""
    upload = inspect_upload(staged)
    with st.container(border=True):
        st.markdown(f"**Uploaded: {escape_markdown(name_import(staged))}** ({describe_size(folder_size(staged))})")
        st.markdown(escape_markdown(upload.message))
        tables = _list_tables(upload)
        mapped = _choose_tables(upload, tables)
        if mapped:
            _show_mapping(upload.root, tables, wanted=name_import(staged), staged=staged)
        elif upload.kind is not UploadKind.UNKNOWN:
            _show_left_out(upload)
            name, reason = _ask_name(name_import(staged))
            _show_load_button(reason, _load_staged, (staged, name), staged=staged)
        else:
            _show_discard(staged)
    with st.expander("Add more files to this upload"):
        key = f"data_more_{st.session_state.get(_UPLOADS, 0)}"
        st.file_uploader("Files", accept_multiple_files=True, key=key, on_change=_add_files, args=(staged, key))


def _list_tables(upload: Upload) -> tuple[str, ...]:
    files = sorted(path.relative_to(upload.root).as_posix() for path in upload.root.rglob("*") if path.is_file())
    return tuple(name for name in files if name.lower().endswith(TABLE_SUFFIXES))


def _choose_tables(upload: Upload, tables: tuple[str, ...]) -> bool:
    """Whether columns have to be named: always for tables alone, on demand for a dataset that is not quite one."""
    if upload.kind is UploadKind.DATASET and tables:
        return st.toggle("Say which columns are what", key=f"data_map_{upload.root}", help="If the files have other columns.")
    return upload.kind is UploadKind.TABLES


def _show_left_out(upload: Upload) -> None:
    files = {path.relative_to(upload.root).as_posix() for path in upload.root.rglob("*") if path.is_file()}
    read = set(upload.files) | ({"queries.jsonl", "qrels.tsv"} & files) | {name for name in files if name.startswith("qrels/")}
    left = sorted(files - read)
    if left:
        names = shorten(", ".join(left), width=200)
        st.caption(f"Not read: {escape_markdown(names)}.")


def _ask_name(wanted: str, *, key: str = "data_name") -> tuple[str, str | None]:
    workspace = open_workspace()
    proposed = suggest_name(wanted, workspace)
    name = st.text_input("Name of the dataset", proposed, key=f"{key}_{wanted}", max_chars=60, width=420).strip()
    return name, check_name(name, workspace)


def _load_staged(staged: Path, name: str) -> None:
    """A callback: the upload becomes a dataset, or the message says why not and the upload stays as it was."""
    try:
        with st.spinner("Reading the data…"):
            dataset = add_dataset(staged, name, open_workspace())
    except LadderError as error:
        _say("error", _without_folder(error, staged))
        return
    remove_folder(staged)
    _finish(dataset, name)


def _finish(dataset: Dataset, name: str) -> None:
    st.session_state.pop(_STAGED, None)
    st.session_state.pop(_PATH, None)
    select_dataset(name)
    counts = (len(dataset.documents), "document"), (len(dataset.queries), "query"), (len(dataset.judgments), "judgment")
    words = ", ".join(count_of(number, noun) for number, noun in counts)
    _say("success", f"Loaded “{name}”: {words}.")


def _without_folder(error: LadderError, *folders: Path) -> str:
    """The message with the file's name as the user knows it."""
    sentence = str(error)
    for folder in folders:
        sentence = sentence.replace(f"{folder}/", "").replace(str(folder), "the upload")
    return sentence


# ---- a path on this machine


def _show_path() -> None:
    typed = st.text_input(
        "Path of a folder, a zip or a table on the machine that runs this app", key="data_path", persist_state="session"
    ).strip()
    st.caption("A folder stays where it is and is read again when its files change. Zips and tables are copied.")
    st.button("Look", on_click=_look)  # never disabled: the click that ends the typing would be lost
    path = st.session_state.get(_PATH)
    if not isinstance(path, Path) or not path.exists() or str(path) != str(_resolve(typed)):
        return
    with st.container(border=True):
        upload = _inspect_path(path)
        st.markdown(f"**{escape_markdown(path)}**")
        st.markdown(escape_markdown(upload.message))
        tables = upload.files if path.is_file() else _list_tables(upload)
        if upload.kind is UploadKind.TABLES or (path.is_dir() and _choose_tables(upload, tables)):
            _show_mapping(upload.root, tables, wanted=path.name, staged=None)
        elif upload.kind is not UploadKind.UNKNOWN:
            _show_load_button(None, _load_path, (path,), staged=None)


def _resolve(typed: str) -> Path:
    return Path(typed).expanduser().resolve()


def _look() -> None:
    """A callback: what the path is. A zip is unpacked into the workspace and goes on as an upload."""
    typed = str(st.session_state["data_path"]).strip()  # as it is at the click, not as it was when the page was drawn
    path = _resolve(typed)
    if not typed:
        _say("error", "Type a path first.")
    elif not path.exists():
        _say("error", f"There is nothing at {path} on this machine; check the path.")
    elif path.suffix.lower() == ".zip" and path.is_file():
        target = new_import_folder(path.name, open_workspace())
        try:
            with st.spinner("Unpacking the zip…"):
                unpack_zip(path, target)
            st.session_state[_STAGED] = target
        except LadderError as error:
            _say("error", str(error))
    elif path.is_file() and not path.name.lower().endswith(TABLE_SUFFIXES):
        _say("error", f"{path} is a single file; give the folder that holds it, a zip, or a table (.csv .tsv .jsonl .parquet).")
    else:
        st.session_state[_PATH] = path


def _inspect_path(path: Path) -> Upload:
    if path.is_dir():
        return inspect_upload(path)
    return Upload(UploadKind.TABLES, path.parent, (path.name,), "1 table; say which columns are what.")


def _load_path(path: Path) -> None:
    """A callback: reads the folder where it is; only then is it kept by name."""
    try:
        with st.spinner("Reading the data…"):
            dataset = load_dataset(path)
        name = remember_folder(path, open_workspace())
    except LadderError as error:
        _say("error", str(error))
        return
    _finish(dataset, name)


def _show_mapping(root: Path, files: Sequence[str], *, wanted: str, staged: Path | None) -> None:
    """The mapping step and "Load", which says why it is disabled."""
    mapped = map_tables(root, files)
    name, problem = _ask_name(wanted, key="data_table_name")
    reason = mapped.reason or problem
    _show_load_button(reason, _load_tables, (mapped.tables, name, root, staged), staged=staged)


def _show_load_button(reason: str | None, load: Callable[..., None], args: tuple[Any, ...], *, staged: Path | None) -> None:
    if reason:
        st.caption(f"Not ready to load: {escape_markdown(reason)}")
    help = escape_markdown(reason) if reason else None
    with st.container(horizontal=True):
        st.button("Load", type="primary", key="data_load", disabled=bool(reason), help=help, on_click=load, args=args)
        if staged is not None:
            _show_discard(staged)


def _show_discard(staged: Path) -> None:
    st.button("Discard the upload", on_click=_discard, args=(staged,))


def _load_tables(chosen: dict[str, tuple[Path, Mapping[str, str]]], name: str, root: Path, staged: Path | None) -> None:
    """A callback: writes the tables as a dataset and loads it; on an error nothing is left but the upload."""
    workspace = open_workspace()
    aside = new_import_folder(name, workspace)
    try:
        with st.spinner("Reading the tables…"):
            tables_to_dataset_folder(chosen, aside)
            dataset = add_dataset(aside, name, workspace)
    except LadderError as error:
        _say("error", _without_folder(error, root, aside))
        return
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    if staged is not None:
        remove_folder(staged)
    _finish(dataset, name)
