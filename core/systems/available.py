"""The systems that can be chosen by name: the named ones, those of trained models, and the workspace's own, kept as YAML."""

from __future__ import annotations

import logging

from core.errors import InputError
from core.storage.damage import reading
from core.storage.files import replace_file
from core.systems.named import make_named_systems
from core.systems.system import System
from core.systems.trained import list_models
from core.systems.trained_systems import make_trained_systems
from core.systems.yaml_files import read_systems, write_systems
from core.workspace import Workspace

_log = logging.getLogger(__name__)


def list_own_systems(workspace: Workspace) -> dict[str, System]:
    """The systems that users added to this workspace. Raises InputError if their file cannot be read."""
    file = workspace.systems_file
    if not file.exists():
        return {}
    with reading(file, cure="correct it, or take it away and add your systems again"):
        text = file.read_text(encoding="utf-8")
    return read_systems(text, file=file)


def find_own_systems(workspace: Workspace) -> dict[str, System]:
    """list_own_systems() for who can go on without them: none if their file cannot be read, which is put down in the log."""
    try:
        return list_own_systems(workspace)
    except InputError as error:
        _log.warning("Your own systems are left out. %s", error)
        return {}


def list_systems(workspace: Workspace) -> dict[str, System]:
    """The named systems, then the workspace's own, see find_own_systems()."""
    return {**make_named_systems(), **find_own_systems(workspace)}


def save_own_system(system: System, workspace: Workspace) -> None:
    """Adds or replaces one of the workspace's own systems; InputError if the name belongs to a named system."""
    if system.name in make_named_systems():
        raise InputError(f"the name {system.name!r} belongs to a system that comes with the product; choose another name")
    own = {**list_own_systems(workspace), system.name: system}
    with replace_file(workspace.systems_file) as aside:
        aside.write_text(write_systems(list(own.values())), encoding="utf-8")


def delete_own_system(name: str, workspace: Workspace) -> None:
    """Removes one of the workspace's own systems; experiments that used it keep its definition."""
    own = {key: system for key, system in list_own_systems(workspace).items() if key != name}
    with replace_file(workspace.systems_file) as aside:
        aside.write_text(write_systems(list(own.values())) if own else "systems: []\n", encoding="utf-8")


def list_available(workspace: Workspace, *, dataset: str) -> dict[str, System]:
    """Every system that can be chosen by name for a dataset: the named ones, those of models trained on it, one's own."""
    return {
        **make_named_systems(),
        **make_trained_systems(list_models(workspace, dataset=dataset)),
        **find_own_systems(workspace),
    }
