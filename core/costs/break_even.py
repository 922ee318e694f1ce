"""When a trained model has paid for itself: against a system that reaches the same quality without one."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from core.costs.lines import format_money
from core.costs.prices import PriceTable
from core.costs.scenario import Scenario
from core.costs.sheet import CostSheet, make_sheet
from core.costs.system_facts import SystemFacts
from core.errors import InputError, check_range
from core.systems.trained import EMBEDDING, KIND_WORDS, KINDS, RERANKER
from core.text.phrases import count_of

HORIZON = 60  # months that are looked at
MOST_QUERIES = 1_000_000_000  # a month
TOLERANCE = 0.02  # of the measure: the smallest useful gain
_STEPS_PER_DECADE = 4

SheetBuilder: TypeAlias = Callable[[Scenario], CostSheet]


@dataclass(frozen=True)
class BreakEven:
    """A trained system against another one. months: after so many its accumulated cost is below the other's and stays there to
    the horizon; 0 if it costs less from the start, None if never. queries_per_month: the volume from which it is cheaper within
    the scenario's first year; 0 for any volume, None if for none. curve: columns month (from 0), trained, other: accumulated
    USD. scenario: as asked."""

    trained: str
    other: str
    months: int | None
    queries_per_month: int | None
    curve: pd.DataFrame
    scenario: Scenario

    def describe(self) -> str:
        """Two sentences."""
        asked = f"At {self.scenario.queries_per_month:,.0f} queries a month"
        horizon = len(self.curve) - 1
        if self.months is None:
            after = f"{asked}, {self.trained} does not become cheaper than {self.other} within {horizon} months."
        elif self.months == 0:
            after = f"{asked}, {self.trained} costs less than {self.other} from the start."
        else:
            cost = format_money(float(self.curve["trained"].iloc[self.months]))
            time = count_of(self.months, "month")
            after = f"{asked}, {self.trained} has cost less than {self.other} after {time} ({cost} by then)."
        first = "the first year" if self.scenario.months == 12 else f"the first {self.scenario.months} months"
        if self.queries_per_month is None:
            return f"{after} At no volume up to {MOST_QUERIES:,} queries a month is it cheaper within {first}."
        if self.queries_per_month == 0:
            return f"{after} Within {first} it is cheaper at any volume."
        return f"{after} Within {first} it is cheaper from {self.queries_per_month:,} queries a month."

    def to_json(self) -> dict[str, Any]:
        """The fields and the sentences, for `cost --json`; the curve as records."""
        return {
            "trained": self.trained,
            "other": self.other,
            "months": self.months,
            "queries_per_month": self.queries_per_month,
            "sentence": self.describe(),
            "curve": self.curve.to_dict("records"),
        }


def make_builder(facts: SystemFacts, prices: PriceTable) -> SheetBuilder:
    """A system's sheet in whatever scenario."""
    return functools.partial(_build, facts, prices)


def _build(facts: SystemFacts, prices: PriceTable, scenario: Scenario) -> CostSheet:
    return make_sheet(facts, scenario, prices)


def break_even(trained: SheetBuilder, other: SheetBuilder, scenario: Scenario, *, horizon: int = HORIZON) -> BreakEven:
    """Months and volume from which the trained system is the cheaper one; see BreakEven.

    The volume is looked for on a grid of four steps per power of ten up to MOST_QUERIES, then by halving: machines make costs
    go up in steps, so the answer is where the trained system is cheaper at every greater volume of the grid.
    """
    check_range("horizon", horizon, low=1, high=600)
    long = dataclasses.replace(scenario, months=horizon)
    ours, theirs = trained(long), other(long)
    curve = pd.DataFrame({"month": range(horizon + 1), "trained": accumulate(ours), "other": accumulate(theirs)})
    below = (curve["trained"] < curve["other"]).tolist()
    return BreakEven(
        trained=ours.system,
        other=theirs.system,
        months=_find_last_start(below),
        queries_per_month=_find_volume(trained, other, scenario),
        curve=curve,
        scenario=scenario,
    )


def accumulate(sheet: CostSheet) -> list[float]:
    """USD spent at the beginning and after each of the sheet's months."""
    return list(itertools.accumulate(sheet.by_month, initial=sheet.one_time))


def _find_last_start(below: list[bool]) -> int | None:
    """The first place from which all are True; None if the last one is not."""
    if not below[-1]:
        return None
    return max((place for place, yes in enumerate(below) if not yes), default=-1) + 1


def _find_volume(trained: SheetBuilder, other: SheetBuilder, scenario: Scenario) -> int | None:
    @functools.cache
    def is_cheaper(queries: int) -> bool:
        asked = dataclasses.replace(scenario, queries_per_month=queries)
        return trained(asked).first_year < other(asked).first_year

    decades = math.log10(MOST_QUERIES)
    grid = [0, *sorted({round(10**power) for power in np.linspace(0, decades, round(decades * _STEPS_PER_DECADE) + 1)})]
    start = _find_last_start([is_cheaper(queries) for queries in grid])
    if start is None or start == 0:
        return start
    low, high = grid[start - 1], grid[start]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_cheaper(middle) else (middle, high)
    return high


def choose_rivals(
    trained: str, quality: Mapping[str, float], facts: Mapping[str, SystemFacts], *, tolerance: float = TOLERANCE
) -> list[str]:
    """The systems without a trained model whose mean is at least the trained system's less the tolerance, best first; equal
    ones by name. quality: name -> mean of a measure; systems without one are left out, and [] if the trained one has none."""
    if trained not in quality:
        return []
    least = quality[trained] - tolerance
    names = [name for name, of_system in facts.items() if not of_system.trained and quality.get(name, -math.inf) >= least]
    return sorted(names, key=lambda name: (-quality[name], name))


def imagine_trained(facts: SystemFacts, kind: str, *, training_seconds: float) -> SystemFacts:
    """The same system as if it were fine-tuned, to ask what that would cost; its quality nobody knows. kind: of
    core.systems.trained.KINDS. training_seconds: of one training, given or estimated. Raises InputError for another kind."""
    if kind not in KINDS:
        raise InputError(f"the kind {kind!r} cannot be trained; it can be {', '.join(KINDS)}")
    if kind == RERANKER and not facts.rerank_depth:
        raise InputError(
            f"{facts.system} reranks nothing, so there is no reranker to be trained; choose another kind or system"
        )
    if kind != RERANKER and not facts.dense:
        raise InputError(f"{facts.system} has no embeddings, so there is no {KIND_WORDS[kind]} to be trained; choose another")
    check_range("training_seconds", training_seconds, low=0)
    again = ", and all documents are embedded again after each" if kind == EMBEDDING else ""
    sentence = f"Not measured: {facts.system} with a trained {KIND_WORDS[kind]}, {training_seconds:,.0f} s a training{again}"
    return dataclasses.replace(
        facts,
        system=f"{facts.system} if fine-tuned",
        trained=tuple(dict.fromkeys((*facts.trained, kind))),
        training_seconds=(facts.training_seconds or 0.0) + training_seconds,
        assumed=(*facts.assumed, sentence),
        imagined=True,
    )
