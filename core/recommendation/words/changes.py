"""What speaks for a recommendation and against it, as sentences: reasons, costs, risks, what was ruled out, what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.data.split import DEFAULT_SHARE
from core.diagnosis.sentences import describe_failures
from core.ladder.choose import LEAST_TEST, find_excess, name_limits
from core.ladder.climb import find_path
from core.ladder.rows import UNUSUAL_JUDGED, VERDICT_WORDS, tried_cross_encoder
from core.ladder.rungs import CHEAP_RUNGS
from core.ladder.variants import SUGGESTED_RERANKER
from core.recommendation.decided_ladder import ACTION_TITLES, Case


def list_reasons(case: Case, success: Mapping[str, tuple[int, int]]) -> list[str]:
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
    reasons.append(describe_failures(case.baseline, case.readings.counts[case.baseline]))
    return [reason for reason in reasons if reason]


def describe_difference(row: Mapping[str, Any], measure: str) -> str:
    """ "+0.038 nDCG@10, 0.012 to 0.064" of a rung."""
    return f"{row['delta']:+.3f} {measure}, {row['delta_low']:.3f} to {row['delta_high']:.3f}"


def list_costs(case: Case) -> list[str]:
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
    monthly = case.findings.monthly
    if case.system in monthly:
        instead = (
            f", instead of ${monthly[case.baseline]:,.2f}" if case.baseline in monthly and case.system != case.baseline else ""
        )
        costs.append(f"A month, as you expect to use it: ${monthly[case.system]:,.2f}{instead} (page Cost & latency).")
    return costs


def list_risks(case: Case, difference: Mapping[str, Any]) -> list[str]:
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
        system = next(step.chosen for step in case.findings.steps if step.chosen and step.chosen.name == case.system)
        metadata = case.readings.metadata
        lost = len(metadata["lost_by_own_filter"]) * system.filter
        lost += len(metadata["thrown_away"]) * bool(system.infer_filters)
        risks.append(
            f"A filter that is wrong hides the answer: on the test queries that happens to {lost}. The gain supposes that "
            "users give these filters, or that they can be read from the query."
        )
    return risks


def list_ruled_out(case: Case) -> list[dict[str, str]]:
    """The cheap rungs that are not on the way to the system, and why not; the trained ones too, where they were measured."""
    taken = {step.rung for step in find_path(case.system, case.findings.steps)}
    found = []
    for row in case.rows:
        if row["rung"] in taken or (row["rung"] not in CHEAP_RUNGS and not row.get("held_out")):
            continue
        if row["system"] is None:
            why = f"Not measured. {row['why_not']}"
        else:
            gain = row["tuning"]["gain"]
            words = VERDICT_WORDS[row["verdict"]]
            if row["system"] in case.choice.outside_limits:
                over = find_excess(row["system"], case.findings)
                words = " and ".join(f"over the {name} ({by})" for name, by in over.items())
            elif row.get("held_out"):
                words += f" than {row['incumbent']}" if row["verdict"] in ("better", "worse") else ""
            elif row["kept"]:
                words = f"not needed for what is recommended; {words}"
            elif row["verdict"] == "better":
                words = "better on test, but too little on the tuning queries, where the choice is made; worth another look"
            where = "the tuning queries that it did not learn from" if row.get("held_out") else "tuning"
            why = (
                f"{words[:1].upper()}{words[1:]}: {describe_difference(row, case.primary)} on test; {gain:+.3f} on {where}, "
                f"{_count_variants(row)}."
            )
        found.append({"rung": row["rung"], "title": row["title"], "system": row["system"] or "", "why": why})
    return found


def list_next(case: Case, tuning: Mapping[str, str]) -> list[str]:
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
            steps.append(f"Measure a cross-encoder as reranker; name one, such as {SUGGESTED_RERANKER}.")
        if tuning["answer"] == "worth trying":
            steps.append(
                f"Then a fine-tuned {tuning['kind']} is worth trying; judge it on held-out queries before adopting it."
            )
    return steps


def _say_how_many(case: Case) -> str:
    answerable = len(case.findings.values)
    if answerable < LEAST_TEST:
        wanted = int(np.ceil(LEAST_TEST / (1 - DEFAULT_SHARE)))
        return f"Label at least {max(wanted, 40)} queries in all ({answerable} of the test queries have a relevant label now)."
    if not case.findings.labels_fit:
        return "Check the labels: query and document ids may be mixed up. Begin with the queries listed under labels to check."
    needed = [row["queries_needed"] for row in case.rows if row.get("queries_needed")]
    return f"About {max(needed, default=0):,} test queries would settle every rung; label as many more as you can afford."


def list_changes(case: Case, difference: Mapping[str, Any]) -> list[str]:
    """What would change the answer."""
    changes = []
    undecided = [row for row in case.rows if row.get("verdict") == "cannot_tell"]
    if undecided:
        row = min(undecided, key=lambda one: one["queries_needed"])
        settle = f"about {row['queries_needed']:,} would settle it"
        if row["queries_needed"] <= row["n"]:
            settle = "its effect lies close to the smallest useful gain, where no number of queries is sure to decide"
        changes.append(
            f"More queries: {row['title'].lower()} ({row['delta']:+.3f}) cannot be told from nothing with {row['n']} test "
            f"queries; {settle}."
        )
    if case.stability.deciding:
        count = len(case.stability.deciding)
        changes.append(
            f"{count} queries decide it: without {', '.join(case.stability.deciding[:5])} the difference would not be "
            "significant."
        )
    others = [name for name in case.stability.actions if name != case.choice.action]
    trained = case.uses_trained  # the re-splits leave it out: that they give something else says nothing
    if others and not trained and case.stability.actions[others[0]] >= 0.1:
        share = case.stability.actions[others[0]]
        changes.append(
            f"Another draw of the queries: in {share:.0%} of the re-splits it is “{ACTION_TITLES[others[0]].lower()}”."
        )
    often = next(iter(case.stability.systems), case.system)
    if (
        often != case.system
        and not trained
        and case.stability.systems[often] >= 2 * case.stability.systems.get(case.system, 0.0)
    ):
        share = case.stability.systems[often]
        changes.append(f"Another draw of the queries: in {share:.0%} of the re-splits the system is {often}.")
    if case.findings.goals.target is None:
        changes.append("A target: with one, the cheapest system that reaches it is recommended.")
    if case.choice.outside_limits:
        limits = name_limits(case.choice.outside_limits, case.findings)
        changes.append(
            f"The {limits} {'leave' if ' and ' in limits else 'leaves'} out {', '.join(case.choice.outside_limits)}."
        )
    return changes


def list_flags(case: Case) -> list[str]:
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
    judged = {system.name: system.judged_at_10 for system in case.experiment.systems}
    own, base = judged.get(case.system), judged.get(case.baseline)
    if own is not None and base is not None and abs(own - base) > UNUSUAL_JUDGED and len(flags) == len(case.split.warnings):
        flags.append(
            f"{case.system} and {case.baseline} differ by {abs(own - base):.0%} in judged documents among the first ten; "
            "unjudged ones count as wrong, so the comparison may tilt."
        )
    if case.system in case.choice.outside_limits:
        over = name_limits([case.system], case.findings)
        flags.append(f"Even {case.system} is over the {over}; no system measured is within the limits.")
    if case.choice.worth_trying:
        flags.append("This action was not measured yet; it is worth trying, not proven.")
    return flags


def _count_variants(row: Mapping[str, Any]) -> str:
    count = len(row["chosen_from"])
    return "the only variant" if count == 1 else f"the best of {count} variants"
