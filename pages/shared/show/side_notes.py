"""What is said where a side of the search could not work on the data: word matching without hits, a model that cannot read."""

from __future__ import annotations

import streamlit as st

from core.diagnosis.side_sentences import list_notes
from core.diagnosis.sides import Sides
from pages.shared.frame.text import escape_markdown


def show_side_notes(sides: Sides) -> None:
    """A warning for each note; nothing where all sides could work on all of the data."""
    for note in list_notes(sides):
        st.warning(escape_markdown(note))
