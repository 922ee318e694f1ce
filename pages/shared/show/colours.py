"""One colour and marker per system, the same on every page and in both themes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.systems.named import BASELINE, make_named_systems, preselect

# The ten of .streamlit/config.toml: any two stay apart for colour-blind readers.
COLOURS = (
    "#1966cc", "#b3b300", "#990000", "#33b3b3", "#663380", "#994d66", "#cc3300", "#ff80ff", "#e66666", "#8080cc",
)  # fmt: skip
BASELINE_GREY = "#808080"  # readable on white and on black; given explicitly because themes would pick black
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x")
DASHES = ("solid", "dash", "dot", "dashdot")

# label -> (word, shape, colour of the shape): words with a shape, never colour alone
LABELS = {
    "relevant": ("relevant", "✓"),
    "not_relevant": ("not relevant", "✗"),
    "unjudged": ("unjudged", "?"),
}


def style_system(name: str, *, own: Sequence[str] | None = None) -> tuple[str, str, str]:
    """(colour, marker symbol, line dash) of a system, the same on every page.

    own: names beside the named systems', in their order; None takes those of the experiment that is looked at.
    """
    if own is None:
        view = st.session_state.get("_view")
        own = [system.name for system in view.experiment.systems] if view is not None and view.experiment is not None else []
    if name == BASELINE:
        return BASELINE_GREY, SYMBOLS[0], DASHES[0]
    # The first colours are furthest apart: they go to the systems that are seen together most.
    often = preselect(has_filters=True)
    named = [known for known in dict.fromkeys([*often, *make_named_systems()]) if known != BASELINE]
    names = [*named, *(other for other in own if other not in named)]
    position = names.index(name) if name in names else sum(map(ord, name)) % len(COLOURS)
    turn = position // len(COLOURS)
    return COLOURS[position % len(COLOURS)], SYMBOLS[turn % len(SYMBOLS)], DASHES[turn % len(DASHES)]
