"""What the commands share: their options, what they write and print."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from core.errors import InputError
from core.progress import ProgressCallback, ProgressEvent, ignore_progress
from core.text.acting_signs import spell_acting

if TYPE_CHECKING:
    from core.data.dataset import Dataset
    from core.jobs.queue import Place

WORKSPACE_HELP = "where caches and results are kept (default: ./workspace, or LADDER_WORKSPACE)"
DATASET_HELP = (
    "a sample's name, a folder or zip with corpus.jsonl, documents or tables, the folder of a HuggingFace dataset, or a Chroma "
    "collection: FOLDER, FOLDER#COLLECTION or chroma://HOST:PORT/COLLECTION"
)
AUTO = "auto"
MAX_WIDTH = 110  # of a line of text, on however wide a terminal
_CLEAR = "\r\033[K"  # back to the beginning of the line, which is emptied
# Control characters but tabs and line ends, signs that turn the direction of writing, and halves that nothing can print.
_ACTING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
JSON_HELP = "write the result as JSON; - for standard output"


def add_dataset_options(parser: argparse.ArgumentParser) -> None:
    """DATASET, and how its labels are read; core.cli.lookup.open_asked() opens it."""
    parser.add_argument("dataset", metavar="DATASET", help=DATASET_HELP)
    parser.add_argument(
        "--relevant-from",
        type=_read_grade,
        metavar="GRADE",
        help="the least grade with which a document counts as relevant; auto: as the grades suggest. Kept with the dataset "
        "(default: as kept, else 1, or what a note says for grades with decimals)",
    )
    parser.add_argument(
        "--share-copies",
        action=argparse.BooleanOptionalAction,
        help="documents that say the same as a relevant one have its label. Kept with the dataset (default: as kept, else no)",
    )


def _read_grade(text: str) -> float | str:
    """For argparse, which makes a sentence of what is raised."""
    return AUTO if text == AUTO else float(text)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """--workspace and --json, which every command has that computes something."""
    parser.add_argument("--workspace", type=Path, metavar="DIR", help=WORKSPACE_HELP)
    parser.add_argument("--json", metavar="FILE", help=JSON_HELP)


def check_target(option: str, file: str | Path | None) -> None:
    """InputError if the option's result could not be written there: better said before the work than after it."""
    if file is None or file == "-":
        return
    target = Path(file)
    if target.is_dir() or not target.parent.is_dir():
        raise InputError(f"cannot be written; give {option} a file in a folder that exists", file=target)


def write_result(value: dict[str, Any], target: str) -> None:
    """JSON to a file, or to standard output for "-"."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    if target == "-":
        print(text)
    else:
        Path(target).write_text(text + "\n", encoding="utf-8")


def print_words(words: str, target: str | None) -> None:
    """What people read: to standard output, or to standard error if the JSON went there (see write_result)."""
    print(words, file=sys.stderr if target == "-" else sys.stdout)


def print_warnings(dataset: Dataset) -> None:
    """What was noticed while the dataset was read, on standard error."""
    for warning in dataset.warnings:
        print(f"note: {warning}", file=sys.stderr)


def make_wait_printer() -> Callable[[Place], None]:
    """Says the place in the queue: on a terminal always in the same line, elsewhere whenever another job stands in the way."""
    said: Place | None = None

    def show(place: Place) -> None:
        nonlocal said
        if sys.stderr.isatty():
            print(f"{_CLEAR}Waiting, {place.describe()}", end="", file=sys.stderr, flush=True)
        elif said is None or said.ids != place.ids:
            print(f"Waiting, {place.describe()}.", file=sys.stderr)
        said = place

    return show


def make_progress_printer() -> ProgressCallback:
    """Progress on one line of standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        return ignore_progress

    def show(event: ProgressEvent) -> None:
        left = f", about {event.seconds_left:.0f} s left" if event.seconds_left is not None else ""
        end = "\n" if event.system else ""
        print(f"{_CLEAR}{event.share:4.0%} {event.label}{left}", end=end, file=sys.stderr, flush=True)

    return show


class PlainOutput:
    """A stream on which nothing of somebody's data acts: what would move the cursor, colour or turn round a line in a terminal
    is written as its code, as in JSON, to whose readers it is the same text."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes the text; the only signs of ours that act are those with which a line of progress begins."""
        own = _CLEAR if text.startswith(_CLEAR) else ""
        self._stream.write(own + spell_acting(text.removeprefix(own), _ACTING))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def clear_progress() -> None:
    """Takes the line of make_progress_printer() away, so that the result does not stand behind it."""
    if sys.stderr.isatty():
        print(_CLEAR, end="", file=sys.stderr, flush=True)


def get_width() -> int:
    """Signs in a line of text: as many as the terminal has, up to MAX_WIDTH."""
    return min(shutil.get_terminal_size((MAX_WIDTH, 24)).columns, MAX_WIDTH)


def align(rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Lines of a table whose first `left` columns hold words, the others numbers."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            f"{cell:{size}}" if place < left else f"{cell:>{size}}"
            for place, (cell, size) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def format_list(title: str, sentences: Sequence[str], width: int) -> str:
    """A title with a bullet for each sentence, filled to the width; "" without sentences."""
    if not sentences:
        return ""
    return "\n".join([f"{title}:", *(fill_text(sentence, width, bullet="  - ") for sentence in sentences)])


def fill_text(text: str, width: int, *, bullet: str = "") -> str:
    """Lines of at most `width`, those after the first as far in as the bullet; no word is broken."""
    indent = " " * len(bullet)
    return textwrap.fill(
        text, width, initial_indent=bullet, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
