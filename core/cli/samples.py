"""python -m core samples, systems: what there is to begin with."""

from __future__ import annotations

import argparse
from typing import Any

from core.data.samples import list_samples
from core.systems.named import make_named_systems
from core.systems.yaml_files import write_systems


def add_commands(commands: Any) -> None:
    """Adds both commands to the parser's commands (what argparse's add_subparsers() gives)."""
    samples = commands.add_parser("samples", help="list the sample corpora that come with the product")
    samples.set_defaults(run=run_samples)
    systems = commands.add_parser("systems", help="list the named systems, or print them as YAML to start your own file")
    systems.add_argument("--yaml", action="store_true", help="print the full definitions")
    systems.set_defaults(run=run_systems)


def run_samples(options: argparse.Namespace) -> int:
    """samples: a line for each, its name and what it is."""
    for sample in list_samples():
        print(f"{sample.name}\t{sample.description}")
    return 0


def run_systems(options: argparse.Namespace) -> int:
    """systems: a line for each, or all of them as YAML."""
    named = make_named_systems()
    if options.yaml:
        print(write_systems(list(named.values())), end="")
    else:
        for name, system in named.items():
            print(f"{name:16} {system.description}")
    return 0
