"""A command imports what it needs and nothing else, as sys.modules says once it is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.commands import COMMANDS
from tests.support.app import REPOSITORY, build_environment
from tests.support.small import write_small_dataset

# What reading and printing results has no use for; each takes a good part of a second or more to import.
NEVER = ["torch", "transformers", "sentence_transformers", "sklearn", "chromadb", "streamlit", "plotly"]
_CHILD = """
import sys
from core.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as left:
    code = left.code
assert code == 0, code
print(*sys.modules, file=sys.stderr)
"""


def list_imported(workspace: Path, *arguments: str) -> set[str]:
    """The modules that a command has imported once it is done, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *arguments],
        cwd=REPOSITORY,
        env=build_environment(workspace),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def list_commands(imported: set[str]) -> set[str]:
    """The files of commands among the modules."""
    return {f"core.cli.{command.file}" for command in COMMANDS.values()} & imported


def test_help_imports_no_command_and_no_library(workspace: Path) -> None:
    imported = list_imported(workspace, "--help")
    assert not imported & {"pandas", "numpy", "scipy", *NEVER}
    assert not list_commands(imported)


@pytest.mark.parametrize("command", {command.file: name for name, command in COMMANDS.items()}.values())
def test_the_help_of_a_command_imports_its_own_file(command: str, workspace: Path) -> None:
    imported = list_imported(workspace, command, "--help")
    assert not imported & {"scipy", "ir_measures", *NEVER}
    assert list_commands(imported) == {f"core.cli.{COMMANDS[command].file}"}


def test_the_samples_are_listed_without_pandas(workspace: Path) -> None:
    imported = list_imported(workspace, "samples")
    assert not imported & {"pandas", "numpy", "scipy", *NEVER}


def test_what_was_computed_before_is_shown_without_models_and_statistics(workspace: Path, tmp_path: Path) -> None:
    command = ("compare", str(write_small_dataset(tmp_path / "small")), "--systems", "bm25", "bm25-filtered")
    assert "ir_measures" in list_imported(workspace, *command)
    assert not list_imported(workspace, *command) & {"scipy", "ir_measures", *NEVER}
