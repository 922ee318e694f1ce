"""What the names on a command line stand for. Where there is no such thing, the error says what there is."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.cli.terminal import AUTO, clear_progress, make_progress_printer
from core.data import catalog
from core.data.dataset import Dataset
from core.data.readers.chroma_place import find_place
from core.errors import InputError
from core.settings import get_workspace
from core.systems.system import System
from core.workspace import Workspace


def open_workspace(folder: Path | None) -> Workspace:
    """The workspace in a folder, created if absent; InputError if it cannot be one."""
    try:
        return Workspace(get_workspace(folder))
    except OSError as error:
        raise InputError(
            f"cannot be a workspace ({error.strerror}); give --workspace a folder that you may write to", file=error.filename
        ) from error


def open_asked(options: argparse.Namespace, workspace: Workspace) -> Dataset:
    """The dataset that the options of add_dataset_options() name, its labels read as these say, now and later."""
    asked: dict[str, Any] = {}
    if options.relevant_from is not None:
        asked["relevant_from"] = None if options.relevant_from == AUTO else options.relevant_from
    if options.share_copies is not None:
        asked["share_copies"] = options.share_copies
    return open_dataset(options.dataset, workspace, asked=asked)


def open_dataset(written: str, workspace: Workspace, *, asked: Mapping[str, Any] | None = None) -> Dataset:
    """The dataset of a name or a path; a Chroma collection is taken into the workspace, or found there. asked: what is said
    about its labels, by fields of LabelRules.

    Raises InputError that lists what is there, or says what cannot be read.
    """
    name, notes = _take_in(written, workspace)
    rules = replace(catalog.read_label_rules(catalog.find_dataset(name, workspace), workspace), **asked) if asked else None
    try:
        dataset = catalog.open_dataset(name, workspace, rules=rules, on_progress=make_progress_printer())
    finally:
        clear_progress()
    return replace(dataset, warnings=(*(note for note in notes if note not in dataset.warnings), *dataset.warnings))


def _take_in(written: str, workspace: Workspace) -> tuple[str, tuple[str, ...]]:
    """(what catalog.open_dataset() knows, what was noticed on the way)."""
    place = None
    if written not in {entry.name for entry in catalog.list_datasets(workspace)}:
        place = find_place(written)
    if place is None:
        return written, ()
    from core.experiment.take_collection import take_collection

    dataset = take_collection(place, workspace, on_progress=make_progress_printer())
    clear_progress()
    return dataset.name, dataset.warnings


def pick_systems(names: Iterable[str], available: Mapping[str, System]) -> dict[str, System]:
    """Those of these names, in their order; InputError lists what there is."""
    wanted = list(names)
    for name in wanted:
        if name not in available:
            raise InputError(f"there is no system {name!r}; there are {', '.join(available)}")
    return {name: available[name] for name in wanted}
