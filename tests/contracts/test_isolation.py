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


INNER = """
import os
import pytest
import tools.browser

tools.browser.find_browser = lambda: None

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    os.environ["CI"] = "true" if item.name == "test_in_ci" else ""
"""


def test_without_a_browser_its_tests_are_skipped_here_and_fail_in_ci(tmp_path: Path) -> None:
    """pytest, with our conftest, on browser tests where no browser can be found."""
    test = "@pytest.mark.browser\ndef {name}(page):\n    page.goto('about:blank')\n"
    tests = [test.format(name=name) for name in ("test_here", "test_in_ci")]
    (tmp_path / "test_inner.py").write_text("\n".join(["import pytest", *tests]), encoding="utf-8")
    (tmp_path / "no_browser.py").write_text(INNER, encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    options = ["-p", "no_browser", "-p", "tests.conftest", "-c", str(REPOSITORY / "pyproject.toml")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), "-p", "no:cacheprovider", str(tmp_path)],
        env={**inherited, "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "1 skipped, 1 error" in done.stdout, done.stdout
    skipped, failed = (
        next(line for line in done.stdout.splitlines() if line.startswith(word)) for word in ("SKIPPED", "ERROR")
    )
    assert "no Chromium starts on this machine" in skipped
    assert "test_in_ci" in failed and "CI=true, and no Chromium starts" in failed
