"""Latency at other sizes for a whole experiment: which of its systems were measured together, and a table of estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from core.data.dataset import Dataset
from core.experiment.result import Experiment
from core.scaling.measure import load_scaling
from core.scaling.scaling import Scaling
from core.systems.system import System
from core.systems.yaml_files import from_spec
from core.workspace import Workspace

ESTIMATES = ["system", "documents", "p50", "low", "high", "p95", "error", "far"]


def list_ready_systems(experiment: Experiment) -> dict[str, System]:
    """The systems of an experiment that have a run, by name: those whose latency can be taken at several sizes."""
    return {one.name: from_spec(one.spec) for one in experiment.systems if one.name in experiment.ready}


def find_scaling(dataset: Dataset, systems: Mapping[str, System], workspace: Workspace) -> Scaling | None:
    """load_scaling() of all these systems, or of those among them that were measured (one may have failed there, or have come
    later); None if there are none, or if they were not measured together."""
    whole = load_scaling(dataset, systems, workspace=workspace)
    if whole is not None:
        return whole
    measured = {
        name: system
        for name, system in systems.items()
        if load_scaling(dataset, {name: system}, workspace=workspace) is not None
    }
    return load_scaling(dataset, measured, workspace=workspace) if measured else None


def tabulate_estimates(
    scaling: Scaling, documents: Sequence[int], *, dimensions: int | None = None, depth: int | None = None
) -> pd.DataFrame:
    """Scaling.estimate() of every system at every size. Returns ESTIMATES: p50, low, high and p95 in ms, error in percent, far:
    beyond what the curves are trusted for. Raises InputError for numbers below 1."""
    rows: list[dict[str, Any]] = []
    for name in scaling.systems:
        for count in documents:
            told = scaling.estimate(name, documents=count, dimensions=dimensions, depth=depth)
            rows.append({"system": name, "documents": count, **{key: told[key] for key in ESTIMATES[2:]}})  # type: ignore[literal-required]
    return pd.DataFrame(rows, columns=ESTIMATES)


def list_sizes(scaling: Scaling) -> list[int]:
    """Numbers of documents at which the systems were measured, smallest first."""
    return sorted({point.documents for measured in scaling.systems.values() for point in measured.sizes})


def describe_far(scaling: Scaling) -> str:
    """What a mark beside an estimate means."""
    most = list_sizes(scaling)[-1]
    return (
        f"More than ten times what was measured (here {most:,} documents): memory, disk and the number of machines decide "
        "there, which no curve knows. Measure at that size before relying on it."
    )
