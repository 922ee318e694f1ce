"""python -m core samples, systems: what there is to begin with."""

from __future__ import annotations

import argparse

from core.data.samples import list_samples


def add_samples_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    parser.set_defaults(run=run_samples)


def add_systems_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    parser.add_argument("--yaml", action="store_true", help="print the full definitions")
    parser.set_defaults(run=run_systems)


def run_samples(options: argparse.Namespace) -> int:
    """samples: a line for each, its name and what it is."""
    for sample in list_samples():
        print(f"{sample.name}\t{sample.description}")
    return 0


def run_systems(options: argparse.Namespace) -> int:
    """systems: a line for each, or all of them as YAML."""
    from core.systems.named import make_named_systems
    from core.systems.yaml_files import write_systems

    named = make_named_systems()
    if options.yaml:
        print(write_systems(list(named.values())), end="")
    else:
        for name, system in named.items():
            print(f"{name:16} {system.description}")
    return 0


OPTIONS = {"samples": add_samples_options, "systems": add_systems_options}
