"""The choice: which system to use and which action comes first. Pure: the same findings give the same choice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from core.diagnosis.side_sentences import explain_side
from core.diagnosis.sides import EMBEDDINGS, ModelSide, Sides, WordSide
from core.evaluation.significance import bootstrap_means
from core.ladder.climb import Step, find_best, find_path, list_candidates
from core.ladder.goals import Goals
from core.ladder.rungs.fine_tuned import pick_training
from core.ladder.rungs.reranking import RERANKING
from core.ladder.rungs.rung import Rung
from core.systems.system import System
from core.systems.trained import KIND_WORDS
from core.text.phrases import join_words

LEAST_TEST = 20  # test queries with a relevant label below which nothing is decided
LEAST_TUNING = 5  # tuning queries below which nothing is chosen
_ENOUGH = 0.9  # share of queries answered among the first five from which embeddings are called enough without a target,
_ENOUGH_SURE = 0.8  # if the queries rule out less than this
TOO_MANY_MISSING = 1 / 3  # share of judged queries without a relevant document in the corpus


@dataclass(frozen=True)
class Findings:
    """What the choice reads.

    values: test queries x systems on the primary measure. comparisons: compare_table() of the frozen pairs. latencies: p95
    in ms by system, where measured. monthly: USD a month by system, where asked for. target_means: system -> test mean of the
    target's measure, empty without a target. missing: share of all judged queries without a relevant document in the corpus.
    labels_fit: something fits the labels better than chance. ranked_low, not_found: parts of the gap, for the direction of
    fine-tuning. cross_encoder: one was measured. tuning: measured tuning queries. adoption: name of a trained rung -> what its
    model costs to adopt, in a sentence. sides: whether word matching and the models could work. answered: share of the test
    queries that the baseline answers among the first five.
    """

    baseline: System
    steps: Sequence[Step]
    comparisons: pd.DataFrame
    values: pd.DataFrame
    goals: Goals
    latencies: Mapping[str, float] = field(default_factory=dict)
    monthly: Mapping[str, float] = field(default_factory=dict)
    target_means: Mapping[str, float] = field(default_factory=dict)
    missing: float = 0.0
    labels_fit: bool = True
    ranked_low: float = 0.0
    not_found: float = 0.0
    cross_encoder: bool = False
    tuning: int = LEAST_TUNING
    adoption: Mapping[str, str] = field(default_factory=dict)
    sides: Sides = field(default_factory=Sides)
    answered: float = 0.0

    @property
    def labels_by_chance(self) -> bool:
        """Whether the labels may as well have been dealt out at random: nothing fits them, and no trained model, which has not
        seen the test queries, is proven on these."""
        trained = {step.chosen.name for step in self.steps if step.held_out and step.chosen is not None}
        return not self.labels_fit and not trained & find_proven(self)


@dataclass(frozen=True)
class Choice:
    """action: of core.ladder.actions. system: name. why: which rule decided, in one sentence. best: the best on tuning within
    the limits. rung: the one whose action it is, None if it is no rung's. worth_trying: the action was not measured yet.
    before_scores: counts and labels decided it, whatever the systems score, so that nothing is split anew."""

    action: str
    system: str
    why: str
    best: str
    rung: Rung | None = None
    worth_trying: bool = False
    outside_limits: tuple[str, ...] = ()
    before_scores: bool = False


def choose(findings: Findings) -> Choice:
    """Labels first, then the cheapest system that is not usefully worse than the best, then the rung that gained most.

    Where no rung helps and a side could not work, nothing is concluded from that side: to make it work comes first. That
    embeddings are enough is said only where they answer nearly everything, or meet the target.
    """
    choice = _decide(findings)
    if choice.action == "embeddings_enough" and not _is_enough(findings):
        return replace(choice, action="no_cheaper_fix")
    return choice


def _is_enough(findings: Findings) -> bool:
    """Whether the baseline meets the target; without one, whether it answers _ENOUGH of the test queries and, by the score
    interval of a share (Wilson 1927), more than _ENOUGH_SURE of all such queries."""
    if findings.goals.target is not None:
        return findings.target_means.get(findings.baseline.name, 0.0) >= findings.goals.target[1]
    share, n, z = findings.answered, len(findings.values), 1.96
    if not n:
        return False
    middle, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return share >= _ENOUGH and (middle - half) / (1 + z * z / n) >= _ENOUGH_SURE


def _decide(findings: Findings) -> Choice:
    draft, unsure = _choose_system(findings)
    for count, least, side in ((len(findings.values), LEAST_TEST, "test"), (findings.tuning, LEAST_TUNING, "tuning")):
        if count < least:
            have = "query has" if count == 1 else "queries have"
            words = f"Only {count} {side} {have} a relevant label; at least {least} are needed."
            return replace(draft, action="label_more_queries", why=words, system=findings.baseline.name, before_scores=True)
    if findings.missing >= TOO_MANY_MISSING:
        words = (
            f"For {findings.missing:.0%} of the judged queries the corpus holds no relevant document; no retrieval finds it."
        )
        return replace(draft, action="extend_corpus", why=words, before_scores=True)
    if findings.labels_by_chance and _list_stuck(findings):
        return _mend_side(findings, replace(draft, system=findings.baseline.name, before_scores=True))
    if findings.labels_by_chance:
        words = "No system finds the labelled documents more often than if the labels had been dealt out at random."
        return replace(draft, action="label_more_queries", why=words, system=findings.baseline.name, before_scores=True)
    if unsure:
        return replace(draft, action="label_more_queries")
    path = find_path(draft.system, findings.steps)
    if path:
        gains = dict(zip(findings.comparisons["system"], findings.comparisons["delta"], strict=True))
        first = max(path, key=lambda step: gains.get(step.chosen.name, 0.0) if step.chosen is not None else 0.0)
        return replace(draft, action=first.rung.action, rung=first.rung)
    target = findings.goals.target
    missed = target is not None and findings.target_means.get(draft.system, 0.0) < target[1]
    if _list_stuck(findings) and not _is_enough(findings):
        return _mend_side(findings, draft)
    return _go_beyond(findings, draft) if missed else draft


def _list_stuck(findings: Findings) -> list[ModelSide | WordSide]:
    """The embeddings or the words that could not work; a reranker that could not is no reason to begin there."""
    return [side for side in findings.sides.list_stuck() if not isinstance(side, ModelSide) or side.kind == EMBEDDINGS]


def _mend_side(findings: Findings, draft: Choice) -> Choice:
    stuck = _list_stuck(findings)
    why = " ".join(explain_side(side) for side in stuck)
    return replace(draft, action="change_model" if isinstance(stuck[0], ModelSide) else "check_words", why=why)


def _go_beyond(findings: Findings, draft: Choice) -> Choice:
    """No cheap rung helps and the target is missed: what to try next, cheapest first, if anything can help at all."""
    reachable = findings.goals.min_gain
    if max(findings.ranked_low, findings.not_found) < reachable:
        words = "The target is missed, but no model could add anything useful: what is left is not a matter of retrieval."
        return replace(draft, why=words)
    if not findings.cross_encoder and findings.ranked_low >= reachable:
        words = "The target is missed and no rung measured helps; a cross-encoder was not measured yet and is the next to try."
        return replace(draft, action=RERANKING.action, why=words, rung=RERANKING, worth_trying=True)
    if findings.goals.keeps_facts_outside:
        words = (
            f"The target is missed and no rung measured helps. Facts that change {findings.goals.facts_change} belong in the "
            "index, not in a model's weights, so that training is not proposed."
        )
        return replace(draft, why=words)
    rung = pick_training(ranked_low=findings.ranked_low, not_found=findings.not_found)
    name = KIND_WORDS[rung.trained_kind]
    if any(step.rung == rung and step.chosen is not None for step in findings.steps):
        words = f"The target is missed; a fine-tuned {name} was measured and is not proven better, so it is not the way there."
        return replace(draft, why=words)
    words = (
        f"The target is missed and no rung measured helps; a fine-tuned {name} was not measured yet, so it is worth trying, "
        "not proven."
    )
    return replace(draft, action=rung.action, why=words, rung=rung, worth_trying=True)


def _choose_system(findings: Findings) -> tuple[Choice, bool]:
    """The choice as far as the systems decide it, and whether the queries are too few to say."""
    goals, baseline = findings.goals, findings.baseline.name
    # What tuning did not keep is no candidate: it costs more than the system below it for less than a useful gain.
    climbed = list_candidates(findings.baseline, [step for step in findings.steps if step.kept])
    candidates = [system.name for system in climbed if system.name in findings.values]
    # A trained model has learned from the tuning queries, so that it is a candidate only once the test has proven it.
    trained = {
        step.chosen.name: step.means[step.chosen.name]
        for step in findings.steps
        if step.held_out and step.chosen is not None and step.chosen.name in find_proven(findings)
    }
    candidates += [name for name in trained if name not in candidates]
    outside = tuple(name for name in candidates if not _is_within(name, findings))
    inside = [name for name in candidates if name not in outside] or [baseline]
    best = find_best(findings.baseline, findings.steps, allowed=lambda system: system.name in inside).name
    proven = [name for name in trained if name in inside]
    if proven:
        best = max(proven, key=lambda name: trained[name])

    def pick(system: str, why: str) -> Choice:
        return Choice("embeddings_enough", system, why, best, outside_limits=outside)

    if goals.target is not None:
        met = [name for name in inside if findings.target_means.get(name, 0.0) >= goals.target[1]]
        if met:
            return pick(
                met[0], f"{met[0]} is the cheapest that meets the target, {goals.target[0]} {goals.target[1]:g}."
            ), False
    if len(findings.values) < 2:
        return pick(baseline, "There are too few test queries."), True
    deltas = findings.values[inside].sub(findings.values[best], axis=0)
    low, _ = bootstrap_means(deltas.to_numpy(dtype=float), seed=goals.seed)
    good = [name for name, bound in zip(inside, low, strict=True) if name == best or bound > -goals.min_gain]
    if good[0] != best:
        return pick(good[0], f"{good[0]} is the cheapest that is not usefully worse than {best}, the best on tuning."), False
    if best in proven:
        words = f"{best} is better on the test queries than the best cheaper system, which the training did not see."
        return pick(best, words), False
    if best == baseline:
        within = f" within the {name_limits(outside, findings)}" if outside else ""
        return pick(best, f"No rung{within} gained anything useful over {best} on the tuning queries."), False
    better = [name for name in inside if name in find_proven(findings)]
    if better:
        return pick(better[-1], f"{better[-1]} is the last rung that is better on the test queries."), False
    return pick(baseline, f"{best} was best on tuning, but the test queries are too few to tell it from {baseline}."), True


def find_proven(findings: Findings) -> set[str]:
    """Systems that are better on the test queries than their incumbent, under the correction."""
    return set(findings.comparisons.loc[findings.comparisons["verdict"] == "better", "system"])


def find_excess(system: str, findings: Findings) -> dict[str, str]:
    """The limits that a system is over, "latency limit" or "cost limit" -> by how much. What is not known is within."""
    goals = findings.goals
    slow, dear = findings.latencies.get(system, 0.0), findings.monthly.get(system, 0.0)
    over = {}
    if goals.max_latency_ms is not None and slow > goals.max_latency_ms:
        over["latency limit"] = f"{slow:.0f} ms for 95 of 100 queries"
    if goals.max_monthly_usd is not None and dear > goals.max_monthly_usd:
        over["cost limit"] = f"${dear:,.2f} a month"
    return over


def name_limits(systems: Sequence[str], findings: Findings) -> str:
    """ "latency limit", "cost limit" or "latency limit and cost limit": those that any of the systems is over."""
    return join_words(list(dict.fromkeys(name for system in systems for name in find_excess(system, findings))))


def _is_within(system: str, findings: Findings) -> bool:
    return not find_excess(system, findings)
