"""What the user asks of a recommendation."""

from __future__ import annotations

from dataclasses import dataclass

from core.costs.scenario import Scenario
from core.errors import InputError, check_range
from core.evaluation.measures import MEASURES, list_choosing
from core.evaluation.verdicts import SMALLEST_USEFUL_GAIN

LEAST_GAIN = 0.001
RARELY, MONTHLY, WEEKLY, DAILY = PACES = ("rarely", "monthly", "weekly", "daily")


@dataclass(frozen=True)
class Goals:
    """primary: the measure that chooses, "" to take nDCG@10 or evidence recall as the data allow. min_gain: smallest useful
    gain on it. target: (measure, mean) that is good enough, or None. max_latency_ms: limit on the 95th percentile of one query.
    max_monthly_usd: limit on what a month costs in the scenario (None: as it was saved for the dataset). facts_change: of
    PACES, how often what the documents say changes. rerankers: cross-encoders to try, hub names or folders. with_training: the
    models trained on the dataset join the ladder, on the split that they were trained with. seed: of the split, the tests and
    the re-splits.
    """

    primary: str = ""
    min_gain: float = SMALLEST_USEFUL_GAIN
    target: tuple[str, float] | None = None
    max_latency_ms: float | None = None
    rerankers: tuple[str, ...] = ()
    with_training: bool = False
    seed: int = 0
    max_monthly_usd: float | None = None
    scenario: Scenario | None = None
    facts_change: str = RARELY

    def __post_init__(self) -> None:
        check_range("the smallest useful gain", self.min_gain, low=LEAST_GAIN, high=1)
        if self.primary and self.primary not in list_choosing():
            raise InputError(f"the measure {self.primary!r} cannot choose; it can be {', '.join(list_choosing())}")
        if self.target is not None:
            measure, value = self.target
            if measure not in MEASURES:
                raise InputError(f"the target's measure {measure!r} is not known; it can be {', '.join(MEASURES)}")
            low, high = MEASURES[measure].range
            check_range("the target", value, low=low, high=high)
        if self.max_latency_ms is not None:
            check_range("the latency limit (ms)", self.max_latency_ms, low=0)
        if self.max_monthly_usd is not None:
            check_range("the cost limit (USD a month)", self.max_monthly_usd, low=0)
        if self.facts_change not in PACES:
            raise InputError(f"facts change {self.facts_change!r}; it can be {', '.join(PACES)}")

    @property
    def keeps_facts_outside(self) -> bool:
        """Facts change so often that no model can hold them: training is never proposed as the place to keep them."""
        return self.facts_change in (WEEKLY, DAILY)

    @property
    def wants_costs(self) -> bool:
        """Whether anything asked for depends on what a month costs."""
        return self.max_monthly_usd is not None or self.scenario is not None
