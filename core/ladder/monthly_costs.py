"""What the measured systems cost a month, where somebody asked for costs."""

from __future__ import annotations

from core.costs.prices import read_prices
from core.costs.scenario import read_scenario
from core.costs.sheet import estimate_costs
from core.costs.system_facts import read_facts
from core.experiment.result import Experiment
from core.ladder.ladder import Ladder


def estimate_monthly(ladder: Ladder, experiment: Experiment) -> dict[str, float]:
    """USD a month by system in the scenario of the goals; empty where nobody asked for costs."""
    if not ladder.goals.wants_costs:
        return {}
    workspace = ladder.resources.workspace
    scenario = ladder.goals.scenario or read_scenario(ladder.dataset, workspace, models=ladder.resources.models)
    facts = read_facts(experiment, ladder.dataset, workspace, models=ladder.resources.models)
    sheets = estimate_costs(facts, scenario, read_prices(workspace))
    return {name: sheet.monthly for name, sheet in sheets.items()}
