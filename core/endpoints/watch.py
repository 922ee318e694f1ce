"""Who waits for the answers of a service, and by which clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass


def _ignore(label: str) -> None:
    """For those who do not watch."""


def _go_on() -> None:
    """For work that nobody stops."""


class Clock:
    """Time and waiting; work by one clock keeps to the same limits. Another clock may run ahead."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits so long."""
        await asyncio.sleep(seconds)


CLOCK = Clock()


@dataclass(frozen=True)
class Watch:
    """check: raises what stops the work (Cancelled); report: is told of waits, in words; clock: by which one waits."""

    check: Callable[[], None] = _go_on
    report: Callable[[str], None] = _ignore
    clock: Clock = CLOCK
