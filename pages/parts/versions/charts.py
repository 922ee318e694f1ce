"""The chart of an evaluation: a version beside the live one on the test queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from pages.shared.frame.text import escape_chart, shorten
from pages.shared.show.colours import BASELINE_GREY

BLUE = "#1966cc"
_NAME_WIDTH = 30


def draw_evaluation(told: Mapping[str, Any], *, name: str) -> go.Figure:
    """The mean of the version, and that of the live one it was compared with.

    told: see core.versions.promote.evaluate(). With a live version the bar around the diamond is the 95 % interval of the
    difference, laid from the live one's mean, and the grey band is what is too small to matter; without one it is the
    interval of the mean itself.
    """
    figure = go.Figure()
    delta, own = told["delta"], float(told["mean"])
    low, high = float(told["low"]), float(told["high"])
    rows = [f"{escape_chart(shorten(name, width=_NAME_WIDTH))}  <b>{own:.3f}</b>"]
    if delta is not None:
        live, gain = own - delta["delta"], told["bar"]["min_gain"]
        low, high = live + delta["low"], live + delta["high"]
        rows.append(f"live then: {escape_chart(shorten(told['against'], width=_NAME_WIDTH))}  <b>{live:.3f}</b>")
        figure.add_vrect(x0=live - gain, x1=live + gain, fillcolor=BASELINE_GREY, opacity=0.12, line_width=0)
        figure.add_vline(x=live, line={"color": BASELINE_GREY, "dash": "dot", "width": 2})
        figure.add_scatter(
            x=[live],
            y=[rows[1]],
            mode="markers",
            marker={"color": BASELINE_GREY, "symbol": "circle", "size": 13},
            hovertext=[f"{escape_chart(told['against'])}<br>{live:.3f}"],
            hoverinfo="text",
            showlegend=False,
            cliponaxis=False,
        )
    if told["bar"]["least"] is not None:
        figure.add_vline(
            x=told["bar"]["least"],
            line={"color": BASELINE_GREY, "dash": "dash", "width": 2},
            annotation={"text": "least mean", "font": {"color": BASELINE_GREY}},
        )
    figure.add_scatter(
        x=[own],
        y=[rows[0]],
        mode="markers",
        marker={"color": BLUE, "symbol": "diamond", "size": 13},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, high - own)],
            "arrayminus": [max(0.0, own - low)],
            "color": BLUE,
            "thickness": 2,
            "width": 5,
        },
        hovertext=[f"{escape_chart(name)}<br>{own:.3f}, n = {told['n']}"],
        hoverinfo="text",
        showlegend=False,
        cliponaxis=False,
    )
    figure.update_layout(height=90 + 46 * len(rows), margin={"t": 20, "b": 10, "l": 10, "r": 30})
    figure.update_xaxes(title=escape_chart(told["measure"]), tickformat=".2f", zeroline=False)
    figure.update_yaxes(automargin=True, range=[-0.6, len(rows) - 0.4], showgrid=False)
    return figure
