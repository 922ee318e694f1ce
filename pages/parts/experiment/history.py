"""The history of experiments: what there is, rename and note, delete, open, compare two, export and import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.data.catalog import find_named
from core.errors import InputError, LadderError
from core.experiment.changes import SystemChange, compare_experiments
from core.experiment.history import HistoryEntry, delete_experiment, edit_experiment, list_damaged, list_experiments
from core.export.archive import export_experiment, import_experiment
from core.jobs.state import find_active
from core.storage.files import folder_size
from core.storage.scratch import scratch_folder
from pages.shared.frame.links import Link, go
from pages.shared.frame.services import open_experiment, open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown, shorten

_FLASH = "_history_flash"
_IMPORTED = "_history_imported"
_ROUND = "_history_round"  # counts uploads taken in: a new key empties the upload box
_LARGE = 20_000_000  # bytes; larger datasets stay out of an export unless they were uploaded
_STATUS = {"done": "finished", "cancelled": "cancelled"}


def show_history(view: View) -> None:
    """The part "History" of the page."""
    flash = st.session_state.pop(_FLASH, None)
    if flash:
        st.success(escape_markdown(flash))
    if _IMPORTED in st.session_state:
        st.session_state["history_one"] = st.session_state.pop(_IMPORTED)
    workspace = open_workspace()
    entries = {entry.id: entry for entry in list_experiments(workspace)}
    active = {job.id for job in find_active(workspace)}
    if entries:
        show_table(list(entries.values()), active)
        st.subheader("One experiment")
        _show_one(entries, active, view)
        st.subheader("Compare two")
        if len(entries) > 1:
            _compare_two(entries, view)
        else:
            st.caption("There is one experiment so far. Two are needed to compare.")
    else:
        st.info("No experiment is here yet. Start one under Run, or import one below.")
    for name in list_damaged(workspace):
        _show_damaged(name)
    st.subheader("Import")
    _import()


def describe_status(entry: HistoryEntry, active: set[str]) -> str:
    """The status as a word."""
    if entry.status == "running":
        return "running" if entry.id in active else "interrupted"
    return _STATUS.get(entry.status, entry.status)


def describe_bytes(size: int) -> str:
    """ "812 kB", "3.4 MB" """
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1e3))} kB"


def show_table(entries: list[HistoryEntry], active: set[str]) -> None:
    """All experiments, newest first."""
    rows = [
        {
            "Experiment": entry.name,
            "Dataset": entry.dataset,
            "Status": describe_status(entry, active),
            "Started (UTC)": pd.Timestamp(entry.created),
            "Size": entry.bytes,
            "Note": entry.note,
            "Split": entry.split,
            "Systems": ", ".join(entry.systems),
        }
        for entry in entries
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content" if len(rows) < 10 else 388,
        column_config={
            "Experiment": st.column_config.TextColumn(width="medium"),
            "Started (UTC)": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm", timezone="UTC"),
            "Note": st.column_config.TextColumn(width="medium"),
            "Size": st.column_config.NumberColumn(format="bytes", help="On disk, without the cache that experiments share."),
        },
        alt=f"Experiments of this workspace, newest first: {len(rows)} rows",
    )


def _label(entries: Mapping[str, HistoryEntry], key: str) -> str:
    entry = entries[key]
    return f"{shorten(entry.name, width=50)} · {shorten(entry.dataset, width=30)} · {entry.created[:16].replace('T', ' ')}"


def _choose(label: str, entries: Mapping[str, HistoryEntry], key: str, *, index: int) -> HistoryEntry:
    if st.session_state.get(key) not in entries:
        st.session_state.pop(key, None)
    chosen = st.selectbox(
        label, list(entries), index=index, key=key, persist_state="session", format_func=lambda option: _label(entries, option)
    )
    return entries[chosen]


def _show_one(entries: Mapping[str, HistoryEntry], active: set[str], view: View) -> None:
    """Open, rename, note, export, delete."""
    looked_at = view.experiment.id if view.experiment else ""
    index = list(entries).index(looked_at) if looked_at in entries else 0
    entry = _choose("Experiment to open or change", entries, "history_one", index=index)
    with st.container(border=True):
        left, right = st.columns([1, 2])
        name = left.text_input("Name", entry.name, key=f"name_{entry.id}", max_chars=120)
        note = right.text_input("Note", entry.note, key=f"note_{entry.id}", placeholder="What was tried, what came of it")
        unchanged = (name.strip(), note) == (entry.name, entry.note)
        with st.container(horizontal=True):
            if st.button("Open in Results", type="primary", key="history_open"):
                go(Link("results", dataset=entry.dataset, experiment=entry.id))
            reason = "Give it a name." if not name.strip() else "Name and note are as saved." if unchanged else None
            if st.button("Save name and note", disabled=bool(reason), help=reason, key="history_save"):
                edit_experiment(entry.id, open_workspace(), name=name.strip(), note=note)
                st.session_state[_FLASH] = "Saved."
                st.rerun()
            told = _export(entry)
            _delete(entry, entry.id in active)
        st.caption(escape_markdown(told))


def _export(entry: HistoryEntry) -> str:
    """The download button; nothing is packed before the click. Returns what the zip will hold, in a sentence."""
    workspace, folder = open_workspace(), None
    told = "The exported zip holds the results; the dataset is no longer here."
    try:
        found = find_named(entry.dataset, workspace)
        size = folder_size(found.path) if found.path.is_dir() else 0
        if found.path.is_dir() and (found.kind == "uploaded" or size <= _LARGE):
            folder = found.path
            told = f"The exported zip holds the results and the dataset ({describe_bytes(size)} before packing)."
        else:
            told = "The exported zip holds the results alone: the dataset is large or a zip itself. Send it along."
    except InputError:
        pass  # the sentence above says it
    st.download_button(
        "Export as zip",
        lambda: export_experiment(entry.id, workspace, dataset_folder=folder),
        f"experiment-{entry.id}.zip",
        "application/zip",
        key=f"export_{entry.id}",
        on_click="ignore",
    )
    return told


def _delete(entry: HistoryEntry, is_active: bool) -> None:
    if is_active:
        st.button("Delete", disabled=True, help="It is running. Cancel it first.", key="history_delete_off")
        return
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(
            f"Delete {escape_markdown(shorten(entry.name))}? Its results and note are gone for good; "
            f"{describe_bytes(entry.bytes)} are freed. Kept: the dataset, your systems, and the cache, so that running it "
            "again is quick."
        )
        if st.button("Delete it", type="primary", key=f"delete_{entry.id}"):
            _forget(entry.id, entry.name)


def _forget(experiment_id: str, name: str) -> None:
    try:
        delete_experiment(experiment_id, open_workspace())
        st.session_state[_FLASH] = f"{name} is deleted. The dataset and the cache are kept."
    except LadderError as error:  # another browser was faster
        st.session_state[_FLASH] = str(error)
    st.rerun()


def _show_damaged(name: str) -> None:
    st.warning(
        f"The experiment {escape_markdown(name)} cannot be read: its description is damaged. The others are not affected."
    )
    if st.button("Delete the damaged one", key=f"damaged_{name}"):
        _forget(name, f"The damaged experiment {name}")


@st.cache_data(max_entries=16, show_spinner="Comparing")
def _compare(stamp: str, measure: str, _first: Any, _second: Any) -> list[SystemChange]:
    return compare_experiments(_first, _second, measure)


def _find_pair(entries: list[HistoryEntry]) -> tuple[str, str]:
    """The two newest experiments on one dataset, older one first; else the two newest."""
    seen: dict[str, str] = {}
    for entry in entries:
        if entry.dataset in seen:
            return entry.id, seen[entry.dataset]
        seen[entry.dataset] = entry.id
    return entries[1].id, entries[0].id


def _compare_two(entries: Mapping[str, HistoryEntry], view: View) -> None:
    """Two experiments' systems side by side on the sidebar's measure."""
    left, right = st.columns(2)
    pair = _find_pair(list(entries.values()))
    with right:
        second = _choose("Second", entries, "history_second", index=list(entries).index(pair[1]))
    others = {key: entry for key, entry in entries.items() if key != second.id}
    same = [key for key, entry in others.items() if entry.dataset == second.dataset]
    with left:
        first = _choose("First", others, "history_first", index=list(others).index((same or list(others))[0]))
    try:
        one, two = open_experiment(first.id), open_experiment(second.id)
    except LadderError as error:
        st.error(escape_markdown(error))
        return
    stamp = "/".join(f"{e.id}:{e.status}:{len(e.ready)}" for e in (one, two))
    changes = _compare(stamp, view.measure, one, two)
    if not changes:
        st.info(
            f"These two share no query measured with {escape_markdown(view.measure)}, so that a difference would mean nothing. "
            "Choose two on the same dataset, or another measure in the sidebar."
        )
        return
    if first.fingerprint != second.fingerprint:
        st.warning("The dataset changed between the two: a difference can come from the data as well as from the systems.")
    show_changes(changes, view.measure)


def show_changes(changes: list[SystemChange], measure: str) -> None:
    """The table of two experiments, systems of both first."""
    ordered = sorted(changes, key=lambda change: change.difference is None)
    rows = [
        {
            "System": change.system,
            "First": change.first,
            "Second": change.second,
            "Difference": change.difference.delta if change.difference else None,
            "Low": change.difference.low if change.difference else None,
            "High": change.difference.high if change.difference else None,
            "What changed": _say_change(change),
        }
        for change in ordered
    ]
    count = next((change.difference.n for change in ordered if change.difference), None)
    over = f" over the {count} queries that both measured" if count else ""
    st.caption(
        f"Mean {escape_markdown(measure)}{over}. Difference is second minus first; low and high are its 95 % interval, wide "
        "enough for all systems at once, so that an interval around 0 means no clear change."
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        column_config={
            "First": number(format="%.3f"),
            "Second": number(format="%.3f"),
            "Difference": number(format="%+.3f"),
            "Low": number(format="%+.3f"),
            "High": number(format="%+.3f"),
            "What changed": st.column_config.TextColumn(width="large"),
        },
        alt=f"Systems of two experiments side by side on {measure}",
    )


def _say_change(change: SystemChange) -> str:
    if change.first is None and change.second is None:
        return "no result in either"
    if change.first is None or change.second is None:
        return "only in the second" if change.first is None else "only in the first"
    return "; ".join(change.changes) or "same definition"


def _import() -> None:
    file = st.file_uploader(
        "An experiment exported as zip",
        "zip",
        key=f"import_{st.session_state.get(_ROUND, 0)}",
        help="A dataset in the zip joins yours; one of the same name with other content gets a new name.",
    )
    if file is None:
        return
    with scratch_folder() as folder:
        archive = folder / (Path(file.name).name or "experiment.zip")
        archive.write_bytes(file.getvalue())
        try:
            experiment_id = import_experiment(archive, open_workspace())
        except LadderError as error:
            st.error(escape_markdown(str(error).replace(f"{folder}/", "")))
            return
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.session_state[_FLASH] = f"{file.name} is imported. It is chosen below."
    st.session_state[_IMPORTED] = experiment_id  # its select is drawn already and cannot be set any more in this run
    st.rerun()
