"""The datasets a workspace can open by name: the samples that come with the product, and the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.data.samples import list_samples
from core.errors import InputError
from core.store import Workspace, read_json, write_json


@dataclass(frozen=True)
class CatalogEntry:
    """kind: "sample", "uploaded" (lives in the workspace) or "folder" (stays where it is on this machine)."""

    name: str
    path: Path
    kind: str
    description: str = ""


def list_datasets(workspace: Workspace) -> list[CatalogEntry]:
    """Samples first, then uploaded datasets, then folders that were opened by path."""
    entries = [CatalogEntry(sample.name, sample.path, "sample", sample.description) for sample in list_samples()]
    entries += [CatalogEntry(path.name, path, "uploaded") for path in sorted(workspace.datasets.iterdir()) if _is_dataset(path)]
    known = {entry.name for entry in entries}
    for name, path in sorted(_read_folders(workspace).items()):
        if name not in known:
            entries.append(CatalogEntry(name, Path(path), "folder"))
    return entries


def _is_dataset(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and (path / "corpus.jsonl").is_file()


def _read_folders(workspace: Workspace) -> dict[str, str]:
    file = workspace.path("datasets.json")
    return dict(read_json(file)) if file.exists() else {}


def remember_folder(path: Path, workspace: Workspace) -> str:
    """Keeps a folder or zip on this machine under its name, so that links and the history find it; returns the name."""
    known = {entry.name: entry for entry in list_datasets(workspace)}
    path = path.resolve()
    name = path.stem if path.suffix == ".zip" else path.name
    base, number = name, 2
    while name in known and known[name].path.resolve() != path:
        name, number = f"{base}-{number}", number + 1
    if name not in known:
        write_json(workspace.path("datasets.json"), {**_read_folders(workspace), name: str(path)})
    return name


def find_dataset(name_or_path: str, workspace: Workspace) -> CatalogEntry:
    """By name, else by path of a folder or zip. Raises InputError that lists what is there."""
    entries = list_datasets(workspace)
    for entry in entries:
        if entry.name == name_or_path:
            return entry
    path = Path(name_or_path).expanduser()
    if path.exists():
        name = remember_folder(path, workspace)
        return CatalogEntry(name, path.resolve(), "folder")
    names = ", ".join(entry.name for entry in entries) or "none yet"
    raise InputError(f"there is no dataset {name_or_path!r}: give the path of a folder, or one of these names: {names}")


def open_dataset(name_or_path: str, workspace: Workspace) -> Dataset:
    """find_dataset() and load_dataset() in one."""
    entry = find_dataset(name_or_path, workspace)
    return load_dataset(entry.path, name=entry.name)
