"""Does one job and keeps its state on disk: waiting, progress, Cancel, how it ended. The work itself is handed to it."""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import filelock

from core.errors import Cancelled, LadderError
from core.jobs.locks import JobCancel, release_alive
from core.jobs.queue import Place, hold_workspace
from core.jobs.state import CANCELLED, DONE, FAILED, RUNNING, Job, write_job
from core.progress import ProgressCallback, ProgressEvent, ignore_progress
from core.storage.disk import explain_disk
from core.workspace import Workspace

Result = TypeVar("Result")
_log = logging.getLogger(__name__)
_WRITE_SECONDS = 0.3  # progress within a step is written at most this often
_STEPS = 5  # of which the longest says how long one takes
_COUNT = re.compile(r"\d+")


def run_job(
    job: Job,
    work: Callable[[JobKeeper], tuple[str, Result]],
    *,
    workspace: Workspace,
    alive: filelock.BaseFileLock,
    shows_ready: bool = True,
    on_progress: ProgressCallback = ignore_progress,
    on_wait: Callable[[Place], None] = lambda place: None,
) -> Result:
    """Waits for the job's turn, does the work, keeps the job's state; lets go of `alive` at the end.

    work: saves its result and returns the state in which the job ended (DONE or CANCELLED) with it. Raises what went
    wrong, as LadderError where the user can mend it; the job's state then holds the sentence. shows_ready: see JobKeeper.
    on_wait(place): called about twice a second while others are before it.
    """
    keeper = JobKeeper(job, workspace, on_progress, shows_ready=shows_ready)

    def wait(place: Place) -> None:
        keeper.wait(place.describe())
        on_wait(place)

    try:
        with keeper.telling_end(), hold_workspace(job, workspace, on_wait=wait):
            keeper.cancel.check()
            keeper.update(state=RUNNING, label="starting", seconds_left=None)
            state, result = work(keeper)
            keeper.finish(state)
        return result
    finally:
        release_alive(alive)


@contextlib.contextmanager
def logging_end(job: Job) -> Iterator[None]:
    """For who works where nobody waits: whatever ends the block is told by the job's state, and where it was by the log."""
    try:
        yield
    except Cancelled:
        pass
    except LadderError:
        _log.warning("The job %s (%s) failed", job.id, job.kind, exc_info=True)
    except Exception:
        _log.exception("The job %s (%s) broke off", job.id, job.kind)


class JobKeeper:
    """Writes one job's state, and passes its progress on. shows_ready: a system that is finished is told as ready at once."""

    def __init__(self, job: Job, workspace: Workspace, send: ProgressCallback, *, shows_ready: bool = True) -> None:
        self.job = job
        self.workspace = workspace
        self.cancel = JobCancel(job.id, workspace)
        self._send = send
        self._shows_ready = shows_ready
        self._written = 0.0
        self._steps: deque[float] = deque([time.monotonic()], maxlen=_STEPS + 1)  # when the last ones were over

    def update(self, **changes: Any) -> None:
        """Writes the job with these fields changed, at once."""
        self.job = replace(self.job, **changes)
        self._written = time.monotonic()
        write_job(self.job, self.workspace)

    def report(self, event: ProgressEvent) -> None:
        """Passes an event of the work on, and keeps how far the job is."""
        self._send(event)
        self._steps.append(time.monotonic())
        changes: dict[str, Any] = {
            "label": event.label,
            "progress": event.share,
            "seconds_left": event.seconds_left,
            "step_seconds": max(after - before for before, after in itertools.pairwise(self._steps)),
        }
        finished = event.system if self._shows_ready else None
        if finished is not None:
            changes["ready"] = (*self.job.ready, finished)
        # A new step is written at once: if it is long and silent, its first report is the only one.
        begun = _COUNT.sub("", event.label) != _COUNT.sub("", self.job.label)
        if begun or finished is not None or time.monotonic() - self._written > _WRITE_SECONDS:
            self.update(**changes)
        else:
            self.job = replace(self.job, **changes)

    def wait(self, place: str) -> None:
        """Called while other jobs are before this one. place: in words."""
        self.cancel.check()
        label = f"waiting, {place}"
        if label != self.job.label and time.monotonic() - self._written > _WRITE_SECONDS:
            self.update(label=label)

    @contextlib.contextmanager
    def telling_end(self) -> Iterator[None]:
        """Keeps in the job's state what ended the block, in a sentence, and lets it pass."""
        try:
            yield
        except (Cancelled, KeyboardInterrupt):
            self.finish(CANCELLED)
            raise
        except LadderError as error:
            self.finish(FAILED, error=str(error))
            raise
        except OSError as error:
            trouble = explain_disk(error) or LadderError(
                f"The workspace cannot be written or read ({error}). Check its free space and permissions, then start again; "
                "what was finished is kept."
            )
            with contextlib.suppress(OSError):  # on a full disk this cannot be written either; it then reads as interrupted
                self.finish(FAILED, error=str(trouble))
            raise trouble from error
        except Exception as error:
            self.finish(FAILED, error=f"Something went wrong that should not: {type(error).__name__}: {error}")
            raise

    def finish(self, state: str, *, error: str | None = None) -> None:
        """Writes how the job ended; error: the sentence that says why it failed."""
        self.update(
            state=state,
            error=error,
            seconds_left=None,
            label=state,
            progress=1.0 if state == DONE else self.job.progress,
        )
        self.cancel.drop()
