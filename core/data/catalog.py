"""The datasets a workspace can open by name: the samples that come with the product, and the user's own."""

from __future__ import annotations

import dataclasses
import re
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.dataset import Dataset
from core.data.label_rules import FILE as RULES
from core.data.label_rules import LabelRules, read_rules
from core.data.load import load_dataset, split_part
from core.data.readers.archive import move_whole
from core.data.readers.columns import TableUse
from core.data.readers.layouts import find_root, layout_of
from core.data.samples import list_samples
from core.data.write import write_dataset
from core.errors import DamagedFile, InputError, NotInWorkspace
from core.progress import ProgressCallback, ignore_progress
from core.records import RecordFile, keep_content
from core.storage.files import hold_folder, remove_folder
from core.storage.names import place_entry
from core.workspace import Workspace

_OLD_RULES = "label_rules.json"
_NOTES = "import_notes.json"  # what was found when documents were converted; the copy no longer shows it
_SOURCE = ".source.json"  # where it was taken from, if that is no folder of files; hidden: not for whom it is exported to
_LONGEST_NAME = 60


@dataclass(frozen=True)
class CatalogEntry:
    """kind: "sample", "uploaded" (lives in the workspace) or "folder" (stays where it is on this machine)."""

    name: str
    path: Path
    kind: str
    description: str = ""


@dataclass(frozen=True)
class _Folders:
    """paths: of the folders and zips of this machine that were opened, by name."""

    paths: dict[str, str]


@dataclass(frozen=True)
class _Notes:
    """notes: what was found while a dataset was taken in."""

    notes: tuple[str, ...]


@dataclass(frozen=True)
class _KeptRules:
    """rules: what was said about the labels of datasets, by name."""

    rules: dict[str, LabelRules]


_RULES_CURE = "delete this file, then say again what counts as relevant"
_RULE_FILES = RecordFile(LabelRules, upgrades=[keep_content], cure=_RULES_CURE)
_OLD_RULE_FILES = RecordFile(_KeptRules, upgrades=[keep_content], cure=_RULES_CURE)


@dataclass(frozen=True)
class Source:
    """Where a dataset of the workspace was taken from. signature: changes with what is there, "" if that is not known; model:
    whose its vectors are, as it was named, or ""."""

    place: str
    signature: str
    model: str


_FOLDER_FILES = RecordFile(
    _Folders,
    upgrades=[lambda content: {"paths": content}],
    cure="delete this file; folders can be opened again",
)
_NOTE_FILES = RecordFile(_Notes, upgrades=[lambda content: {"notes": content}], cure="delete this file")


_SOURCE_FILES = RecordFile(Source, upgrades=[keep_content], cure="delete this file; the dataset stays")


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
    """Those that were opened; a damaged list is set aside: the folders can be opened again, everything else goes on."""
    kept = _FOLDER_FILES.find(workspace.path("datasets.json"), root=workspace.folder)
    return kept.paths if kept is not None else {}


def _write_folders(paths: dict[str, str], workspace: Workspace) -> None:
    _FOLDER_FILES.write(workspace.path("datasets.json"), _Folders(paths))


def check_name(name: str, workspace: Workspace) -> str | None:
    """Why a new dataset cannot have this name, as a sentence for the user, or None if it can.

    Names become folders: letters, digits, ".", "_", "-" and spaces, none of the last four at the ends.
    """
    if not name:
        return "Give the dataset a name."
    if len(name) > _LONGEST_NAME:
        return f"The name has {len(name)} characters, {_LONGEST_NAME} is the most; shorten it."
    if not re.fullmatch(r"\w(?:[\w .-]*\w)?", name):
        return 'A name has letters, digits, ".", "_", "-" or spaces, and begins and ends with a letter or digit.'
    if name.casefold() in {entry.name.casefold() for entry in list_datasets(workspace)}:
        return f"There is already a dataset “{name}”; choose another name, or remove that one first."
    return None


def suggest_name(wanted: str, workspace: Workspace) -> str:
    """A name that check_name() accepts, as near to `wanted` as can be: "my docs.zip" gives "my docs", or "my docs-2"."""
    name = _clean_name(wanted)
    taken = {entry.name.casefold() for entry in list_datasets(workspace)}
    numbered = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(choice for choice in numbered if choice.casefold() not in taken)


def _clean_name(wanted: str) -> str:
    name = re.sub(r"\.(zip|csv|tsv|jsonl|parquet)$", "", wanted, flags=re.IGNORECASE)
    return re.sub(r"[^\w .-]+", "-", name)[: _LONGEST_NAME - 4].strip(" .-_") or "my-data"


def new_import_folder(wanted: str, workspace: Workspace) -> Path:
    """A path, not yet made, for files on their way in; `wanted` is the name the upload goes by, see name_import().

    Nothing in there is a dataset until add_dataset().
    """
    return workspace.path("imports", f"upload-{secrets.token_hex(6)}-{_clean_name(wanted)}")


def name_import(folder: Path) -> str:
    """The name an upload goes by until it is loaded."""
    return folder.name.split("-", 2)[-1]


def list_import_folders(workspace: Workspace) -> list[Path]:
    """Uploads that were neither loaded nor discarded, newest first."""
    folders = [path for path in workspace.path("imports", "x").parent.glob("upload-*") if path.is_dir()]
    return sorted(folders, key=lambda path: (path.stat().st_mtime, path.name), reverse=True)


def add_dataset(
    folder: Path,
    name: str,
    workspace: Workspace,
    *,
    told: Sequence[TableUse] = (),
    on_progress: ProgressCallback = ignore_progress,
    rules: LabelRules | None = None,
    read: Dataset | None = None,
) -> Dataset:
    """Takes a folder that load_dataset() reads into the workspace under a new name; returns the dataset.

    told: what a person said of its tables. rules: how its labels and its language are read from now on; None: as the folder
    says. read: what load_dataset() made of all that, where it was read already.
    The folder is loaded first, so that only data without errors gets in; it is left
    where it is, for the caller to remove. corpus.jsonl is copied, documents (.md, .pdf and so on) and tables are converted to
    it once and for all: what was found on the way is kept, see read_notes(). Raises InputError for a bad name and for
    everything load_dataset refuses.
    """
    reason = check_name(name, workspace)
    if reason is not None:
        raise InputError(reason)
    if read is None:
        read = load_dataset(folder, name=name, told=told, rules=rules, on_progress=on_progress)
    dataset = dataclasses.replace(read, name=name)
    _move_in(dataset, name, workspace, rules=rules, fill=lambda aside: _copy_whole(folder, dataset, aside, told))
    if rules is not None:
        keep_label_rules(name, rules, workspace)
    return dataset


def keep_dataset(dataset: Dataset, name: str, workspace: Workspace, *, source: Source) -> None:
    """Writes a dataset that was read from elsewhere into the workspace, see find_source(). Raises InputError for a bad name."""
    reason = check_name(name, workspace)
    if reason is not None:
        raise InputError(reason)

    def fill(aside: Path) -> None:
        write_dataset(dataset, aside)
        _SOURCE_FILES.write(aside / _SOURCE, source)

    _move_in(dataset, name, workspace, fill=fill)


def _move_in(
    dataset: Dataset, name: str, workspace: Workspace, *, fill: Callable[[Path], None], rules: LabelRules | None = None
) -> None:
    aside = workspace.path("imports", f"dataset-{secrets.token_hex(6)}")
    with hold_folder(aside):
        try:
            fill(aside)
            again = load_dataset(aside, name=name, rules=rules)
            notes = [warning for warning in dataset.warnings if warning not in again.warnings]
            if notes:
                _NOTE_FILES.write(aside / _NOTES, _Notes(tuple(notes)))
            move_whole(aside, workspace.datasets / name)
        finally:
            remove_folder(aside)


def find_source(place: str, workspace: Workspace) -> tuple[str, Source] | None:
    """The dataset that was taken from a place, by its name, and what is known of that; None if there is none."""
    for file in sorted(workspace.datasets.glob(f"*/{_SOURCE}")):
        if not file.parent.name.startswith("."):
            source = _SOURCE_FILES.find(file, root=workspace.folder)
            if source is not None and source.place == place:
                return file.parent.name, source
    return None


def _copy_whole(folder: Path, dataset: Dataset, target: Path, told: Sequence[TableUse]) -> None:
    """The corpus, converted if need be, and the files with queries and labels as they are, with their line numbers; all of it
    written anew where these are no files of the folder's."""
    if split_part(folder)[1] is not None:
        write_dataset(dataset, target)
        return
    root = find_root(folder) if folder.is_dir() else folder
    layout = layout_of(root, told=told)
    if layout.tables or layout.whole or (len(dataset.queries) and not layout.queries):
        write_dataset(dataset, target)
        return
    if layout.corpus:
        target.mkdir(parents=True)
        shutil.copyfile(root / layout.corpus, target / "corpus.jsonl")
    else:
        unlabelled = {name: getattr(dataset, name).iloc[:0] for name in ("queries", "judgments", "evidence")}
        write_dataset(dataclasses.replace(dataset, **unlabelled, fixed_split=False, relevant_from=1), target)
    for file in (layout.queries, *layout.qrels, RULES):
        if (root / file).is_file():
            copy = target / file
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(root / file, copy)


def read_notes(entry: CatalogEntry) -> list[str]:
    """Warnings from when an uploaded dataset was taken in, which loading its copy no longer gives."""
    if entry.kind != "uploaded":
        return []
    try:
        return list(_NOTE_FILES.read(entry.path / _NOTES).notes)
    except FileNotFoundError:
        return []
    except DamagedFile as error:  # the data are whole; what was noticed about them is lost
        return [f"What was noticed when this dataset was taken in {error.what}: {entry.path / _NOTES}."]


def remove_dataset(name: str, workspace: Workspace) -> None:
    """Deletes an uploaded dataset; a folder on this machine is only forgotten and stays as it is.

    Experiments on it stay. Raises NotInWorkspace if there is none of this name, InputError for a sample.
    """
    entry = next((entry for entry in list_datasets(workspace) if entry.name == name), None)
    if entry is None:
        raise NotInWorkspace(f"The dataset {name!r} is not here any more.")
    if entry.kind == "sample":
        raise InputError(f"“{name}” comes with the product and cannot be removed")
    keep_label_rules(name, None, workspace)
    if entry.kind == "uploaded":
        remove_folder(entry.path)
        return
    _write_folders({key: path for key, path in _read_folders(workspace).items() if key != name}, workspace)


def read_label_rules(entry: CatalogEntry, workspace: Workspace) -> LabelRules:
    """How the labels of a dataset are read: as was said in this workspace, else as its own folder says."""
    kept = find_kept_rules(entry.name, workspace)
    return kept or read_rules(find_root(entry.path) if entry.path.is_dir() else entry.path)


def find_kept_rules(name: str, workspace: Workspace) -> LabelRules | None:
    """What was said in this workspace about how the labels of a dataset are read. Raises InputError if its file is damaged:
    read otherwise, the labels would mean something else."""
    try:
        return _RULE_FILES.read(_rule_file(name, workspace))
    except FileNotFoundError:
        return _read_old_rules(workspace).get(name)


def keep_label_rules(name: str, rules: LabelRules | None, workspace: Workspace) -> None:
    """Keeps how the labels of a dataset are read from now on; None: as its own folder says."""
    if rules is not None:
        _RULE_FILES.write(_rule_file(name, workspace), rules)
        return
    _rule_file(name, workspace).unlink(missing_ok=True)
    old = _read_old_rules(workspace)
    if name in old:
        _OLD_RULE_FILES.write(workspace.path(_OLD_RULES), _KeptRules({key: kept for key, kept in old.items() if key != name}))


def _rule_file(name: str, workspace: Workspace) -> Path:
    """A file for each dataset, so that a damaged one is in the way of no other."""
    return place_entry(workspace.path("label_rules", "x").parent, f"{name}.json")


def _read_old_rules(workspace: Workspace) -> dict[str, LabelRules]:
    """Those of all datasets were in one file."""
    file = workspace.path(_OLD_RULES)
    return _OLD_RULE_FILES.read(file).rules if file.exists() else {}


def open_entry(entry: CatalogEntry, workspace: Workspace) -> Dataset:
    """Loads a dataset of the catalog, its labels as they are to be read here."""
    return load_dataset(entry.path, name=entry.name, rules=find_kept_rules(entry.name, workspace))


def remember_folder(path: Path, workspace: Workspace) -> str:
    """Keeps a folder or zip on this machine under its name, so that links and the history find it; returns the name.

    Call it once the folder was loaded without an error.
    """
    path = path.resolve()
    name = _name_folder(path, workspace)
    if all(entry.name != name for entry in list_datasets(workspace)):
        _write_folders({**_read_folders(workspace), name: str(path)}, workspace)
    return name


def _name_folder(path: Path, workspace: Workspace) -> str:
    """The name a path has or would get."""
    known = {entry.name: entry for entry in list_datasets(workspace)}
    base = (path.stem if path.suffix.lower() == ".zip" else path.name.replace("#", "-")) or "root"
    name, number = base, 2
    while name in known and known[name].path.resolve() != path:
        name, number = f"{base}-{number}", number + 1
    return name


def find_named(name: str, workspace: Workspace) -> CatalogEntry:
    """By name only, never by path: for names from links, files and imported experiments, which may come from anyone.

    Raises InputError that lists what is there.
    """
    entries = list_datasets(workspace)
    for entry in entries:
        if entry.name == name:
            return entry
    raise InputError(f"there is no dataset {name!r}: choose one of these names: {_list_names(entries)}")


def open_named(name: str, workspace: Workspace) -> Dataset:
    """find_named() and open_entry() in one."""
    return open_entry(find_named(name, workspace), workspace)


def find_dataset(name_or_path: str, workspace: Workspace) -> CatalogEntry:
    """By name, else by path of a folder or zip: for what a person typed on this machine, see find_named() for all else.

    Raises InputError that lists what is there. A path is not remembered here: open_dataset() does that once it was read
    without an error.
    """
    entries = list_datasets(workspace)
    for entry in entries:
        if entry.name == name_or_path:
            return entry
    path = _find_path(name_or_path)
    if path is not None:
        return CatalogEntry(_name_folder(path, workspace), path, "folder")
    names = _list_names(entries)
    raise InputError(f"there is no dataset {name_or_path!r}: give the path of a folder, or one of these names: {names}")


def _find_path(text: str) -> Path | None:
    """The path that a person typed, if there is something; what cannot be a path at all is none."""
    try:
        path = Path(text).expanduser()
        return path.resolve() if text and split_part(path)[0].exists() else None
    except (OSError, RuntimeError):  # too long; the home of somebody unknown; links that go round in a circle
        return None


def _list_names(entries: list[CatalogEntry]) -> str:
    return ", ".join(entry.name for entry in entries) or "none yet"


def open_dataset(
    name_or_path: str,
    workspace: Workspace,
    *,
    rules: LabelRules | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Dataset:
    """find_dataset() and open_entry() in one; a path that was read without an error is remembered by its name.

    rules: how its labels are read from now on, kept if that works; None: as so far.
    """
    entry = find_dataset(name_or_path, workspace)
    read_as = find_kept_rules(entry.name, workspace) if rules is None else rules
    dataset = load_dataset(entry.path, name=entry.name, rules=read_as, on_progress=on_progress)
    if rules is not None:
        keep_label_rules(entry.name, rules, workspace)
    if entry.kind == "folder":
        remember_folder(entry.path, workspace)
    return dataset
