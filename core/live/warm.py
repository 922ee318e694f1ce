"""Prepares the systems of a live search in the background, with progress, while those that are ready answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from core.errors import Cancelled, LadderError
from core.graph.estimate import read_speed
from core.live.search import LOADING_MODEL, LiveSearch
from core.progress import CancelToken, ProgressEvent
from core.systems.system import System

_log = logging.getLogger(__name__)
_BUSY_SECONDS = 1.0  # between two looks at whether other work has finished


class Background:
    """Prepares systems of a LiveSearch in threads: one for systems with a model, one for those without.

    Word matching is ready in moments and must not wait until passages are embedded.
    """

    def __init__(self, search: LiveSearch) -> None:
        self.search = search
        self._guard = threading.Lock()
        self._wanted: dict[bool, list[System]] = {True: [], False: []}
        self._threads: dict[bool, threading.Thread] = {}
        self._errors: dict[System, str] = {}
        self._events: dict[bool, ProgressEvent] = {}
        self._cancel = CancelToken()
        self._busy: Callable[[], str | None] = lambda: None

    def start(self, systems: Mapping[str, System], *, busy: Callable[[], str | None] = lambda: None) -> None:
        """Makes sure that all these systems become ready; returns at once.

        busy: says what else is embedding on this machine, or None. While it does, and this would have to embed too,
        this waits: the other may be embedding the very same texts.
        """
        ready = self.search.find_ready(systems)
        self._busy = busy
        with self._guard:
            for name, system in systems.items():
                wanted = self._wanted[_has_model(system)]
                if name not in ready and system not in self._errors and system not in wanted:
                    wanted.append(system)
            for has_model, wanted in self._wanted.items():
                if wanted and has_model not in self._threads:
                    self._cancel = CancelToken() if self._cancel.cancelled else self._cancel
                    args = (has_model, self._cancel)
                    self._threads[has_model] = threading.Thread(target=self._run, args=args, name="prepare search", daemon=True)
                    self._threads[has_model].start()

    def wait_for_words(self, seconds: float) -> None:
        """Waits at most so long for the systems without a model, which are ready soon."""
        thread = self._threads.get(False)
        if thread is not None:
            thread.join(seconds)

    def find_errors(self, systems: Mapping[str, System]) -> dict[str, str]:
        """name -> sentence for those that could not be prepared."""
        return {name: self._errors[system] for name, system in systems.items() if system in self._errors}

    def describe(self, system: System) -> ProgressEvent:
        """What is being done for this system."""
        return self._events.get(_has_model(system), ProgressEvent("starting"))

    def forget_errors(self) -> None:
        """Lets the next start() try again what failed."""
        self._errors.clear()

    def cancel(self) -> None:
        """Stops after the current batch, for example because the dataset has changed; what was embedded is kept."""
        with self._guard:
            self._cancel.cancel()
            for wanted in self._wanted.values():
                wanted.clear()

    def _run(self, has_model: bool, cancel: CancelToken) -> None:
        while True:
            with self._guard:
                if cancel.cancelled or not self._wanted[has_model]:
                    self._threads.pop(has_model, None)
                    self._events.pop(has_model, None)
                    return
                system = self._wanted[has_model][0]
            try:
                self._prepare(system, has_model, cancel)
            except Cancelled:
                continue
            except LadderError as error:
                _log.warning("The system %s cannot be prepared", system.name, exc_info=True)
                self._errors[system] = str(error)
            except Exception as error:  # a thread that dies would leave its systems waiting for ever
                _log.exception("The system %s could not be prepared", system.name)
                self._errors[system] = f"Something went wrong that should not: {type(error).__name__}: {error}"
            with self._guard:
                self._wanted[has_model] = [other for other in self._wanted[has_model] if other != system]

    def _prepare(self, system: System, has_model: bool, cancel: CancelToken) -> None:
        search = self.search
        self._events[has_model] = ProgressEvent("reading the documents" if has_model else "counting words")
        missing = search.find_missing(self._wanted[has_model]) if has_model else {}
        while missing and (other := self._busy()):
            self._events[has_model] = ProgressEvent(other)
            cancel.wait(_BUSY_SECONDS)
            missing = search.find_missing(self._wanted[has_model])
        total = float(sum(map(len, missing.values())))

        def report(event: ProgressEvent) -> None:
            usage = execution.resources.usage
            done = min(float(usage.encoded_characters), total)
            speed = usage.characters_per_second or read_speed(execution.resources)
            left = (total - done) / speed if total and event.label != LOADING_MODEL else None
            self._events[has_model] = ProgressEvent(event.label, done, total, left)

        execution = search.make_execution(self._wanted[has_model], report, cancel)
        search.prepare_system(system, execution)


def _has_model(system: System) -> bool:
    return system.dense is not None or system.rerank is not None
