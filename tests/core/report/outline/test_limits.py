"""What a report admits not to say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from core.ladder.goals import Goals
from core.report.outline.limits import list_limits
from tests.support.assessments import make_assessment


def test_money_is_no_limit_where_costs_were_asked_for(workspace: Path) -> None:
    _, free = make_assessment(workspace)
    assert not any("$" in cost for cost in free.recommendation.costs)
    assert list_limits(free)[-1].endswith("writes from it, and no cost in money.")
    priced = dataclasses.replace(free, goals=Goals(max_monthly_usd=100.0))
    assert list_limits(priced)[-1].endswith("What a month costs was not measured but estimated, from dated prices.")
    assert list_limits(priced)[:-1] == list_limits(free)[:-1]


def test_only_what_holds_is_said(workspace: Path) -> None:
    _, made = make_assessment(workspace)
    said = list_limits(made)
    assert any(limit.startswith("Times were taken") for limit in said)
    untimed = [dataclasses.replace(system, latency_ms=None) for system in made.experiment.systems]
    other = dataclasses.replace(made, experiment=dataclasses.replace(made.experiment, systems=tuple(untimed)))
    assert [limit for limit in said if not limit.startswith("Times were taken")] == list_limits(other)
