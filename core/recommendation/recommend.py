"""Puts what was chosen into a recommendation: what to use, how sure that is, and the sentences of core.recommendation.words.

What is used, and which action comes first, is chosen in core.ladder.choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.data.split import Split
from core.evaluation.comparisons import compare_table
from core.evaluation.per_query import count_hits, pivot
from core.evaluation.verdicts import DIFFERENT
from core.experiment.result import Experiment
from core.ladder.choose import Choice, Findings
from core.ladder.resplits import Stability
from core.recommendation.decided_ladder import DecidedLadder
from core.recommendation.error_analysis import ErrorAnalysis
from core.recommendation.words.changes import list_changes
from core.recommendation.words.costs import list_costs
from core.recommendation.words.fine_tuning import judge_fine_tuning
from core.recommendation.words.flags import list_flags
from core.recommendation.words.how_sure import describe_sureness
from core.recommendation.words.next_steps import list_next_steps
from core.recommendation.words.reasons import list_reasons
from core.recommendation.words.risks import list_risks
from core.recommendation.words.ruled_out import list_ruled_out
from core.recommendation.words.titles import write_title
from core.recommendation.words.verdict import write_verdict

_FIXED, _BROKEN = 3, 1  # example queries shown


@dataclass(frozen=True)
class Recommendation:
    """All sentences are plain text; ids and names in them are the user's.

    action: of core.ladder.actions. title: the action in a few words. system: the system to use. sentence: the verdict.
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
    analysis: ErrorAnalysis,
    *,
    rows: Sequence[Mapping[str, Any]],
    split: Split,
    primary: str,
    suspects: Sequence[str] = (),
    doubts: Sequence[str] = (),
) -> Recommendation:
    """Puts a choice into words. rows: describe_rungs(). doubts: what is wrong with the labels, in sentences."""
    decided = DecidedLadder(findings, choice, stability, experiment, analysis, rows, split, primary)
    success = count_success(decided)
    difference = compare_with_baseline(decided)
    fixes, breaks = find_examples(decided)
    fine_tuning = judge_fine_tuning(decided)
    return Recommendation(
        action=choice.action,
        title=write_title(decided),
        system=choice.system,
        sentence=write_verdict(decided, success),
        success={name: list(counts) for name, counts in success.items()},
        how_sure=describe_sureness(decided, difference),
        difference=difference,
        fine_tuning=fine_tuning,
        reasons=tuple(list_reasons(decided)),
        costs=tuple(list_costs(decided)),
        risks=tuple(list_risks(decided, difference)),
        ruled_out=tuple(list_ruled_out(decided)),
        next=tuple(list_next_steps(decided, fine_tuning, suspects)),
        changes=tuple(list_changes(decided)),
        flags=(*list_flags(decided), *doubts),
        fixes=tuple(fixes),
        breaks=tuple(breaks),
        suspects=tuple(suspects),
        target=decided.target,
        stability={
            "resplits": stability.resplits,
            "actions": stability.actions,
            "systems": stability.systems,
            "deciding": list(stability.deciding),
            "without_trained": decided.uses_trained,
        },
    )


def count_success(decided: DecidedLadder) -> dict[str, tuple[int, int]]:
    """(test queries whose answer is among the first five, of how many) for the baseline and the system."""
    names = dict.fromkeys((decided.baseline, decided.system))
    return {name: count_hits(decided.experiment.per_query, system=name) for name in names}


def compare_with_baseline(decided: DecidedLadder) -> dict[str, Any]:
    """The recommended system against the baseline on the test queries: effect, interval, p and verdict under the correction."""
    if decided.system == decided.baseline or decided.system not in decided.findings.values:
        return {}
    pairs = [(row["baseline"], row["system"]) for row in decided.findings.comparisons.to_dict("records")]
    own = (decided.baseline, decided.system)
    # As one more pair of the ladder's family, so that the same pair gets the same words here and there.
    family = pairs if own in pairs else [*pairs, own]
    goals = decided.findings.goals
    table = compare_table(decided.findings.values, family, measure=decided.primary, min_gain=goals.min_gain, seed=goals.seed)
    row = table.to_dict("records")[family.index(own)]
    names = ("delta", "low", "high", "n", "mde", "queries_needed", "wins", "ties", "losses", "harmed", "verdict")
    real = row["verdict"] in DIFFERENT
    return {"measure": decided.primary, **{name: row[name] for name in names}, "p": float(row["p_adjusted"]), "real": real}


def find_examples(decided: DecidedLadder) -> tuple[list[str], list[str]]:
    """Test queries whose answer the system brings into the first five and today's does not, and the reverse; the largest
    differences on the primary measure first."""
    if decided.system == decided.baseline:
        return [], []
    frame = decided.experiment.per_query
    hits = pivot(
        frame[(frame["measure"] == decided.success_measure) & frame["system"].isin([decided.baseline, decided.system])]
    )
    delta = (
        (decided.findings.values[decided.system] - decided.findings.values[decided.baseline]).reindex(hits.index).fillna(0.0)
    )
    order = delta.sort_values(ascending=False, kind="stable").index
    fixed = [q for q in order if hits.loc[q, decided.system] > hits.loc[q, decided.baseline]]
    broken = [q for q in reversed(order) if hits.loc[q, decided.system] < hits.loc[q, decided.baseline]]
    return [str(q) for q in fixed[:_FIXED]], [str(q) for q in broken[:_BROKEN]]
