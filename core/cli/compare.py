"""python -m core compare: runs systems on a dataset and measures them."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from core.cli.job import run_and_show
from core.cli.lookup import open_asked, open_workspace, pick_systems
from core.cli.terminal import (
    add_dataset_options,
    add_output_options,
    check_target,
    print_warnings,
    print_words,
    write_result,
)
from core.data.copies import note_copies
from core.diagnosis.side_sentences import list_notes
from core.errors import InputError
from core.evaluation.measures import MEASURES
from core.experiment.result import Experiment, to_trec
from core.experiment.take_collection import name_system
from core.graph.endpoint_limits import choose_limits, read_limits
from core.graph.resources import Models
from core.jobs.kinds.compare import make_comparison_job
from core.systems.available import list_available
from core.systems.named import preselect
from core.systems.system import System
from core.systems.trained_systems import count_seen
from core.systems.yaml_files import read_config_file, read_systems_file
from core.workspace import Workspace


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    add_dataset_options(parser)
    parser.add_argument(
        "--systems", nargs="+", metavar="NAME", help="names of systems (default: the six that the page preselects)"
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE.yaml",
        help="a YAML file with systems of your own, all of which run unless --systems chooses; its section `endpoint` may "
        "limit what is asked of the embeddings endpoint",
    )
    parser.add_argument(
        "--split",
        choices=("all", "test"),
        help="queries to use (default: test if the dataset has its own split, else all)",
    )
    add_output_options(parser)
    parser.add_argument("--runs", type=Path, metavar="DIR", help="write one TREC run file per system")
    parser.add_argument("--name", default="", help="a name for the history")
    parser.set_defaults(run=run_compare)


def run_compare(options: argparse.Namespace) -> int:
    """compare DATASET: runs, prints a table (to standard error if the JSON goes to standard output), writes files."""
    workspace = open_workspace(options.workspace)
    check_target("--json", options.json)
    if options.runs is not None:
        make_folder(options.runs)
    dataset = open_asked(options, workspace)
    systems = choose_systems(
        options.systems, options.config, workspace=workspace, dataset=dataset.name, has_filters=dataset.has_filters
    )
    models = None
    if options.config is not None:
        models = Models(limits=choose_limits(read_config_file(options.config), read_limits(workspace), file=options.config))
    print_warnings(dataset)
    copies = note_copies(dataset, workspace)
    if copies:
        print(f"note: {copies}", file=sys.stderr)
    job = make_comparison_job(dataset.name, systems, split=options.split or dataset.default_split, name=options.name)
    experiment: Experiment = run_and_show(job, dataset, workspace, models=models)
    for name, count in count_seen([one.spec for one in experiment.systems], experiment.query_ids, workspace).items():
        print(
            f"note: {name} has learned from {count} of these queries and looks better here than it is; train's own comparison "
            "is on queries that it never saw",
            file=sys.stderr,
        )
    for note in list_notes(experiment.sides):
        print(f"note: {note}", file=sys.stderr)
    if options.runs is not None:
        write_runs(experiment, options.runs)
    if options.json is not None:
        write_result(experiment.to_json(), options.json)
    print_words(format_table(experiment), options.json)
    return 1 if any(system.error for system in experiment.systems) else 0


def make_folder(folder: Path) -> None:
    """The folder of --runs, before the work rather than after it; InputError if it cannot be one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made a folder ({error.strerror}); give --runs another", file=folder) from error


def choose_systems(
    names: Sequence[str] | None, config: Path | None, *, workspace: Workspace, dataset: str, has_filters: bool
) -> dict[str, System]:
    """The systems asked for, by name; InputError lists what there is."""
    available = list_available(workspace, dataset=dataset)
    own: dict[str, System] = {}
    if config is not None:
        own = read_systems_file(config)
        available.update(own)
    first = preselect(has_filters=has_filters)
    first += [name for name in (name_system(dataset),) if name in available]  # a Chroma collection as it is
    return pick_systems(names or own or first, available)


def write_runs(experiment: Experiment, folder: Path) -> None:
    """One TREC run file per system that has a run, NAME.run; signs that no file name can hold become _."""
    folder.mkdir(parents=True, exist_ok=True)
    used: set[str] = set()
    for name in experiment.ready:
        base = safe = re.sub(r"[\n\t/\\:*?\"<>|]", "_", name)
        number = 2
        while safe.casefold() in used:  # "a/b" beside "a_b"; and some file systems do not tell cases apart
            safe, number = f"{base}-{number}", number + 1
        used.add(safe.casefold())
        (folder / f"{safe}.run").write_text(to_trec(experiment.runs[name], tag=safe.replace(" ", "_")), encoding="utf-8")


def format_table(experiment: Experiment) -> str:
    """The result as a table for a terminal: one line a system, errors below."""
    dataset, timings = experiment.dataset, experiment.timings
    shown = [name for name, measure in MEASURES.items() if measure.in_short]
    measures = [name for name in shown if any(name in system.measures for system in experiment.systems)]
    width = max(len(system.name) for system in experiment.systems)
    lines = [
        f"{dataset['name']}: {dataset['documents']} documents, {dataset['queries']} queries, split {experiment.split_used}",
        " ".join([" " * width, *(f"{name:>18}" for name in measures), f"{'p95 ms':>8}"]),
    ]
    for system in experiment.systems:
        if system.error:
            lines.append(f"{system.name:{width}} not run: {system.error}")
            continue
        cells = [f"{system.measures[name]['mean']:>18.4f}" if name in system.measures else " " * 18 for name in measures]
        latency = f"{system.latency_ms['p95']:>8.1f}" if system.latency_ms else " " * 8
        lines.append(" ".join([f"{system.name:{width}}", *cells, latency]))
    if not measures:
        lines.append("No labels yet: compare hits by eye; add qrels or evidence to measure.")
    lines.append(
        f"{timings['total_seconds']:.1f} s in all, {timings['encode_seconds']:.1f} s of it encoding "
        f"{timings['encoded_texts']} of {timings['distinct_texts']} texts; "
        f"{timings['nodes_cached']} of {timings['nodes_run'] + timings['nodes_cached']} steps were cached."
    )
    return "\n".join(lines)


OPTIONS = {"compare": add_options}
