"""The recommendation in words: what to use, how sure that is, what it costs, what was ruled out, what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.data.split import Split
from core.evaluation.measures import CONTEXT, CONTEXT_RECALL
from core.evaluation.per_query import pivot
from core.evaluation.verdicts import compare_table
from core.experiment.result import Experiment
from core.ladder.choose import LEAST_TEST, Choice, Findings
from core.ladder.resplits import Stability
from core.ladder.rows import VERDICT_WORDS, tried_cross_encoder
from core.ladder.rungs import KIND_OF_RUNG, TRAINED_RUNGS
from core.ladder.variants import SUGGESTED_RERANKER
from core.recommendation.decided_ladder import ACTION_TITLES, Case
from core.recommendation.error_analysis import Readings
from core.recommendation.words.changes import (
    describe_difference,
    list_changes,
    list_costs,
    list_flags,
    list_next,
    list_reasons,
    list_risks,
    list_ruled_out,
)
from core.systems.trained import KIND_WORDS

_FIXED, _BROKEN = 3, 1  # example queries shown
_PROVEN_TITLES = {
    "fine_tuned_reranker": "Use the fine-tuned reranker",
    "fine_tuned_adapter": "Use the trained query adapter",
    "fine_tuned_embedding": "Use the fine-tuned embedding model",
}
_KINDS = {rung: KIND_WORDS[kind] for rung, kind in KIND_OF_RUNG.items()}
_ENOUGH = 0.9  # share of queries answered among the first five from which embeddings are called enough without a target


@dataclass(frozen=True)
class Recommendation:
    """All sentences are plain text; ids and names in them are the user's.

    action: one of choose.ACTIONS. title: the action in a few words. system: the system to use. sentence: the verdict.
    success: {system: [found, of]} for the baseline and the system, the answer being among the first five. how_sure: one
    sentence; difference: {delta, low, high, p, n, mde, real, measure} of the system over the baseline, {} if they are the same.
    fine_tuning: {answer: "yes" | "not yet" | "worth trying" | "no", reason, kind}. reasons, costs, risks, next, changes (what
    would change the answer), flags: sentences. ruled_out: [{rung, title, system, why}]. fixes, breaks: query ids. stability:
    Stability as a dict, and without_trained: a trained model is in the system, which the re-splits leave out. suspects: query
    ids whose labels need a second look. target: {measure, value, mean, met} or None.
    """

    action: str
    title: str
    system: str
    sentence: str
    success: dict[str, list[int]]
    how_sure: str
    difference: dict[str, Any]
    fine_tuning: dict[str, str]
    reasons: tuple[str, ...]
    costs: tuple[str, ...]
    risks: tuple[str, ...]
    ruled_out: tuple[dict[str, str], ...]
    next: tuple[str, ...]
    changes: tuple[str, ...]
    flags: tuple[str, ...]
    fixes: tuple[str, ...]
    breaks: tuple[str, ...]
    suspects: tuple[str, ...]
    target: dict[str, Any] | None
    stability: dict[str, Any]


def recommend(
    findings: Findings,
    choice: Choice,
    stability: Stability,
    experiment: Experiment,
    readings: Readings,
    *,
    rows: Sequence[Mapping[str, Any]],
    split: Split,
    primary: str,
    suspects: Sequence[str] = (),
) -> Recommendation:
    """Puts a choice into words. rows: describe_rungs()."""
    case = Case(findings, choice, stability, experiment, readings, rows, split, primary)
    success = count_success(case)
    difference = compare_with_baseline(case)
    fixes, breaks = find_examples(case)
    tuning = judge_fine_tuning(case)
    return Recommendation(
        action=choice.action,
        title=_PROVEN_TITLES[choice.rung] if is_trained(case) else ACTION_TITLES[choice.action],
        system=choice.system,
        sentence=write_sentence(case, success),
        success={name: list(counts) for name, counts in success.items()},
        how_sure=describe_sureness(case, difference),
        difference=difference,
        fine_tuning=tuning,
        reasons=tuple(list_reasons(case, success)),
        costs=tuple(list_costs(case)),
        risks=tuple(list_risks(case, difference)),
        ruled_out=tuple(list_ruled_out(case)),
        next=tuple(list_next(case, tuning)),
        changes=tuple(list_changes(case, difference)),
        flags=tuple(list_flags(case)),
        fixes=tuple(fixes),
        breaks=tuple(breaks),
        suspects=tuple(suspects),
        target=describe_target(case),
        stability={
            "resplits": stability.resplits,
            "actions": stability.actions,
            "systems": stability.systems,
            "deciding": list(stability.deciding),
            "without_trained": case.uses_trained,
        },
    )


def count_success(case: Case) -> dict[str, tuple[int, int]]:
    """(test queries whose answer is among the first five, of how many) for the baseline and the system."""
    frame = case.experiment.per_query
    frame = frame[frame["measure"] == case.success_measure]
    counts = {}
    for name in dict.fromkeys((case.baseline, case.system)):
        values = frame.loc[frame["system"] == name, "value"]
        counts[name] = (int((values > 0).sum()), len(values))
    return counts


def write_sentence(case: Case, success: Mapping[str, tuple[int, int]]) -> str:
    """The verdict in a few sentences that need no knowledge of measures."""
    found, of = success[case.system]
    hits = f"The answer is among the first five for {found} of {of} test queries"
    action = case.choice.action
    if action in ("label_more_queries", "extend_corpus"):
        return f"{ACTION_TITLES[action]}. {case.choice.why}"
    if case.choice.worth_trying:
        return f"Keep {case.system}. {hits}. {case.choice.why}"
    if case.system == case.baseline:
        if any(row.get("verdict") == "better" for row in case.rows) or case.findings.goals.target is not None:
            return f"Keep {case.system}. {hits}. {case.choice.why}"
        enough = ": embeddings are enough" if found >= _ENOUGH * of else ""
        return f"Keep {case.system}{enough}. {hits}, and no cheaper fix was found to add anything useful."
    verdict = f"Use {case.system}. {hits}; today for {success[case.baseline][0]}."
    if case.primary != CONTEXT_RECALL:
        return verdict
    own, today = (float(case.findings.values[name].mean()) for name in (case.system, case.baseline))
    return (
        f"{verdict} Of the text that answers, {own:.0%} stands within the first {CONTEXT:,} tokens of hits; today {today:.0%}."
    )


def compare_with_baseline(case: Case) -> dict[str, Any]:
    """The recommended system against the baseline on the test queries: effect, interval, p and verdict under the correction."""
    if case.system == case.baseline or case.system not in case.findings.values:
        return {}
    pairs = [(row["baseline"], row["system"]) for row in case.findings.comparisons.to_dict("records")]
    own = (case.baseline, case.system)
    # As one more pair of the ladder's family, so that the same pair gets the same words here and there.
    family = pairs if own in pairs else [*pairs, own]
    goals = case.findings.goals
    table = compare_table(case.findings.values, family, measure=case.primary, min_gain=goals.min_gain, seed=goals.seed)
    row = table.to_dict("records")[family.index(own)]
    names = ("delta", "low", "high", "n", "mde", "queries_needed", "wins", "ties", "losses", "harmed", "verdict")
    real = row["verdict"] in ("better", "worse", "better_but_small")
    return {"measure": case.primary, **{name: row[name] for name in names}, "p": float(row["p_adjusted"]), "real": real}


def describe_sureness(case: Case, difference: Mapping[str, Any]) -> str:
    share = case.stability.actions.get(case.choice.action, 0.0)
    times, of = round(share * case.stability.resplits), case.stability.resplits
    again = f"In {f'all {of}' if times == of else f'{times} of {of}'} other splits of the queries the same action comes first."
    if is_trained(case):
        again = "Other splits of the queries need other trainings: see cross-fitting on the page Fine-tuning."
    if difference:
        interval = f"{difference['low']:.3f} to {difference['high']:.3f}"
        if difference["real"]:
            return f"Real: {difference['delta']:+.3f} {case.primary}, {interval}, on {difference['n']} test queries. {again}"
        words = f"{difference['n']} queries resolve only {difference['mde']:.3f}"
        return f"Cannot tell: {difference['delta']:+.3f} {case.primary}, {interval}; {words}. {again}"
    smallest = [row["mde"] for row in case.rows if row.get("mde")]
    if smallest and len(case.findings.values) >= LEAST_TEST:
        words = f"{len(case.findings.values)} test queries can show a difference of about {max(smallest):.3f} {case.primary}"
        return f"{words}; smaller ones may have gone unseen. {again}"
    return again


def judge_fine_tuning(case: Case) -> dict[str, str]:
    """Whether training is worth it now: yes only once measured, and never before the cheaper rungs."""
    gap = case.readings.headroom["gap"]
    kind = "reranker" if gap["ranked_low"] >= gap["not_among_100"] else "embedding model"
    where = "stand among the first 100 but too low" if kind == "reranker" else "are not even among the first 100"
    cross_encoder = tried_cross_encoder(case.findings.steps)
    action = case.choice.action

    pace = case.findings.goals.facts_change if case.findings.goals.keeps_facts_outside else ""

    def answer(word: str, reason: str) -> dict[str, str]:
        return {"answer": word, "reason": f"{reason} {_say_where_facts_belong(pace)}".strip(), "kind": kind}

    if action in ("label_more_queries", "extend_corpus"):
        return answer(
            "not yet", "Nothing can be said about training before that; no model finds what is not there or not judged."
        )
    target = describe_target(case)
    measured = [row for row in case.rows if row.get("held_out") and row["system"]]
    own = next((row for row in measured if row["system"] == case.system), None)
    if own is not None:
        kind = _KINDS[own["rung"]]
        return answer("yes", f"It was measured: {_tell_trained(own, case)}.")
    if target is not None and target["met"]:
        return answer("no", f"The target is met without it: {target['mean']:.3f} of {target['value']:g} {target['measure']}.")
    told = "; ".join(_tell_trained(row, case) for row in measured)
    if measured and case.choice.worth_trying and case.choice.rung in TRAINED_RUNGS:
        words = f"The missed answers {where}, which speaks for a fine-tuned {kind}. Not proven yet; measured so far: {told}."
        return answer("worth trying", words)
    if measured:
        open_end = any(row["verdict"] in ("cannot_tell", "better") for row in measured)
        return answer("not yet" if open_end else "no", f"It was measured and is not proven to help: {told}.")
    if case.system != case.baseline:
        words = f"A cheaper fix helps; adopt {case.system} first, then measure again."
        return answer("not yet", words)
    if max(gap["ranked_low"], gap["not_among_100"]) < case.findings.goals.min_gain:
        words = f"There is next to nothing to gain: the best ordering of the first 100 hits would add {gap['ranked_low']:.3f}."
        return answer("no", words)
    if not cross_encoder and gap["ranked_low"] >= case.findings.goals.min_gain:
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


def is_trained(case: Case) -> bool:
    """Whether the recommended action is a training that was measured."""
    return case.choice.rung in TRAINED_RUNGS and not case.choice.worth_trying


def _tell_trained(row: Mapping[str, Any], case: Case) -> str:
    """ "fine-tuned reranker, cannot tell (+0.004 nDCG@10, -0.010 to 0.018) against hybrid-rrf" """
    words = VERDICT_WORDS[row["verdict"]]
    return f"{row['title'].lower()}, {words} ({describe_difference(row, case.primary)}) against {row['incumbent']}"


def describe_target(case: Case) -> dict[str, Any] | None:
    target = case.findings.goals.target
    if target is None:
        return None
    mean = case.findings.target_means.get(case.system)
    return {"measure": target[0], "value": target[1], "mean": mean, "met": mean is not None and mean >= target[1]}


def find_examples(case: Case) -> tuple[list[str], list[str]]:
    """Test queries whose answer the system brings into the first five and today's does not, and the reverse; the largest
    differences on the primary measure first."""
    if case.system == case.baseline:
        return [], []
    frame = case.experiment.per_query
    hits = pivot(frame[(frame["measure"] == case.success_measure) & frame["system"].isin([case.baseline, case.system])])
    delta = (case.findings.values[case.system] - case.findings.values[case.baseline]).reindex(hits.index).fillna(0.0)
    order = delta.sort_values(ascending=False, kind="stable").index
    fixed = [q for q in order if hits.loc[q, case.system] > hits.loc[q, case.baseline]]
    broken = [q for q in reversed(order) if hits.loc[q, case.system] < hits.loc[q, case.baseline]]
    return [str(q) for q in fixed[:_FIXED]], [str(q) for q in broken[:_BROKEN]]
