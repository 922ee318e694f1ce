"""The long work of a command: a job of this process, with its progress on the terminal."""

from __future__ import annotations

from typing import Any

from core.cli.terminal import clear_progress, make_progress_printer, make_wait_printer
from core.data.dataset import Dataset
from core.graph.resources import Models
from core.jobs.runner import run_here
from core.jobs.state import Job
from core.workspace import Workspace


def run_and_show(job: Job, dataset: Dataset, workspace: Workspace, *, models: Models | None = None) -> Any:
    """What the work of the job's kind gives, once that is saved; see run_here()."""
    shown: dict[str, Any] = {"on_progress": make_progress_printer(), "on_wait": make_wait_printer()}
    result = run_here(job, dataset, workspace=workspace, models=models, **shown)
    clear_progress()
    return result
