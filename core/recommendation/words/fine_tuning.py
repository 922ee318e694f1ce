"""Whether training a model is worth it now, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.ladder.actions import MEND_A_SIDE, title_action
from core.ladder.climb import tried_cross_encoder
from core.ladder.rows import word_verdict
from core.ladder.rungs import RUNGS
from core.ladder.rungs.fine_tuned import FINE_TUNED_RERANKER, pick_training
from core.ladder.rungs.reranking import SUGGESTED_RERANKER
from core.recommendation.decided_ladder import DecidedLadder
from core.recommendation.words.difference import describe_difference
from core.systems.trained import KIND_WORDS


def judge_fine_tuning(decided: DecidedLadder) -> dict[str, str]:
    """Whether training is worth it now: yes only once measured, and never before the cheaper rungs."""
    gap = decided.analysis.headroom["gap"]
    training = pick_training(ranked_low=gap["ranked_low"], not_found=gap["not_among_100"])
    kind = KIND_WORDS[training.trained_kind]
    where = "stand among the first 100 but too low" if training is FINE_TUNED_RERANKER else "are not even among the first 100"
    cross_encoder = tried_cross_encoder(decided.findings.steps)
    action = decided.choice.action

    pace = decided.findings.goals.facts_change if decided.findings.goals.keeps_facts_outside else ""

    def answer(word: str, reason: str) -> dict[str, str]:
        return {"answer": word, "reason": f"{reason} {_say_where_facts_belong(pace)}".strip(), "kind": kind}

    if action in ("label_more_queries", "extend_corpus"):
        return answer(
            "not yet", "Nothing can be said about training before that; no model finds what is not there or not judged."
        )
    if action in MEND_A_SIDE:
        return answer("not yet", f"{title_action(action)}; what a training would add cannot be judged before.")
    target = decided.target
    measured = [row for row in decided.rows if row.get("held_out") and row["system"]]
    own = next((row for row in measured if row["system"] == decided.system), None)
    if own is not None:
        kind = KIND_WORDS[RUNGS[own["rung"]].trained_kind]
        return answer("yes", f"It was measured: {_tell_trained(own, decided)}.")
    if target is not None and target["met"]:
        return answer("no", f"The target is met without it: {target['mean']:.3f} of {target['value']:g} {target['measure']}.")
    told = "; ".join(_tell_trained(row, decided) for row in measured)
    if measured and decided.choice.worth_trying and decided.choice.rung is not None and decided.choice.rung.is_trained:
        words = f"The missed answers {where}, which speaks for a fine-tuned {kind}. Not proven yet; measured so far: {told}."
        return answer("worth trying", words)
    if measured:
        open_end = any(row["verdict"] in ("cannot_tell", "better") for row in measured)
        return answer("not yet" if open_end else "no", f"It was measured and is not proven to help: {told}.")
    if decided.system != decided.baseline:
        words = f"A cheaper fix helps; adopt {decided.system} first, then measure again."
        return answer("not yet", words)
    if max(gap["ranked_low"], gap["not_among_100"]) < decided.findings.goals.min_gain:
        words = f"There is next to nothing to gain: the best ordering of the first 100 hits would add {gap['ranked_low']:.3f}."
        return answer("no", words)
    if not cross_encoder and gap["ranked_low"] >= decided.findings.goals.min_gain:
        words = f"No cross-encoder was measured, which is cheaper: name one, such as {SUGGESTED_RERANKER}."
        return answer("not yet", words)
    if pace:
        return answer("no", "No cheaper fix helps, but training is not the place for what is missed.")
    words = (
        f"No cheaper fix helps, and the answers that are missed {where}: that speaks for a fine-tuned {kind}. Not proven yet."
    )
    return answer("worth trying", words)


def _say_where_facts_belong(pace: str) -> str:
    """Nothing unless facts change weekly or daily."""
    if not pace:
        return ""
    return (
        f"Facts that change {pace} stay in the documents, where a refresh of the index keeps up with them; a model learns how "
        "people ask, and holds no fact for longer than until the next change."
    )


def _tell_trained(row: Mapping[str, Any], decided: DecidedLadder) -> str:
    """ "fine-tuned reranker, cannot tell (+0.004 nDCG@10, -0.010 to 0.018) against hybrid-rrf" """
    words = word_verdict(row)
    return f"{row['title'].lower()}, {words} ({describe_difference(row, decided.primary)}) against {row['incumbent']}"
