"""The reasons for a recommendation: the deciding rule, the steps that led there, why the baseline fails."""

from __future__ import annotations

from core.diagnosis.sentences import describe_failures
from core.ladder.climb import find_path
from core.ladder.rows import word_verdict
from core.recommendation.decided_ladder import DecidedLadder
from core.recommendation.words.difference import describe_difference


def list_reasons(decided: DecidedLadder) -> list[str]:
    """The evidence: the deciding rule, the steps that led there, the leading cause of the baseline's failures."""
    reasons = [decided.choice.why]
    rows = {row["system"]: row for row in decided.rows}
    for step in find_path(decided.system, decided.findings.steps):
        row = rows[step.chosen.name] if step.chosen is not None else None
        if row is not None:
            reasons.append(
                f"{row['title']} ({row['what']}): {describe_difference(row, decided.primary)}, n = {row['n']}: "
                f"{word_verdict(row)}."
            )
    reasons.append(describe_failures(decided.baseline, decided.analysis.counts[decided.baseline]))
    return [reason for reason in reasons if reason]
