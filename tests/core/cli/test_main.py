"""The command line itself: exit codes, what a wrong command is told, and where a command is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.commands import COMMANDS
from core.cli.main import EXIT_BAD_INPUT, main
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


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_in_the_list_and_in_its_file(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert f"\n    {command}" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert f"usage: python -m core {command}" in capsys.readouterr().out


def test_verbose_shows_where_an_error_came_from(workspace: Path, tmp_path: Path) -> None:
    answer = call(workspace, "compare", str(tmp_path / "nothing"), "--verbose")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("Traceback (most recent call last)")
    assert answer.stderr.splitlines()[-1].startswith("error: ")
