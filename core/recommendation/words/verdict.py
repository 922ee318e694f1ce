"""The verdict of a recommendation, in sentences that need no knowledge of measures."""

from __future__ import annotations

from collections.abc import Mapping

from core.diagnosis.side_sentences import describe_trouble
from core.evaluation.spans import CONTEXT_RECALL, CONTEXT_TOKENS
from core.ladder.actions import MEND_A_SIDE, title_action
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
    if action in MEND_A_SIDE:
        return f"{title_action(action)}; keep {decided.system} meanwhile. {hits}. {_say_unjudged(decided)}"
    if decided.system == decided.baseline:
        if any(row.get("verdict") == "better" for row in decided.rows) or decided.findings.goals.target is not None:
            return f"Keep {decided.system}. {hits}. {decided.choice.why}"
        enough = ": embeddings are enough" if action == "embeddings_enough" else ""
        if any(row.get("hindrance") for row in decided.rows):
            return f"Keep {decided.system}{enough}. {hits}. {_say_unjudged(decided)}"
        return f"Keep {decided.system}{enough}. {hits}, and no cheaper fix was found to add anything useful."
    verdict = f"Use {decided.system}. {hits}; today for {success[decided.baseline][0]}."
    if decided.primary != CONTEXT_RECALL:
        return verdict
    own, today = (float(decided.findings.values[name].mean()) for name in (decided.system, decided.baseline))
    within = f"within the first {CONTEXT_TOKENS:,} tokens of hits"
    return f"{verdict} Of the text that answers, {own:.0%} stands {within}; today {today:.0%}."


def _say_unjudged(decided: DecidedLadder) -> str:
    """Which rungs cannot be judged, and which sides could not work."""
    titles = [row["title"] for row in decided.rows if row.get("hindrance")]
    troubles = "; ".join(describe_trouble(side) for side in decided.findings.sides.list_stuck())
    if not titles:
        return f"Little can be concluded: {troubles}."
    return f"{join_words(titles).capitalize()} cannot be judged: {troubles}."
