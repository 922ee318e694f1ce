"""The recommendation in words: what to use, how sure that is, what it costs, what was ruled out, what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.split import DEFAULT_SHARE, Split
from core.decision.choose import LEAST_TEST, Choice, Findings
from core.decision.describe import UNUSUAL_JUDGED, VERDICT_WORDS, tried_cross_encoder
from core.decision.ladder import find_path
from core.decision.readers import Readings
from core.decision.stability import Stability
from core.decision.variants import CHEAP_RUNGS, SUGGESTED_RERANKER
from core.evaluation.answers import SUCCESS
from core.evaluation.compare_pairs import compare_table
from core.evaluation.evaluate import pivot
from core.evaluation.measures import CONTEXT, CONTEXT_RECALL
from core.experiment import Experiment, SystemResult

ACTION_TITLES = {
    "embeddings_enough": "Embeddings are enough",
    "fix_chunking": "Change the chunking first",
    "add_metadata_filters": "Filter by metadata first",
    "use_hybrid_search": "Use hybrid search first",
    "rewrite_queries": "Rewrite the queries first",
    "add_reranker": "Add a reranker first",
    "fine_tune_reranker": "Fine-tuning a reranker is worth trying",
    "fine_tune_embedding": "Fine-tuning the embedding model is worth trying",
    "fine_tune_generator": "Fine-tune the generator",
    "label_more_queries": "Label more queries first",
    "extend_corpus": "Extend the corpus first",
}
_FIXED, _BROKEN = 3, 1  # example queries shown
_SMALL_GAP = 0.02  # what a perfect model could still gain, below which training is not worth its price


@dataclass(frozen=True)
class Recommendation:
    """All sentences are plain text; ids and names in them are the user's.

    action: one of choose.ACTIONS. title: the action in a few words. system: the system to use. sentence: the verdict.
    success: {system: [found, of]} for the baseline and the system, the answer being among the first five. how_sure: one
    sentence; difference: {delta, low, high, p, n, mde, real, measure} of the system over the baseline, {} if they are the same.
    fine_tuning: {answer: "yes" | "not yet" | "worth trying" | "no", reason, kind}. reasons, costs, risks, next, changes (what
    would change the answer), flags: sentences. ruled_out: [{rung, title, system, why}]. fixes, breaks: query ids. stability:
    Stability as a dict. suspects: query ids whose labels need a second look. target: {measure, value, mean, met} or None.
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


@dataclass(frozen=True)
class _Case:
    """What the sentences are made from."""

    findings: Findings
    choice: Choice
    stability: Stability
    experiment: Experiment
    readings: Readings
    rows: Sequence[Mapping[str, Any]]
    split: Split
    primary: str

    @property
    def baseline(self) -> str:
        return self.findings.baseline.name

    @property
    def system(self) -> str:
        return self.choice.system

    @property
    def result(self) -> SystemResult:
        return next(system for system in self.experiment.systems if system.name == self.system)

    @property
    def success_measure(self) -> str:
        return SUCCESS if SUCCESS in set(self.experiment.per_query["measure"]) else "Success@5"


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
    case = _Case(findings, choice, stability, experiment, readings, rows, split, primary)
    success = count_success(case)
    difference = compare_with_baseline(case)
    fixes, breaks = find_examples(case)
    tuning = judge_fine_tuning(case)
    return Recommendation(
        action=choice.action,
        title=ACTION_TITLES[choice.action],
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
        },
    )


def count_success(case: _Case) -> dict[str, tuple[int, int]]:
    """(test queries whose answer is among the first five, of how many) for the baseline and the system."""
    frame = case.experiment.per_query
    frame = frame[frame["measure"] == case.success_measure]
    counts = {}
    for name in dict.fromkeys((case.baseline, case.system)):
        values = frame.loc[frame["system"] == name, "value"]
        counts[name] = (int((values > 0).sum()), len(values))
    return counts


def write_sentence(case: _Case, success: Mapping[str, tuple[int, int]]) -> str:
    """The verdict in a few sentences that need no knowledge of measures."""
    found, of = success[case.system]
    hits = f"The answer is among the first five for {found} of {of} test queries"
    action = case.choice.action
    if action in ("label_more_queries", "extend_corpus"):
        return f"{ACTION_TITLES[action]}. {case.choice.why}"
    if case.choice.worth_trying:
        return f"Keep {case.system}. {hits}. {case.choice.why}"
    if case.system == case.baseline:
        return f"Keep {case.system}: embeddings are enough. {hits}, and no cheaper fix was found to add anything useful."
    verdict = f"Use {case.system}. {hits}; today for {success[case.baseline][0]}."
    if case.primary != CONTEXT_RECALL:
        return verdict
    own, today = (float(case.findings.values[name].mean()) for name in (case.system, case.baseline))
    return (
        f"{verdict} Of the text that answers, {own:.0%} stands within the first {CONTEXT:,} tokens of hits; today {today:.0%}."
    )


def compare_with_baseline(case: _Case) -> dict[str, Any]:
    """The recommended system against the baseline on the test queries: effect, interval, p at the ladder's correction."""
    if case.system == case.baseline or case.system not in case.findings.values:
        return {}
    pair = [(case.baseline, case.system)]
    goals = case.findings.goals
    row = compare_table(case.findings.values, pair, measure=case.primary, min_gain=goals.min_gain, seed=goals.seed).to_dict(
        "records"
    )[0]
    family = max(int((case.findings.comparisons["wins"] + case.findings.comparisons["losses"] > 0).sum()), 1)
    p = min(1.0, max(row["p_t"], row["p_randomization"]) * family)
    real = p < 0.05 and (row["low"] > 0 or row["high"] < 0)
    kept = {
        name: row[name] for name in ("delta", "low", "high", "n", "mde", "queries_needed", "wins", "ties", "losses", "harmed")
    }
    return {"measure": case.primary, **kept, "p": float(p), "real": bool(real)}


def describe_sureness(case: _Case, difference: Mapping[str, Any]) -> str:
    share = case.stability.actions.get(case.choice.action, 0.0)
    times, of = round(share * case.stability.resplits), case.stability.resplits
    again = f"In {f'all {of}' if times == of else f'{times} of {of}'} other splits of the queries the same action comes first."
    if difference:
        interval = f"{difference['low']:.3f} to {difference['high']:.3f}"
        if difference["real"]:
            return f"Real: {difference['delta']:+.3f} {case.primary}, {interval}, on {difference['n']} test queries. {again}"
        words = f"{difference['n']} queries resolve only {difference['mde']:.3f}"
        return f"Cannot tell: {difference['delta']:+.3f} {case.primary}, {interval}; {words}. {again}"
    smallest = [row["mde"] for row in case.rows if row.get("mde") is not None]
    if smallest and len(case.findings.values) >= LEAST_TEST:
        words = f"{len(case.findings.values)} test queries can show a difference of about {max(smallest):.3f} {case.primary}"
        return f"{words}; smaller ones may have gone unseen. {again}"
    return again


def judge_fine_tuning(case: _Case) -> dict[str, str]:
    """Whether training is worth it now: yes only once measured, and never before the cheaper rungs."""
    gap = case.readings.headroom["gap"]
    kind = "reranker" if gap["ranked_low"] >= gap["not_among_100"] else "embedding model"
    where = "stand among the first 100 but too low" if kind == "reranker" else "are not even among the first 100"
    cross_encoder = tried_cross_encoder(case.findings.steps)
    action = case.choice.action

    def answer(word: str, reason: str) -> dict[str, str]:
        return {"answer": word, "reason": reason, "kind": kind}

    if action in ("label_more_queries", "extend_corpus"):
        return answer(
            "not yet", "Nothing can be said about training before that; no model finds what is not there or not judged."
        )
    target = describe_target(case)
    if target is not None and target["met"]:
        return answer("no", f"The target is met without it: {target['mean']:.3f} of {target['value']:g} {target['measure']}.")
    if case.system != case.baseline:
        words = f"A cheaper fix helps; adopt {case.system} first, then measure again."
        return answer("not yet", words)
    if max(gap["ranked_low"], gap["not_among_100"]) < _SMALL_GAP:
        return answer("no", f"There is next to nothing to gain: a perfect model could add {gap['ranked_low']:.3f} at best.")
    if not cross_encoder:
        words = f"No cross-encoder was measured, which is cheaper: name one, such as {SUGGESTED_RERANKER}."
        return answer("not yet", words)
    words = (
        f"No cheaper fix helps, and the answers that are missed {where}: that speaks for a fine-tuned {kind}. Not proven yet."
    )
    return answer("worth trying", words)


def list_reasons(case: _Case, success: Mapping[str, tuple[int, int]]) -> list[str]:
    """The evidence: the deciding rule, the steps that led there, the leading cause of the baseline's failures."""
    reasons = [case.choice.why]
    rows = {row["system"]: row for row in case.rows}
    for step in find_path(case.system, case.findings.steps):
        row = rows[step.chosen.name] if step.chosen is not None else None
        if row is not None:
            reasons.append(
                f"{row['title']} ({row['what']}): {describe_difference(row, case.primary)}, n = {row['n']}: "
                f"{VERDICT_WORDS[row['verdict']]}."
            )
    counts = case.readings.counts[case.baseline]
    causes = {cause: count for cause, count in counts["causes"].items() if count}
    if causes:
        lead = max(causes, key=lambda cause: causes[cause])
        reasons.append(
            f"{case.baseline} fails {counts['failed']} of {counts['judged']} test queries; the most frequent cause is "
            f"{lead.replace('_', ' ')} ({causes[lead]} of {counts['failed']})."
        )
    return [reason for reason in reasons if reason]


def describe_difference(row: Mapping[str, Any], measure: str) -> str:
    """ "+0.038 nDCG@10, 0.012 to 0.064" of a rung."""
    return f"{row['delta']:+.3f} {measure}, {row['delta_low']:.3f} to {row['delta_high']:.3f}"


def list_costs(case: _Case) -> list[str]:
    """What adopting the system costs, one time and per query."""
    costs = []
    rows = {row["system"]: row for row in case.rows}
    for step in find_path(case.system, case.findings.steps):
        row = rows[step.chosen.name] if step.chosen is not None else {}
        if row.get("one_time"):
            costs.append(f"{row['title']}, once: {row['one_time']}.")
    own, base = rows.get(case.system, {}).get("p95_ms"), rows[case.baseline].get("p95_ms")
    if own is not None and base is not None and case.system != case.baseline:
        costs.append(f"Per query: {own:.0f} ms for 95 of 100 queries here, instead of {base:.0f} ms.")
    return costs


def list_risks(case: _Case, difference: Mapping[str, Any]) -> list[str]:
    risks = []
    if difference and difference["harmed"]:
        risks.append(f"{difference['harmed']} of {difference['n']} test queries lose more than 0.1 {case.primary}.")
    base = next(system for system in case.experiment.systems if system.name == case.baseline)
    if "R@100" in base.measures and case.system != case.baseline:
        change = case.result.measures["R@100"]["mean"] - base.measures["R@100"]["mean"]
        if change < -0.01:
            risks.append(
                f"Fewer relevant documents are among the first hundred (R@100 {change:+.3f}): a later reranker would miss them."
            )
    if case.findings.steps and any(s.rung == "metadata_filters" for s in find_path(case.system, case.findings.steps)):
        lost = len(case.readings.metadata["lost_by_own_filter"]) + len(case.readings.metadata["thrown_away"])
        risks.append(
            f"A filter that is wrong hides the answer: on the test queries that happens to {lost}. The gain supposes that "
            "users give these filters, or that they can be read from the query."
        )
    return risks


def list_ruled_out(case: _Case) -> list[dict[str, str]]:
    """The cheap rungs that are not on the way to the system, and why not."""
    taken = {step.rung for step in find_path(case.system, case.findings.steps)}
    found = []
    for row in case.rows:
        if row["rung"] not in CHEAP_RUNGS or row["rung"] in taken:
            continue
        if row["system"] is None:
            why = f"Not measured. {row['why_not']}"
        else:
            gain = row["tuning"]["gain"]
            words = VERDICT_WORDS[row["verdict"]]
            if row["verdict"] == "better":
                words = "better on test, but too little on the tuning queries, where the choice is made; worth another look"
            why = (
                f"{words[:1].upper()}{words[1:]}: {describe_difference(row, case.primary)} on test; {gain:+.3f} on tuning, "
                f"best of {len(row['chosen_from'])} variants."
            )
        found.append({"rung": row["rung"], "title": row["title"], "system": row["system"] or "", "why": why})
    return found


def list_next(case: _Case, tuning: Mapping[str, str]) -> list[str]:
    """What to do, in order."""
    steps = []
    action = case.choice.action
    if action == "label_more_queries":
        steps.append(_say_how_many(case))
    elif action == "extend_corpus":
        missing = case.readings.counts[case.baseline]["causes"]["not_in_corpus"]
        steps.append(
            f"Add documents that answer the {missing} test queries without one (page Diagnosis lists them), then run again."
        )
    elif case.system != case.baseline:
        steps.append(f"Adopt {case.system}; the report holds it as YAML and as a short Python program.")
    if action not in ("label_more_queries", "extend_corpus"):
        if not tried_cross_encoder(case.findings.steps):
            steps.append(f"Measure a cross-encoder as reranker: --reranker {SUGGESTED_RERANKER}, or name one on the page.")
        if tuning["answer"] == "worth trying":
            steps.append(
                f"Then a fine-tuned {tuning['kind']} is worth trying; judge it on held-out queries before adopting it."
            )
    return steps


def _say_how_many(case: _Case) -> str:
    answerable = len(case.findings.values)
    if answerable < LEAST_TEST:
        wanted = int(np.ceil(LEAST_TEST / (1 - DEFAULT_SHARE)))
        return f"Label at least {max(wanted, 40)} queries in all ({answerable} of the test queries have a relevant label now)."
    if not case.findings.labels_fit:
        return "Check the labels: query and document ids may be mixed up. Begin with the queries listed under labels to check."
    needed = [row["queries_needed"] for row in case.rows if row.get("queries_needed")]
    return f"About {max(needed, default=0):,} test queries would settle every rung; label as many more as you can afford."


def list_changes(case: _Case, difference: Mapping[str, Any]) -> list[str]:
    """What would change the answer."""
    changes = []
    undecided = [row for row in case.rows if row.get("verdict") == "cannot_tell"]
    if undecided:
        row = min(undecided, key=lambda one: one["queries_needed"])
        changes.append(
            f"More queries: {row['title'].lower()} ({row['delta']:+.3f}) cannot be told from nothing with {row['n']} test "
            f"queries; about {row['queries_needed']:,} would settle it."
        )
    if case.stability.deciding:
        count = len(case.stability.deciding)
        changes.append(
            f"{count} queries decide it: without {', '.join(case.stability.deciding[:5])} the difference would not be "
            "significant."
        )
    others = [name for name in case.stability.actions if name != case.choice.action]
    if others and case.stability.actions[others[0]] >= 0.1:
        share = case.stability.actions[others[0]]
        changes.append(
            f"Another draw of the queries: in {share:.0%} of the re-splits it is “{ACTION_TITLES[others[0]].lower()}”."
        )
    if case.findings.goals.target is None:
        changes.append("A target: with one, the cheapest system that reaches it is recommended.")
    if case.choice.outside_limits:
        changes.append(f"The latency limit leaves out {', '.join(case.choice.outside_limits)}.")
    return changes


def list_flags(case: _Case) -> list[str]:
    """Reasons to doubt a verdict."""
    flags = list(case.split.warnings)
    for row in case.rows:
        gap = row.get("judged_gap")
        if gap is not None and abs(gap) > UNUSUAL_JUDGED:
            more = "more" if gap > 0 else "fewer"
            flags.append(
                f"{row['title']}: {row['system']} has {abs(gap):.0%} {more} judged documents among its first ten than "
                f"{row['incumbent']}; unjudged ones count as wrong, so the verdict may tilt."
            )
    if case.choice.worth_trying:
        flags.append("This action was not measured yet; it is worth trying, not proven.")
    return flags


def describe_target(case: _Case) -> dict[str, Any] | None:
    target = case.findings.goals.target
    if target is None:
        return None
    mean = case.findings.target_means.get(case.system)
    return {"measure": target[0], "value": target[1], "mean": mean, "met": mean is not None and mean >= target[1]}


def find_examples(case: _Case) -> tuple[list[str], list[str]]:
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
