"""Reading what was chosen in a thread of its own, so that the page can say how far it is and let it be stopped.

A page keeps one reading: of the place that is looked at, as it was told to be read. Loading takes what was read here.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from core.data.label_rules import LabelRules
from core.data.preview import Preview, read_preview
from core.data.readers.chroma_place import ChromaPlace, sign_place
from core.data.readers.columns import TableUse
from core.errors import LadderError
from core.progress import CancelToken, ProgressEvent
from pages.shared.frame.follow_job import describe_seconds
from pages.shared.frame.services import sign_folder
from pages.shared.frame.text import escape_markdown

_READING = "data_reading"  # session state: the BackgroundReading of this session
PATIENCE = 2.0  # seconds that the page waits before it shows how far the reading is


@dataclass
class BackgroundReading:
    """One reading. key: changes with all that its outcome depends on."""

    key: str
    cancel: CancelToken = field(default_factory=CancelToken)
    event: ProgressEvent = field(default_factory=lambda: ProgressEvent("reading"))
    outcome: Future[Preview] = field(default_factory=Future)

    def hear(self, event: ProgressEvent) -> None:
        """Takes a report of the reader; raises Cancelled if the reading is to stop."""
        self.cancel.check()
        self.event = event

    def describe(self) -> str:
        """ "Reading files: 180 of 310, 20 s left" """
        left = f", {describe_seconds(self.event.seconds_left)} left" if self.event.seconds_left else ""
        return f"{self.event.label[:1].upper()}{self.event.label[1:]}{left}"


def show_reading(
    place: Path | ChromaPlace, *, told: Sequence[TableUse] = (), rules: LabelRules | None = None
) -> Preview | LadderError | None:
    """What reading the place came to; None while it is read, which is shown, and after it was stopped."""
    signature = sign_place(place) if isinstance(place, ChromaPlace) else sign_folder(place)
    reading = _keep_reading(repr((str(place), signature, place, tuple(told), rules)), place, told, rules)
    if reading.cancel.cancelled:
        st.caption("The reading was stopped; nothing is lost.")
        st.button("Read again", on_click=forget_reading)
        return None
    with st.spinner("Reading the data…"):
        wait([reading.outcome], timeout=PATIENCE)
    if not reading.outcome.done():
        _follow(reading)
        return None
    error = reading.outcome.exception()
    if isinstance(error, LadderError):
        return error
    return reading.outcome.result()


def forget_reading() -> None:
    """Stops what is read and lets go of what was."""
    reading = st.session_state.pop(_READING, None)
    if isinstance(reading, BackgroundReading):
        reading.cancel.cancel()


def _keep_reading(key: str, place: Path | ChromaPlace, told: Sequence[TableUse], rules: LabelRules | None) -> BackgroundReading:
    """The reading of this session if it is this one, else a new one in its stead."""
    kept = st.session_state.get(_READING)
    if isinstance(kept, BackgroundReading) and kept.key == key:
        return kept
    forget_reading()
    reading = BackgroundReading(key)

    def read() -> None:
        try:
            reading.outcome.set_result(read_preview(place, told=told, rules=rules, on_progress=reading.hear))
        except Exception as error:  # the page raises it, as if it had read itself
            reading.outcome.set_exception(error)

    threading.Thread(target=read, name="read data", daemon=True).start()
    st.session_state[_READING] = reading
    return reading


def _follow(reading: BackgroundReading) -> None:
    """How far it is, asked again while it goes on, and the way to stop it."""

    @st.fragment(run_every=0.5)
    def draw() -> None:
        if reading.outcome.done():
            st.rerun()
        st.progress(reading.event.share, text=escape_markdown(reading.describe()))

    draw()
    st.button("Stop reading", on_click=reading.cancel.cancel)
