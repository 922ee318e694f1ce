"""The command line: python -m core."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from core.cli.cost import add_cost
from core.cli.recommend import add_recommend
from core.cli.terminal import (
    DATASET_HELP,
    JSON_HELP,
    WORKSPACE_HELP,
    check_target,
    clear_progress,
    make_progress_printer,
    make_wait_printer,
    open_workspace,
    print_warnings,
    write_result,
)
from core.cli.train import add_models, add_train
from core.cli.versions import add_deployment
from core.data.catalog import open_dataset
from core.data.samples import list_samples
from core.errors import InputError, LadderError
from core.experiment.compare import Experiment, to_trec
from core.jobs.runner import compare_here
from core.settings import quieten_libraries
from core.systems.available import list_available
from core.systems.named import make_named_systems, preselect
from core.systems.system import System
from core.systems.trained_systems import find_learned
from core.systems.yaml_files import read_systems, write_systems
from core.workspace import Workspace

EXIT_BAD_INPUT = 2
_SHOWN = ("Success@5", "nDCG@10", "R@100", "AP", "evidence_recall@5")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code: 0 well, 1 a system failed or something broke, 2 bad input, 130 interrupted."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    quieten_libraries()
    try:
        return int(options.run(options))
    except InputError as error:
        clear_progress()
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except LadderError as error:
        clear_progress()
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        return 130


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core", description="Compare retrieval systems on labelled queries, and say what to do first."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    samples = commands.add_parser("samples", help="list the sample corpora that come with the product")
    samples.set_defaults(run=run_samples)
    systems = commands.add_parser("systems", help="list the named systems, or print them as YAML to start your own file")
    systems.add_argument("--yaml", action="store_true", help="print the full definitions")
    systems.set_defaults(run=run_systems)
    comparing = commands.add_parser("compare", help="run systems on a dataset and measure them")
    comparing.add_argument("dataset", metavar="DATASET", help=DATASET_HELP)
    comparing.add_argument(
        "--systems", nargs="+", metavar="NAME", help="names of systems (default: the six that the page preselects)"
    )
    comparing.add_argument(
        "--config",
        type=Path,
        metavar="FILE.yaml",
        help="a YAML file with systems of your own; all of them run unless --systems chooses",
    )
    comparing.add_argument(
        "--split",
        choices=("all", "test"),
        help="queries to use (default: test if the dataset has its own split, else all)",
    )
    comparing.add_argument("--workspace", type=Path, metavar="DIR", help=WORKSPACE_HELP)
    comparing.add_argument("--json", metavar="FILE", help=JSON_HELP)
    comparing.add_argument("--runs", type=Path, metavar="DIR", help="write one TREC run file per system")
    comparing.add_argument("--name", default="", help="a name for the history")
    comparing.set_defaults(run=run_compare)
    add_recommend(commands)
    add_train(commands)
    add_models(commands)
    add_deployment(commands)
    add_cost(commands)
    return parser


def run_samples(options: argparse.Namespace) -> int:
    for sample in list_samples():
        print(f"{sample.name}\t{sample.description}")
    return 0


def run_systems(options: argparse.Namespace) -> int:
    named = make_named_systems()
    if options.yaml:
        print(write_systems(list(named.values())), end="")
    else:
        for name, system in named.items():
            print(f"{name:16} {system.description}")
    return 0


def run_compare(options: argparse.Namespace) -> int:
    """compare DATASET: runs, prints a table (to standard error if the JSON goes to standard output), writes files."""
    workspace = open_workspace(options.workspace)
    check_target("--json", options.json)
    if options.runs is not None:
        make_folder(options.runs)
    dataset = open_dataset(options.dataset, workspace)
    systems = choose_systems(
        options.systems, options.config, workspace=workspace, dataset=dataset.name, has_filters=dataset.has_filters
    )
    print_warnings(dataset)
    experiment = compare_here(
        dataset,
        systems,
        workspace=workspace,
        split=options.split,
        name=options.name,
        on_progress=make_progress_printer(),
        on_wait=make_wait_printer(),
    )
    clear_progress()
    for name, count in find_learned([one.spec for one in experiment.systems], experiment.query_ids, workspace).items():
        print(
            f"note: {name} has learned from {count} of these queries and looks better here than it is; train's own comparison "
            "is on queries that it never saw",
            file=sys.stderr,
        )
    if options.runs is not None:
        write_runs(experiment, options.runs)
    if options.json is not None:
        write_result(experiment.to_json(), options.json)
    print(format_table(experiment), file=sys.stderr if options.json == "-" else sys.stdout)
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
        try:
            own = read_systems(config.read_text(encoding="utf-8"), file=config)
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror}); check the path given to --config", file=config) from error
        except UnicodeDecodeError as error:
            raise InputError("is not UTF-8; save it as UTF-8", file=config) from error
        available.update(own)
    wanted = list(names or own or preselect(has_filters=has_filters))
    for name in wanted:
        if name not in available:
            raise InputError(f"there is no system {name!r}; there are {', '.join(available)}")
    return {name: available[name] for name in wanted}


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
    measures = [name for name in _SHOWN if any(name in system.measures for system in experiment.systems)]
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
