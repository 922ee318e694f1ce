"""What each system of an experiment costs, how good and fast it is, what nobody beats, and when a trained one pays off.

The one piece that the page, the command line and whoever else asks for costs share: facts, scenario and prices in, sheets and
what follows from them out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from core.costs.assumptions import list_assumptions, list_prices_used
from core.costs.break_even import BreakEven, break_even, choose_rivals, imagine_trained, make_builder
from core.costs.frontier import find_frontier
from core.costs.prices import Price, PriceTable
from core.costs.scenario import Scenario
from core.costs.sheet import CostSheet, estimate_costs
from core.costs.system_facts import SystemFacts, read_facts
from core.data.dataset import Dataset
from core.errors import InputError
from core.evaluation.measures import PRIMARY
from core.experiment.result import Experiment
from core.graph.resources import Models, Resources
from core.records import encode
from core.systems.trained import EMBEDDING
from core.systems.trained_systems import count_seen
from core.training.estimate import estimate_training
from core.training.request import make_plan
from core.workspace import Workspace

COST, MONTHLY_COST, LATENCY = "cost", "monthly", "latency"  # what a frontier weighs quality against


@dataclass(frozen=True)
class IfTrained:
    """A system that is not there: `system` with a trained model of this kind. seconds: of one training; None estimates it."""

    system: str
    kind: str = EMBEDDING
    seconds: float | None = None


@dataclass(frozen=True)
class CostOverview:
    """Costs of the systems in one scenario at given prices.

    facts, sheets: by system, those of IfTrained last. measure: "" without labels. quality: system -> mean of the measure,
    without those that have none. rivals: system with a trained model -> those that it is held against, see choose_rivals() and
    find_replaceable(). notes: what to know before reading the numbers, in sentences.
    """

    experiment: Experiment
    scenario: Scenario
    prices: PriceTable
    facts: Mapping[str, SystemFacts]
    sheets: Mapping[str, CostSheet]
    measure: str
    quality: Mapping[str, float]
    rivals: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> pd.DataFrame:
        """A row per system: system, quality, cost (USD of the first year), monthly (USD), latency (p95 in ms); NaN where a
        value is not known."""
        rows = [
            {
                "system": name,
                "quality": self.quality.get(name),
                COST: sheet.first_year,
                MONTHLY_COST: sheet.monthly,
                LATENCY: self.facts[name].p95_ms,
            }
            for name, sheet in self.sheets.items()
        ]
        frame = pd.DataFrame(rows, columns=["system", "quality", COST, MONTHLY_COST, LATENCY])
        return frame.astype(dict.fromkeys(("quality", COST, MONTHLY_COST, LATENCY), float))

    @cached_property
    def frontier(self) -> dict[str, tuple[str, ...]]:
        """{cost, monthly, latency}: the systems that none beats on quality and that price at once, cheapest first."""
        points = self.points
        return {price: find_frontier(points, price=price) for price in (COST, MONTHLY_COST, LATENCY)}

    @cached_property
    def break_even(self) -> tuple[BreakEven, ...]:
        """Every system with a trained model against each of its rivals; a second's work where there are several."""
        return tuple(self.pay_off(name, rival) for name, rivals in self.rivals.items() for rival in rivals)

    def pay_off(self, trained: str, other: str) -> BreakEven:
        """When one system has become cheaper than another. Raises InputError for a name that is not here."""
        for name in (trained, other):
            if name not in self.facts:
                raise InputError(f"there is no system {name!r}; there are {', '.join(self.facts)}")
        ours, theirs = (make_builder(self.facts[name], self.prices) for name in (trained, other))
        return break_even(ours, theirs, self.scenario)

    @property
    def assumptions(self) -> list[str]:
        """What the sheets take for granted, in sentences."""
        return list_assumptions(self.facts, self.scenario, self.prices)

    @property
    def prices_used(self) -> list[Price]:
        """The rows of the table that some line is made of."""
        return list_prices_used(self.sheets, self.prices)

    def describe_frontier(self) -> str:
        """Which systems nobody beats, on cost and on latency; two sentences, "unknown" without labels or latency."""
        cost, latency = (", ".join(self.frontier[price]) or "unknown" for price in (COST, LATENCY))
        return (
            f"No other system both scores higher and is cheaper than: {cost}. None both scores higher and is faster than: "
            f"{latency}."
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON of `cost --json`."""
        return {
            "experiment": self.experiment.id,
            "dataset": self.experiment.dataset["name"],
            "scenario": encode(self.scenario),
            "prices": [dataclasses.asdict(price) for price in self.prices_used],
            "measure": self.measure,
            "systems": {
                name: {
                    **sheet.to_json(),
                    "quality": self.quality.get(name),
                    "p95_ms": self.facts[name].p95_ms,
                    "facts": dataclasses.asdict(self.facts[name]),
                }
                for name, sheet in self.sheets.items()
            },
            "frontier": {price: list(self.frontier[price]) for price in (COST, LATENCY)},
            "break_even": [found.to_json() for found in self.break_even],
            "assumptions": self.assumptions,
            "notes": list(self.notes),
        }


def make_overview(
    experiment: Experiment,
    dataset: Dataset,
    scenario: Scenario,
    prices: PriceTable,
    *,
    workspace: Workspace,
    models: Models | None = None,
    measure: str = "",
    quality: Mapping[str, float] | None = None,
    if_trained: Sequence[IfTrained] = (),
    facts: Mapping[str, SystemFacts] | None = None,
) -> CostOverview:
    """The costs of an experiment's systems.

    measure: of quality; "" takes nDCG@10, or the first that was measured. quality: system -> its mean, where not all of the
    experiment's queries count; None reads the experiment's own. facts: what read_facts() gave, for who asks again and again.
    Raises InputError for a measure that was not taken, a system of if_trained that is not here or cannot be trained so, and a
    price of the scenario that is not in the table.
    """
    chosen, means = read_quality(experiment, measure)
    means = dict(quality) if quality is not None else means
    known = dict(facts if facts is not None else read_facts(experiment, dataset, workspace, models=models))
    rivals = {name: choose_rivals(name, means, known) for name, of_system in known.items() if of_system.trained}
    for wish in if_trained:
        imagined = _imagine(wish, known, dataset, workspace)
        rivals[imagined.system] = find_replaceable(wish.system, means, known)
        known[imagined.system] = imagined
    learned = count_seen([one.spec for one in experiment.systems], experiment.query_ids, workspace)
    return CostOverview(
        experiment=experiment,
        scenario=scenario,
        prices=prices,
        facts=known,
        sheets=estimate_costs(known, scenario, prices),
        measure=chosen,
        quality=means,
        rivals={name: tuple(names) for name, names in rivals.items()},
        notes=tuple(
            f"{name} has learned from {count} of these queries and looks better here than it is."
            for name, count in learned.items()
        ),
    )


def read_quality(experiment: Experiment, wanted: str = "") -> tuple[str, dict[str, float]]:
    """(measure, system -> mean): the one asked for, nDCG@10, or the first that was measured; "" and {} without labels."""
    measures = list(dict.fromkeys(name for system in experiment.systems for name in system.measures))
    if wanted and wanted not in measures:
        raise InputError(
            f"the measure is {wanted!r}; this experiment has {', '.join(measures) or 'no measures: it has no labels'}"
        )
    measure = wanted or (PRIMARY if PRIMARY in measures or not measures else measures[0])
    found = {one.name: float(one.measures[measure]["mean"]) for one in experiment.systems if measure in one.measures}
    return (measure if found else ""), found


def find_replaceable(base: str, quality: Mapping[str, float], facts: Mapping[str, SystemFacts]) -> list[str]:
    """What a fine-tuned `base` is hoped to replace: untrained systems that score higher now, best first; or all others,
    as they come, if nothing was measured."""
    others = [name for name, of_system in facts.items() if not of_system.trained and name != base]
    if base not in quality:
        return others
    higher = [name for name in others if quality.get(name, 0.0) > quality[base]]
    return sorted(higher, key=lambda name: (-quality[name], name))


def _imagine(wish: IfTrained, facts: Mapping[str, SystemFacts], dataset: Dataset, workspace: Workspace) -> SystemFacts:
    """The system with a model that is not there; the training's time is estimated if it is not given."""
    if wish.system not in facts:
        raise InputError(f"there is no system {wish.system!r} to be fine-tuned; there are {', '.join(facts)}")
    seconds = wish.seconds
    if seconds is None:
        seconds = estimate_training(dataset, make_plan(wish.kind), Resources(workspace))
    return imagine_trained(facts[wish.system], wish.kind, training_seconds=seconds)
