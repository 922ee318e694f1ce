"""An experiment as a zip, with its dataset, and back into a workspace."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.data.catalog import add_dataset, list_datasets, open_named, suggest_name
from core.data.load import load_dataset
from core.data.readers.archive import unpack_zip
from core.errors import InputError, StageError
from core.experiment.history import find_folder, read_experiment, save_experiment
from core.experiment.result import Experiment, make_experiment_id
from core.recommendation.files import FILE, read_assessment
from core.recommendation.own_systems import CHECKS_FILE, SCORES_FILE, check_looks_file, check_scores_file
from core.schema import PER_QUERY, check_frame, check_run
from core.storage.files import hold_folder
from core.workspace import Workspace

# What is kept beside an experiment -> how it is read, which raises InputError unless every field is what it should be.
_COMPANIONS: dict[str, Callable[[Path, Experiment], object]] = {
    FILE: read_assessment,
    SCORES_FILE: lambda file, _: check_scores_file(file),
    CHECKS_FILE: lambda file, _: check_looks_file(file),
}
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
        experiment, companions = _read(source, archive)
        experiment_id, dataset = experiment.id, experiment.dataset["name"]
        if not _ID.fullmatch(experiment_id) or (workspace.experiments / experiment_id).exists():
            experiment_id = make_experiment_id()
        if (aside / "dataset").is_dir():
            dataset = _take_dataset(aside / "dataset", dataset, workspace)
        taken = replace(experiment, id=experiment_id, dataset={**experiment.dataset, "name": dataset})
        save_experiment(taken, workspace)
        for name in companions:
            shutil.copyfile(source / name, workspace.experiments / experiment_id / name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return experiment_id


def _read(source: Path, archive: Path) -> tuple[Experiment, list[str]]:
    """The experiment in an unpacked folder, and which companions it has, after every field of all of them was checked."""
    try:
        experiment = read_experiment(source)
        for name, run in experiment.runs.items():
            check_run(run, what=f"the run of {name}")
        check_frame(experiment.per_query, PER_QUERY, key=["system", "query_id", "measure"], what="per_query.parquet")
        companions = [name for name in _COMPANIONS if (source / name).is_file()]
        for name in companions:
            _COMPANIONS[name](source / name, experiment)
    except (InputError, StageError) as error:
        place = Path(getattr(error, "file", None) or source)
        inside = place.relative_to(source.parent).as_posix() if place.is_relative_to(source.parent) else source.name
        why = getattr(error, "why", "") or getattr(error, "what", str(error))
        raise InputError(
            f"is an exported experiment that cannot be read ({inside}: {why}); export it again", file=archive.name
        ) from error
    return experiment, companions


def _take_dataset(folder: Path, name: str, workspace: Workspace) -> str:
    """Adds an imported dataset unless the workspace has it; returns the name it has here."""
    fingerprint = load_dataset(folder, name=name).fingerprint
    if name in {entry.name for entry in list_datasets(workspace)} and open_named(name, workspace).fingerprint == fingerprint:
        return name
    chosen = suggest_name(name, workspace)
    add_dataset(folder, chosen, workspace)
    return chosen
