"""One session of measuring: draws the sizes, has core.scaling.timing time the systems, and keeps the times in the workspace."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from core.data.dataset import Dataset
from core.errors import InputError
from core.graph.resources import Models, Resources
from core.progress import CancelToken, ProgressCallback, ProgressEvent, ignore_progress
from core.scaling.scaling import Scaling, SystemScaling
from core.scaling.timing import borrow_workspace, draw_subsets, time_systems
from core.schema import content_hash
from core.settings import describe_machine
from core.systems.system import System
from core.workspace import Workspace

SIZES = (1 / 8, 1 / 4, 1 / 2, 1.0)
_FORMAT = 1  # raised when the facts in a workspace get another form


def measure_scaling(
    dataset: Dataset,
    systems: Mapping[str, System],
    *,
    workspace: Workspace,
    models: Models | None = None,
    cancel: CancelToken | None = None,
    on_progress: ProgressCallback = ignore_progress,
    sizes: Sequence[float] = SIZES,
    seed: int = 0,
) -> Scaling:
    """Times the systems on subsets of the documents (shares of them), and fits curves.

    The subsets are drawn with the seed, each a part of the next. What compare() has embedded is not embedded again. Nothing
    of it stays in the workspace: keep the result with save_scaling(). Systems that fail are left out.
    Raises InputError for no systems, none that works, no queries, or fewer than three different sizes; Cancelled.
    """
    if not systems:
        raise InputError("no systems were chosen; name at least one")
    subsets = draw_subsets(dataset, sizes, seed=seed)
    phases = _Phases(on_progress, total=len(subsets) + 2)
    with borrow_workspace(workspace) as borrowed:
        resources = Resources.open(borrowed, models=models, cancel=cancel, on_progress=phases.report)
        timings = time_systems(subsets, systems, resources, on_phase=phases.start, seed=seed)
    if not timings:
        raise InputError(
            f"none of the systems {', '.join(systems)} could be timed; compare them, and see what their results say is wrong"
        )
    measured = {
        name: SystemScaling(
            spec=_strip_names(systems[name]),
            reranker=type(systems[name].rerank).__name__ if systems[name].rerank is not None else None,
            sizes=taken.sizes,
            depths=taken.depths,
            widths=taken.widths,
        )
        for name, taken in timings.items()
    }
    return Scaling(dataset.corpus_fingerprint, describe_machine(), measured)


def save_scaling(scaling: Scaling, workspace: Workspace) -> None:
    """Keeps the measurements in the workspace, each system's under its corpus and what it is made of."""
    session = content_hash(scaling.to_json())
    for name, measured in scaling.systems.items():
        one = dataclasses.replace(scaling, systems={name: measured})
        key = _make_key(scaling.corpus_fingerprint, measured.spec)
        workspace.write_facts(key, {"session": session, "name": name, "scaling": one.to_json()})


def load_scaling(dataset: Dataset, systems: Mapping[str, System], *, workspace: Workspace) -> Scaling | None:
    """What was kept of these systems over this corpus, under the names given here.

    None unless all of them were measured in one session: times taken under different load cannot be compared.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, system in systems.items():
        facts = workspace.read_facts(_make_key(dataset.corpus_fingerprint, _strip_names(system)))
        if facts is not None:
            found[name] = facts
    if not systems or len(found) < len(systems) or len({facts["session"] for facts in found.values()}) > 1:
        return None
    kept = {name: Scaling.from_json(facts["scaling"]).systems[facts["name"]] for name, facts in found.items()}
    first = next(iter(found.values()))["scaling"]
    return Scaling(first["corpus_fingerprint"], first["machine"], kept)


class _Phases:
    """Progress in phases of equal weight; what stages report is progress inside the phase."""

    def __init__(self, send: ProgressCallback, *, total: int) -> None:
        self._send, self._total, self._done = send, total, -1

    def start(self, label: str) -> None:
        self._done += 1
        self.report(ProgressEvent(label=label))

    def report(self, event: ProgressEvent) -> None:
        done = min(max(self._done, 0) + event.share, float(self._total))
        self._send(ProgressEvent(label=event.label, done=done, total=float(self._total)))


def _strip_names(system: System) -> dict[str, Any]:
    return {name: value for name, value in system.to_spec().items() if name not in ("name", "description")}


def _make_key(corpus_fingerprint: str, spec: Mapping[str, Any]) -> str:
    return content_hash(["scaling", _FORMAT, corpus_fingerprint, spec])
