"""Shows the report's charts of a diagnosis on the page, reads clicks on them, and sets tables of text beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from plotly.graph_objects import Figure

from core.recommendation.assess import Assessment
from pages.shared.frame.text import escape_html, show_html
from pages.shared.show.charts import CONFIG
from pages.shared.show.colours import style_system

MOST_ROWS = 8  # of a table before it scrolls
_STYLE = """<style>
.facts{display:grid;grid-template-columns:max-content 1fr fit-content(16rem);gap:.35rem 1.2rem;margin:.2rem 0 .6rem}
.facts>*{overflow-wrap:anywhere;font-size:.9rem}
.facts>.head{opacity:.65;font-size:.8rem}
.facts b{font-weight:600}
@media(max-width:900px){.facts{grid-template-columns:1fr;gap:0}.facts b{margin-top:.6rem}.facts .head{display:none}
.facts i::before{content:attr(title) ": ";opacity:.65}}
.facts i{font-style:normal}
</style>"""


def colour_systems(assessment: Assessment) -> dict[str, str]:
    """name -> colour of the assessment's systems, as on the other pages."""
    names = [system.name for system in assessment.experiment.systems]
    return {name: style_system(name)[0] for name in {*names, *assessment.analysis.counts}}


def draw(figure: Mapping[str, Any], *, key: str, alt: str, on_select: Callable[[], None] | None = None) -> None:
    """A figure of core.report in the page's theme; with on_select its points can be clicked."""
    st.plotly_chart(
        Figure(dict(figure)),
        key=key,
        alt=alt,
        config=CONFIG,
        on_select=on_select or "ignore",
        selection_mode="points",
    )


def read_click(key: str) -> str:
    """What the clicked point of a chart stands for (its customdata); "" if the click took a selection back."""
    points = st.session_state[key]["selection"]["points"]
    found = points[0].get("customdata", "") if points else ""
    return str(found[0] if isinstance(found, list) else found)


def show_rows(head: tuple[str, str, str], rows: Sequence[tuple[str, str, str]]) -> None:
    """A table to read, whose texts wrap and which becomes a list in a narrow window. All texts are plain."""
    names = "".join(f'<span class="head">{escape_html(word)}</span>' for word in head)
    cells = "".join(
        f'<b>{escape_html(name)}</b><span>{escape_html(words)}</span><i title="{escape_html(head[2])}">{escape_html(last)}</i>'
        for name, words, last in rows
    )
    show_html(f'{_STYLE}<div class="facts">{names}{cells}</div>')
