"""Leftovers: what processes that were killed have left in a workspace. What a living one uses is never among them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from core.doctor.finding import ASIDE, END_JOB, LEFTOVER, REMOVE, Finding
from core.errors import InputError, NotInWorkspace
from core.jobs.locks import HOLDER, is_alive, is_workspace_held
from core.jobs.state import look_at_job
from core.storage.damage import DAMAGED
from core.storage.files import HELD, PART, REMOVED, folder_size, is_held
from core.storage.scratch import list_abandoned
from core.systems.trained import is_finished
from core.workspace import Workspace

_BUILDING = ".building"
_PENDING_SECONDS = 24 * 3600.0  # an upload that waits for its columns to be named is somebody's for a day
_YOUNG_SECONDS = 1.0  # a file may be there a moment before it is held


def find_leftovers(workspace: Workspace) -> list[Finding]:
    """Everything that was left behind, sorted by path. What jobs write is looked at only while none runs."""
    found = [*_find_parts(workspace), *_find_job_files(workspace), *_find_imports(workspace), *_find_builds(workspace)]
    scratch = list_abandoned(workspace.folder / "scratch")
    found += [_leave(path, workspace, "the working folder of a process that ended") for path in scratch]
    if not is_workspace_held(workspace):
        found += [*_find_models(workspace), *_find_experiments(workspace)]
    known = {finding.path: finding for finding in found}
    return [known[path] for path in sorted(known) if not any(str(above) in known for above in Path(path).parents)]


def find_set_aside(workspace: Workspace) -> list[Finding]:
    """What was set aside because it was damaged, by the time when."""
    root = workspace.folder / DAMAGED
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    return [
        Finding(ASIDE, _name(path, workspace), folder_size(path), f"damaged {_list_inside(path)}, kept to be looked at", REMOVE)
        for path in folders
    ]


def _list_inside(folder: Path) -> str:
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return (files[0] if files else "folder") + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def _find_parts(workspace: Workspace) -> Iterator[Finding]:
    aside = workspace.folder / DAMAGED
    for path in workspace.folder.rglob("*"):
        if path.is_relative_to(aside):
            continue
        if path.name.endswith(PART) and path.is_file() and not _is_in_use(path):
            yield _leave(path, workspace, "written by a process that ended before it was whole")
        elif path.name.startswith(".") and path.name.endswith(REMOVED) and path.is_dir():
            yield _leave(path, workspace, "was being removed when the process ended")


def _find_job_files(workspace: Workspace) -> Iterator[Finding]:
    held = is_workspace_held(workspace)
    for path in sorted(workspace.jobs.iterdir()):
        job_id, ending = path.stem, path.suffix
        if ending == ".json":
            with contextlib.suppress(InputError, NotInWorkspace):  # damage is told elsewhere
                job = look_at_job(job_id, workspace)
                if job.is_active and not is_alive(job.id, workspace, pid=job.pid, host=job.host):
                    yield Finding(LEFTOVER, _name(path, workspace), 0, "a job whose process is gone", END_JOB)
        elif ending == ".alive" and not _is_living(job_id, workspace, path):
            yield _leave(path, workspace, "the lock of a job whose process is gone")
        elif ending == ".cancel" and not _is_living(job_id, workspace, path.with_suffix(".alive")):
            yield _leave(path, workspace, "cancels a job that has ended")
        elif path.name == HOLDER and not held:
            yield _leave(path, workspace, "names a process that holds the workspace no longer")


def _is_living(job_id: str, workspace: Workspace, lock: Path) -> bool:
    return lock.exists() and is_alive(job_id, workspace, pid=0, host="")


def _find_imports(workspace: Workspace) -> Iterator[Finding]:
    root = workspace.folder / "imports"
    paths = sorted(root.iterdir()) if root.is_dir() else []
    held = [path.name.removesuffix(HELD) for path in paths if path.name.endswith(HELD) and _is_in_use(path)]
    for path in paths:
        name = path.name.removeprefix(".")
        if any(name.startswith(one) for one in held):
            continue
        _let_settle(path)
        if path.name.startswith("upload-") and path.is_dir() and _age(path) < _PENDING_SECONDS:
            continue
        yield _leave(path, workspace, "came in and was never taken")


def _find_builds(workspace: Workspace) -> Iterator[Finding]:
    for lock in [*workspace.folder.glob("indexes/*.lock"), *workspace.folder.glob("versions/*/.*.lock")]:
        whole = lock.with_name(lock.name.removesuffix(".lock").removeprefix("."))
        aside = lock.with_name(lock.name.removesuffix(".lock") + _BUILDING)
        if lock.name == ".live.lock" or _is_locked(lock):
            continue
        if aside.is_dir():
            yield _leave(aside, workspace, "an index whose building broke off")
        if not whole.exists():
            yield _leave(lock, workspace, "the lock of an index that is not there")


def _find_models(workspace: Workspace) -> Iterator[Finding]:
    for folder in sorted(path for path in workspace.models.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if not (folder / "model.json").exists():
            yield _leave(folder, workspace, "a training that broke off before it began")
            continue
        for name, what in ((f"weights{PART}", "weights that were not whole"), ("parts", "of a comparison that broke off")):
            if (folder / name).is_dir():
                yield _leave(folder / name, workspace, what)
        if (folder / "training").is_dir() and is_finished(folder.name, workspace):
            yield _leave(folder / "training", workspace, "checkpoints of a training that is done")


def _find_experiments(workspace: Workspace) -> Iterator[Finding]:
    for folder in sorted(path for path in workspace.experiments.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if not (folder / "experiment.json").exists() and not (folder / "assessment.json").exists():
            yield _leave(folder, workspace, "results that were not whole when their process ended")


def _is_in_use(path: Path) -> bool:
    _let_settle(path)
    return is_held(path)


def _let_settle(path: Path) -> None:
    """Waits until a file that was just made is held, or will not be."""
    time.sleep(max(0.0, min(_YOUNG_SECONDS - _age(path), _YOUNG_SECONDS)))


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0  # gone a moment ago


def _is_locked(lock: Path) -> bool:
    try:
        with filelock.FileLock(lock, timeout=0):
            return False
    except filelock.Timeout:
        return True


def _leave(path: Path, workspace: Workspace, what: str) -> Finding:
    return Finding(LEFTOVER, _name(path, workspace), _size(path), what, REMOVE)


def _size(path: Path) -> int:
    return folder_size(path) if path.is_dir() else path.stat().st_size


def _name(path: Path, workspace: Workspace) -> str:
    return path.relative_to(workspace.folder).as_posix()
