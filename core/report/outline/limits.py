"""What a recommendation does not say."""

from __future__ import annotations

from core.evaluation.verdicts import VERDICT_WORDS
from core.recommendation.assess import Assessment


def list_limits(assessment: Assessment) -> list[str]:
    """Sentences, the most important first."""
    found = ["It holds for this corpus and for queries like these. If people ask other things, the answer may be another."]
    smallest = [float(row["mde"]) for row in assessment.ladder if row.get("mde") is not None]
    if smallest:
        least, most = f"{min(smallest):.3f}", f"{max(smallest):.3f}"
        size = f"{least} {assessment.primary}"
        if least != most:
            size = f"{least} to {most} {assessment.primary}, depending on the rung,"
        found.append(
            f"With {assessment.split['test']:,} test queries, differences below {size} may go unseen. "
            f"“{VERDICT_WORDS['cannot_tell']}” does not mean that there is no difference."
        )
    measured = [system for system in assessment.experiment.systems if system.error is None]
    if any(system.judged_at_10 is None for system in measured):
        found.append("Only right answers were labelled. A good hit that nobody labelled counts as wrong, for every system.")
    if not any(row.get("held_out") and row["system"] for row in assessment.ladder):
        found.append("Nothing was trained, so what is said about fine-tuning is drawn from the failures, not measured.")
    timed = next((system.latency_ms for system in measured if system.latency_ms), None)
    if timed is not None:
        found.append(
            f"Times were taken on the machine that ran this, one query at a time, {timed['n']} queries; on another they differ."
        )
    losses = [float(system.index["index_loss"]) for system in measured if system.index.get("index_loss") is not None]
    if losses:
        found.append(
            "The search was exact, so that it can be repeated. A real index is approximate: of the first hundred hits it lost "
            f"{max(losses):.1%} here."
        )
    alone = "Retrieval alone was measured: not the answers that a language model writes from it"
    if assessment.goals.wants_costs:
        found.append(f"{alone}. What a month costs was not measured but estimated, from dated prices.")
    else:
        found.append(f"{alone}, and no cost in money.")
    return found
