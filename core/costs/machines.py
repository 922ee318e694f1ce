"""What the machines cost that answer queries."""

from __future__ import annotations

import math

from core.costs.lines import MONTHLY, Factor, Line, price_factor
from core.costs.prices import CPU
from core.costs.sheet_inputs import HOURS_A_MONTH, SheetInputs

SECONDS_A_MONTH = HOURS_A_MONTH * 3600


def list_machine_lines(inputs: SheetInputs) -> list[Line]:
    """Machines that run all month, as many as the busiest hour needs, at least one.

    cores = queries x seconds x peak / seconds of a month: a query is taken to keep one core busy for its median time. More
    cores than a machine has mean another machine. Not per query: the cost goes up in steps.
    """
    if not inputs.has_machine:
        return []
    scenario, seconds = inputs.scenario, inputs.own_seconds
    cores = scenario.queries_per_month * (seconds or 0.0) * scenario.peak_factor / SECONDS_A_MONTH
    machines = max(1, math.ceil(cores / scenario.vcpus - 1e-9))
    words = "latency was not measured, one machine is assumed to be enough"
    if seconds is not None:
        words = (
            f"{scenario.queries_per_month:,.0f} queries × {seconds:.3g} s × {scenario.peak_factor:g} at the peak ÷ "
            f"{SECONDS_A_MONTH:,.0f} s = {cores:.3g} cores"
        )
    factors = (
        Factor(words, machines, "machine" if machines == 1 else "machines"),
        Factor("", scenario.vcpus, "vCPUs"),
        Factor("", HOURS_A_MONTH, "hours a month"),
        price_factor(inputs.prices.pick(scenario.cpu, CPU)),
    )
    return [Line("machine", "Own machine that answers queries, all month", factors, MONTHLY)]
