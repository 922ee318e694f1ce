"""The experiments that a workspace keeps: list, open, rename, note, delete.

workspace/experiments/ID/
  experiment.json       all but the frames: see Experiment.to_json()
  per_query.parquet     schema.PER_QUERY
  runs/HASH.parquet     schema.RUN with start and end, one for each system that has a run
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError, NotInWorkspace
from core.experiment.result import Experiment, SystemResult
from core.schema import content_hash
from core.workspace import (
    Workspace,
    folder_size,
    read_frame,
    read_json,
    reading,
    remove_folder,
    write_frame,
    write_json,
)

_CURE = "delete this experiment on the page Experiment and run it again"


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
    content = experiment.to_json()
    file = folder / "experiment.json"
    if file.exists():
        before = read_json(file)
        content.update(name=before["name"], note=before["note"])
    write_json(file, content)


def _run_file(folder: Path, system: str) -> Path:
    # Not by position: the systems of a partial result move as more become ready, and someone may be reading.
    return folder / "runs" / f"{content_hash(system)[:16]}.parquet"


def load_experiment(experiment_id: str, workspace: Workspace) -> Experiment:
    """Raises NotInWorkspace if there is none with this id, InputError if its files are damaged."""
    folder = find_folder(experiment_id, workspace)
    with reading(folder, cure=_CURE):
        return read_experiment(folder)


def read_experiment(folder: Path) -> Experiment:
    """load_experiment() of any folder, in a workspace or not; for the block of reading()."""
    content = read_json(folder / "experiment.json")
    systems = tuple(SystemResult(**item) for item in content.pop("systems"))
    runs = {}
    for system in systems:
        file = _run_file(folder, system.name)
        if system.error is None and file.exists():
            runs[system.name] = read_frame(file)
    per_query = read_frame(folder / "per_query.parquet")
    known = per_query["system"].isin([system.name for system in systems])
    content["query_ids"] = tuple(content.get("query_ids", ()))
    return Experiment(**content, systems=systems, per_query=per_query[known].reset_index(drop=True), runs=runs)


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
            with reading(file, cure=_CURE):
                entries[file.parent.name] = read_entry(file, file.stat().st_mtime_ns)
        except InputError:
            if file.exists():  # else it was deleted a moment ago
                entries[file.parent.name] = None
    return entries


@functools.lru_cache(maxsize=2_000)
def read_entry(file: Path, written: int) -> HistoryEntry:
    """An experiment.json as a line of the history; for the block of reading().

    Read once per change: the description is written last, so that its time `written` stands for the whole folder.
    """
    content = read_json(file)
    return HistoryEntry(
        id=file.parent.name,
        name=str(content["name"]),
        note=str(content["note"]),
        created=str(content["created"]),
        dataset=str(content["dataset"]["name"]),
        fingerprint=str(content["dataset"]["fingerprint"]),
        split=str(content["split_used"]),
        status=str(content["status"]),
        systems=tuple(str(system["name"]) for system in content["systems"]),
        bytes=folder_size(file.parent),
    )


def edit_experiment(experiment_id: str, workspace: Workspace, *, name: str | None = None, note: str | None = None) -> None:
    """Renames an experiment or changes its note."""
    file = find_folder(experiment_id, workspace) / "experiment.json"
    content = read_json(file)
    changes: dict[str, Any] = {"name": name, "note": note}
    write_json(file, {**content, **{key: value for key, value in changes.items() if value is not None}})


def delete_experiment(experiment_id: str, workspace: Workspace) -> None:
    """Removes the experiment's folder, a damaged one too; cached vectors and indexes stay, others may use them."""
    remove_folder(find_folder(experiment_id, workspace))


def find_folder(experiment_id: str, workspace: Workspace) -> Path:
    """The folder of an experiment, damaged or not. Raises NotInWorkspace."""
    folder = workspace.experiments / experiment_id
    if Path(experiment_id).name != experiment_id or not (folder / "experiment.json").is_file():
        raise NotInWorkspace(f"The experiment {experiment_id!r} is not here. Choose one from the history, or import it.")
    return folder
