"""Progress and time left of an assessment, in seconds of work: encoding first, then many small runs, then the re-splits."""

from __future__ import annotations

from core.experiment.measurer import Measurer
from core.graph.estimate import estimate_work, read_speed
from core.graph.resources import Usage
from core.progress import ProgressCallback, ProgressEvent

_SYSTEMS, _SYSTEM = 40, 0.3  # variants that a ladder tries, and seconds that one takes once its texts are encoded
_TEST, _RESPLITS = 12.0, 8.0


class LadderProgress:
    """Turns the events of all phases into one bar. Until follow() says what is measured, events are sent on as they are."""

    def __init__(self, send: ProgressCallback) -> None:
        self._send = send
        self._measurer: Measurer | None = None
        self._usage = Usage()
        self._speed = self._characters = 0.0
        self._phase = ""
        self.test = 0.0  # share of the test comparison that is done
        self.resplits = 0.0

    def follow(self, measurer: Measurer) -> None:
        """From here on progress is that of this measurer. Call it when the systems that embed are known to it."""
        system_runs = measurer.system_runs
        estimate = estimate_work(system_runs.targets, system_runs.execution)
        self._usage, self._speed = system_runs.resources.usage, read_speed(system_runs.resources)
        self._characters = estimate.characters + self._usage.encoded_characters
        self._measurer = measurer

    def enter(self, phase: str) -> None:
        """Names the phase: what every label begins with."""
        self._phase = phase
        self(ProgressEvent(label=""))

    def __call__(self, event: ProgressEvent) -> None:
        """Passes an event on, placed on the one bar."""
        if self._measurer is None:
            self._send(event)
            return
        speed = self._usage.characters_per_second or self._speed
        characters = max(self._characters, self._usage.encoded_characters)
        systems = max(_SYSTEMS, self._measurer.measured)
        total = characters / speed + systems * _SYSTEM + _TEST + _RESPLITS
        measured = systems if self.test else self._measurer.measured
        done = self._usage.encoded_characters / speed + measured * _SYSTEM + self.test * _TEST + self.resplits * _RESPLITS
        if self.test:
            done += (characters - self._usage.encoded_characters) / speed  # what was not needed after all
        label = ": ".join(part for part in (self._phase, event.label) if part)
        self._send(ProgressEvent(label=label, done=min(done, total), total=total, seconds_left=max(total - done, 0.0)))
