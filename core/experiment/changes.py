"""What differs between two experiments: the systems' definitions and their means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.evaluation.comparisons import Comparison, compare_pairs
from core.evaluation.per_query import pivot
from core.experiment.result import Experiment


@dataclass(frozen=True)
class SystemChange:
    """One system in two experiments. first, second: its means, None where it has none; difference: the second against the
    first over the queries that both measured, None if one side is missing; changes: what differs in its definition, in words.
    """

    system: str
    first: float | None
    second: float | None
    difference: Comparison | None
    changes: tuple[str, ...]


def compare_experiments(first: Experiment, second: Experiment, measure: str, *, seed: int = 0) -> list[SystemChange]:
    """Every system of the two on one measure, by name, over the queries that both experiments measured.

    Empty if they share no measured query. The systems that stand in both are compared as one family.
    """
    tables = []
    for experiment in (first, second):
        values = experiment.per_query[experiment.per_query["measure"] == measure]
        tables.append(pivot(values) if len(values) else pd.DataFrame())
    shared = tables[0].index.intersection(tables[1].index, sort=False)
    if not len(shared):
        return []
    first_values, second_values = (table.loc[shared] for table in tables)
    both = [name for name in first_values.columns if name in second_values.columns]
    differences = _compare_systems(first_values[both], second_values[both], measure=measure, seed=seed)
    specs = [{system.name: system.spec for system in experiment.systems} for experiment in (first, second)]
    changes = []
    for name in dict.fromkeys([*specs[0], *specs[1]]):
        means = [float(table[name].mean()) if name in table.columns else None for table in (first_values, second_values)]
        told = describe_changes(specs[0][name], specs[1][name]) if name in specs[0] and name in specs[1] else ()
        changes.append(SystemChange(name, means[0], means[1], differences.get(name), told))
    return changes


def _compare_systems(first: pd.DataFrame, second: pd.DataFrame, *, measure: str, seed: int) -> dict[str, Comparison]:
    """Each system in the second experiment against itself in the first. first, second: the same queries x the same systems."""
    names = [str(name) for name in first.columns]
    table = first.add_suffix(", first").join(second.add_suffix(", second"))
    pairs = [(f"{name}, first", f"{name}, second") for name in names]
    return dict(zip(names, compare_pairs(table, pairs, measure=measure, seed=seed), strict=True))


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
