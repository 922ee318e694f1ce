"""The cost sheet of a system in a scenario: once, every month, per 1,000 queries, and for the first year."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.costs.embedding import list_embedding_lines
from core.costs.lines import MONTHLY, ONCE, Line, format_money
from core.costs.machines import list_machine_lines
from core.costs.prices import PriceTable
from core.costs.reranking import list_rerank_lines
from core.costs.scenario import Scenario
from core.costs.sheet_inputs import SheetInputs
from core.costs.system_facts import SystemFacts
from core.costs.training import list_training_lines
from core.costs.upkeep import list_upkeep_lines
from core.costs.vector_store import list_store_lines


@dataclass(frozen=True)
class CostSheet:
    """What a system costs, in USD. lines: once, and a month with the documents of the beginning. by_month: the monthly cost of
    each of the scenario's months, while the documents grow. assumed: what was not measured, in sentences."""

    system: str
    scenario: Scenario
    lines: tuple[Line, ...]
    by_month: tuple[float, ...]
    assumed: tuple[str, ...] = ()

    @property
    def one_time(self) -> float:
        """Of all lines that are paid once."""
        return sum(line.value for line in self.lines if line.when == ONCE)

    @property
    def monthly(self) -> float:
        """Of a month with the documents of the beginning."""
        return sum(line.value for line in self.lines if line.when == MONTHLY)

    @property
    def per_1000_queries(self) -> float | None:
        """monthly / queries x 1,000: what 1,000 queries cost with everything that has to be there for them; None for no
        queries."""
        queries = self.scenario.queries_per_month
        return self.monthly / queries * 1000 if queries else None

    @property
    def marginal_per_1000(self) -> float | None:
        """What 1,000 more queries cost: the lines that grow with every query alone, so neither the next machine nor what a
        store's minimum still covers is seen; None for no queries."""
        queries = self.scenario.queries_per_month
        return sum(line.value for line in self.lines if line.per_query) / queries * 1000 if queries else None

    @property
    def first_year(self) -> float:
        """One-time costs and all of by_month."""
        return self.one_time + sum(self.by_month)

    @property
    def first_year_arithmetic(self) -> str:
        """ "$12.00 once + $170.00 (month 1) + ... + $181.20 (month 12) = $2,115.60"."""
        once, total = format_money(self.one_time), format_money(self.first_year)
        if len({format_money(cost) for cost in self.by_month}) == 1:
            return f"{once} once + {len(self.by_month)} months × {format_money(self.by_month[0])} = {total}"
        months = " + ".join(f"{format_money(cost)} (month {number})" for number, cost in enumerate(self.by_month, start=1))
        return f"{once} once + {months} = {total}"

    @property
    def price_ids(self) -> tuple[str, ...]:
        """Ids of the prices that its lines were calculated with."""
        return tuple(dict.fromkeys(f.price_id for line in self.lines for f in line.factors if f.price_id))

    def to_json(self) -> dict[str, Any]:
        """The totals, their arithmetic, and the lines; without the scenario, which all sheets share."""
        return {
            "one_time": self.one_time,
            "monthly": self.monthly,
            "per_1000_queries": self.per_1000_queries,
            "marginal_per_1000_queries": self.marginal_per_1000,
            "first_year": self.first_year,
            "first_year_arithmetic": self.first_year_arithmetic,
            "by_month": list(self.by_month),
            "lines": [line.to_json() for line in self.lines],
            "assumed": list(self.assumed),
        }


def estimate_costs(facts: Mapping[str, SystemFacts], scenario: Scenario, prices: PriceTable) -> dict[str, CostSheet]:
    """The sheet of every system, by name. Raises InputError if the scenario names a price that is not in the table."""
    scenario.check_prices(prices)
    return {name: make_sheet(of_system, scenario, prices) for name, of_system in facts.items()}


def make_sheet(facts: SystemFacts, scenario: Scenario, prices: PriceTable) -> CostSheet:
    """The sheet of one system. Every month has the documents of the month before and growth_per_month more; new documents are
    embedded in the month before they are there. Queries stay as many as they are."""
    lines = list_lines(facts, scenario, prices)
    first = sum(line.value for line in lines if line.when == MONTHLY)
    by_month = [first]
    for month in range(1, scenario.months):
        by_month.append(_cost_month(facts, scenario, prices, month) if scenario.growth_per_month else first)
    return CostSheet(facts.system, scenario, lines, tuple(by_month), facts.assumed)


def list_lines(facts: SystemFacts, scenario: Scenario, prices: PriceTable) -> tuple[Line, ...]:
    """All lines, those that are paid once first."""
    inputs = SheetInputs(facts, scenario, prices)
    lines = [
        *list_embedding_lines(inputs),
        *list_training_lines(inputs),
        *list_rerank_lines(inputs),
        *list_store_lines(inputs),
        *list_machine_lines(inputs),
        *list_upkeep_lines(inputs),
    ]
    return tuple(sorted(lines, key=lambda line: line.when != ONCE))


def _cost_month(facts: SystemFacts, scenario: Scenario, prices: PriceTable, month: int) -> float:
    later = dataclasses.replace(scenario, documents=scenario.documents * (1 + scenario.growth_per_month) ** month)
    return sum(line.value for line in list_lines(facts, later, prices) if line.when == MONTHLY)
