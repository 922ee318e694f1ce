"""Progress of long work, and the way to stop it. Knows nothing of who is watching."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from core.errors import Cancelled

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class ProgressEvent:
    """One report from long work.

    label: what is being done, in plain words ("embedding 180 of 310 chunks").
    done, total: position in units of the whole job (not of the step), 0 <= done <= total; total 0 means unknown.
    seconds_left: estimate from the speed so far, None while unknown.
    system: the system that has just become complete, or None.
    """

    label: str
    done: float = 0.0
    total: float = 0.0
    seconds_left: float | None = None
    system: str | None = None

    @property
    def share(self) -> float:
        """done / total in [0, 1]; 0 while the total is unknown."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


@dataclass
class CancelToken:
    """Set from any thread; long work calls `check()` between steps and batches."""

    _event: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Asks the work to stop at its next check()."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether cancel() was called."""
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Waits so long; raises Cancelled as soon as `cancel()` is called."""
        self._event.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raises Cancelled once `cancel()` was called."""
        if self._event.is_set():
            raise Cancelled("Cancelled. What was finished is kept; running it again goes on from there.")


ProgressCallback = Callable[[ProgressEvent], None]


def ignore_progress(event: ProgressEvent) -> None:
    """A callback for callers that do not watch."""


def watch(items: Iterable[_Item], label: str, on_progress: ProgressCallback, *, every: int = 5_000) -> Iterator[_Item]:
    """The items as they come; on_progress hears how many came: "reading corpus.jsonl: 15,000"."""
    for number, item in enumerate(items, start=1):
        if number % every == 0:
            on_progress(ProgressEvent(f"{label}: {number:,}"))
        yield item


class Stopwatch:
    """`with Stopwatch() as watch: ...; watch.seconds`"""

    seconds: float = 0.0

    def __enter__(self) -> Stopwatch:
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start
