"""What every way of loading comes to: which columns are what, what was understood, the name, "Load", and what is said after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.data.catalog import add_dataset, check_name, keep_label_rules, remember_folder, suggest_name
from core.data.dataset import Dataset
from core.data.label_rules import LabelRules, read_rules
from core.data.preview import Preview
from core.data.readers.chroma_place import ChromaPlace
from core.data.readers.columns import TableUse
from core.data.readers.layouts import find_root, layout_of, list_questions
from core.data.readers.table_files import TABLE_SUFFIXES
from core.data.readers.uploads import Upload, UploadKind, inspect_upload
from core.errors import LadderError, SeveralDatasets
from core.storage.files import remove_folder
from core.text.phrases import count_of
from pages.parts.data.label_rules import ask_rules
from pages.parts.data.load_message import say, show_message
from pages.parts.data.map_tables import Mapped, map_tables
from pages.parts.data.preview import show_preview
from pages.parts.data.reading import forget_reading, show_reading
from pages.shared.frame.services import open_dataset, open_workspace
from pages.shared.frame.text import escape_markdown

STAGED = "data_staged"  # session state: the upload that is being loaded
PATH = "data_looked_at"  # session state: the path on this machine that is being loaded
RULES = "data_said"  # session state: (place, LabelRules) that were said of what is being loaded
PART = "data_part"  # session state: (place, names, name) of the dataset that was chosen where there are several
WAYS = ("Files or a zip", "A whole folder", "A path on this machine", "A Chroma collection")


def select_dataset(name: str) -> None:
    """A callback: looks at this dataset from now on."""
    st.session_state["dataset"] = name
    st.session_state["data_view"] = "Overview"


def discard_upload(folder: Path) -> None:
    """A callback: removes an upload that was not loaded."""
    forget_reading()
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
    return tuple(sorted({*labels, *(name for name in files if name.lower().endswith(TABLE_SUFFIXES))}))


def choose_tables(upload: Upload, tables: tuple[str, ...]) -> bool:
    """Whether columns have to be named: always for tables alone, on demand where there are tables beside other files, and from
    the beginning where these leave something to be said."""
    if upload.kind in (UploadKind.DATASET, UploadKind.DOCUMENTS) and tables:
        return st.toggle(
            "Say which columns are what",
            value=bool(list_questions(layout_of(upload.root))),
            key=f"data_map_{upload.root}",
            help="If the files have other columns.",
        )
    return upload.kind is UploadKind.TABLES


def choose_dataset(upload: Upload, *, key: str) -> Upload:
    """The upload itself, or the one of its datasets that is chosen."""
    if upload.kind is not UploadKind.SEVERAL:
        return upload
    chosen = st.selectbox("Which of them?", upload.files, key=f"data_one_of_{key}")
    return inspect_upload(upload.root / str(chosen))


def ask_name(wanted: str, *, key: str = "data_name") -> tuple[str, str | None]:
    """(the name typed, why it cannot be taken or None); what is wrong with it stands below it."""
    workspace = open_workspace()
    proposed = suggest_name(wanted, workspace)
    name = st.text_input("Name of the dataset", proposed, key=f"{key}_{wanted}", max_chars=60, width=420).strip()
    problem = check_name(name, workspace)
    if problem is not None:
        st.error(escape_markdown(problem))
    return name, problem


def finish(dataset: Dataset, name: str) -> None:
    """Looks at the dataset that was just loaded and says what is in it."""
    for known in (STAGED, PATH, RULES, PART):
        st.session_state.pop(known, None)
    forget_reading()
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


@dataclass(frozen=True)
class Understood:
    """What reading the chosen place came to. place: with the part that was chosen, if it has several. preview: None while
    `reason` says why there is none."""

    place: Path | ChromaPlace
    preview: Preview | None
    rules: LabelRules | None = None
    reason: str | None = None


def understand_place(
    place: Path | ChromaPlace,
    *,
    told: Sequence[TableUse] = (),
    beside: Mapping[str, DeltaGenerator] | None = None,
    asks_rules: bool = True,
) -> Understood:
    """Reads what was chosen and shows what was understood, with the controls that correct it; or what is wrong with it.

    told: what a person said of its tables. beside: file -> where its errors are shown.
    """
    choice, rules = st.session_state.get(PART), st.session_state.get(RULES)
    if choice and choice[0] == str(place):
        _, names, part = choice
        _ask_part(place, names, part)
        place = _choose_part(place, part)
    said = rules[1] if rules and rules[0] == str(place) else None
    found = show_reading(place, told=told, rules=said)
    if isinstance(found, SeveralDatasets):
        _ask_part(place, found.names, None)
        return Understood(place, None, reason="choose one of the datasets.")
    if isinstance(found, LadderError):
        _show_error(found, place, beside or {})
        return Understood(place, None, reason="the data cannot be read as it is; see the message above.")
    if found is None:
        return Understood(place, None, reason="the data is not read yet.")
    show_preview(found)
    if asks_rules:
        own = read_rules(find_root(place)) if isinstance(place, Path) and place.is_dir() else LabelRules()
        at, known = str(place), said or own

        def keep(field: str, value: Any) -> None:
            so_far = st.session_state.get(RULES) or ("", known)
            st.session_state[RULES] = (at, replace(so_far[1] if so_far[0] == at else known, **{field: value}))

        ask_rules(found.dataset, known, key=f"data_ask_{at}", keep=keep)
    return Understood(place, found, rules=said)


def _ask_part(place: Path | ChromaPlace, names: Sequence[str], part: str | None) -> None:
    key, at = f"data_part_{place}", str(place)

    def keep() -> None:
        st.session_state[PART] = (at, tuple(names), st.session_state[key])

    st.selectbox(
        "Which of them?", names, index=names.index(part) if part else None, key=key, on_change=keep, placeholder="Choose one"
    )


def _choose_part(place: Path | ChromaPlace, part: str) -> Path | ChromaPlace:
    return replace(place, collection=part) if isinstance(place, ChromaPlace) else Path(f"{place}#{part}")


def _show_error(error: LadderError, place: Path | ChromaPlace, beside: Mapping[str, DeltaGenerator]) -> None:
    """Beside the table that it is about, if it is about one of those."""
    root = place if isinstance(place, Path) and place.is_dir() else Path(str(place)).parent
    about = [file for file in beside if getattr(error, "file", None) == str(root / file)]
    where = beside[about[0]] if about else st
    where.error(escape_markdown(without_folder(error, root)))


def show_steps(source: Path, upload: Upload, *, wanted: str, staged: Path | None) -> None:
    """From what was chosen to "Load": which columns are what, what was understood, the name.

    source: the folder or file that is read. staged: the upload that it lies in; None for a place on this machine, whose
    folders stay where they are unless something had to be said of their tables.
    """
    tables = upload.files if source.is_file() else list_tables(upload)
    mapped = Mapped((), None)
    if choose_tables(upload, tables):
        mapped = map_tables(source, tables)
    seen = Understood(source, None, reason=mapped.reason)
    if mapped.reason is None:
        seen = understand_place(source, told=mapped.uses, beside=mapped.places)
    name, problem = "", None
    if staged is not None or mapped.uses or source.is_file():
        name, problem = ask_name(wanted)
    args = (seen, mapped.uses, name, staged)
    show_load_button(seen.reason or problem, _load, args, staged=staged)


def _load(seen: Understood, told: tuple[TableUse, ...], name: str, staged: Path | None) -> None:
    """A callback: what was read becomes a dataset; on an error nothing is left but the upload."""
    if seen.preview is None or isinstance(seen.place, ChromaPlace):
        return
    dataset, workspace = seen.preview.dataset, open_workspace()
    try:
        with st.spinner("Keeping the data…"):
            if name:
                add_dataset(seen.place, name, workspace, told=told, rules=seen.rules, read=dataset)
            else:
                name = remember_folder(seen.place, workspace)
                keep_label_rules(name, seen.rules, workspace)
                open_dataset(name, read=dataset)
    except LadderError as error:
        say("error", without_folder(error, staged or seen.place), beside="load")
        return
    if staged is not None:
        remove_folder(staged)
    finish(dataset, name)
