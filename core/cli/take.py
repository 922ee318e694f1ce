"""python -m core import: takes data into the workspace under a name, for all other commands and the pages."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.lookup import open_workspace
from core.cli.terminal import DATASET_HELP, WORKSPACE_HELP, clear_progress, make_progress_printer, print_warnings
from core.data.catalog import add_dataset, suggest_name
from core.data.readers.chroma_place import find_place
from core.errors import InputError
from core.text.phrases import count_of


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    parser.add_argument("source", metavar="SOURCE", help=DATASET_HELP)
    parser.add_argument("--name", default="", help="what it is called here (default: as its folder or collection)")
    parser.add_argument(
        "--model",
        default="",
        metavar="MODEL",
        help="the model that a Chroma collection's vectors are of, a name as in systems: taken, and not made again, if "
        "texts encoded again agree with them (default: what the collection says, if that model comes with this program)",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="DIR",
        help="the folder with queries.jsonl and qrels.tsv or qrels/*.tsv of a Chroma collection; judgments name its items' ids "
        "(default: beside it)",
    )
    parser.add_argument("--workspace", type=Path, metavar="DIR", help=WORKSPACE_HELP)
    parser.set_defaults(run=run_import)


def run_import(options: argparse.Namespace) -> int:
    """import SOURCE: reads it whole, keeps it, says what was noticed on standard error."""
    workspace = open_workspace(options.workspace)
    place = find_place(options.source)
    if place is None:
        if options.model or options.labels is not None:
            raise InputError("is no Chroma collection; --model and --labels are for one", file=options.source)
        path = Path(options.source).expanduser()
        dataset = add_dataset(path, options.name or suggest_name(path.resolve().name, workspace), workspace)
    else:
        from core.experiment.take_collection import take_collection

        dataset = take_collection(
            place,
            workspace,
            model=options.model,
            name=options.name,
            labels=options.labels,
            on_progress=make_progress_printer(),
        )
        clear_progress()
    print_warnings(dataset)
    counts = (len(dataset.documents), "document"), (len(dataset.queries), "query"), (len(dataset.judgments), "judgment")
    print(f"{dataset.name}: {', '.join(count_of(number, noun) for number, noun in counts)}")
    return 0


OPTIONS = {"import": add_options}
