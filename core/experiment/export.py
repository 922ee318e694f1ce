"""An experiment as a zip, with its dataset, and back into a workspace."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

from core.data.catalog import add_dataset, list_datasets, open_named, suggest_name
from core.data.load import load_dataset
from core.data.readers.archive import unpack_zip
from core.errors import InputError
from core.experiment.history import find_folder, read_experiment, save_experiment
from core.experiment.result import make_experiment_id
from core.storage.files import hold_folder
from core.workspace import Workspace

COMPANIONS = ("assessment.json", "tuning.json", "checks.json")  # what core.recommendation keeps beside an experiment
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,60}")


def export_experiment(experiment_id: str, workspace: Workspace, *, dataset_folder: Path | None = None) -> bytes:
    """A zip of the experiment, with its dataset if a canonical folder of it is given. Raises NotInWorkspace."""
    folder = find_folder(experiment_id, workspace)
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
    with hold_folder(aside):
        unpack_zip(archive, aside)
        return _take_in(aside, archive, workspace)


def _take_in(aside: Path, archive: Path, workspace: Workspace) -> str:
    try:
        source = aside / "experiment"
        if not (source / "experiment.json").is_file():
            raise InputError(
                "is not an exported experiment: experiment/experiment.json is missing; export one on the page Experiment",
                file=archive.name,
            )
        try:
            experiment = read_experiment(source)
        except InputError as error:
            raise InputError(
                f"is an exported experiment that cannot be read ({error.what}); export it again", file=archive.name
            ) from error
        experiment_id, dataset = experiment.id, experiment.dataset["name"]
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
