"""The experiments that a workspace keeps: list, open, rename, note, delete, export, import."""

from __future__ import annotations

import io
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.archive import unpack_zip
from core.errors import InputError, NotInWorkspace
from core.experiment import Experiment, SystemResult, make_experiment_id
from core.store import (
    Workspace,
    folder_size,
    read_frame,
    read_json,
    remove_folder,
    write_frame,
    write_json,
)


@dataclass(frozen=True)
class HistoryEntry:
    """One line of the history, newest first. bytes: size on disk."""

    id: str
    name: str
    note: str
    created: str
    dataset: str
    status: str
    systems: tuple[str, ...]
    bytes: int


def save_experiment(experiment: Experiment, workspace: Workspace) -> None:
    """Writes or overwrites the experiment's folder; the description last, so that a reader never sees half of it."""
    folder = workspace.experiments / experiment.id
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    for position, system in enumerate(experiment.systems):
        if system.name in experiment.runs:
            file = folder / "runs" / f"{position}.parquet"
            write_frame(experiment.runs[system.name], file)
    write_frame(experiment.per_query, folder / "per_query.parquet")
    write_json(folder / "experiment.json", experiment.to_json())


def load_experiment(experiment_id: str, workspace: Workspace) -> Experiment:
    """Raises NotInWorkspace if there is none with this id."""
    folder = _folder(experiment_id, workspace)
    content = read_json(folder / "experiment.json")
    systems = tuple(SystemResult(**item) for item in content.pop("systems"))
    runs = {}
    for position, system in enumerate(systems):
        file = folder / "runs" / f"{position}.parquet"
        if system.error is None and file.exists():
            runs[system.name] = read_frame(file)
    return Experiment(**content, systems=systems, per_query=read_frame(folder / "per_query.parquet"), runs=runs)


def list_experiments(workspace: Workspace) -> list[HistoryEntry]:
    """All experiments of the workspace, newest first."""
    entries = []
    for file in workspace.experiments.glob("*/experiment.json"):
        content = read_json(file)
        entries.append(
            HistoryEntry(
                id=content["id"],
                name=content["name"],
                note=content["note"],
                created=content["created"],
                dataset=content["dataset"]["name"],
                status=content["status"],
                systems=tuple(system["name"] for system in content["systems"]),
                bytes=folder_size(file.parent),
            )
        )
    return sorted(entries, key=lambda entry: (entry.created, entry.id), reverse=True)


def edit_experiment(experiment_id: str, workspace: Workspace, *, name: str | None = None, note: str | None = None) -> None:
    """Renames an experiment or changes its note."""
    file = _folder(experiment_id, workspace) / "experiment.json"
    content = read_json(file)
    changes: dict[str, Any] = {"name": name, "note": note}
    write_json(file, {**content, **{key: value for key, value in changes.items() if value is not None}})


def delete_experiment(experiment_id: str, workspace: Workspace) -> None:
    """Removes the experiment's folder; cached vectors and indexes stay, other experiments may use them."""
    remove_folder(_folder(experiment_id, workspace))


def export_experiment(experiment_id: str, workspace: Workspace, *, dataset_folder: Path | None = None) -> bytes:
    """A zip of the experiment, with its dataset if a canonical folder of it is given."""
    folder = _folder(experiment_id, workspace)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"experiment/{path.relative_to(folder)}")
        for path in sorted(dataset_folder.rglob("*")) if dataset_folder else []:
            if path.is_file():
                archive.write(path, f"dataset/{path.relative_to(dataset_folder)}")  # type: ignore[arg-type]
    return buffer.getvalue()


def import_experiment(archive: Path, workspace: Workspace) -> str:
    """Takes an exported zip in; returns the experiment's id (a new one if that id is already here).

    A dataset in the zip goes to the workspace's datasets unless one of that name is there.
    Raises InputError if the zip is not an export of this product.
    """
    aside = workspace.path("imports", make_experiment_id())
    unpack_zip(archive, aside)
    try:
        file = aside / "experiment" / "experiment.json"
        if not file.is_file():
            raise InputError(
                "is not an exported experiment: experiment/experiment.json is missing; export one on the page Experiment",
                file=archive.name,
            )
        content = read_json(file)
        experiment_id = str(content["id"])
        if (workspace.experiments / experiment_id).exists() or Path(experiment_id).name != experiment_id:
            experiment_id = make_experiment_id()
        write_json(file, {**content, "id": experiment_id})
        name = Path(str(content["dataset"]["name"])).name
        target = workspace.datasets / name
        if (aside / "dataset").is_dir() and not target.exists():
            shutil.move(aside / "dataset", target)
        shutil.move(aside / "experiment", workspace.experiments / experiment_id)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            "is not an exported experiment: its description cannot be read; export it again", file=archive.name
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return experiment_id


def _folder(experiment_id: str, workspace: Workspace) -> Path:
    folder = workspace.experiments / experiment_id
    if Path(experiment_id).name != experiment_id or not (folder / "experiment.json").is_file():
        raise NotInWorkspace(f"The experiment {experiment_id!r} is not here. Choose one from the history, or import it.")
    return folder
