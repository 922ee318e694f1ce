"""The experiments that a workspace keeps: list, open, rename, note, delete, compare two, export, import."""

from __future__ import annotations

import functools
import io
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from core.data.catalog import add_dataset, list_datasets, open_named, suggest_name
from core.data.load import load_dataset
from core.data.readers.archive import unpack_zip
from core.errors import InputError, NotInWorkspace
from core.evaluation.per_query import MeanValue, pivot
from core.evaluation.significance import bootstrap_means
from core.experiment.compare import Experiment, SystemResult, make_experiment_id
from core.schema import content_hash
from core.workspace import (
    Workspace,
    folder_size,
    read_frame,
    read_json,
    remove_folder,
    write_frame,
    write_json,
)

COMPANIONS = ("assessment.json", "tuning.json", "checks.json")  # what core.decision keeps beside an experiment
_DAMAGED = (AttributeError, KeyError, TypeError, ValueError, OSError)  # what reading a damaged or foreign experiment raises
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,60}")


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
    folder = _folder(experiment_id, workspace)
    try:
        return _read_experiment(folder)
    except _DAMAGED as error:
        raise InputError(
            f"cannot be read ({type(error).__name__}); delete this experiment on the page Experiment and run it again",
            file=folder,
        ) from error


def _read_experiment(folder: Path) -> Experiment:
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
            entries[file.parent.name] = _read_entry(file, file.stat().st_mtime_ns)
        except FileNotFoundError:
            continue  # deleted a moment ago
        except _DAMAGED:
            entries[file.parent.name] = None
    return entries


@functools.lru_cache(maxsize=2_000)
def _read_entry(file: Path, written: int) -> HistoryEntry:
    """Read once per change: the description is written last, so its time stands for the whole folder."""
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
    file = _folder(experiment_id, workspace) / "experiment.json"
    content = read_json(file)
    changes: dict[str, Any] = {"name": name, "note": note}
    write_json(file, {**content, **{key: value for key, value in changes.items() if value is not None}})


def delete_experiment(experiment_id: str, workspace: Workspace) -> None:
    """Removes the experiment's folder, a damaged one too; cached vectors and indexes stay, others may use them."""
    remove_folder(_folder(experiment_id, workspace))


@dataclass(frozen=True)
class SystemChange:
    """One system in two experiments. first, second: its means, None where it has none; difference: second - first over the
    queries that both measured, None if one side is missing; changes: what differs in its definition, in words."""

    system: str
    first: float | None
    second: float | None
    difference: MeanValue | None
    changes: tuple[str, ...]


def compare_experiments(first: Experiment, second: Experiment, measure: str, *, seed: int = 0) -> list[SystemChange]:
    """Every system of the two on one measure, by name, over the queries that both experiments measured.

    Empty if they share no measured query. The interval is a paired bootstrap over the shared queries.
    """
    tables = []
    for experiment in (first, second):
        values = experiment.per_query[experiment.per_query["measure"] == measure]
        tables.append(pivot(values) if len(values) else pd.DataFrame())
    shared = tables[0].index.intersection(tables[1].index, sort=False)
    if not len(shared):
        return []
    specs = [{system.name: system.spec for system in experiment.systems} for experiment in (first, second)]
    changes = []
    for name in dict.fromkeys([*specs[0], *specs[1]]):
        values = [table.loc[shared, name] if name in table.columns else None for table in tables]
        means = [None if value is None else float(value.mean()) for value in values]
        difference = None
        if values[0] is not None and values[1] is not None:
            deltas = (values[1] - values[0]).to_frame().to_numpy(dtype=float)
            low, high = bootstrap_means(deltas, seed=seed)
            difference = MeanValue(float(deltas.mean()), float(low[0]), float(high[0]), len(deltas))
        told = describe_changes(specs[0][name], specs[1][name]) if name in specs[0] and name in specs[1] else ()
        changes.append(SystemChange(name, means[0], means[1], difference, told))
    return changes


def describe_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs between two spellings of a system: ("chunk size: 200, now 128", "rerank: off, now late_interaction")."""
    told = []
    for part in dict.fromkeys([*before, *after]):
        old, new = before.get(part), after.get(part)
        if part in ("name", "description") or old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping) and old.get("type") == new.get("type"):
            for field in dict.fromkeys([*old, *new]):
                if old.get(field) != new.get(field):
                    told.append(f"{part} {field}: {old.get(field, 'not set')}, now {new.get(field, 'not set')}")
        elif _name_part(old) == _name_part(new):
            told.append(f"{part}: other settings of {_name_part(new)}")
        else:
            told.append(f"{part}: {_name_part(old)}, now {_name_part(new)}")
    return tuple(told)


def _name_part(part: Any) -> str:
    if part is None or part is False:
        return "off"
    if isinstance(part, Mapping):
        return str(part.get("type", "on"))
    if isinstance(part, str):
        return part
    return ", ".join(_name_part(step) for step in part) if isinstance(part, list | tuple) else "on"


def export_experiment(experiment_id: str, workspace: Workspace, *, dataset_folder: Path | None = None) -> bytes:
    """A zip of the experiment, with its dataset if a canonical folder of it is given."""
    folder = _folder(experiment_id, workspace)
    folders = {"experiment": folder, **({"dataset": dataset_folder} if dataset_folder else {})}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for top, source in folders.items():
            for path in sorted(source.rglob("*")):
                inside = path.relative_to(source)
                # .part: left by a process that was killed while it wrote
                if path.is_file() and path.suffix != ".part" and not any(part.startswith(".") for part in inside.parts):
                    archive.write(path, f"{top}/{inside.as_posix()}")
    return buffer.getvalue()


def import_experiment(archive: Path, workspace: Workspace) -> str:
    """Takes an exported zip in; returns the experiment's id (a new one if that id is already here).

    A dataset in the zip joins the workspace's. If another dataset has its name here, it gets a new name, and the
    experiment then names that one. Raises InputError if the zip is not an export of this product, or damaged; nothing of
    it is taken in then.
    """
    aside = workspace.path("imports", f"experiment-{make_experiment_id()}")
    unpack_zip(archive, aside)
    try:
        source = aside / "experiment"
        if not (source / "experiment.json").is_file():
            raise InputError(
                "is not an exported experiment: experiment/experiment.json is missing; export one on the page Experiment",
                file=archive.name,
            )
        try:
            experiment = _read_experiment(source)
            experiment_id, dataset = str(experiment.id), str(experiment.dataset["name"])
            _read_entry(source / "experiment.json", -1)
        except _DAMAGED as error:
            raise InputError(
                f"is an exported experiment that cannot be read ({type(error).__name__}); export it again", file=archive.name
            ) from error
        if not _ID.fullmatch(experiment_id) or (workspace.experiments / experiment_id).exists():
            experiment_id = make_experiment_id()
        if (aside / "dataset").is_dir():
            dataset = _take_dataset(aside / "dataset", dataset, workspace)
        taken = replace(experiment, id=experiment_id, dataset={**experiment.dataset, "name": dataset})
        save_experiment(taken, workspace)
        for name in COMPANIONS:
            if (source / name).is_file():
                shutil.copyfile(source / name, workspace.experiments / experiment_id / name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return experiment_id


def _take_dataset(folder: Path, name: str, workspace: Workspace) -> str:
    """Adds an imported dataset unless the workspace has it; returns the name it has here."""
    fingerprint = load_dataset(folder, name=name).fingerprint
    if name in {entry.name for entry in list_datasets(workspace)} and open_named(name, workspace).fingerprint == fingerprint:
        return name
    chosen = suggest_name(name, workspace)
    add_dataset(folder, chosen, workspace)
    return chosen


def _folder(experiment_id: str, workspace: Workspace) -> Path:
    folder = workspace.experiments / experiment_id
    if Path(experiment_id).name != experiment_id or not (folder / "experiment.json").is_file():
        raise NotInWorkspace(f"The experiment {experiment_id!r} is not here. Choose one from the history, or import it.")
    return folder
