"""The verdict of a recommendation, in sentences that need no knowledge of measures."""

from __future__ import annotations

from collections.abc import Mapping

from core.evaluation.spans import CONTEXT_RECALL, CONTEXT_TOKENS
from core.ladder.actions import title_action
from core.recommendation.decided_ladder import DecidedLadder

_ENOUGH = 0.9  # share of queries answered among the first five from which embeddings are called enough without a target


def write_verdict(decided: DecidedLadder, success: Mapping[str, tuple[int, int]]) -> str:
    """The verdict in a few sentences that need no knowledge of measures.

    success: system -> (queries answered among the first five, of how many).
    """
    found, of = success[decided.system]
    hits = f"The answer is among the first five for {found} of {of} test queries"
    action = decided.choice.action
    if action in ("label_more_queries", "extend_corpus"):
        return f"{title_action(action)}. {decided.choice.why}"
    if decided.choice.worth_trying:
        return f"Keep {decided.system}. {hits}. {decided.choice.why}"
    if decided.system == decided.baseline:
        if any(row.get("verdict") == "better" for row in decided.rows) or decided.findings.goals.target is not None:
            return f"Keep {decided.system}. {hits}. {decided.choice.why}"
        enough = ": embeddings are enough" if found >= _ENOUGH * of else ""
        return f"Keep {decided.system}{enough}. {hits}, and no cheaper fix was found to add anything useful."
    verdict = f"Use {decided.system}. {hits}; today for {success[decided.baseline][0]}."
    if decided.primary != CONTEXT_RECALL:
        return verdict
    own, today = (float(decided.findings.values[name].mean()) for name in (decided.system, decided.baseline))
    within = f"within the first {CONTEXT_TOKENS:,} tokens of hits"
    return f"{verdict} Of the text that answers, {own:.0%} stands {within}; today {today:.0%}."
