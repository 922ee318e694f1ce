"""What each fix could gain at best, and where the rest up to a perfect score is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.diagnosis.sentences import (
    AT_BEST,
    FIX_TITLES,
    GAP_WORDS,
    LUCK,
    describe_bound,
    list_gap,
)
from core.evaluation.measures import MEASURES
from core.recommendation.assess import Assessment
from core.report.figures.diagnosis import draw_gap, draw_headroom
from core.text.phrases import count_of
from pages.parts.diagnosis.show_figures import colour_systems, draw, show_rows
from pages.shared.frame.text import escape_markdown


def describe_measure(measure: str) -> str:
    """What the primary measure says, as a help text."""
    plain = f": {MEASURES[measure].plain_name}" if measure in MEASURES else ""  # an old result may hold another
    return f"{escape_markdown(measure)}{plain}. 1 is perfect."


def show_headroom(assessment: Assessment) -> None:
    """At best: separate bars from the baseline, each with its sentence; then where the gap to a perfect score lies."""
    headroom = assessment.analysis.headroom
    measure, mean = str(headroom["measure"]), float(headroom["mean"])
    name = escape_markdown(headroom["system"])
    st.subheader("What could each fix gain?", help=describe_measure(measure))
    bounds = headroom["bounds"]
    if not headroom["n"] or not bounds:
        st.info("No test query has an answer to be found, so nothing can be gained.")
        return
    st.markdown(f"The score is {describe_measure(measure)}")
    st.markdown("##### At best")
    st.markdown(f"{AT_BEST} The line is {name}, today's system: {mean:.3f} over {count_of(headroom['n'], 'test query')}.")
    listed = ", ".join(f"{FIX_TITLES[bound['fix']].lower()} {bound['gain']:+z.3f}" for bound in bounds)
    draw(
        draw_headroom(headroom, colours=colour_systems(assessment)),
        key="chart_headroom",
        alt=f"At best, each alone, from {headroom['system']} {mean:.3f}: {listed}.",
    )
    rows = [
        (FIX_TITLES[bound["fix"]], describe_bound(bound), f"{bound['gain']:+z.3f}" if bound["gain"] >= 0.0005 else "nothing")
        for bound in sorted(bounds, key=lambda bound: -float(bound["gain"]))
    ]
    show_rows(("Fix", "What it supposes, and what luck was taken off", "At best"), rows)
    st.caption(LUCK)
    _show_gap(assessment, headroom)


def _show_gap(assessment: Assessment, headroom: Mapping[str, Any]) -> None:
    parts = list_gap(headroom)
    lost = 1.0 - parts[0][2]
    st.markdown(
        "##### Where is the rest lost?",
        help=f"A perfect score is 1. The parts add up to it. Over {count_of(headroom['judged'], 'judged query')}, those "
        "without an answer in the corpus too, which score 0.",
    )
    if lost < 0.0005:
        st.info("Nothing is lost: the score is perfect.")
        return
    draw(
        draw_gap(headroom, colours=colour_systems(assessment)),
        key="chart_gap",
        alt="; ".join(f"{title} {share:.3f}" for _, title, share in parts),
    )
    for part, title, share in parts[1:]:
        st.markdown(f"**{title}, {share:.3f}**: {GAP_WORDS[part]}")
