"""Reasons to doubt a verdict."""

from __future__ import annotations

from core.diagnosis.side_sentences import list_doubts
from core.ladder.choose import name_limits
from core.recommendation.decided_ladder import DecidedLadder

_UNUSUAL_JUDGED = 0.05  # difference of judged@10 from which a verdict is flagged


def list_flags(decided: DecidedLadder) -> list[str]:
    """Warnings of the split, unjudged documents, limits that nothing keeps, an action that was not measured, sides that could
    not work on all of the data."""
    flags = list(decided.split.warnings)
    for row in decided.rows:
        gap = row.get("judged_gap")
        if gap is not None and abs(gap) > _UNUSUAL_JUDGED:
            more = "more" if gap > 0 else "fewer"
            flags.append(
                f"{row['title']}: {row['system']} has {abs(gap):.0%} {more} judged documents among its first ten than "
                f"{row['incumbent']}; unjudged ones count as wrong, so the verdict may tilt."
            )
    judged = {system.name: system.judged_at_10 for system in decided.experiment.systems}
    own, base = judged.get(decided.system), judged.get(decided.baseline)
    if own is not None and base is not None and abs(own - base) > _UNUSUAL_JUDGED and len(flags) == len(decided.split.warnings):
        flags.append(
            f"{decided.system} and {decided.baseline} differ by {abs(own - base):.0%} in judged documents among the first ten; "
            "unjudged ones count as wrong, so the comparison may tilt."
        )
    if decided.system in decided.choice.outside_limits:
        over = name_limits([decided.system], decided.findings)
        flags.append(f"Even {decided.system} is over the {over}; no system measured is within the limits.")
    if decided.choice.worth_trying:
        flags.append("This action was not measured yet; it is worth trying, not proven.")
    flags += list_doubts(decided.experiment.sides)
    return flags
