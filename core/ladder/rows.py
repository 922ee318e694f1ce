"""The ladder as rows: what each rung tried, what the test queries say of it, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.diagnosis.side_sentences import describe_trouble
from core.evaluation.verdicts import DIFFERENT, VERDICT_WORDS
from core.experiment.result import Experiment, SystemResult
from core.ladder.choose import Findings
from core.ladder.climb import Step
from core.records import as_records
from core.systems.system import System
from core.text.phrases import join_words


def describe_rungs(findings: Findings, experiment: Experiment, *, primary: str) -> list[dict[str, Any]]:
    """The baseline and one dict per rung, as it stands in the JSON.

    rung, title, system (None if not measured), incumbent, chosen_from {variant: tuning mean}, tuning {incumbent, chosen, gain},
    kept, what (in words), mean, low, high (of the system on test), verdict, delta, delta_low, delta_high, p_adjusted, wins,
    ties, losses, n, mde, queries_needed, harmed, recall_100_change, added_ms, p95_ms, one_time, why_not, note, judged_gap,
    held_out (its models learned from the tuning queries: `tuning` is of those they did not learn from), hindrance (why its
    difference says nothing, "" if it does; one that was proven says something all the same)."""
    results = {system.name: system for system in experiment.systems}
    pairs = {row["system"]: row for row in as_records(findings.comparisons)}
    rows = [_describe_baseline(findings, results, primary)]
    for step in findings.steps:
        if step.chosen is None:
            rows.append(_describe_absent(step))
            continue
        rows.append(_describe_step(step, pairs[step.chosen.name], results, primary, findings))
    return rows


def word_verdict(row: Mapping[str, Any]) -> str:
    """The verdict of a row that has one, in words; that it cannot be judged where a side that it relies on could not work."""
    return "cannot be judged" if row.get("hindrance") else VERDICT_WORDS[row["verdict"]]


def list_comparisons(comparisons: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Comparisons of the ladder's pairs, each with the `hindrance` of its row, for word_verdict()."""
    hindrances = {row["system"]: row.get("hindrance", "") for row in rows}
    return [{**pair, "hindrance": hindrances.get(pair["system"], "")} for pair in comparisons]


def _describe_baseline(findings: Findings, results: Mapping[str, SystemResult], primary: str) -> dict[str, Any]:
    name = findings.baseline.name
    return {
        "rung": "baseline",
        "title": "Baseline",
        "system": name,
        "incumbent": None,
        "chosen_from": {},
        "kept": True,
        "what": findings.baseline.description,
        "verdict": None,
        **_describe_mean(results[name], primary),
        "added_ms": 0.0,
        "p95_ms": _latency(results[name], "p95"),
        "one_time": "",
        "why_not": "",
        "note": "",
    }


def _describe_absent(step: Step) -> dict[str, Any]:
    return {
        "rung": step.rung.name,
        "title": step.rung.title,
        "system": None,
        "incumbent": step.incumbent.name,
        "chosen_from": {},
        "kept": False,
        "what": "",
        "verdict": None,
        "why_not": step.why_not,
        "note": "",
    }


def _describe_step(
    step: Step, pair: Mapping[str, Any], results: Mapping[str, SystemResult], primary: str, findings: Findings
) -> dict[str, Any]:
    assert step.chosen is not None
    chosen, before = results[step.chosen.name], results[step.incumbent.name]
    added = None
    if chosen.latency_ms and before.latency_ms:
        added = _latency(chosen, "p50", 0.0) - _latency(before, "p50", 0.0)
    hindrance = "" if pair["verdict"] in DIFFERENT else _find_hindrance(step, step.chosen, findings)
    return {
        "rung": step.rung.name,
        "title": step.rung.title,
        "system": step.chosen.name,
        "incumbent": step.incumbent.name,
        "chosen_from": step.means,
        "tuning": {"incumbent": step.incumbent_mean, "chosen": step.means[step.chosen.name], "gain": step.gain},
        "kept": step.kept or (step.held_out and pair["verdict"] == "better"),
        "what": step.rung.describe(step.chosen),
        **_describe_mean(chosen, primary),
        "delta_low": pair["low"],
        "delta_high": pair["high"],
        **{name: value for name, value in pair.items() if name not in ("baseline", "system", "measure", "low", "high")},
        "recall_100_change": _mean(chosen, "R@100") - _mean(before, "R@100"),
        "judged_gap": _judged_gap(chosen, before),
        "added_ms": added,
        "p95_ms": _latency(chosen, "p95"),
        "one_time": findings.adoption.get(step.rung.name) or step.rung.one_time(step.chosen, chosen.index.get("chunks") or 0),
        "held_out": step.held_out,
        "why_not": "",
        "note": f"Cannot be judged: {hindrance}." if hindrance else step.rung.note(step.variants),
        "hindrance": hindrance,
    }


def _find_hindrance(step: Step, chosen: System, findings: Findings) -> str:
    """Why a side that the rung relies on could not work, as the end of a sentence; "" if it could."""
    stuck = findings.sides.find_stuck(chosen.name, step.rung.relies_on(chosen))
    return join_words([describe_trouble(side) for side in stuck])


def _describe_mean(result: SystemResult, primary: str) -> dict[str, Any]:
    return {name: result.measures[primary][name] for name in ("mean", "low", "high")} if primary in result.measures else {}


def _mean(result: SystemResult, measure: str) -> float:
    return float(result.measures[measure]["mean"]) if measure in result.measures else 0.0


def _latency(result: SystemResult, name: str, absent: Any = None) -> Any:
    return float(result.latency_ms[name]) if result.latency_ms else absent


def _judged_gap(chosen: SystemResult, before: SystemResult) -> float | None:
    if chosen.judged_at_10 is None or before.judged_at_10 is None:
        return None
    return chosen.judged_at_10 - before.judged_at_10
