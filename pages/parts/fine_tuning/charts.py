"""Charts of a training: its loss, what held-out queries say of it, and whether more labels would help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.evaluation.verdicts import SMALLEST_USEFUL_GAIN
from core.systems.trained import ADAPTER, TrainedModel
from pages.shared.frame.text import escape_chart, shorten

BLUE, GREY = "#1966cc", "#808080"
_MARGIN = {"t": 20, "b": 10, "l": 10, "r": 20}


def draw_loss(model: TrainedModel) -> go.Figure:
    """Loss while learning and on the validation queries, by step (an adapter: by strength, from weak to strong)."""
    figure = go.Figure()
    learned = [point for point in model.curve if "loss" in point]
    held = [point for point in model.curve if "validation" in point]
    steps = "strength of the adapter" if model.kind == ADAPTER else "step"
    start = model.metrics.get("validation_untrained")
    for points, name, value, colour, symbol in (
        (learned, "learning queries", "loss", GREY, "circle"),
        (
            [{"step": 0, "validation": start}, *held] if start is not None else held,
            "validation queries",
            "validation",
            BLUE,
            "diamond",
        ),
    ):
        figure.add_scatter(
            x=[point["step"] for point in points],
            y=[point[value] for point in points],
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 2},
            marker={"color": colour, "symbol": symbol, "size": 8 if value == "validation" else 5},
            hovertemplate="%{y:.3f}",
        )
    figure.update_layout(
        height=300, margin=_MARGIN, hovermode="x unified", legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0}
    )
    figure.update_xaxes(title=steps, rangemode="tozero", zeroline=False)
    figure.update_yaxes(title="loss", zeroline=False)
    return figure


def draw_comparisons(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """The difference on the held-out queries with its 95 % interval, a row each; the band is what is too small to matter."""
    figure = go.Figure()
    names = [_name_row(row) for row in rows]
    gain = SMALLEST_USEFUL_GAIN
    figure.add_vrect(x0=-gain, x1=gain, fillcolor=GREY, opacity=0.12, line_width=0)
    figure.add_vline(x=0, line={"color": GREY, "dash": "dot", "width": 2})
    for name, row in zip(reversed(names), reversed(rows), strict=True):
        figure.add_scatter(
            x=[row["delta"]],
            y=[name],
            mode="markers+text",
            marker={"color": BLUE, "size": 13, "symbol": "diamond"},
            text=[f"{row['delta']:+z.3f}"],
            textposition="top center",
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [row["high"] - row["delta"]],
                "arrayminus": [row["delta"] - row["low"]],
                "color": BLUE,
                "thickness": 2,
                "width": 5,
            },
            hovertext=[f"{row['delta']:+z.3f} ({row['low']:+z.3f} to {row['high']:+z.3f}), n = {row['n']}"],
            hoverinfo="text",
            showlegend=False,
            cliponaxis=False,
        )
    figure.update_layout(height=90 + 62 * len(rows), margin=_MARGIN)
    figure.update_xaxes(title=f"change of {escape_chart(rows[0]['measure'])}", tickformat="+.2f", zeroline=False)
    figure.update_yaxes(automargin=True, range=[-0.6, len(rows) - 0.3], showgrid=False)
    return figure


def _name_row(row: Mapping[str, Any]) -> str:
    against = "untrained" if row["against"] == "untrained" else "best cheap rung"
    return f"against the {against}<br>{escape_chart(shorten(row['baseline'], width=34))}"


def draw_learning_curve(points: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Change against the untrained model by the number of queries learned from, with 95 % intervals."""
    figure = go.Figure()
    figure.add_hline(y=0, line={"color": GREY, "dash": "dot", "width": 2})
    figure.add_scatter(
        x=[point["queries"] for point in points],
        y=[point["delta"] for point in points],
        mode="lines+markers",
        line={"color": BLUE, "width": 2},
        marker={"color": BLUE, "size": 10, "symbol": "diamond"},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [point["high"] - point["delta"] for point in points],
            "arrayminus": [point["delta"] - point["low"] for point in points],
            "color": BLUE,
        },
        hovertext=[
            f"{point['queries']} queries: {point['delta']:+z.3f} ({point['low']:+z.3f} to {point['high']:+z.3f})"
            for point in points
        ],
        hoverinfo="text",
        showlegend=False,
    )
    figure.update_layout(height=300, margin=_MARGIN)
    figure.update_xaxes(title="queries learned from", rangemode="tozero", tickvals=[point["queries"] for point in points])
    figure.update_yaxes(title="change on held-out queries", tickformat="+.2f", zeroline=False)
    return figure
