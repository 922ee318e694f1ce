"""A command imports what it needs and nothing else, as sys.modules says once it is done."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from core.cli.commands import COMMANDS
from core.cli.main import main
from tests.support.app import REPOSITORY, build_environment
from tests.support.small import write_small_dataset

# What reading and printing results has no use for; each takes a good part of a second or more to import.
NEVER = ["torch", "transformers", "sentence_transformers", "sklearn", "chromadb", "streamlit", "plotly"]
NAMED = list({command.file: name for name, command in COMMANDS.items()}.values())  # one name of each file
COMPARED = "compared before"  # a comparison that this process has made before
# Each command line as if it were the first of its process: our own modules are forgotten before it. Libraries stay, so what
# one of them imports too much is also held against those that follow.
_CHILD = """
import json, sys
for arguments in json.loads(sys.argv[1]):
    for name in [name for name in sys.modules if name.split(".")[0] == "core"]:
        del sys.modules[name]
    from core.cli.main import main
    try:
        code = main(arguments)
    except SystemExit as left:
        code = left.code
    assert code == 0, (arguments, code)
    print("imported:", *sys.modules, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """ "--help", "samples", COMPARED or a command whose help is asked for -> the modules that are imported once it is done."""
    folder = tmp_path_factory.mktemp("start")
    compare = ["compare", str(write_small_dataset(folder / "small")), "--systems", "bm25", "bm25-filtered"]
    assert main([*compare, "--workspace", str(folder / "workspace")]) == 0
    commands = {"--help": ["--help"], "samples": ["samples"], **{name: [name, "--help"] for name in NAMED}, COMPARED: compare}
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, json.dumps(list(commands.values()))],
        cwd=REPOSITORY,
        env=build_environment(folder / "workspace"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("imported: ")]
    return {name: set(line.split()) for name, line in zip(commands, lines, strict=True)}


def list_commands(imported: set[str]) -> set[str]:
    """The files of commands among the modules."""
    return {f"core.cli.{command.file}" for command in COMMANDS.values()} & imported


@pytest.mark.parametrize("command", ["--help", "samples"])
def test_help_and_samples_need_no_pandas(command: str, imported: dict[str, set[str]]) -> None:
    assert not imported[command] & {"pandas", "numpy", "scipy", *NEVER}
    assert command != "--help" or not list_commands(imported[command])


@pytest.mark.parametrize("command", NAMED)
def test_the_help_of_a_command_imports_its_own_file(command: str, imported: dict[str, set[str]]) -> None:
    assert not imported[command] & {"scipy", "ir_measures", *NEVER}
    assert list_commands(imported[command]) == {f"core.cli.{COMMANDS[command].file}"}


def test_what_was_computed_before_is_shown_without_models_and_statistics(imported: dict[str, set[str]]) -> None:
    assert "ir_measures" in sys.modules, "computing it takes more"
    assert not imported[COMPARED] & {"scipy", "ir_measures", *NEVER}
