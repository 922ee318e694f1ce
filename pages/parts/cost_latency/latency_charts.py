"""Charts of latency: where a query's time goes, and how it grows with the documents. Frames in, figures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.scaling.scaling import FAR, Scaling
from core.scaling.table import list_sizes
from core.stages.registry import list_steps
from pages.shared.frame.text import escape_chart, shorten_apart
from pages.shared.show.colours import BASELINE_GREY, COLOURS, style_system

NAME_WIDTH = 26
STEPS = ["system", "step", "ms", "shared"]
_ROW_HEIGHT = 42
_LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None, "traceorder": "normal"}
_CURVE_POINTS = 60


def draw_steps(steps: pd.DataFrame, beside: Mapping[str, str]) -> go.Figure:
    """A stacked bar of median milliseconds per system, from the top in the order given; steps that systems share are hatched.

    steps: STEPS, a row per system and timed step, shared as bool. beside: system -> what is written at its bar's end.
    """
    figure = go.Figure()
    systems = list(reversed(list(beside)))  # Plotly draws from the bottom up
    names = {system: escape_chart(name) for system, name in shorten_apart(systems, width=NAME_WIDTH).items()}
    order = [word for word in list_steps() if word in set(steps["step"])]
    order += [word for word in dict.fromkeys(steps["step"]) if word not in order]
    for place, word in enumerate(order):
        for shared in (True, False):
            rows = steps[(steps["step"] == word) & (steps["shared"] == shared)].groupby("system", sort=False)["ms"].sum()
            if rows.empty:
                continue
            both = len(set(steps.loc[steps["step"] == word, "shared"])) > 1
            figure.add_bar(
                x=list(rows),
                y=[names[str(system)] for system in rows.index],
                orientation="h",
                name=word,
                legendgroup=word,
                showlegend=not (both and shared),
                marker={
                    "color": COLOURS[place % len(COLOURS)],
                    "line": {"width": 0},
                    "pattern": {
                        "shape": "/" if shared else "",
                        "size": 8,
                        "solidity": 0.2,
                        "fillmode": "overlay",
                        "fgcolor": "#ffffff",
                    },
                },
                hovertext=[
                    f"{escape_chart(system)}<br>{escape_chart(word)}: {ms:.1f} ms{', shared' if shared else ''}"
                    for system, ms in rows.items()
                ],
                hoverinfo="text",
            )
    totals = steps.groupby("system")["ms"].sum()
    for system in systems:
        figure.add_annotation(
            x=float(totals.get(system, 0.0)), y=names[system], text=f" {escape_chart(beside[system])}", showarrow=False,
            xanchor="left", font={"size": 12},
        )  # fmt: skip
    figure.update_layout(
        barmode="stack", bargap=0.35, height=130 + _ROW_HEIGHT * len(systems), margin={"t": 10, "b": 10, "l": 10, "r": 10},
        legend=_LEGEND, showlegend=True,
    )  # fmt: skip
    figure.update_xaxes(
        title="median ms of a query", range=[0, 1.7 * float(totals.max()) if len(totals) else 1], zeroline=False
    )
    figure.update_yaxes(automargin=True, showgrid=False, categoryorder="array", categoryarray=[names[name] for name in systems])
    return figure


def draw_growth(scaling: Scaling, estimates: pd.DataFrame, *, dimensions: int | None, depth: int | None) -> go.Figure:
    """Median latency over the number of documents, both on log scales: what was measured, the curve through it, and the
    estimates with what is expected of them. Beyond ten times the largest size the curve is dashed."""
    figure = go.Figure()
    sizes = list_sizes(scaling)
    most = max([sizes[-1] * FAR, *estimates["documents"]])
    spots = np.unique(np.geomspace(sizes[0], most, _CURVE_POINTS).round().astype(int))
    labels = shorten_apart(scaling.systems, width=NAME_WIDTH)
    for name, measured in scaling.systems.items():
        colour, symbol, _ = style_system(name)
        label = escape_chart(labels[name])
        curve = [scaling.estimate(name, documents=int(spot), dimensions=dimensions, depth=depth)["p50"] for spot in spots]
        for far in (False, True):
            chosen = [(s, ms) for s, ms in zip(spots, curve, strict=True) if (s > sizes[-1] * FAR) == far]
            if far and chosen:  # the dashed part begins where the other ends
                chosen = [(s, ms) for s, ms in zip(spots, curve, strict=True) if s <= sizes[-1] * FAR][-1:] + chosen
            _add_line(figure, chosen, colour, far=far)
        figure.add_scatter(
            x=[point.documents for point in measured.sizes],
            y=[point.p50 for point in measured.sizes],
            mode="markers",
            name=label,
            legendgroup=name,
            marker={"color": colour, "symbol": symbol, "size": 9},
            hovertext=[
                f"{escape_chart(name)}, measured<br>{point.documents:,} documents: {point.p50:.1f} ms (p95 {point.p95:.1f})"
                for point in measured.sizes
            ],
            hoverinfo="text",
        )
        _add_estimates(figure, name, estimates[estimates["system"] == name].to_dict("records"), colour)
    figure.update_layout(height=440, margin={"t": 20, "b": 10, "l": 10, "r": 20}, legend=_LEGEND)
    figure.update_xaxes(title="documents (log scale)", type="log", dtick=1, minor={"dtick": "D2"}, tickformat=",")
    figure.update_yaxes(title="median ms of a query (log scale)", type="log", dtick=1, minor={"dtick": "D2"}, tickformat=",~r")
    return figure


def _add_line(figure: go.Figure, points: Sequence[tuple[int, float]], colour: str, *, far: bool) -> None:
    figure.add_scatter(
        x=[int(spot) for spot, _ in points],
        y=[max(ms, 0.01) for _, ms in points],
        mode="lines",
        line={"color": colour, "width": 2, "dash": "dot" if far else "solid"},
        opacity=0.7,
        hoverinfo="skip",
        showlegend=False,
    )


def _add_estimates(figure: go.Figure, name: str, rows: list[dict[str, float]], colour: str) -> None:
    figure.add_scatter(
        x=[row["documents"] for row in rows],
        y=[max(row["p50"], 0.01) for row in rows],
        mode="markers",
        legendgroup=name,
        showlegend=False,
        marker={"color": BASELINE_GREY, "symbol": "circle-open", "size": 13, "line": {"width": 3, "color": colour}},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [row["high"] - row["p50"] for row in rows],
            # a log scale has no 0: the bar ends at a tenth of the estimate
            "arrayminus": [min(row["p50"] - row["low"], 0.9 * row["p50"]) for row in rows],
            "color": colour,
        },
        hovertext=[
            f"{escape_chart(name)}, estimated<br>{row['documents']:,} documents: {row['p50']:,.1f} ms "
            f"({row['low']:,.1f} to {row['high']:,.1f})"
            for row in rows
        ],
        hoverinfo="text",
    )
