"""How far systems are that run: progress inside stages as progress of all that lies ahead, in seconds of work."""

from __future__ import annotations

from core.experiment.system_runs import SystemRuns
from core.graph.estimate import find_needed, read_speed
from core.progress import ProgressCallback, ProgressEvent


class RunProgress:
    """What Resources.on_progress calls: sends on each event of a stage as one of all systems, done and total in seconds.

    Until follow() says which systems run, events are sent on as they are.
    """

    _STEP = 0.2  # seconds that a step without encoding is taken to last

    def __init__(self, send: ProgressCallback) -> None:
        self._send = send
        self._system_runs: SystemRuns | None = None
        self._ahead: tuple[float, int] | None = None

    def follow(self, system_runs: SystemRuns) -> None:
        """From here on progress is that of these systems."""
        self._system_runs = system_runs

    def __call__(self, event: ProgressEvent) -> None:
        """Sends the event on. What lies ahead is found out at the first one."""
        system_runs = self._system_runs
        if system_runs is None:
            self._send(event)
            return
        usage = system_runs.resources.usage
        if self._ahead is None:
            needed = len(find_needed(system_runs.targets, system_runs.execution)) + len(system_runs.execution.ran)
            self._ahead = (float(system_runs.estimate().characters + usage.encoded_characters), needed)
        characters, steps = self._ahead
        speed = usage.characters_per_second or read_speed(system_runs.resources)
        total = characters / speed + steps * self._STEP
        done = usage.encoded_characters / speed + len(system_runs.execution.ran) * self._STEP
        left = max(total - done, 0.0) if total else None
        self._send(ProgressEvent(label=event.label, done=min(done, total), total=total, seconds_left=left, system=event.system))
