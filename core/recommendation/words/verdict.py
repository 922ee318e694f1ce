"""The verdict of a recommendation, in sentences that need no knowledge of measures."""

from __future__ import annotations

from collections.abc import Mapping

from core.evaluation.spans import CONTEXT_RECALL, CONTEXT_TOKENS
from core.ladder.actions import MEND_A_SIDE, title_action
from core.ladder.choose import ENOUGH
from core.recommendation.decided_ladder import DecidedLadder
from core.text.phrases import join_words


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
    hindered = {row["title"]: row["hindrance"] for row in decided.rows if row.get("hindrance")}
    unjudged = f"{join_words(list(hindered))} cannot be judged".capitalize() if hindered else ""
    if action in MEND_A_SIDE:
        return f"Keep {decided.system} for now. {hits}. {f'{unjudged}. ' if unjudged else ''}{decided.choice.why}"
    if decided.system == decided.baseline:
        if any(row.get("verdict") == "better" for row in decided.rows) or decided.findings.goals.target is not None:
            return f"Keep {decided.system}. {hits}. {decided.choice.why}"
        enough = ": embeddings are enough" if found >= ENOUGH * of else ""
        if hindered:
            why = " ".join(dict.fromkeys(hindered.values()))
            return f"Keep {decided.system}{enough}. {hits}. {unjudged}: {why[:1].lower()}{why[1:]}"
        return f"Keep {decided.system}{enough}. {hits}, and no cheaper fix was found to add anything useful."
    verdict = f"Use {decided.system}. {hits}; today for {success[decided.baseline][0]}."
    if decided.primary != CONTEXT_RECALL:
        return verdict
    own, today = (float(decided.findings.values[name].mean()) for name in (decided.system, decided.baseline))
    within = f"within the first {CONTEXT_TOKENS:,} tokens of hits"
    return f"{verdict} Of the text that answers, {own:.0%} stands {within}; today {today:.0%}."
