"""python -m core recommend: what to do first about a dataset's search, with the evidence for it."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.cli.job import run_and_show
from core.cli.lookup import open_asked, open_workspace
from core.cli.terminal import (
    add_dataset_options,
    add_output_options,
    align,
    check_target,
    fill_text,
    format_list,
    get_width,
    print_warnings,
    print_words,
    write_result,
)
from core.costs.scenario import DEPLOYMENTS, Scenario, read_scenario
from core.data.dataset import Dataset
from core.diagnosis.sentences import CAUSE_TITLES, CAUSE_WORDS
from core.errors import InputError
from core.evaluation.measures import MEASURES, list_choosing, list_measures
from core.jobs.kinds.assess import make_assessment_job
from core.ladder.goals import PACES, RARELY, Goals
from core.ladder.rows import word_verdict
from core.recommendation.assess import Assessment
from core.recommendation.error_analysis import ErrorAnalysis
from core.workspace import Workspace

EXIT_UNDER_BAR = 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    add_dataset_options(parser)
    parser.add_argument(
        "--primary",
        default="",
        metavar="MEASURE",
        help="the measure that chooses (default: nDCG@10, or evidence_recall@1000tokens where the queries have evidence)",
    )
    parser.add_argument(
        "--target", metavar="MEASURE=X", help="good enough: the cheapest system whose mean reaches this, as in Success@5=0.8"
    )
    parser.add_argument(
        "--min-gain",
        type=read_number,
        default=Goals.min_gain,
        metavar="X",
        help="smallest gain on the measure that is worth having (default: %(default)s)",
    )
    parser.add_argument(
        "--max-latency", type=read_number, metavar="MS", help="no system that needs more for 95 of 100 queries, in milliseconds"
    )
    parser.add_argument(
        "--max-monthly-cost", type=read_number, metavar="USD", help="no system that costs more a month, see the command cost"
    )
    parser.add_argument("--documents", type=read_number, metavar="N", help="expected, for the costs (default: the dataset's)")
    parser.add_argument("--queries-per-month", type=read_number, metavar="N", help="expected, for the costs")
    parser.add_argument("--deployment", choices=DEPLOYMENTS, help="what is bought, for the costs (default: own, nothing)")
    parser.add_argument(
        "--facts-change",
        choices=PACES,
        default=RARELY,
        help="how often what the documents say changes; weekly or daily: training is never proposed as the place to keep it",
    )
    parser.add_argument(
        "--reranker",
        nargs="+",
        action="extend",
        default=[],
        metavar="MODEL",
        help="cross-encoders to try as rerankers: names on the hub, or folders",
    )
    parser.add_argument(
        "--with-training",
        action="store_true",
        help="let the models trained on this dataset join the ladder, on the split that they were trained with",
    )
    add_output_options(parser)
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write the report, one file that opens anywhere")
    parser.add_argument(
        "--fail-under", metavar="MEASURE=X", help="exit code 1 if the recommended system's mean on test is below this"
    )
    parser.add_argument("--name", default="", help="a name for the history")
    parser.set_defaults(run=run_recommend)


def run_recommend(options: argparse.Namespace) -> int:
    """recommend DATASET: climbs the ladder, prints the verdict (to standard error if the JSON goes to standard output)."""
    workspace = open_workspace(options.workspace)
    check_target("--json", options.json)
    check_report(options.report)
    goals = read_goals(options)
    bar = read_bar("--fail-under", options.fail_under)
    dataset = open_asked(options, workspace)
    goals = replace(goals, scenario=read_expected(options, goals, dataset, workspace))
    check_measurable(dataset, {"--primary": goals.primary, "--target": goals.target, "--fail-under": bar})
    print_warnings(dataset)
    assessment: Assessment = run_and_show(make_assessment_job(dataset.name, goals, name=options.name), dataset, workspace)
    if options.json is not None:
        write_result(assessment.to_json(), options.json)
    if options.report is not None:
        from core.report.render.html import write_report

        write_report(assessment, dataset, options.report)
    print_words(format_recommendation(assessment, width=get_width()), options.json)
    problem = find_shortfall(assessment, bar)
    if problem:
        print(problem, file=sys.stderr)
    return EXIT_UNDER_BAR if problem else 0


def read_number(text: str) -> float:
    """A number for argparse, which makes a sentence of what is raised; "nan" and "inf" are none."""
    value = float(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def check_report(file: Path | None) -> None:
    """InputError if the report could not be written there, or would not be opened as what it is."""
    check_target("--report", file)
    if file is not None and file.suffix.casefold() not in (".html", ".htm"):
        raise InputError("is no name for a web page; give --report a file that ends in .html", file=file)


def read_goals(options: argparse.Namespace) -> Goals:
    """The goals that the options ask for; InputError if a measure or a number is none."""
    return Goals(
        primary=find_measure("--primary", options.primary, list_choosing()) if options.primary else "",
        min_gain=options.min_gain,
        target=read_bar("--target", options.target),
        max_latency_ms=options.max_latency,
        rerankers=tuple(dict.fromkeys(options.reranker)),
        with_training=options.with_training,
        max_monthly_usd=options.max_monthly_cost,
        facts_change=options.facts_change,
    )


def read_expected(options: argparse.Namespace, goals: Goals, dataset: Dataset, workspace: Workspace) -> Scenario | None:
    """The scenario that the costs are for: the dataset's, with what the options change; None if nobody asks for costs."""
    asked = {name: getattr(options, name) for name in ("documents", "queries_per_month", "deployment")}
    if goals.max_monthly_usd is None and all(value is None for value in asked.values()):
        return None
    return read_scenario(dataset, workspace, **asked)


def read_bar(option: str, text: str | None) -> tuple[str, float] | None:
    """ "Success@5=0.8" -> ("Success@5", 0.8); None for None. InputError says how it is written."""
    if text is None:
        return None
    name, _, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        raise InputError(f"{option} is {text!r}; write MEASURE=X, for example {option} Success@5=0.8") from None
    measure = find_measure(option, name.strip(), list_measures())
    low, high = MEASURES[measure].range
    if not low <= value <= high:
        raise InputError(f"{option} is {text!r}; X must lie between {low:g} and {high:g}, for example {option} Success@5=0.8")
    return measure, value


def find_measure(option: str, name: str, known: Sequence[str]) -> str:
    """The measure's name as it is written here, whatever the case; InputError lists what there is."""
    names = {measure.casefold(): measure for measure in known}
    if name.casefold() not in names:
        raise InputError(f"{option} names the measure {name!r}; it can be {', '.join(known)}")
    return names[name.casefold()]


def check_measurable(dataset: Dataset, asked: dict[str, str | tuple[str, float] | None]) -> None:
    """InputError if an option names a measure of the evidence and there is none: else it would be noticed minutes later."""
    for option, value in asked.items():
        measure = value[0] if isinstance(value, tuple) else value
        if measure and MEASURES[measure].needs_evidence and dataset.evidence.empty:
            raise InputError(
                f"{option} names {measure}, and the queries of {dataset.name} have no evidence to measure it by; "
                f"add evidence to queries.jsonl, or choose one of {', '.join(list_measures(has_evidence=False))}"
            )


def find_shortfall(assessment: Assessment, bar: tuple[str, float] | None) -> str:
    """The sentence for --fail-under, "" if the recommended system's mean on test is not below the bar."""
    if bar is None:
        return ""
    measure, least = bar
    name = assessment.recommendation.system
    system = next((system for system in assessment.experiment.systems if system.name == name), None)
    if system is None or measure not in system.measures:
        return f"--fail-under: {measure} of {name} could not be measured, and {least:g} was asked for."
    mean = float(system.measures[measure]["mean"])
    if mean >= least:
        return ""
    count = f"{system.measures[measure]['n']} test queries"
    return f"--fail-under: {measure} of {name} is {mean:.4f} on {count}, below {least:g}."


def format_recommendation(assessment: Assessment, *, width: int) -> str:
    """The verdict for people, first the sentence; lines are broken at `width` signs, but for the table's."""
    said = assessment.recommendation
    parts = [
        fill_text(said.sentence, width),
        fill_text(said.how_sure, width),
        fill_text(f"Fine-tuning: {said.fine_tuning['answer']}. {said.fine_tuning['reason']}", width),
        format_ladder(assessment, width=width),
        format_failures(assessment, width=width),
        format_list("What next", said.next, width),
        format_list("Reasons to doubt it", said.flags, width),
        format_list("Could not run", [f"{name}: {error}" for name, error in assessment.errors.items()], width),
    ]
    return "\n\n".join(part for part in parts if part)


def format_ladder(assessment: Assessment, *, width: int) -> str:
    """One line per rung: what stands for it, its mean on test, and its change against the last rung that was kept."""
    rows = [_make_cells(row, used=assessment.recommendation.system) for row in assessment.ladder]
    rows.insert(0, ["", "rung", "system", "mean", "change, 95 % interval", "verdict"])
    counts = assessment.split
    lines = [
        f"{assessment.primary} on {counts['test']} test queries; everything was chosen on {counts['tuning']} tuning queries:",
        *align(rows, left=6),
    ]
    remarks: dict[str, list[str]] = {}
    for row in assessment.ladder:
        remark = row["why_not"] or row["note"]
        if row.get("held_out") and row["system"] is not None and row["one_time"]:
            remark = f"To adopt it, {row['one_time']}."
        if remark:
            remarks.setdefault(remark, []).append(row["title"])
    lines += [fill_text(f"{', '.join(titles)}: {remark}", width) for remark, titles in remarks.items()]
    return "\n".join(lines)


def _make_cells(row: Mapping[str, Any], *, used: str) -> list[str]:
    if row["system"] is None:
        return ["", row["title"], "", "", "", "not measured"]
    mean = f"{row['mean']:.3f}" if "mean" in row else "n/a"
    mark = ">" if row["system"] == used else ""
    if row["verdict"] is None:
        return [mark, row["title"], row["system"], mean, "", ""]
    change = f"{row['delta']:+z.3f}, {row['delta_low']:+z.3f} to {row['delta_high']:+z.3f}"
    return [mark, row["title"], row["system"], mean, change, word_verdict(row)]


def format_failures(assessment: Assessment, *, width: int) -> str:
    """Why test queries fail with the baseline, one line per cause; "" if none fails."""
    baseline = assessment.analysis.baseline
    counts = assessment.analysis.counts[baseline]
    causes = {cause: count for cause, count in counts["causes"].items() if count}
    if not causes:
        return ""
    title = f"Why {counts['failed']} of {counts['judged']} test queries fail with {baseline} (no answer among the first five):"
    bullets = [(f"  {count:>4}  ", f"{CAUSE_TITLES[cause]}. {CAUSE_WORDS[cause]}") for cause, count in causes.items()]
    lines = [title, *(fill_text(words, width, bullet=bullet) for bullet, words in bullets)]
    saved = count_saved(assessment.analysis, assessment.recommendation.system)
    if saved:
        lines.append(fill_text(f"{assessment.recommendation.system} brings the answer there for {saved} of them.", width))
    return "\n".join(lines)


def count_saved(analysis: ErrorAnalysis, system: str) -> int:
    """How many of the baseline's failed test queries another system does not fail."""
    failures = analysis.failures
    ids = {name: set(failures.loc[failures["system"] == name, "query_id"]) for name in (analysis.baseline, system)}
    return len(ids[analysis.baseline] - ids[system]) if system in analysis.counts else 0


OPTIONS = {"recommend": add_options}
