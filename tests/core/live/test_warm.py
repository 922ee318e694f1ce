"""Preparing in the background: what is ready answers, other work goes first, and what goes wrong is said and logged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.data.load import load_dataset
from core.errors import ModelUnavailable
from core.graph.resources import Models
from core.live.search import LOADING_MODEL, LiveSearch
from core.live.warm import Background
from core.progress import ProgressEvent
from core.systems.named import make_named_systems
from core.workspace import Workspace
from tests.support.live import NAMED, SECONDS, WordEncoder, pick
from tests.support.small import write_small_dataset


def test_what_should_not_go_wrong_is_logged_with_its_traceback(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_off(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    search = LiveSearch(load_dataset(write_small_dataset(tmp_path / "small")), Workspace(workspace), Models())
    monkeypatch.setattr(search, "prepare_system", break_off)
    background, systems = Background(search), {"bm25": make_named_systems()["bm25"]}
    with caplog.at_level(logging.ERROR, logger="core.live.warm"):
        background.start(systems)
        background.wait_for_words(20)
    sentence = "Something went wrong that should not: ZeroDivisionError: division by zero"
    assert background.find_errors(systems) == {"bm25": sentence}
    (record,) = [record for record in caplog.records if record.name == "core.live.warm"]
    assert "bm25" in record.getMessage()
    assert record.exc_info is not None and "break_off" in str(caplog.text)


def wait_for(background: Background, done: Callable[[], bool]) -> None:
    for thread in list(background._threads.values()):
        thread.join(SECONDS)
    assert done()


def test_words_are_ready_while_the_model_still_works(live: LiveSearch, encoder: WordEncoder) -> None:
    encoder.gate.clear()
    background, systems = Background(live), pick("dense", "bm25", "hybrid-rrf")
    background.start(systems)
    background.wait_for_words(SECONDS)
    assert list(live.find_ready(systems)) == ["bm25"]
    assert len(live.search(["KH-4012"], pick("bm25"))["bm25"].documents)
    encoder.gate.set()
    wait_for(background, lambda: live.is_ready(systems))


def test_progress_says_what_is_done_and_how_long_it_takes(live: LiveSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[ProgressEvent] = []
    background = Background(live)
    monkeypatch.setattr(background, "_events", _Recorder(events))
    background.start(pick("dense"))
    wait_for(background, lambda: live.is_ready(pick("dense")))
    passages = len(live._memory[live._take_apart(NAMED["dense"]).chunkers[0].key])
    labels = [event.label for event in events]
    assert LOADING_MODEL in labels and f"embedding {passages} of {passages} passages" in labels
    last = events[labels.index(f"embedding {passages} of {passages} passages")]
    assert last.share == 1.0 and last.seconds_left == 0.0


class _Recorder(dict[bool, ProgressEvent]):
    def __init__(self, events: list[ProgressEvent]) -> None:
        super().__init__()
        self._seen = events

    def __setitem__(self, key: bool, event: ProgressEvent) -> None:
        self._seen.append(event)
        super().__setitem__(key, event)


def test_other_work_on_this_machine_goes_first(live: LiveSearch, encoder: WordEncoder) -> None:
    at_work = threading.Event()
    asked = threading.Event()
    at_work.set()

    def busy() -> str | None:
        asked.set()
        return "First look: embedding 5 of 12 passages" if at_work.is_set() else None

    background = Background(live)
    background.start(pick("dense"), busy=busy)
    assert asked.wait(SECONDS) and encoder.asked == []
    at_work.clear()
    wait_for(background, lambda: live.is_ready(pick("dense")))


def test_cancel_stops_and_a_new_start_goes_on(live: LiveSearch) -> None:
    background = Background(live)
    asked = threading.Event()

    def busy() -> str:
        asked.set()
        return "other work"

    background.start(pick("dense"), busy=busy)
    assert asked.wait(SECONDS)
    background.cancel()
    wait_for(background, lambda: not live.find_ready(pick("dense")))
    assert background.find_errors(pick("dense")) == {}
    background.start(pick("dense"))
    wait_for(background, lambda: live.is_ready(pick("dense")))


def test_an_error_is_kept_until_it_is_forgotten(live: LiveSearch, encoder: WordEncoder) -> None:
    tries: list[int] = []

    def load(*_: Any, **__: Any) -> WordEncoder:
        tries.append(1)
        if len(tries) == 1:
            raise ModelUnavailable("The model cannot be had.")
        return encoder

    live.models.load = load
    background = Background(live)
    background.start(pick("dense"))
    wait_for(background, lambda: background.find_errors(pick("dense")) == {"dense": "The model cannot be had."})
    background.start(pick("dense"))
    assert len(tries) == 1
    background.forget_errors()
    background.start(pick("dense"))
    wait_for(background, lambda: live.is_ready(pick("dense")))
