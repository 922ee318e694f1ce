"""The command line: python -m core."""

from __future__ import annotations

import argparse
import contextlib
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO, cast

from core.cli.commands import COMMANDS
from core.cli.terminal import PlainOutput, clear_progress
from core.errors import InputError, LadderError
from core.settings import quieten_libraries
from core.storage.disk import explain_disk

EXIT_BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code: 0 well, 1 a system failed or something broke, 2 bad input, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    out, err = PlainOutput(sys.stdout), PlainOutput(sys.stderr)
    with contextlib.redirect_stdout(cast(TextIO, out)), contextlib.redirect_stderr(cast(TextIO, err)):
        return _run(given)


def _run(given: list[str]) -> int:
    options = make_parser(given[0] if given else "").parse_args(given)
    quieten_libraries()
    if options.verbose:
        from core.jobs.log import show_log  # it reads more than --help may

        show_log()
    try:
        return int(options.run(options))
    except LadderError as error:
        clear_progress()
        if options.verbose:
            traceback.print_exception(error)
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT if isinstance(error, InputError) else 1
    except OSError as error:
        trouble = explain_disk(error)
        if trouble is None or options.verbose:
            raise
        clear_progress()
        print(f"error: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        return 130


def make_parser(command: str = "") -> argparse.ArgumentParser:
    """The parser of all commands, with the options of one: the others are known by name, what they need is not imported."""
    parser = argparse.ArgumentParser(
        prog="python -m core", description="Compare retrieval systems on labelled queries, and say what to do first."
    )
    parsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, known in COMMANDS.items():
        added = parsers.add_parser(name, help=known.words, description=f"{known.words[:1].upper()}{known.words[1:]}.")
        if name == command:
            known.add_options(name, added)
            added.add_argument("--verbose", action="store_true", help="say what goes on, and where an error came from")
    return parser
