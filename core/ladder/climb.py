"""The ladder: each rung's best variant is chosen on tuning queries, stacked on the incumbent; test judges all pairs at once.

Why so: of ladders in which nothing is better, choosing on test calls something better in 11 % where all pairs are read
together, in nearly half where each is read alone; choosing on tuning, each alone, in 12 %; this way in 3 %
(tests/science/test_null_ladders.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd

from core.evaluation.comparisons import compare_table
from core.evaluation.significance import FLIPS
from core.experiment.measurer import MeasureSystem
from core.ladder.rungs.reranking import is_cross_encoder
from core.ladder.rungs.rung import Rung
from core.systems.system import System

_EPSILON = 1e-12  # means of the same values in another order differ in the last digits


@dataclass(frozen=True)
class Step:
    """One rung as it was climbed, before test was opened.

    incumbent: the system it is stacked on. chosen: the variant that is best on tuning, None if the rung was not measured;
    why_not then says why. means: variant -> mean on tuning. incumbent_mean: the incumbent's. kept: the chosen one gains at
    least the smallest useful gain on tuning and is the next incumbent. variants: those that ran, in the order of means.
    held_out: the rung's models have learned from the tuning queries, so that its means are of the few that they have not, and
    it is never kept by them: only the test can say what it is worth.
    """

    rung: Rung
    incumbent: System
    chosen: System | None
    incumbent_mean: float
    means: dict[str, float] = field(default_factory=dict)
    kept: bool = False
    why_not: str = ""
    variants: tuple[System, ...] = ()
    held_out: bool = False

    @property
    def gain(self) -> float:
        """Gain of the chosen variant on tuning; 0 if there is none."""
        return self.means[self.chosen.name] - self.incumbent_mean if self.chosen is not None else 0.0


Propose = Callable[[Rung, System], Sequence[System]]


def climb(
    baseline: System,
    rungs: Sequence[Rung],
    propose: Propose,
    measure: MeasureSystem,
    *,
    tuning: Sequence[str],
    min_gain: float,
    explain: Callable[[Rung, Sequence[str]], str] = lambda rung, failed: "",
    held_out: Mapping[Rung, Sequence[str]] | None = None,
) -> list[Step]:
    """Walks the rungs in order; everything is chosen on the tuning queries alone.

    propose(rung, incumbent): its variants, cheapest first (of equal means the first is chosen), none if the rung cannot be
    measured. measure(system): primary measure by query id, None if the system cannot run. explain(rung, failed): why it was
    not measured; failed: names of its variants, all of which could not run. held_out: rung -> the tuning queries that its
    models have not learned from; see Step.
    Returns one Step per rung.
    """
    all_tuning = _Reader(tuning)

    def mean_of(system: System, read: _Reader = all_tuning) -> float | None:
        values = measure(system)
        if values is None:
            return None
        taken = read(values)
        known = taken[~np.isnan(taken)]
        return float(known.mean()) if len(known) else 0.0

    incumbent, level = baseline, mean_of(baseline)
    if level is None:
        return []
    steps = []
    for rung in rungs:
        apart = rung in (held_out or {})
        read = _Reader((held_out or {})[rung]) if apart else all_tuning
        before = (mean_of(incumbent, read) or 0.0) if apart else level
        means: dict[str, float] = {}
        best: System | None = None
        ran: list[System] = []
        failed: list[str] = []
        for system in propose(rung, incumbent):
            value = mean_of(system, read)
            if value is None:
                failed.append(system.name)
            if value is None or system.name in means:
                continue
            if best is None or value > means[best.name] + _EPSILON:
                best = system
            means[system.name] = value
            ran.append(system)
        kept = not apart and best is not None and means[best.name] - level >= min_gain - _EPSILON
        why_not = "" if best is not None else explain(rung, failed)
        steps.append(Step(rung, incumbent, best, before, means, kept, why_not, tuple(ran), apart))
        if kept and best is not None:
            incumbent, level = best, means[best.name]
    return steps


class _Reader:
    """The values of some queries, NaN where there is none. Series mostly share one index, which is searched once."""

    def __init__(self, query_ids: Sequence[str]) -> None:
        self.query_ids = pd.Index(query_ids, dtype=object)
        self._index: pd.Index | None = None
        self._rows = np.zeros(0, dtype=np.intp)

    def __call__(self, values: pd.Series) -> np.ndarray:
        if values.index is not self._index:
            self._index, self._rows = values.index, values.index.get_indexer(self.query_ids)
        return np.append(values.to_numpy(dtype=float), np.nan)[self._rows]  # row -1, the last one: no such query


def find_best(baseline: System, steps: Sequence[Step], *, allowed: Callable[[System], bool] = lambda system: True) -> System:
    """The system with the highest tuning mean among the baseline and the rungs' chosen ones, the cheapest of equal ones.

    Rungs whose models have learned from the tuning queries are left out.
    """
    best, best_mean = baseline, -1.0
    means = [(baseline, steps[0].incumbent_mean if steps else 0.0)]
    means += [(step.chosen, step.means[step.chosen.name]) for step in steps if step.chosen is not None and not step.held_out]
    for system, mean in means:
        if allowed(system) and mean > best_mean + _EPSILON:
            best, best_mean = system, mean
    return best


def list_candidates(baseline: System, steps: Sequence[Step]) -> list[System]:
    """The baseline and every rung's chosen system, in ladder order, which is the order of their cost."""
    systems = {baseline.name: baseline}
    for step in steps:
        if step.chosen is not None:
            systems.setdefault(step.chosen.name, step.chosen)
    return list(systems.values())


def list_pairs(steps: Sequence[Step]) -> list[tuple[str, str]]:
    """The frozen (incumbent, candidate) pairs."""
    return [(step.incumbent.name, step.chosen.name) for step in steps if step.chosen is not None]


def find_path(system: str, steps: Sequence[Step]) -> list[Step]:
    """The steps from the baseline up to a system: the kept ones below it and its own.

    A trained model's own system need not be stacked on what was kept: steps whose change it does not hold are left out.
    """
    own = next((number for number, step in enumerate(steps) if step.chosen is not None and step.chosen.name == system), None)
    if own is None:
        return []
    last = steps[own]
    below = [step for step in steps[:own] if step.kept and not (last.held_out and _is_undone(step, last.chosen))]
    return [*below, last]


def _is_undone(step: Step, system: System | None) -> bool:
    """Whether a system lacks something that the step's chosen system changed in its incumbent."""
    parts = [part.name for part in fields(System) if part.name not in ("name", "description")]
    changed = [part for part in parts if getattr(step.chosen, part) != getattr(step.incumbent, part)]
    return any(getattr(system, part) != getattr(step.chosen, part) for part in changed)


def tried_cross_encoder(steps: Sequence[Step]) -> bool:
    """Whether a cross-encoder was measured.

    One that was trained here, from an encoder that never ranked, says nothing about those that come ready.
    """
    return any(is_cross_encoder(system.rerank) for step in steps if not step.held_out for system in step.variants)


def judge(
    steps: Sequence[Step], values: pd.DataFrame, *, measure: str, min_gain: float, seed: int = 0, flips: int = FLIPS
) -> pd.DataFrame:
    """compare_table() of all frozen pairs at once. values: test queries x systems on the primary measure."""
    return compare_table(values, list_pairs(steps), measure=measure, min_gain=min_gain, seed=seed, flips=flips)


def tabulate(systems: Sequence[System], measure: MeasureSystem, *, query_ids: Sequence[str]) -> pd.DataFrame:
    """Queries x system names on the primary measure, without queries that it does not measure and systems that cannot run."""
    read = _Reader(query_ids)
    columns = {system.name: read(values) for system in systems if (values := measure(system)) is not None}
    return pd.DataFrame(columns, index=read.query_ids).dropna(how="any")
