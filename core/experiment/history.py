"""The experiments that a workspace keeps: list, open, rename, note, delete.

workspace/experiments/ID/
  experiment.json       all but the frames: see Experiment.to_json()
  per_query.parquet     schema.PER_QUERY
  runs/HASH.parquet     schema.RUN with start and end, one for each system that has a run
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from core.errors import InputError, NotInWorkspace
from core.experiment.result import Experiment
from core.records import RecordFile, keep_content
from core.schema import PER_QUERY, RUN, content_hash
from core.storage.damage import Damaged, reading
from core.storage.files import folder_size, read_frame, remove_folder, write_frame
from core.storage.names import find_entry
from core.workspace import Workspace

_CURE = "delete this experiment on the page Experiment and run it again"
_DESCRIPTIONS = RecordFile(Experiment, upgrades=[keep_content], cure=_CURE, leave_out=("per_query", "runs"))
# What the columns of both frames hold, as pandas names it.
_NUMBER = ("floating", "integer")
_TYPES = {
    **dict.fromkeys(("system", "query_id", "measure", "chunk_id", "doc_id"), ("string",)),
    **dict.fromkeys(("rank", "start", "end"), ("integer",)),
    **dict.fromkeys(("score", "value"), _NUMBER),
}


@dataclass(frozen=True)
class HistoryEntry:
    """One line of the history, newest first. status: as of Experiment; "running" without an active job
    of that id means interrupted. bytes: size on disk."""

    id: str
    name: str
    note: str
    created: str
    dataset: str
    fingerprint: str
    split: str
    status: str
    systems: tuple[str, ...]
    bytes: int


def save_experiment(experiment: Experiment, workspace: Workspace) -> None:
    """Writes or overwrites the experiment's folder; the description last, so that a reader never sees half of it.

    Name and note of an experiment that is there already stay as they are: the user may have changed them while it ran.
    """
    folder = workspace.experiments / experiment.id
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    for name, run in experiment.runs.items():
        write_frame(run, _run_file(folder, name))
    write_frame(experiment.per_query, folder / "per_query.parquet")
    file = folder / "experiment.json"
    before = _DESCRIPTIONS.find(file, root=workspace.folder)
    if before is not None:
        experiment = dataclasses.replace(experiment, name=before.name, note=before.note)
    _DESCRIPTIONS.write(file, experiment)


def _run_file(folder: Path, system: str) -> Path:
    # Not by position: the systems of a partial result move as more become ready, and someone may be reading.
    return folder / "runs" / f"{content_hash(system)[:16]}.parquet"


def load_experiment(experiment_id: str, workspace: Workspace) -> Experiment:
    """Raises NotInWorkspace if there is none with this id, InputError if its files are damaged."""
    folder = find_folder(experiment_id, workspace)
    return read_experiment(folder)


def read_experiment(folder: Path) -> Experiment:
    """load_experiment() of any folder, in a workspace or not. Raises InputError if its files are damaged."""
    described = read_description(folder)
    files = {system.name: _run_file(folder, system.name) for system in described.systems if system.error is None}
    with reading(folder, cure=_CURE):
        runs = {name: _read_columns(file, RUN) for name, file in files.items()}
        per_query = _read_columns(folder / "per_query.parquet", PER_QUERY)
    known = per_query["system"].isin([system.name for system in described.systems])
    return dataclasses.replace(described, per_query=per_query[known].reset_index(drop=True), runs=runs)


def read_description(folder: Path) -> Experiment:
    """An experiment as its experiment.json has it, without runs and values. Raises FileNotFoundError, InputError."""
    return _DESCRIPTIONS.read(folder / "experiment.json")


def _read_columns(file: Path, columns: list[str]) -> pd.DataFrame:
    frame = read_frame(file)
    place = f"{file.parent.name}/{file.name}" if file.parent.name == "runs" else file.name
    if missing := [name for name in columns if name not in frame.columns]:
        raise Damaged(f"{place} has no column {missing[0]}")
    for name, expected in _TYPES.items():
        # of whole columns: pandas tells the type of all their values at once
        if len(frame) and name in frame.columns and (found := infer_dtype(frame[name], skipna=False)) not in expected:
            raise Damaged(f"column {name} of {place}: expected {' or '.join(expected)}, found {found}")
    if "score" in columns and len(frame) and not np.isfinite(frame["score"].to_numpy(dtype=float)).all():
        raise Damaged(f"column score of {place}: expected finite numbers")
    return frame


def list_experiments(workspace: Workspace) -> list[HistoryEntry]:
    """All experiments of the workspace that can be read, newest first."""
    entries = [entry for entry in _read_entries(workspace).values() if isinstance(entry, HistoryEntry)]
    return sorted(entries, key=lambda entry: (entry.created, entry.id), reverse=True)


def list_damaged(workspace: Workspace) -> list[str]:
    """Ids of experiments whose description cannot be read."""
    return sorted(name for name, entry in _read_entries(workspace).items() if entry is None)


def _read_entries(workspace: Workspace) -> dict[str, HistoryEntry | None]:
    entries: dict[str, HistoryEntry | None] = {}
    for file in workspace.experiments.glob("*/experiment.json"):
        if file.parent.name.startswith("."):
            continue  # on its way out
        try:
            entries[file.parent.name] = read_entry(file, file.stat().st_mtime_ns)
        except FileNotFoundError:
            continue  # deleted a moment ago
        except InputError:
            entries[file.parent.name] = None
    return entries


@functools.lru_cache(maxsize=2_000)
def read_entry(file: Path, written: int) -> HistoryEntry:
    """An experiment.json as a line of the history. Raises FileNotFoundError, InputError if it is damaged.

    Read once per change: the description is written last, so that its time `written` stands for the whole folder.
    """
    described = read_description(file.parent)
    return HistoryEntry(
        id=file.parent.name,
        name=described.name,
        note=described.note,
        created=described.created,
        dataset=described.dataset["name"],
        fingerprint=described.dataset["fingerprint"],
        split=described.split_used,
        status=described.status,
        systems=tuple(system.name for system in described.systems),
        bytes=folder_size(file.parent),
    )


def edit_experiment(
    experiment_id: str, workspace: Workspace, *, name: str | None = None, note: str | None = None, status: str | None = None
) -> None:
    """Renames an experiment, or changes its note or its status. Raises NotInWorkspace, and InputError if it is damaged."""
    file = find_folder(experiment_id, workspace) / "experiment.json"
    described = _DESCRIPTIONS.read(file)
    given = {key: value for key, value in (("name", name), ("note", note), ("status", status)) if value is not None}
    _DESCRIPTIONS.write(file, dataclasses.replace(described, **given))  # type: ignore[arg-type]


def delete_experiment(experiment_id: str, workspace: Workspace) -> None:
    """Removes the experiment's folder, a damaged one too; cached vectors and indexes stay, others may use them."""
    remove_folder(find_folder(experiment_id, workspace))


def find_folder(experiment_id: str, workspace: Workspace) -> Path:
    """The folder of an experiment, damaged or not. Raises NotInWorkspace."""
    folder = find_entry(workspace.experiments, experiment_id)
    if folder is None or not (folder / "experiment.json").exists():
        raise NotInWorkspace(f"The experiment {experiment_id!r} is not here. Choose one from the history, or import it.")
    return folder
