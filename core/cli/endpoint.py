"""python -m core endpoint: whether the embeddings endpoint answers, and how much may be asked of it."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from core.cli.lookup import open_workspace
from core.cli.terminal import WORKSPACE_HELP
from core.endpoints.limits import LIMIT_WORDS, Limits
from core.errors import InputError
from core.graph.endpoint_limits import keep_limits, read_limits

_NONE = "none"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help="ask for one vector of this model")
    for field in dataclasses.fields(Limits):
        usual = f"default: {field.default}" if field.default is not None else f"{_NONE} for no limit, the default"
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, metavar="NUMBER", help=f"{LIMIT_WORDS[field.name]} ({usual}); kept in the workspace")
    parser.add_argument("--workspace", type=Path, metavar="DIR", help=WORKSPACE_HELP)
    parser.set_defaults(run=run_endpoint)


def run_endpoint(options: argparse.Namespace) -> int:
    """endpoint [MODEL]: keeps the limits that are given, says what they are, and asks for a vector if a model is named."""
    from core.graph.endpoint_trial import describe_endpoint, try_endpoint

    workspace = open_workspace(options.workspace)
    limits = read_limits(workspace)
    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(Limits)}
    asked = {name: _read(name, text) for name, text in given.items() if text is not None}
    if asked:
        limits = dataclasses.replace(limits, **asked)
        keep_limits(limits, workspace)
    print(describe_endpoint())
    for name, words in LIMIT_WORDS.items():
        value = getattr(limits, name)
        print(f"{words}: {_NONE if value is None else format(value, ',g')}")
    if options.model:
        print(try_endpoint(options.model, limits).describe())
    return 0


def _read(name: str, text: str) -> Any:
    """A limit from its text; InputError if it is no number."""
    [field] = [field for field in dataclasses.fields(Limits) if field.name == name]
    if text == _NONE and field.default is None:
        return None
    try:
        return float(text) if isinstance(field.default, float) else int(text)
    except ValueError as error:
        raise InputError(f"--{name.replace('_', '-')} is {text!r}; it should be a number") from error


OPTIONS = {"endpoint": add_options}
