"""The command line in a process of its own, as a user types it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.app import REPOSITORY, build_environment


def call(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """python -m core with these arguments, on this workspace unless they name another."""
    command = [sys.executable, "-m", "core", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env=build_environment(workspace), capture_output=True, text=True, timeout=120, check=False
    )
