"""A job in a process of its own: the app's side, which starts it and watches, and the child's, which does the work."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import replace

from core.data.catalog import open_named
from core.errors import NotInWorkspace
from core.jobs.keeper import run_job
from core.jobs.kinds import find_kind
from core.jobs.locks import hold_alive
from core.jobs.log import keep_log
from core.jobs.state import FAILED, INTERRUPTED, Job, read_job, write_job
from core.settings import REPOSITORY
from core.workspace import Workspace

_log = logging.getLogger(__name__)
_NICE = 10  # a training uses all cores, and the pages go first


def watch_child(job: Job, workspace: Workspace) -> None:
    """Runs a queued training job in a child process, and says in the job what happened if that process breaks off."""
    command = [sys.executable, "-m", "core", "train", job.dataset, "--workspace", str(workspace.folder), "--job", job.id]
    child = subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    errors = (child.communicate()[1] or "").strip()
    if "Traceback" in errors:  # it is shown nowhere else
        _log.error("The job %s broke off in its process:\n%s", job.id, errors)
    try:
        now = read_job(job.id, workspace)
    except NotInWorkspace:  # it ended, and was forgotten since
        return
    if not now.is_active and now.state != INTERRUPTED:
        return
    if child.returncode < 0:
        words = (
            f"The training process was ended by the system (signal {-child.returncode}), most often because memory ran out. "
            "What was trained up to the last checkpoint is kept: resume it, or start again with a smaller batch."
        )
    else:
        last = errors.splitlines()[-1] if errors else ""
        words = f"The training process ended (status {child.returncode}). {last}".strip()
    write_job(replace(now, state=FAILED, label=FAILED, error=words, seconds_left=None), workspace)


def run_as_child(job_id: str, *, workspace: Workspace) -> None:
    """Does the work of a job that the app has queued, in this process: what watch_child() starts."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    keep_log(workspace, "child")
    job = replace(read_job(job_id, workspace), pid=os.getpid())
    kind = find_kind(job.kind)
    alive = hold_alive(job.id, workspace)
    write_job(job, workspace)
    dataset = open_named(job.dataset, workspace)
    run_job(job, lambda keeper: kind.work(keeper, dataset, None), workspace=workspace, alive=alive)
