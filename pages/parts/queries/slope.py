"""Rank movement: one line per document, from system to system, with a lane for what is not in the first hundred."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from core.schema import RUN_DEPTH
from pages.shared.frame.text import escape_chart, shorten
from pages.shared.show.colours import BASELINE_GREY, COLOURS, LABELS

TOP = 10
LANE = 14.6  # where documents lie that are not in the first hundred
_TICKS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 50, 100)
# label -> colour, width, marker: relevant stands out, the shape says the same as the colour
_STYLES = {
    "relevant": (COLOURS[0], 3.0, "circle"),
    "not_relevant": (BASELINE_GREY, 1.5, "x"),
    "unjudged": (BASELINE_GREY, 1.2, "circle-open"),
    "": (COLOURS[0], 1.5, "circle"),
}
_FAINT = 1.2  # relevant, but in nobody's top ten
_TITLE = 26


def place_rank(rank: float | None) -> float:
    """Height of a rank: the first ten evenly, 11 to 100 on a logarithmic scale below them, else the lane."""
    if rank is None or pd.isna(rank) or rank > RUN_DEPTH:
        return LANE
    return float(rank) - 1 if rank <= TOP else TOP - 1 + 4 * math.log10(rank / TOP)


def make_slope(table: pd.DataFrame, systems: Sequence[str]) -> go.Figure:
    """table: doc_id, label, title and a column of ranks per system (rank_table.rank_documents). Two or more systems.

    Lines: documents in the top ten of one of the systems, and relevant ones. Relevant lines are drawn last, on top.
    """
    names = list(systems)
    inside = (table[names].astype("Float64") <= TOP).any(axis=1) | (table["label"] == "relevant")
    rows = table[inside]
    rows = pd.concat([rows[rows["label"] != "relevant"].iloc[::-1], rows[rows["label"] == "relevant"].iloc[::-1]])
    figure = go.Figure()
    named: set[str] = set()
    for row in rows.to_dict("records"):
        figure.add_trace(_draw_line(row, names, legend=row["label"] not in named))
        named.add(row["label"])
    last = rows[rows[names[-1]].notna() & (rows[names[-1]] <= TOP)] if len(rows) else rows
    for row in last.to_dict("records"):
        figure.add_annotation(
            x=len(names) - 1,
            y=place_rank(row[names[-1]]),
            text=escape_chart(shorten(_name(row), width=_TITLE)),
            xanchor="left",
            xshift=10,
            showarrow=False,
            font={"size": 11},
        )
    figure.add_hline(y=TOP - 0.5, line={"width": 1, "dash": "dot", "color": BASELINE_GREY})
    figure.add_hline(y=(place_rank(RUN_DEPTH) + LANE) / 2, line={"width": 1, "dash": "dot", "color": BASELINE_GREY})
    _lay_out(figure, names)
    return figure


def _draw_line(row: dict[str, object], names: Sequence[str], *, legend: bool) -> go.Scatter:
    label = str(row["label"])
    colour, width, symbol = _STYLES[label]
    if not any(pd.notna(row[name]) and row[name] <= TOP for name in names):  # type: ignore[operator]
        width = _FAINT
    word, shape = LABELS.get(label, ("document", ""))
    ranks = [_say_rank(row[name]) for name in names]
    return go.Scatter(
        x=list(range(len(names))),
        y=[place_rank(row[name]) for name in names],  # type: ignore[arg-type]
        mode="lines+markers",
        name=f"{shape} {word}".strip(),
        legendgroup=label,
        showlegend=legend,
        line={"color": colour, "width": width},
        marker={"color": colour, "symbol": symbol, "size": 9},
        opacity=1.0 if label in ("relevant", "") else 0.65,
        text=[f"{escape_chart(name)}: {rank}" for name, rank in zip(names, ranks, strict=True)],
        hovertemplate=f"{escape_chart(shorten(_name(row), width=80))}<br>%{{text}}<extra>{word}</extra>",
    )


def _lay_out(figure: go.Figure, names: Sequence[str]) -> None:
    figure.update_xaxes(
        tickvals=list(range(len(names))),
        ticktext=[escape_chart(shorten(name, width=22)) for name in names],
        side="top",
        range=[-0.15, len(names) - 0.85],
        showgrid=True,
        zeroline=False,
        fixedrange=True,
    )
    figure.update_yaxes(
        tickvals=[*(place_rank(rank) for rank in _TICKS), LANE],
        ticktext=[*(str(rank) for rank in _TICKS), "not in<br>top 100"],
        range=[LANE + 0.6, -0.6],
        title="rank",
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    figure.update_layout(
        height=520,
        margin={"l": 10, "r": 170, "t": 40, "b": 10},
        legend={"orientation": "h", "y": -0.02, "yanchor": "top"},
    )


def describe_slope(table: pd.DataFrame, systems: Sequence[str]) -> str:
    """The chart in a sentence: where the relevant documents stand in each system."""
    relevant = table[table["label"] == "relevant"]
    lines = [
        f"{_name(row)}: " + ", ".join(f"{_say_rank(row[name])} in {name}" for name in systems)
        for row in relevant.head(5).to_dict("records")
    ]
    return "Rank of each document from system to system. " + "; ".join(lines or ["No relevant document is known."])


def _name(row: dict[str, object]) -> str:
    return str(row["title"]).strip() or str(row["doc_id"])


def _say_rank(rank: object) -> str:
    return f"rank {int(rank)}" if rank is not None and not pd.isna(rank) else "not in the top 100"  # type: ignore[call-overload]
