"""The command line: in a process of its own, as a user types it, or in this one with other models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.graph.resources import Models
from core.jobs.runner import run_here
from tests.support.app import REPOSITORY, build_environment


def call(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """python -m core with these arguments, on this workspace unless they name another."""
    command = [sys.executable, "-m", "core", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env=build_environment(workspace), capture_output=True, text=True, timeout=120, check=False
    )


def run_jobs_with(models: Models, patch: pytest.MonkeyPatch) -> None:
    """The commands of this process as they are, but for the models of their jobs, whichever they ask for."""

    def run(*arguments: Any, **options: Any) -> Any:
        return run_here(*arguments, **{**options, "models": models})

    patch.setattr("core.cli.job.run_here", run)
