"""Index versions on disk: what there is, which one is live, the way back, removal.

A version's folder is renamed to its place when it is whole and never changes afterwards; which one is live is one small file
that is replaced as a whole. So a query meets a whole version or none, however a process ends.
"""

from __future__ import annotations

import datetime
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import filelock

from core.errors import InputError, NotInWorkspace, WorkspaceBusy
from core.records import RecordFile, keep_content
from core.schema import content_hash
from core.stages.embed import model_revision
from core.storage.files import folder_size, remove_folder
from core.storage.names import find_entry, place_entry
from core.systems.system import System
from core.systems.yaml_files import from_spec
from core.workspace import Workspace

PROMOTED, REFRESHED, ROLLED_BACK, REMOVED = "promoted", "refreshed", "rolled back", "removed"
RECORD, _LIVE, _EVALUATION = "version.json", "live.json", "evaluation.json"
_ASIDE = ".building"
_LOCK_SECONDS = 10.0
_BUILD_LOCK_SECONDS = 5.0


@dataclass(frozen=True)
class Version:
    """An index that can answer: one system over one state of the corpus.

    id: the system's name and a hash of system, models and corpus: the same again is the same version. system: its spelling.
    model, revision: of the vectors, "" for word matching alone. corpus_fingerprint: Dataset.corpus_fingerprint. documents,
    passages, dimensions: counts. parent: the version that it was refreshed from, or "". work: {seconds, encode_seconds,
    load_seconds, encoded_texts, added (documents)}, of a refresh also {changed, deleted (documents), documents_before,
    passages_added, passages_removed}. created: ISO time.
    """

    id: str
    dataset: str
    system: dict[str, Any]
    model: str
    revision: str
    corpus_fingerprint: str
    documents: int
    passages: int
    dimensions: int
    created: str
    parent: str = ""
    work: dict[str, Any] = field(default_factory=dict)

    def read_system(self) -> System:
        """The system that the version was built by."""
        return from_spec(self.system)

    @property
    def name(self) -> str:
        """The system's name."""
        return str(self.system["name"])

    @property
    def chunking(self) -> str:
        """ "recursive, 200 tokens", or "whole documents" where nothing is cut."""
        chunk = self.system.get("chunk")
        if chunk is None:
            return "whole documents"
        size = f", {chunk['size']} tokens" if "size" in chunk else ""
        return str(chunk["type"]).replace("_", " ") + size


@dataclass(frozen=True)
class Live:
    """version: id of the one that answers, "" before the first. previous: those that it came from, oldest first; rollback()
    goes to the last. log: [{at, what, version, before, note}], oldest first."""

    version: str = ""
    previous: tuple[str, ...] = ()
    log: tuple[dict[str, Any], ...] = ()


class Evaluation(TypedDict):
    """How a version did on the test queries against a bar: see core.versions.promote.evaluate()."""

    passed: bool
    sentence: str
    measure: str
    n: int
    mean: float
    low: float
    high: float
    against: str
    delta: dict[str, Any] | None
    bar: dict[str, Any]
    query_ids: list[str]


_VERSIONS = RecordFile(Version, upgrades=[keep_content], cure="remove this version and build it again")
_EVALUATIONS = RecordFile(Evaluation, upgrades=[keep_content], cure="measure this version again")
_LIVES = RecordFile(Live, upgrades=[keep_content], cure="delete this file and promote a version again")


def name_version(system: System, corpus_fingerprint: str) -> str:
    """The id of a system's version over a corpus."""
    spec = {name: value for name, value in system.to_spec().items() if name not in ("name", "description")}
    models = [system.dense.model if system.dense else "", getattr(system.rerank, "model", "")]
    revisions = [model_revision(model) if model else "" for model in models]
    short = re.sub(r"[^\w.-]+", "-", system.name).strip("-._")[:40] or "system"
    return f"{short}-{content_hash([spec, revisions, corpus_fingerprint])[:10]}"


def version_folder(version_id: str, dataset: str, workspace: Workspace) -> Path:
    """Where a version lies once it is built."""
    return place_entry(workspace.versions(dataset), version_id)


def aside_folder(version_id: str, dataset: str, workspace: Workspace) -> Path:
    """Where a version is while it is built."""
    return place_entry(workspace.versions(dataset), f".{version_id}{_ASIDE}")


def write_version(version: Version, folder: Path) -> None:
    """Writes the record of a version into its folder."""
    _VERSIONS.write(folder / RECORD, version)


def load_version(version_id: str, dataset: str, workspace: Workspace) -> Version:
    """Raises NotInWorkspace if there is none of this id, InputError if its file is damaged."""
    folder = find_entry(workspace.versions(dataset), version_id)
    if folder is None or not (folder / RECORD).exists():
        raise NotInWorkspace(f"The index version {version_id!r} of {dataset} is not in this workspace.")
    return _VERSIONS.read(folder / RECORD)


def check_model(version: Version) -> None:
    """Raises InputError if the embedding model's files are not those that the version was built with: cosines between the
    vectors of two models mean nothing."""
    if version.model and model_revision(version.model) != version.revision:
        raise InputError(
            f"the files of the model {version.model} are not those that {version.id} was built with, and vectors of two models "
            f"cannot be mixed; build a new version with `versions {version.dataset} --build {version.name}`, or put the old "
            "files back"
        )


def list_versions(dataset: str, workspace: Workspace) -> list[Version]:
    """Whole versions, newest first; a damaged one is left out."""
    return _list_folders(dataset, workspace, hidden=False)


def list_unfinished(dataset: str, workspace: Workspace) -> list[Version]:
    """What builds that broke off, or are still at work, were to become."""
    return _list_folders(dataset, workspace, hidden=True)


def _list_folders(dataset: str, workspace: Workspace, *, hidden: bool) -> list[Version]:
    root = workspace.versions(dataset)
    found = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        aside = folder.name.startswith(".") and folder.name.endswith(_ASIDE)
        if (aside if hidden else not folder.name.startswith(".")) and (folder / RECORD).exists():
            try:
                found.append(_VERSIONS.read(folder / RECORD))
            except InputError:
                continue
    return sorted(found, key=lambda version: (version.created, version.id), reverse=True)


def list_datasets_with_versions(workspace: Workspace) -> list[str]:
    """Names of the datasets that have a version."""
    root = workspace.folder / "versions"
    return sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def measure_size(version: Version, workspace: Workspace) -> int:
    """Bytes on disk."""
    return folder_size(version_folder(version.id, version.dataset, workspace))


def read_live(dataset: str, workspace: Workspace) -> Live:
    """Which version answers; nothing yet if none was promoted. Raises InputError if the file that says so is damaged."""
    try:
        return _LIVES.read(workspace.versions(dataset) / _LIVE)
    except FileNotFoundError:
        return Live()


@contextmanager
def hold_versions(dataset: str, workspace: Workspace) -> Iterator[None]:
    """Held while it is decided which version is live, or one is removed. Raises WorkspaceBusy after ten seconds."""
    root = workspace.versions(dataset)
    root.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(root / ".live.lock", timeout=_LOCK_SECONDS):
            yield
    except filelock.Timeout as error:
        raise WorkspaceBusy(f"Another process is changing the versions of {dataset}. Wait a moment and try again.") from error


def make_live(version: Version, what: str, workspace: Workspace, *, note: str = "") -> Live:
    """The version answers from now on; the one before it is kept to go back to. Nothing changes if it is live already."""
    with hold_versions(version.dataset, workspace):
        now = read_live(version.dataset, workspace)
        load_version(version.id, version.dataset, workspace)  # it may have been removed meanwhile
        if now.version == version.id:
            return now
        previous = (*now.previous, now.version) if now.version else now.previous
        return _write_live(
            version.dataset, workspace, version.id, previous, (*now.log, _entry(what, version.id, now.version, note))
        )


def rollback(dataset: str, workspace: Workspace) -> Live:
    """Back to the version that was live before: one file is replaced, nothing is computed. Raises InputError without one."""
    with hold_versions(dataset, workspace):
        now = read_live(dataset, workspace)
        if not now.previous:
            raise InputError(f"there is no earlier version of {dataset} to go back to; `versions` lists what there is")
        target = now.previous[-1]
        load_version(target, dataset, workspace)
        entry = _entry(ROLLED_BACK, target, now.version, "")
        return _write_live(dataset, workspace, target, now.previous[:-1], (*now.log, entry))


def remove_version(version_id: str, dataset: str, workspace: Workspace) -> None:
    """Deletes a version that is not live. Raises InputError for the live one, NotInWorkspace if there is none of this id."""
    with hold_versions(dataset, workspace):
        load_version(version_id, dataset, workspace)
        now = read_live(dataset, workspace)
        if version_id == now.version:
            raise InputError(f"the version {version_id} is live and cannot be removed; roll back or promote another one first")
        if version_id in now.previous:
            kept = tuple(name for name in now.previous if name != version_id)
            entry = _entry(REMOVED, version_id, now.version, "")
            _write_live(dataset, workspace, now.version, _drop_repeats(kept, now.version), (*now.log, entry))
        remove_folder(version_folder(version_id, dataset, workspace))


def prune_versions(dataset: str, workspace: Workspace, *, keep: int) -> list[str]:
    """Deletes all versions but the live one and the `keep` newest of the others that it came from; returns the deleted ids. A
    version that was built and never promoted goes too."""
    now = read_live(dataset, workspace)
    back = list(dict.fromkeys(name for name in reversed(now.previous) if name != now.version))
    kept = {now.version, *back[: max(keep, 0)]}
    doomed = [version.id for version in list_versions(dataset, workspace) if version.id not in kept]
    for version_id in doomed:
        remove_version(version_id, dataset, workspace)
    return doomed


def _drop_repeats(previous: tuple[str, ...], live: str) -> tuple[str, ...]:
    """Without steps back that would lead to where one is."""
    chain: list[str] = []
    for name in previous:
        if not chain or chain[-1] != name:
            chain.append(name)
    return tuple(chain[:-1] if chain and chain[-1] == live else chain)


@contextmanager
def hold_build(version: Version, workspace: Workspace) -> Iterator[None]:
    """Held while a version is built; tells a build at work from one that was killed."""
    lock = build_lock(version.id, version.dataset, workspace)
    try:
        with lock:
            yield
    except filelock.Timeout as error:
        raise WorkspaceBusy(f"Another process is building {version.id}. Wait until it is done, or stop it.") from error


def build_lock(version_id: str, dataset: str, workspace: Workspace, *, timeout: float | None = None) -> filelock.BaseFileLock:
    """The lock that a build holds; timeout: seconds to wait for it, None for the usual."""
    root = workspace.versions(dataset)
    root.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(root / f".{version_id}.lock", timeout=_BUILD_LOCK_SECONDS if timeout is None else timeout)


def is_building(version_id: str, dataset: str, workspace: Workspace) -> bool:
    """Whether a process is at work on it now."""
    try:
        with build_lock(version_id, dataset, workspace, timeout=0.0):
            return False
    except filelock.Timeout:
        return True


def discard_unfinished(version_id: str, dataset: str, workspace: Workspace) -> None:
    """Deletes what a build that broke off has left; texts that it embedded stay in the cache. Raises WorkspaceBusy while it is
    at work."""
    if is_building(version_id, dataset, workspace):
        raise WorkspaceBusy(f"{version_id} is being built at this moment. Cancel that first.")
    shutil.rmtree(aside_folder(version_id, dataset, workspace), ignore_errors=True)


def read_evaluation(version: Version, workspace: Workspace) -> Evaluation | None:
    """How the version did against a bar when that was last asked, see core.versions.promote; None if it never was, or
    if its file is damaged and was set aside: it is measured anew then."""
    file = version_folder(version.id, version.dataset, workspace) / _EVALUATION
    return _EVALUATIONS.find(file, root=workspace.folder)


def write_evaluation(version: Version, told: Evaluation, workspace: Workspace) -> None:
    """Keeps how the version did against a bar: see core.versions.promote.evaluate()."""
    _EVALUATIONS.write(version_folder(version.id, version.dataset, workspace) / _EVALUATION, told)


def now_utc() -> str:
    """The time as ISO text, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _entry(what: str, version: str, before: str, note: str) -> dict[str, Any]:
    return {"at": now_utc(), "what": what, "version": version, "before": before, "note": note}


def _write_live(
    dataset: str, workspace: Workspace, version: str, previous: tuple[str, ...], log: tuple[dict[str, Any], ...]
) -> Live:
    live = Live(version, previous, log)
    _LIVES.write(workspace.versions(dataset) / _LIVE, live)
    return live
