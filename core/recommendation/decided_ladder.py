"""One decided ladder: what the sentences of a recommendation are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.data.split import Split
from core.evaluation.per_query import find_success_measure
from core.experiment.result import Experiment, SystemResult
from core.ladder.choose import Choice, Findings
from core.ladder.resplits import Stability
from core.recommendation.error_analysis import ErrorAnalysis


@dataclass(frozen=True)
class DecidedLadder:
    """What the sentences are made from.

    findings: what the choice read; choice: what it chose; stability: over re-splits. experiment: on the test queries.
    analysis: why queries fail there. rows: describe_rungs(). primary: the measure that chose.
    """

    findings: Findings
    choice: Choice
    stability: Stability
    experiment: Experiment
    analysis: ErrorAnalysis
    rows: Sequence[Mapping[str, Any]]
    split: Split
    primary: str

    @property
    def baseline(self) -> str:
        """Name of the system that the ladder began with."""
        return self.findings.baseline.name

    @property
    def system(self) -> str:
        """Name of the recommended system."""
        return self.choice.system

    @property
    def result(self) -> SystemResult:
        """The recommended system on the test queries."""
        return next(system for system in self.experiment.systems if system.name == self.system)

    @property
    def uses_trained(self) -> bool:
        """Whether a model that was trained here is in the system. The re-splits leave such systems out."""
        chosen = [step.chosen.name for step in self.findings.steps if step.held_out and step.chosen is not None]
        return self.system in chosen

    @property
    def success_measure(self) -> str:
        """The measure by which an answer is among the first five."""
        return find_success_measure(self.experiment.per_query)

    @property
    def success(self) -> pd.Series:
        """By query id: above 0 where the recommended system brings an answer among the first five of a test query."""
        rows = self.experiment.per_query
        own = rows[(rows["system"] == self.system) & (rows["measure"] == self.success_measure)]
        return own.set_index("query_id")["value"]

    @property
    def recommends_training(self) -> bool:
        """Whether the recommended action is a training that was measured."""
        rung = self.choice.rung
        return rung is not None and rung.is_trained and not self.choice.worth_trying

    @property
    def target(self) -> dict[str, Any] | None:
        """{measure, value, mean of the recommended system (None if not measured), met}; None if no target was set."""
        target = self.findings.goals.target
        if target is None:
            return None
        mean = self.findings.target_means.get(self.system)
        return {"measure": target[0], "value": target[1], "mean": mean, "met": mean is not None and mean >= target[1]}
