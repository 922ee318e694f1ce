"""python -m core cost: what each system of an experiment costs, once and every month, and when a trained one pays off."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.cli.job import run_and_show
from core.cli.lookup import open_workspace
from core.cli.terminal import (
    MAX_WIDTH,
    add_output_options,
    align,
    check_target,
    fill_text,
    format_list,
    get_width,
    print_words,
    write_result,
)
from core.costs.lines import MONTHLY, ONCE, format_money
from core.costs.overview import CostOverview, IfTrained, make_overview
from core.costs.prices import PriceTable, read_prices
from core.costs.scenario import DEPLOYMENTS, Scenario, read_scenario
from core.costs.sheet import CostSheet
from core.data.catalog import open_named
from core.data.dataset import Dataset
from core.errors import InputError
from core.evaluation.measures import PRIMARY
from core.experiment.history import list_experiments, load_experiment
from core.experiment.result import Experiment
from core.jobs.kinds.scaling import make_scaling_job
from core.scaling.scaling import Scaling
from core.scaling.table import describe_far, find_scaling, list_ready_systems, list_sizes, tabulate_estimates
from core.systems.trained import EMBEDDING, KINDS
from core.workspace import Workspace

LATEST = "latest"
_SCENARIO_OPTIONS = (
    ("--documents", float, "documents at the beginning (default: those of the dataset)"),
    ("--queries-per-month", float, f"default: {Scenario.queries_per_month:,.0f}"),
    ("--growth-per-month", float, f"new documents, as a share of those there are (default: {Scenario.growth_per_month:g})"),
    ("--changed-per-week", float, f"documents that change, as a share (default: {Scenario.changed_per_week:g})"),
    ("--tokens-per-document", float, "default: measured"),
    ("--tokens-per-query", float, "default: measured"),
    ("--embedding", str, f"price of bought embeddings (default: {Scenario.embedding}); see --list-prices"),
    ("--rerank", str, f"price of bought reranking (default: {Scenario.rerank})"),
    ("--vector-store", str, f"the store that is bought (default: {Scenario.vector_store})"),
    ("--cpu", str, f"price of a vCPU-hour (default: {Scenario.cpu})"),
    ("--gpu", str, "train on this GPU (default: on CPU cores)"),
    ("--gpu-speedup", float, f"times faster than the training here was (default: {Scenario.gpu_speedup:g})"),
    ("--dimensions", int, "of bought vectors (default: the model's usual number)"),
    ("--vcpus", int, f"of one machine (default: {Scenario.vcpus})"),
    ("--peak-factor", float, f"the busiest hour over the average one (default: {Scenario.peak_factor:g})"),
    ("--label-hours", float, f"of people, for training data (default: {Scenario.label_hours:g})"),
    ("--upkeep-hours-per-month", float, f"of people, for any system (default: {Scenario.upkeep_hours_per_month:g})"),
    ("--trained-upkeep-hours-per-month", float, f"on top for a trained model ({Scenario.trained_upkeep_hours_per_month:g})"),
    ("--retrainings-per-year", float, f"after the first training (default: {Scenario.retrainings_per_year:g})"),
    ("--experiments", int, f"trainings until one is kept (default: {Scenario.experiments})"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    parser.add_argument(
        "result", metavar="RESULT", nargs="?", help="id of an experiment, latest, or a dataset's name (its newest experiment)"
    )
    for name, kind, words in _SCENARIO_OPTIONS:
        metavar = {float: "X", int: "N", str: "NAME"}[kind]
        parser.add_argument(name, type=kind, metavar=metavar, help=words)
    parser.add_argument("--deployment", choices=DEPLOYMENTS, help="what is bought (default: own, nothing)")
    parser.add_argument("--measure", metavar="NAME", help=f"of quality (default: {PRIMARY})")
    parser.add_argument("--prices", type=Path, metavar="FILE.csv", help="rows that replace or add to the price table")
    parser.add_argument("--list-prices", action="store_true", help="print the price table with sources and dates")
    parser.add_argument("--lines", nargs="+", metavar="SYSTEM", default=[], help="print the arithmetic of these systems")
    parser.add_argument("--if-trained", metavar="SYSTEM", help="what it would cost if this system were fine-tuned")
    parser.add_argument("--kind", choices=KINDS, default=EMBEDDING, help="what --if-trained trains (default: %(default)s)")
    parser.add_argument(
        "--training-seconds", type=float, metavar="X", help="of the training of --if-trained (default: estimated)"
    )
    parser.add_argument(
        "--measure-sizes", action="store_true", help="time the systems at several sizes of the corpus first; takes minutes"
    )
    parser.add_argument(
        "--at-documents", nargs="+", type=int, metavar="N", default=[], help="latency at other sizes, once they were measured"
    )
    add_output_options(parser)
    parser.set_defaults(run=run_cost)


def run_cost(options: argparse.Namespace) -> int:
    """cost RESULT: prints (to standard error if the JSON goes to standard output)."""
    workspace = open_workspace(options.workspace)
    check_target("--json", options.json)
    prices = read_prices(workspace, file=options.prices)
    if options.list_prices:
        if options.json is not None:
            write_result({"prices": [dataclasses.asdict(price) for price in prices.prices]}, options.json)
        print_words(format_prices(prices), options.json)
        return 0
    experiment = find_experiment(options.result, workspace)
    dataset = open_named(experiment.dataset["name"], workspace)
    found = make_overview(
        experiment,
        dataset,
        read_expected(options, dataset, workspace),
        prices,
        workspace=workspace,
        measure=options.measure or "",
        if_trained=read_wishes(options),
    )
    for name in options.lines:
        if name not in found.sheets:
            raise InputError(f"--lines names the system {name!r}; there are {', '.join(found.sheets)}")
    told, words = found.to_json(), ""
    if options.measure_sizes or options.at_documents:
        scaling = find_sizes(experiment, dataset, workspace, measure=options.measure_sizes)
        estimates = tabulate_estimates(scaling, options.at_documents)
        told["latency_by_size"] = describe_sizes(scaling, estimates)
        words = "\n\n" + format_sizes(scaling, estimates)
    if options.json is not None:
        write_result(told, options.json)
    print_words(format_overview(found, width=get_width(), lines=options.lines) + words, options.json)
    return 0


def read_expected(options: argparse.Namespace, dataset: Dataset, workspace: Workspace) -> Scenario:
    """What was saved of the dataset's scenario, or the default one, with the options over it."""
    names = [name.removeprefix("--").replace("-", "_") for name, *_ in _SCENARIO_OPTIONS]
    return read_scenario(dataset, workspace, **{name: getattr(options, name) for name in (*names, "deployment")})


def read_wishes(options: argparse.Namespace) -> list[IfTrained]:
    """The system of --if-trained, if it was given."""
    if options.if_trained is None:
        return []
    return [IfTrained(options.if_trained, options.kind, options.training_seconds)]


def find_sizes(experiment: Experiment, dataset: Dataset, workspace: Workspace, *, measure: bool) -> Scaling:
    """The latencies at several sizes: measured now, as a job that the app shows, or as they were kept."""
    systems = list_ready_systems(experiment)
    if measure:
        scaling: Scaling = run_and_show(make_scaling_job(dataset.name, systems), dataset, workspace)
        return scaling
    kept = find_scaling(dataset, systems, workspace)
    if kept is None:
        raise InputError(
            "--at-documents needs latencies that were measured at several sizes, and there are none of these systems; "
            "add --measure-sizes, which takes minutes"
        )
    return kept


def find_experiment(wanted: str | None, workspace: Workspace) -> Experiment:
    """By id; "latest"; or a dataset's newest. Finished ones are preferred to others. InputError says what there is."""
    entries = list_experiments(workspace)
    if wanted is None:
        raise InputError("say which result: the id of an experiment, latest, or a dataset's name")
    fitting = [entry for entry in entries if wanted in (entry.id, entry.dataset, LATEST)]
    if not fitting:
        names = ", ".join(dict.fromkeys(entry.dataset for entry in entries)) or "none"
        raise InputError(
            f"there is no experiment {wanted!r}, nor one of a dataset of that name; there are experiments of: {names}. "
            "python -m core compare makes one"
        )
    chosen = next((entry for entry in fitting if entry.status == "done"), fitting[0])
    experiment = load_experiment(chosen.id, workspace)
    if not experiment.ready:
        raise InputError(f"the experiment {chosen.id} has no system that was run; run it again")
    return experiment


def format_overview(found: CostOverview, *, width: int, lines: Sequence[str] = ()) -> str:
    """The table, the frontier, break-even, the arithmetic asked for, prices and assumptions; broken at `width` signs."""
    parts = [format_table(found), fill_text(found.describe_frontier(), width)]
    parts += [fill_text(one.describe(), width) for one in found.break_even]
    parts += [format_lines(found.sheets[name], width=width) for name in dict.fromkeys(lines)]
    parts.append(format_list("Prices used", [_tell_price(price) for price in found.prices_used], width))
    parts.append(format_list("Assumptions", found.assumptions, width))
    parts.append(format_list("Notes", found.notes, width))
    return "\n\n".join(part for part in parts if part)


def format_table(found: CostOverview) -> str:
    """One line a system, the frontier of quality and cost marked by >."""
    frontier = found.frontier["cost"]
    first = "first year" if found.scenario.months == 12 else f"{found.scenario.months} months"
    rows = [["", "system", "once", "a month", "1,000 queries", first, found.measure or "quality", "p95 ms"]]
    for name, sheet in found.sheets.items():
        quality, p95, per_1000 = found.quality.get(name), found.facts[name].p95_ms, sheet.per_1000_queries
        money = [format_money(sheet.one_time), format_money(sheet.monthly)]
        money += [format_money(per_1000) if per_1000 is not None else "n/a", format_money(sheet.first_year)]
        seen = [f"{quality:.4f}" if quality is not None else "n/a", f"{p95:.1f}" if p95 is not None else "n/a"]
        rows.append([">" if name in frontier else "", name, *money, *seen])
    title = f"{found.experiment.dataset['name']}, experiment {found.experiment.id}, US dollars:"
    return "\n".join([title, *align(rows, left=2)])


def describe_sizes(scaling: Scaling, estimates: pd.DataFrame) -> dict[str, Any]:
    """The JSON of latencies at several sizes: what was measured, and estimates for others. error: percent that a fit without
    the largest size misses there; far: beyond what the curves are trusted for."""
    return {
        "machine": dict(scaling.machine),
        "measured": {
            name: [{"documents": point.documents, "p50": point.p50, "p95": point.p95} for point in measured.sizes]
            for name, measured in scaling.systems.items()
        },
        "error": scaling.error,
        "estimates": estimates.to_dict("records"),
    }


def format_sizes(scaling: Scaling, estimates: pd.DataFrame) -> str:
    """A line for each system and size, measured ones first; far ones are marked !."""
    rows = [["", "system", "documents", "p50 ms", "expected between", "p95 ms", "error"]]
    for name, measured in scaling.systems.items():
        for point in measured.sizes:
            rows.append(["", name, f"{point.documents:,}", f"{point.p50:.1f}", "measured", f"{point.p95:.1f}", ""])
        for row in estimates[estimates["system"] == name].itertuples():
            span = f"{row.low:.1f} to {row.high:.1f}"
            shown = [f"{row.documents:,}", f"{row.p50:.1f}", span, f"{row.p95:.1f}", f"{row.error:.0f} %"]
            rows.append(["!" if row.far else "", name, *shown])
    sizes = ", ".join(f"{size:,}" for size in list_sizes(scaling))
    machine = ", ".join(str(value) for value in scaling.machine.values() if value)
    lines = [f"Latency by size, measured at {sizes} documents ({machine}):", *align(rows, left=2)]
    if estimates["far"].any():
        lines += ["", fill_text(f"! {describe_far(scaling)}", MAX_WIDTH)]
    return "\n".join(lines)


def format_lines(sheet: CostSheet, *, width: int) -> str:
    """The sheet's arithmetic."""
    parts = [f"{sheet.system}:"]
    for when, title, total in ((ONCE, "once", sheet.one_time), (MONTHLY, "a month", sheet.monthly)):
        parts.append(f"  {title}, {format_money(total)} in all")
        lines = [line for line in sheet.lines if line.when == when]
        parts += [fill_text(f"{line.words}: {line.arithmetic}", width, bullet="    - ") for line in lines]
    parts.append(fill_text(f"first {len(sheet.by_month)} months: {sheet.first_year_arithmetic}", width, bullet="  "))
    return "\n".join(parts)


def format_prices(prices: PriceTable) -> str:
    """The table for a terminal."""
    rows = [["id", "price", "kind", "seen", "source", "note"]]
    rows += [[one.id, f"${one.price_usd:.10g} / {one.unit}", one.kind, one.seen, one.source, one.note] for one in prices.prices]
    return "\n".join(align(rows, left=6))


def _tell_price(price: Any) -> str:
    return f"{price.item}: ${price.price_usd:.10g} / {price.unit} ({price.source}, seen {price.seen})"


OPTIONS = {"cost": add_options}
