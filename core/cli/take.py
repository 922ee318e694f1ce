"""python -m core import: takes data into the workspace under a name, for all other commands and the pages."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.cli.lookup import open_workspace
from core.cli.terminal import DATASET_HELP, WORKSPACE_HELP, clear_progress, make_progress_printer, print_warnings
from core.data.catalog import add_dataset, list_datasets, open_named, suggest_name
from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.data.readers.chroma_place import find_place
from core.errors import InputError
from core.text.phrases import count_of
from core.workspace import Workspace


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
        dataset = find_same(path, options.name, workspace) or add_dataset(
            path, options.name or suggest_name(path.resolve().name, workspace), workspace
        )
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


def find_same(path: Path, name: str, workspace: Workspace) -> Dataset | None:
    """The dataset of this name if it was taken from the same data before: a script whose process was killed as it ended may
    import again."""
    if not name or all((entry.name, entry.kind) != (name, "uploaded") for entry in list_datasets(workspace)):
        return None
    kept = open_named(name, workspace)
    if kept.fingerprint != load_dataset(path, name=name).fingerprint:
        return None
    print(f"note: {name} is here already, with the same data", file=sys.stderr)
    return kept


OPTIONS = {"import": add_options}
