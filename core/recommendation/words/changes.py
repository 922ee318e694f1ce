"""What would change the recommendation."""

from __future__ import annotations

from core.ladder.actions import title_action
from core.ladder.choose import name_limits
from core.recommendation.decided_ladder import DecidedLadder


def list_changes(decided: DecidedLadder) -> list[str]:
    """More queries, single ones, another draw of them, a target, other limits: what would change the answer."""
    changes = []
    undecided = [row for row in decided.rows if row.get("verdict") == "cannot_tell" and not row.get("hindrance")]
    if undecided:
        row = min(undecided, key=lambda one: one["queries_needed"])
        settle = f"about {row['queries_needed']:,} would settle it"
        if row["queries_needed"] <= row["n"]:
            settle = "its effect lies close to the smallest useful gain, where no number of queries is sure to decide"
        changes.append(
            f"More queries: {row['title'].lower()} ({row['delta']:+z.3f}) cannot be told from nothing with {row['n']} test "
            f"queries; {settle}."
        )
    if decided.stability.deciding:
        count = len(decided.stability.deciding)
        changes.append(
            f"{count} queries decide it: without {', '.join(decided.stability.deciding[:5])} the difference would not be "
            "significant."
        )
    others = [name for name in decided.stability.actions if name != decided.choice.action]
    trained = decided.uses_trained  # the re-splits leave it out: that they give something else says nothing
    if others and not trained and decided.stability.actions[others[0]] >= 0.1:
        share = decided.stability.actions[others[0]]
        changes.append(
            f"Another draw of the queries: in {share:.0%} of the re-splits it is “{title_action(others[0]).lower()}”."
        )
    often = next(iter(decided.stability.systems), decided.system)
    if (
        often != decided.system
        and not trained
        and decided.stability.systems[often] >= 2 * decided.stability.systems.get(decided.system, 0.0)
    ):
        share = decided.stability.systems[often]
        changes.append(f"Another draw of the queries: in {share:.0%} of the re-splits the system is {often}.")
    if decided.findings.goals.target is None:
        changes.append("A target: with one, the cheapest system that reaches it is recommended.")
    if decided.choice.outside_limits:
        limits = name_limits(decided.choice.outside_limits, decided.findings)
        changes.append(
            f"The {limits} {'leave' if ' and ' in limits else 'leaves'} out {', '.join(decided.choice.outside_limits)}."
        )
    return changes
