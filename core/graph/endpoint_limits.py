"""The limits of the embeddings endpoint: kept in the workspace for every command and page, or said in a file of systems."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from core.endpoints.limits import Limits
from core.errors import InputError
from core.records import RecordFile
from core.workspace import Workspace

SECTION = "endpoint"  # of a file of systems
_FILE = RecordFile(Limits, upgrades=(lambda content: content,), cure="delete it to go back to the usual limits")


def read_limits(workspace: Workspace) -> Limits:
    """Those kept in a workspace, or the usual ones. Raises InputError for a file that cannot be read."""
    try:
        return _FILE.read(workspace.path("endpoint.json"))
    except FileNotFoundError:
        return Limits()


def keep_limits(limits: Limits, workspace: Workspace) -> None:
    """Keeps them for all work in a workspace."""
    _FILE.write(workspace.path("endpoint.json"), limits)


def choose_limits(content: Any, usual: Limits, *, file: str | Path | None = None) -> Limits | None:
    """What the section `endpoint` of a file of systems says, over the usual limits; None if there is no such section.

    Raises InputError for a field that there is not, and for a value that it cannot have.
    """
    section = content.get(SECTION) if isinstance(content, Mapping) else None
    if section is None:
        return None
    known = vars(usual)
    if not isinstance(section, Mapping) or not set(section) <= set(known):
        raise InputError(f"`{SECTION}` holds something else than limits; it can have {', '.join(known)}", file=file)
    try:
        return msgspec.convert({**known, **section}, Limits)
    except (msgspec.ValidationError, InputError) as error:
        raise InputError(f"`{SECTION}`: {error}", file=file) from error
