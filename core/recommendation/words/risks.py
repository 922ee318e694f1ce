"""What may go wrong with the recommended system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.evaluation.verdicts import HARM
from core.ladder.climb import find_path
from core.recommendation.decided_ladder import DecidedLadder


def list_risks(decided: DecidedLadder, difference: Mapping[str, Any]) -> list[str]:
    """Queries that lose, documents that a later reranker would miss, and what may go wrong with the rungs on the way there.

    difference: of the recommended system over the baseline, {} if they are the same.
    """
    risks = []
    if difference and difference["harmed"]:
        risks.append(f"{difference['harmed']} of {difference['n']} test queries lose more than {HARM:g} {decided.primary}.")
    base = next(system for system in decided.experiment.systems if system.name == decided.baseline)
    if "R@100" in base.measures and decided.system != decided.baseline:
        change = decided.result.measures["R@100"]["mean"] - base.measures["R@100"]["mean"]
        if change < -0.01:
            risks.append(
                f"Fewer relevant documents are among the first hundred (R@100 {change:+z.3f}): a later reranker would miss "
                "them."
            )
    path = find_path(decided.system, decided.findings.steps)
    if path and path[-1].chosen is not None:
        risks += [step.rung.risk(path[-1].chosen, decided.analysis.metadata) for step in path]
    return [risk for risk in risks if risk]
