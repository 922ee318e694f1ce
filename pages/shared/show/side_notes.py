"""What is said where a side of the search could not work on the data: word matching without hits, a model that cannot read."""

from __future__ import annotations

import streamlit as st

from core.diagnosis.side_sentences import explain_side
from core.diagnosis.sides import ModelSide, Sides, WordSide
from pages.shared.frame.text import escape_markdown


def show_side_notes(sides: Sides) -> None:
    """A warning for each side that could not work, a note for each that could on most of the data; nothing for the others."""
    stuck = sides.list_stuck()
    listed: list[ModelSide | WordSide] = [*sides.models, *sides.words]
    for side in listed:
        note = explain_side(side)
        if note:
            (st.warning if side in stuck else st.info)(escape_markdown(note))
