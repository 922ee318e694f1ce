"""What every test can rely on: no way out of this machine, a workspace of its own, a browser that CI cannot lack."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.app import REPOSITORY, build_environment
from tests.support.guard.network_guard import OutsideNetworkRefused, is_local, take_attempts


@pytest.mark.outside
@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 443)])
def test_other_machines_cannot_be_reached(address: tuple[str, int]) -> None:
    with pytest.raises(OutsideNetworkRefused, match="must not leave this machine"):
        socket.create_connection(address, timeout=1)
    with pytest.raises(OutsideNetworkRefused), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"", ("192.0.2.1", 9))
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://{address[0]}/", timeout=1)
    assert any("test_isolation.py" in attempt for attempt in take_attempts())


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
    inherited = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("PYTEST_")}
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
