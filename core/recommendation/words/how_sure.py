"""How sure a recommendation is: the difference to the baseline, and what other splits of the queries say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.ladder.choose import LEAST_TEST
from core.recommendation.decided_ladder import DecidedLadder


def describe_sureness(decided: DecidedLadder, difference: Mapping[str, Any]) -> str:
    """One or two sentences. difference: of the recommended system over the baseline, {} if they are the same."""
    share = decided.stability.actions.get(decided.choice.action, 0.0)
    times, of = round(share * decided.stability.resplits), decided.stability.resplits
    again = f"In {f'all {of}' if times == of else f'{times} of {of}'} other splits of the queries the same action comes first."
    if decided.choice.before_scores:
        again = "No score decides this, so that the queries were not split anew."
    elif decided.recommends_training:
        again = "Other splits of the queries need other trainings: see cross-fitting on the page Fine-tuning."
    if difference:
        interval = f"{difference['low']:.3f} to {difference['high']:.3f}"
        if difference["real"]:
            return (
                f"Real: {difference['delta']:+z.3f} {decided.primary}, {interval}, on {difference['n']} test queries. {again}"
            )
        # Whatever of the verdicts doesn't say that the systems differ, "no useful difference" too: this line is on being real
        # alone.
        words = f"{difference['n']} queries resolve only {difference['mde']:.3f}"
        return f"Cannot tell: {difference['delta']:+z.3f} {decided.primary}, {interval}; {words}. {again}"
    smallest = [row["mde"] for row in decided.rows if row.get("mde")]
    if smallest and len(decided.findings.values) >= LEAST_TEST:
        words = (
            f"{len(decided.findings.values)} test queries can show a difference of about {max(smallest):.3f} {decided.primary}"
        )
        return f"{words}; smaller ones may have gone unseen. {again}"
    return again
