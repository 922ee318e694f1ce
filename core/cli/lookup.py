"""What the names on a command line stand for. Where there is no such thing, the error says what there is."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.cli.terminal import AUTO
from core.data.catalog import find_dataset, open_dataset, read_label_rules
from core.data.dataset import Dataset
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
    if not asked:
        return open_dataset(options.dataset, workspace)
    known = read_label_rules(find_dataset(options.dataset, workspace), workspace)
    return open_dataset(options.dataset, workspace, rules=replace(known, **asked))


def pick_systems(names: Iterable[str], available: Mapping[str, System]) -> dict[str, System]:
    """Those of these names, in their order; InputError lists what there is."""
    wanted = list(names)
    for name in wanted:
        if name not in available:
            raise InputError(f"there is no system {name!r}; there are {', '.join(available)}")
    return {name: available[name] for name in wanted}
