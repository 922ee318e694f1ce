"""Set-up and start: which interpreter is chosen, what is installed when, what is said."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.app import REPOSITORY
from tools.install import describe_line

# A stand-in for an interpreter: answers the question setup.sh asks it.
ANSWERS = {
    "shim": "echo 'command not found' >&2; exit 127",
    "2.7": "echo '2.7 no'",
    "3.9": "echo '3.9 yes'",
    "3.11": "echo '3.11 yes'",
    "3.11-no-venv": "echo '3.11 no'",
    "3.12": "echo '3.12 yes'",
    "3.13": "echo '3.13 yes'",
    "3.14": "echo '3.14 yes'",
}


def write_script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def choose_python(folder: Path, commands: dict[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `tools/setup.sh python` where only the given commands (name -> key of ANSWERS) are on PATH."""
    folder.mkdir()
    for name, answer in commands.items():
        write_script(folder / name, ANSWERS[answer])
    for tool in ("dirname", "cat", "cmp"):
        (folder / tool).symlink_to(str(shutil.which(tool)))
    return subprocess.run(
        ["/bin/sh", str(REPOSITORY / "tools" / "setup.sh"), "python"],
        env={"PATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("commands", "chosen"),
    [
        ({"python3.13": "3.13", "python3.12": "3.12", "python3": "3.11"}, "python3.13"),
        ({"python3.13": "shim", "python3.12": "shim", "python3.11": "3.11", "python3": "3.9"}, "python3.11"),
        ({"python3.11": "3.11-no-venv", "python3": "3.12"}, "python3"),
        ({"python3": "3.12"}, "python3"),
    ],
)
def test_first_python_that_fits_is_taken(tmp_path: Path, commands: dict[str, str], chosen: str) -> None:
    done = choose_python(tmp_path / "bin", commands)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, chosen, "")


@pytest.mark.parametrize(
    ("commands", "sentence"),
    [
        ({"python3": "3.9"}, "Found Python 3.9, but this needs 3.11, 3.12 or 3.13: install one of them"),
        ({"python3": "3.14"}, "Found Python 3.14, but this needs 3.11, 3.12 or 3.13"),
        ({"python3": "3.11-no-venv"}, "run 'sudo apt install python3.11-venv'"),
        ({"python3": "shim"}, "No Python was found: install Python 3.11, 3.12 or 3.13"),
        ({}, "No Python was found"),
    ],
)
def test_without_a_python_that_fits_one_sentence_helps(tmp_path: Path, commands: dict[str, str], sentence: str) -> None:
    done = choose_python(tmp_path / "bin", commands)
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_python_can_be_named(tmp_path: Path) -> None:
    commands = {"python3.13": "3.13", "mine": "3.12", "old": "3.9"}
    assert choose_python(tmp_path / "a", commands, PYTHON="mine").stdout.strip() == "mine"
    assert "Found Python 3.9" in choose_python(tmp_path / "b", commands, PYTHON="old").stderr
    assert "PYTHON=none does not run" in choose_python(tmp_path / "c", commands, PYTHON="none").stderr


def copy_frame(folder: Path) -> Path:
    """A checkout with the frame alone and requirements that are there already (no network): pip itself."""
    shutil.copytree(REPOSITORY / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "requirements.txt").write_text("pip\n", encoding="utf-8")
    (folder / "requirements-dev.txt").write_text("-r requirements.txt\n", encoding="utf-8")
    return folder


def set_up(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": sys.executable, "PIP_NO_INDEX": "1"}
    return subprocess.run(
        [str(folder / "tools" / "setup.sh"), "dev"], env=environment, capture_output=True, text=True, check=False
    )


def test_set_up_is_done_once_and_again_when_requirements_change(tmp_path: Path) -> None:
    folder = copy_frame(tmp_path / "checkout")
    write_script(folder / ".venv" / "bin" / "python", "exit 1")  # half made: it is made anew
    first = set_up(folder)
    assert first.returncode == 0, first.stderr
    assert "Making .venv" in first.stderr and "Installed in" in first.stdout
    second = set_up(folder)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")

    (folder / "requirements.txt").write_text("pip\nno-such-package-here==1\n", encoding="utf-8")
    failed = set_up(folder)
    assert failed.returncode != 0
    assert "The installation failed" in failed.stderr and "no-such-package-here" in failed.stderr
    assert set_up(folder).returncode != 0, "a failed installation must not count as done"

    (folder / "requirements.txt").write_text("pip # again\n", encoding="utf-8")
    assert "Installed in" in set_up(folder).stdout


def test_pip_output_is_cut_to_what_one_waits_for() -> None:
    assert describe_line("Collecting numpy==2.4.6 (from -r requirements.txt (line 10))") == "  numpy==2.4.6"
    assert describe_line("Collecting six (from pandas->-r requirements.txt (line 3))") is None
    assert describe_line("  Downloading https://a.b/torch-2.13.0-cp311.whl (883.4 MB)") == "    downloading torch (883.4 MB)"
    assert describe_line("  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)") is None
    assert describe_line("Installing collected packages: a, b, c") == ("  installing 3 packages, this takes a minute or two")


def test_requirements_are_exact_pins() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (REPOSITORY / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith(("#", "-r ")):
                assert re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", line), f"{name}: {line}"


def test_run_says_where_it_listens_and_to_whom_it_is_open(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "tools", tmp_path / "tools")
    write_script(tmp_path / ".venv" / "bin" / "python", 'echo "open=$LADDER_OPEN; $@"')

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(tmp_path / "tools" / "run.sh")],
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    quiet = run()
    assert quiet.stderr == ""
    assert "http://localhost:8501" in quiet.stdout
    assert "-m streamlit run app.py --server.address localhost --server.port 8501\n" in quiet.stdout
    open_to_all = run(HOST="0.0.0.0", PORT="8600")
    assert open_to_all.stderr == "" and "open=;" in open_to_all.stdout
    assert "open=1;" in run(HOST="0.0.0.0", OPEN="1").stdout, "then no password is asked for"
    assert run(OPEN="yes").returncode == 2
    # Without it Streamlit asks an outside service for the machine's address.
    assert "--browser.serverAddress" in open_to_all.stdout
    assert run(PORT="eighty").returncode == 2
