"""What the names on a command line stand for. Where there is no such thing, the error says what there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

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


def pick_systems(names: Iterable[str], available: Mapping[str, System]) -> dict[str, System]:
    """Those of these names, in their order; InputError lists what there is."""
    wanted = list(names)
    for name in wanted:
        if name not in available:
            raise InputError(f"there is no system {name!r}; there are {', '.join(available)}")
    return {name: available[name] for name in wanted}
