"""The frame: which interpreter is chosen, what is installed when, the settings, the guard, a missing browser."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest

from tests.support.app import REPOSITORY, build_environment, run_app
from tests.support.browser import assert_no_outside_requests, is_outside
from tests.support.guard.network_guard import OutsideNetworkRefused, is_local, take_attempts
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


def test_half_made_environment_is_made_anew(tmp_path: Path) -> None:
    folder = copy_frame(tmp_path / "checkout")
    write_script(folder / ".venv" / "bin" / "python", "exit 1")
    assert set_up(folder).returncode == 0
    assert set_up(folder).stdout == ""


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


def test_run_warns_when_others_can_reach_it(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "tools", tmp_path / "tools")
    write_script(tmp_path / ".venv" / "bin" / "python", 'echo "$@"')

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
    assert "there is no login" in open_to_all.stderr
    # Without it Streamlit asks an outside service for the machine's address.
    assert "--browser.serverAddress" in open_to_all.stdout
    assert run(PORT="eighty").returncode == 2


def test_streamlit_knows_every_setting() -> None:
    from streamlit import config

    settings = tomllib.loads((REPOSITORY / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    known = set(config.get_config_options())
    used = set()
    for section, values in settings.items():
        for name, value in values.items():
            used |= {f"{section}.{name}.{key}" for key in value} if isinstance(value, dict) else {f"{section}.{name}"}
    assert used <= known, f"unknown: {sorted(used - known)}"
    assert all(isinstance(value, dict) for value in settings["theme"].values()), "a key in [theme] pins the light theme"


def linear(color: str) -> list[float]:
    """Linear red, green, blue in [0, 1] of "#rrggbb" (IEC 61966-2-1)."""
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]


def luminance(color: str) -> float:
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear(color), strict=True))


def test_chart_colours_are_the_same_in_both_themes_and_visible() -> None:
    theme = tomllib.loads((REPOSITORY / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    colors = theme["light"]["chartCategoricalColors"]
    assert colors == theme["dark"]["chartCategoricalColors"]
    assert len(set(colors)) == 10
    dark = luminance("#0e1117")  # Streamlit's dark background
    for color in colors:
        assert (1 + 0.05) / (luminance(color) + 0.05) >= 2, f"{color} is too pale on white"
        assert (luminance(color) + 0.05) / (dark + 0.05) >= 2, f"{color} is too dark on black"
        channels = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        assert max(channels) - min(channels) > 60, f"{color} is taken for the grey of a baseline"


@pytest.mark.outside
@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 443)])
def test_other_machines_cannot_be_reached(address: tuple[str, int]) -> None:
    with pytest.raises(OutsideNetworkRefused, match="must not leave this machine"):
        socket.create_connection(address, timeout=1)
    with pytest.raises(OutsideNetworkRefused), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"", ("192.0.2.1", 9))
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://{address[0]}/", timeout=1)
    assert any("test_frame.py" in attempt for attempt in take_attempts())


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
    assert is_local("::1") and is_local(b"127.0.0.53") and is_local(None)
    assert not is_local("10.0.0.1") and is_local("10.0.0.1", resolving=True)


def test_child_processes_are_guarded_too(tmp_path: Path) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    environment = build_environment(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "OutsideNetworkRefused" in done.stderr


def test_every_test_has_a_workspace_of_its_own(tmp_path: Path, workspace: Path) -> None:
    from core.settings import get_workspace

    assert get_workspace() == workspace.resolve()
    assert workspace.is_relative_to(tmp_path)


def run_inner(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest, with our conftest, on one browser test where no browser can be found."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "test_inner.py").write_text(
        "import pytest\n@pytest.mark.browser\ndef test_page(page):\n    page.goto('about:blank')\n", encoding="utf-8"
    )
    plugin = "import tools.browser\ntools.browser.find_browser = lambda: None\n"
    (inner / "no_browser.py").write_text(plugin, encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if name not in {"CI", "PYTEST_CURRENT_TEST"}}
    options = ["-p", "no_browser", "-p", "tests.conftest", "-c", str(REPOSITORY / "pyproject.toml")]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(inner), "-p", "no:cacheprovider", str(inner)],
        env={**inherited, "PYTHONPATH": f"{inner}{os.pathsep}{REPOSITORY}", **environment},
        cwd=inner,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_browser_its_tests_are_skipped_here_and_fail_in_ci(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "ci").mkdir()
    here = run_inner(tmp_path / "here")
    assert here.returncode == 0 and "1 skipped" in here.stdout, here.stdout
    assert "no Chromium starts on this machine" in here.stdout
    in_ci = run_inner(tmp_path / "ci", CI="true")
    assert in_ci.returncode == 1 and "CI=true, and no Chromium starts" in in_ci.stdout, in_ci.stdout


SMALL_APP = """
import streamlit as st
st.title("A page")
st.markdown("![](http://example.org/seen.png)")
"""


@pytest.mark.browser
def test_browser_notices_requests_to_other_machines(chromium, workspace: Path, tmp_path: Path) -> None:
    """Streamlit renders a picture from another machine: exactly what must not come from users' data."""
    script = tmp_path / "small.py"
    script.write_text(SMALL_APP, encoding="utf-8")
    page = chromium.new_page()
    with run_app(workspace, script=script) as server:
        with pytest.raises(AssertionError, match=r"example\.org"), assert_no_outside_requests(page):
            page.goto(server.url)
            page.get_by_role("heading", name="A page").wait_for()
            page.locator("img[src*='example.org']").wait_for(state="attached")
        assert "localhost" in server.read_log()
    page.close()
    assert not is_outside("data:image/png;base64,") and not is_outside("ws://localhost:1/_stcore/stream")
