"""The command line itself: exit codes, what a wrong command is told, and that a command imports only its own file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.main import _FILES, EXIT_BAD_INPUT, main, make_parser
from tests.support.app import REPOSITORY, build_environment
from tests.support.command_line import call


def test_the_process_leaves_with_code_2_and_no_traceback(workspace: Path, tmp_path: Path) -> None:
    answer = call(workspace, "compare", str(tmp_path / "nothing"))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.count("\n") == 1
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["compare"], ["compare", "x", "--split", "dev"]])
def test_a_wrong_command_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == EXIT_BAD_INPUT
    assert "usage: python -m core" in capsys.readouterr().err


def test_a_command_imports_its_own_file_only(workspace: Path) -> None:
    script = "import sys; from core.cli.main import main; main(['samples']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env=build_environment(workspace),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {name for name in done.stderr.split() if name.startswith("core.cli.")}
    assert imported == {"core.cli.main", "core.cli.samples", "core.cli.terminal"}


@pytest.mark.parametrize("command", list(_FILES))
def test_a_command_is_found_in_its_file(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its help is the same whether the other commands are known or not."""
    with pytest.raises(SystemExit):
        main([command, "--help"])
    alone = capsys.readouterr().out
    with pytest.raises(SystemExit):
        make_parser().parse_args([command, "--help"])
    assert alone == capsys.readouterr().out
    assert f"usage: python -m core {command}" in alone
