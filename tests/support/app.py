"""The app as a process of its own, as a user starts it, but without a way out of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.guard.network_guard import MARK

REPOSITORY = Path(__file__).resolve().parents[2]
GUARD = Path(__file__).resolve().parent / "guard"
START_SECONDS = 60
STOP_SECONDS = 10

# What keeps libraries from trying to leave the machine; the guard then proves that they do not.
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}


@dataclass(frozen=True)
class AppServer:
    """A running app: `url` without a slash at the end, its workspace, and the file with all it printed."""

    url: str
    workspace: Path
    log: Path

    def read_log(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def build_environment(workspace: Path) -> dict[str, str]:
    """The environment of a guarded child process that works in `workspace`. Also for `python -m core`."""
    inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    path = os.pathsep.join(filter(None, [str(GUARD), os.environ.get("PYTHONPATH")]))
    # Loading the model takes a server longer than most tests: it does so when a test needs it.
    own = {"LADDER_WORKSPACE": str(workspace), "LADDER_PRELOAD": "0", "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    return {**inherited, **QUIET, **own}


def find_free_port() -> int:
    """A port of this machine that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """True if the address gives a page."""
    # No proxy: one set for this machine would be asked even for its own addresses.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait_until_healthy(process: subprocess.Popen[bytes], server: AppServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers(f"{server.url}/_stcore/health"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
            raise RuntimeError(f"The app ended with status {process.returncode}:\n{server.read_log()}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"The app did not answer within {START_SECONDS} s:\n{server.read_log()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the app and what it started (it leads a process group of its own)."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=STOP_SECONDS)
            return


@contextlib.contextmanager
def run_app(
    workspace: Path,
    *,
    script: Path = REPOSITORY / "app.py",
    log: Path | None = None,
    address: str = "localhost",
    environment: Mapping[str, str] | None = None,
) -> Iterator[AppServer]:
    """Runs `streamlit run app.py` on a free port and ends it. Raises RuntimeError, with its log, if it does not start,
    AssertionError if it tried to reach another machine. `log` defaults to app.log beside the workspace. address: where it
    listens; environment: variables besides the usual ones."""
    port = find_free_port()
    server = AppServer(f"http://localhost:{port}", workspace, log or workspace.with_name("app.log"))
    options = ["--server.port", str(port), "--server.headless", "true", "--server.fileWatcherType", "none"]
    options += ["--server.address", address, "--browser.serverAddress", "localhost"]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    with server.log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**build_environment(workspace), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_healthy(process, server)
            yield server
        finally:
            _stop(process)
    assert_stayed(server)


def assert_stayed(server: AppServer) -> None:
    """Fails if the app tried to reach another machine."""
    assert MARK not in server.read_log(), f"The app tried to leave this machine:\n{server.read_log()}"
