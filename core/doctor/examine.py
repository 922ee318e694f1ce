"""The examination of a workspace, and its cure."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.doctor.damage import drop_rows, find_damage, find_in_the_way
from core.doctor.finding import (
    ACT_WORDS,
    BY_HAND,
    DROP_ROWS,
    END_JOB,
    REMOVE,
    REMOVE_MADE_BY,
    REMOVE_MADE_FOR,
    SET_ASIDE,
    UNUSED,
    Finding,
)
from core.doctor.leftovers import find_leftovers, find_set_aside
from core.doctor.unused import find_unused, remove_unused
from core.jobs.state import read_job
from core.storage.damage import DAMAGED
from core.storage.files import folder_size, remove_folder
from core.text.phrases import count_of
from core.workspace import Workspace

# The kinds of what a workspace holds, by their folder; everything else is "settings".
KINDS = {
    "vectors": "cache/vectors",
    "token vectors": "cache/tokens",
    "scores of pairs": "cache/pairs",
    "steps of systems": "cache/nodes",
    "indexes": "indexes",
    "models": "models",
    "index versions": "versions",
    "datasets": "datasets",
    "experiments": "experiments",
    "jobs": "jobs",
    "uploads on their way": "imports",
    "logs": "log",
    "working folders": "scratch",
    "set aside": DAMAGED,
}


@dataclass(frozen=True)
class Examination:
    """sizes: bytes by kind, see KINDS. findings: what is damaged, then what was left behind, set aside, not used. notes: what
    could not be looked at, and why."""

    sizes: dict[str, int]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def troubles(self) -> tuple[Finding, ...]:
        """What mending is for: everything but what is not used, which is whole and may be wanted again."""
        return tuple(finding for finding in self.findings if finding.kind != UNUSED)

    @property
    def unused(self) -> tuple[Finding, ...]:
        """What nothing refers to."""
        return tuple(finding for finding in self.findings if finding.kind == UNUSED)

    @property
    def is_healthy(self) -> bool:
        """Whether there is nothing to mend."""
        return not self.troubles

    def to_json(self) -> dict[str, Any]:
        """What the command line writes."""
        return {
            "healthy": self.is_healthy,
            "sizes": self.sizes,
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
            "notes": list(self.notes),
        }


def examine(workspace: Workspace) -> Examination:
    """Looks at everything in the workspace and changes nothing."""
    blocked = find_in_the_way(workspace)
    if blocked:
        note = "Nothing else was looked at; mend this first, then look again."
        return Examination(measure_sizes(workspace), tuple(blocked), (note,))
    damaged = find_damage(workspace)
    left = [finding for finding in find_leftovers(workspace) if finding.path not in {one.path for one in damaged}]
    unused, notes = find_unused(workspace, damaged)
    return Examination(measure_sizes(workspace), (*damaged, *left, *find_set_aside(workspace), *unused), tuple(notes))


def measure_sizes(workspace: Workspace) -> dict[str, int]:
    """Bytes by kind, the kinds that are not there left out."""
    sizes = {kind: folder_size(workspace.folder / name) for kind, name in KINDS.items() if (workspace.folder / name).is_dir()}
    rest = folder_size(workspace.folder) - sum(sizes.values())
    return {kind: size for kind, size in {**sizes, "settings": rest}.items() if size}


def mend(
    findings: tuple[Finding, ...], workspace: Workspace, *, on_progress: Callable[[int, str], None] = lambda done, path: None
) -> list[str]:
    """Does what each finding says, unless a living process uses it by now; returns a sentence for each that was mended.

    What is not used is removed too if it is among the findings: leave it out of them to keep it. on_progress(findings done
    before, path of the one that is next).
    """
    unused = tuple(finding for finding in findings if finding.kind == UNUSED)
    findings = tuple(finding for finding in findings if finding.kind != UNUSED)
    removed = {finding for finding in findings if finding.act in (REMOVE, END_JOB)}
    still = {(one.kind, one.path) for one in (*find_leftovers(workspace), *find_set_aside(workspace))} if removed else set()
    done = []
    for place, finding in enumerate(findings):
        on_progress(place, finding.path)
        path = workspace.folder / finding.path
        if finding.act == BY_HAND or (finding in removed and (finding.kind, finding.path) not in still):
            continue
        if finding.act == REMOVE:
            _remove(path)
        elif finding.act == SET_ASIDE:
            workspace.set_aside(path, finding.what)
        elif finding.act == DROP_ROWS:
            drop_rows(path, workspace)
        elif finding.act == END_JOB:
            read_job(path.stem, workspace)  # which writes that it was interrupted
        done.append(_say_done(finding))
    if unused:
        found = find_damage(workspace)
        told = {finding: len(findings) + place for place, finding in enumerate(unused)}
        gone = remove_unused(unused, workspace, found, on_progress=lambda finding: on_progress(told[finding], finding.path))
        done += map(_say_done, gone)
    return done


def _say_done(finding: Finding) -> str:
    freed = f", {count_of(finding.bytes, 'byte')}" if finding.act in (REMOVE, REMOVE_MADE_BY, REMOVE_MADE_FOR) else ""
    return f"{finding.path}: {ACT_WORDS[finding.act]}{freed}"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.name.startswith("."):
        remove_folder(path)
    elif path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
