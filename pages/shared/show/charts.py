"""Charts of results: frames in, Plotly figures out. Nothing here asks Streamlit or the workspace for anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pandas as pd
import plotly.graph_objects as go

from pages.shared.frame.text import escape_chart, shorten, shorten_apart
from pages.shared.show.colours import BASELINE_GREY, style_system

# Streamlit's tool bar over a chart keeps the download; the rest of Plotly's buttons only distract.
CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2},
}
MOST_BARS = 240  # more bars than this could neither be told apart nor clicked
_NAME_WIDTH = 26
_ROW_HEIGHT = 46


def draw_ranking(rows: pd.DataFrame, *, measure: str, baseline: str) -> go.Figure:
    """Which is best: a dot per system with its interval, in the order of the rows from the top, and a line at the baseline.

    rows: system, mean, low, high; low and high on the measure's scale.
    """
    figure = go.Figure()
    ordered = rows.iloc[::-1]  # Plotly draws from the bottom up
    labels = shorten_apart(rows["system"], width=_NAME_WIDTH)
    for row in ordered.itertuples():
        colour, symbol, _ = style_system(row.system)
        name = f"{escape_chart(labels[row.system])}  <b>{row.mean:.3f}</b>"
        spread = {"array": [row.high - row.mean], "arrayminus": [row.mean - row.low]}
        figure.add_scatter(
            x=[row.mean],
            y=[name],
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 13},
            error_x={"type": "data", "symmetric": False, "color": colour, "thickness": 2, "width": 5, **spread},
            cliponaxis=False,
            hovertext=[f"{escape_chart(row.system)}<br>{row.mean:.3f} ({row.low:.3f} to {row.high:.3f})"],
            hoverinfo="text",
            showlegend=False,
        )
    line = ordered.loc[ordered["system"] == baseline, "mean"]
    if len(line) and len(ordered) > 1:
        figure.add_vline(x=float(line.iloc[0]), line={"color": BASELINE_GREY, "dash": "dot", "width": 2})
    figure.update_layout(height=90 + _ROW_HEIGHT * len(ordered), margin={"t": 20, "b": 10, "l": 10, "r": 30})
    figure.update_xaxes(title=escape_chart(measure), tickformat=".2f", zeroline=False)
    figure.update_yaxes(automargin=True, range=[-0.6, len(ordered) - 0.4], showgrid=False)
    return figure


def draw_recall(curve: pd.DataFrame) -> go.Figure:
    """How deep: recall over the number of documents looked at, on a log scale. curve: system, depth, recall."""
    figure = go.Figure()
    depths = sorted(curve["depth"].unique())
    last = curve[curve["depth"] == depths[-1]].sort_values("recall", ascending=False, kind="stable")
    labels = shorten_apart(last["system"], width=_NAME_WIDTH)
    for system in last["system"]:
        colour, symbol, dash = style_system(system)
        rows = curve[curve["system"] == system].sort_values("depth")
        figure.add_scatter(
            x=rows["depth"],
            y=rows["recall"],
            mode="lines+markers",
            name=escape_chart(labels[system]),
            line={"color": colour, "dash": dash, "width": 2},
            marker={"color": colour, "symbol": symbol, "size": 8},
            hovertemplate="%{y:.3f}",
        )
    figure.update_layout(
        height=440,
        margin={"t": 20, "b": 10, "l": 10, "r": 20},
        hovermode="x unified",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None},
    )
    figure.update_xaxes(title="documents looked at (log scale)", type="log", tickvals=depths, ticktext=[str(d) for d in depths])
    figure.update_yaxes(
        title="recall: share of the relevant documents found",
        range=[0, 1.06 * max(curve["recall"].max(), 0.1)],
        tickformat=".1f",
    )
    return figure


def choose_bars(deltas: pd.DataFrame, *, most: int = MOST_BARS) -> pd.DataFrame:
    """The queries that the chart of differences shows: those that differ, largest gain first; if they are more than
    `most`, the largest differences of them. deltas: query_id, text, first, second, delta; the same columns come back."""
    differing = deltas[deltas["delta"] != 0]
    if len(differing) > most:
        differing = differing.loc[differing["delta"].abs().sort_values(ascending=False, kind="stable").index[:most]]
    return differing.sort_values(["delta", "query_id"], ascending=[False, True], kind="stable").reset_index(drop=True)


def draw_differences(bars: pd.DataFrame, *, first: str, second: str, measure: str) -> go.Figure:
    """Where two systems differ: a bar per query, first minus second, sorted. bars: from choose_bars().

    A bar's x is the position of its row in `bars`, so that a click finds the query.
    """
    figure = go.Figure()
    sides = ((first, bars[bars["delta"] > 0]), (second, bars[bars["delta"] < 0]))
    labels = shorten_apart([first, second], width=_NAME_WIDTH)
    for system, side in sides:
        hover = [
            f"{escape_chart(shorten(row.text, width=90))}<br>{escape_chart(first)} {row.first:.3f}, "
            f"{escape_chart(second)} {row.second:.3f}<br>Click to open this query"
            for row in side.itertuples(index=False)
        ]
        figure.add_bar(
            x=side.index,
            y=side["delta"],
            name=f"{escape_chart(labels[system])} is better",
            marker={"color": style_system(system)[0], "line": {"width": 0}},
            hovertext=hover,
            hoverinfo="text",
        )
    figure.update_layout(
        height=420,
        bargap=0.15,
        margin={"t": 20, "b": 10, "l": 10, "r": 10},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None},
    )
    figure.update_xaxes(title="queries, sorted by the difference", showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(title=f"difference in {escape_chart(measure)}", tickformat="+.1f")
    return figure


def draw_latency(rows: pd.DataFrame, *, measure: str) -> go.Figure:
    """Is it worth its latency: a labelled point per system. rows: system, mean, milliseconds (p95, one query at a time).

    A line joins the systems that no faster one matches: what lies below it costs time for nothing.
    """
    figure = go.Figure()
    best = find_front(rows)
    figure.add_scatter(
        x=best["milliseconds"],
        y=best["mean"],
        mode="lines",
        line={"color": BASELINE_GREY, "dash": "dot", "width": 2, "shape": "hv"},
        hoverinfo="skip",
        showlegend=False,
    )
    labels = shorten_apart(rows["system"], width=_NAME_WIDTH)
    for row, place in zip(rows.itertuples(), place_labels(rows), strict=True):
        colour, symbol, _ = style_system(row.system)
        figure.add_scatter(
            x=[row.milliseconds],
            y=[row.mean],
            mode="markers+text",
            marker={"color": colour, "symbol": symbol, "size": 13},
            text=[escape_chart(labels[row.system])],
            textposition=place,
            cliponaxis=False,
            hovertext=[f"{escape_chart(row.system)}<br>{row.mean:.3f}, {row.milliseconds:.1f} ms"],
            hoverinfo="text",
            showlegend=False,
        )
    figure.update_layout(height=440, margin={"t": 30, "b": 10, "l": 10, "r": 20})
    low, high = _widen_log(rows["milliseconds"])
    figure.update_xaxes(title="p95 latency in ms (log scale)", type="log", range=[low, high], dtick=1, minor={"dtick": "D2"})
    pad = max(0.1 * (rows["mean"].max() - rows["mean"].min()), 0.01)
    limits = [rows["mean"].min() - 2 * pad, rows["mean"].max() + 2 * pad]
    figure.update_yaxes(title=escape_chart(measure), tickformat=".2f", range=limits, zeroline=False)
    return figure


def find_front(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that no faster row equals or beats, fastest first. rows: system, mean, milliseconds."""
    ordered = rows.sort_values(["milliseconds", "mean"], ascending=[True, False], kind="stable")
    before = ordered["mean"].cummax().shift(fill_value=float("-inf"))
    return ordered[ordered["mean"] > before]


def place_labels(rows: pd.DataFrame) -> list[str]:
    """A Plotly text position for each row, in order, so that labels of near points overlap as little as can be.

    rows: system, mean, milliseconds. Works on a plane of 100 x 100 with labels about 16 x 5; each takes the first place
    that is free, else the one with the least overlap.
    """
    low, high = _widen_log(rows["milliseconds"])
    bottom, top = rows["mean"].min(), rows["mean"].max()
    height = (top - bottom) * 1.4 or 1.0
    points = [
        (100 * (_log(row.milliseconds) - low) / (high - low), 100 * (row.mean - bottom) / height) for row in rows.itertuples()
    ]
    taken = [(x - 1.5, y - 2.0, x + 1.5, y + 2.0) for x, y in points] + _box_steps(rows, points)
    places = []
    for row, (x, y) in zip(rows.itertuples(), points, strict=True):
        width = min(len(str(row.system)), _NAME_WIDTH) * 1.1
        boxes = {
            "top center": (x - width / 2, y + 2, x + width / 2, y + 8),
            "bottom center": (x - width / 2, y - 8, x + width / 2, y - 2),
            "middle right": (x + 2, y - 3, x + 2 + width, y + 3),
            "middle left": (x - 2 - width, y - 3, x - 2, y + 3),
        }
        costs = {place: _crowding(box, taken) for place, box in boxes.items()}
        place = min(costs, key=lambda name: costs[name])
        taken.append(boxes[place])
        places.append(place)
    return places


def _box_steps(rows: pd.DataFrame, points: Sequence[tuple[float, float]]) -> list[tuple[float, float, float, float]]:
    """Boxes around the steps of the line that joins the front."""
    at = dict(zip(rows.index, points, strict=True))
    front = [at[index] for index in find_front(rows).index]
    boxes = []
    for (x, y), (x_next, y_next) in pairwise(front):
        boxes += [(x, y - 0.5, x_next, y + 0.5), (x_next - 0.5, y, x_next + 0.5, y_next)]
    return boxes


def _crowding(box: tuple[float, float, float, float], taken: Sequence[tuple[float, float, float, float]]) -> float:
    """Area of the box that is taken, and what of it lies outside the plane's sides."""
    left, bottom, right, top = box
    area = sum(max(0.0, min(right, r) - max(left, le)) * max(0.0, min(top, t) - max(bottom, b)) for le, b, r, t in taken)
    return area + 10 * (max(0.0, -left) + max(0.0, right - 100))


def _log(value: float) -> float:
    return math.log10(max(value, 0.01))


def _widen_log(values: pd.Series) -> tuple[float, float]:
    """The log10 range of the values with room at both sides."""
    low, high = _log(values.min()), _log(values.max())
    room = max(0.2 * (high - low), 0.25)
    return low - room, high + room
