"""What differs between two experiments: the systems' definitions and their means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.evaluation.per_query import MeanValue, pivot
from core.evaluation.significance import bootstrap_means
from core.experiment.result import Experiment


@dataclass(frozen=True)
class SystemChange:
    """One system in two experiments. first, second: its means, None where it has none; difference: second - first over the
    queries that both measured, None if one side is missing; changes: what differs in its definition, in words."""

    system: str
    first: float | None
    second: float | None
    difference: MeanValue | None
    changes: tuple[str, ...]


def compare_experiments(first: Experiment, second: Experiment, measure: str, *, seed: int = 0) -> list[SystemChange]:
    """Every system of the two on one measure, by name, over the queries that both experiments measured.

    Empty if they share no measured query. The interval is a paired bootstrap over the shared queries.
    """
    tables = []
    for experiment in (first, second):
        values = experiment.per_query[experiment.per_query["measure"] == measure]
        tables.append(pivot(values) if len(values) else pd.DataFrame())
    shared = tables[0].index.intersection(tables[1].index, sort=False)
    if not len(shared):
        return []
    specs = [{system.name: system.spec for system in experiment.systems} for experiment in (first, second)]
    changes = []
    for name in dict.fromkeys([*specs[0], *specs[1]]):
        values = [table.loc[shared, name] if name in table.columns else None for table in tables]
        means = [None if value is None else float(value.mean()) for value in values]
        difference = None
        if values[0] is not None and values[1] is not None:
            deltas = (values[1] - values[0]).to_frame().to_numpy(dtype=float)
            low, high = bootstrap_means(deltas, seed=seed)
            difference = MeanValue(float(deltas.mean()), float(low[0]), float(high[0]), len(deltas))
        told = describe_changes(specs[0][name], specs[1][name]) if name in specs[0] and name in specs[1] else ()
        changes.append(SystemChange(name, means[0], means[1], difference, told))
    return changes


def describe_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs between two spellings of a system: ("chunk size: 200, now 128", "rerank: off, now late_interaction")."""
    told = []
    for part in dict.fromkeys([*before, *after]):
        old, new = before.get(part), after.get(part)
        if part in ("name", "description") or old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping) and old.get("type") == new.get("type"):
            for field in dict.fromkeys([*old, *new]):
                if old.get(field) != new.get(field):
                    told.append(f"{part} {field}: {old.get(field, 'not set')}, now {new.get(field, 'not set')}")
        elif _name_part(old) == _name_part(new):
            told.append(f"{part}: other settings of {_name_part(new)}")
        else:
            told.append(f"{part}: {_name_part(old)}, now {_name_part(new)}")
    return tuple(told)


def _name_part(part: Any) -> str:
    if part is None or part is False:
        return "off"
    if isinstance(part, Mapping):
        return str(part.get("type", "on"))
    if isinstance(part, str):
        return part
    return ", ".join(_name_part(step) for step in part) if isinstance(part, list | tuple) else "on"
