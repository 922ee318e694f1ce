"""What the people cost who look after a system."""

from __future__ import annotations

from core.costs.lines import MONTHLY, Factor, Line, price_factor
from core.costs.prices import PERSON
from core.costs.sheet_inputs import SheetInputs


def list_upkeep_lines(inputs: SheetInputs) -> list[Line]:
    """Hours of people every month, and more of them where a trained model is in use."""
    scenario = inputs.scenario
    price = price_factor(inputs.prices.pick(scenario.upkeep, PERSON))
    base = (Factor("of people", scenario.upkeep_hours_per_month, "hours"), price)
    lines = [Line("upkeep", "Upkeep: watching it, updates, questions", base, MONTHLY)]
    if inputs.facts.trained:
        more = (Factor("of people", scenario.trained_upkeep_hours_per_month, "hours"), price)
        words = "More upkeep with a trained model: watching it, new labels, new trainings"
        lines.append(Line("trained_upkeep", words, more, MONTHLY))
    return lines
