"""Charts of costs: figures from a cost overview. Nothing here asks Streamlit or the workspace for anything."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from core.costs.break_even import BreakEven
from core.costs.lines import format_money
from pages.shared.frame.text import escape_chart, shorten_apart
from pages.shared.show.colours import BASELINE_GREY, COLOURS, style_system

NAME_WIDTH = 26
_ROW_HEIGHT = 42
_LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None, "traceorder": "normal"}
_MUTED = 0.4  # opacity of what is beaten
_CROWDED = 0.15  # share of a label that may lie on something else
_LETTER, _LINE, _DOT = 0.027, 0.06, 0.03  # of a letter's width, a line's height, half a mark, in a chart of half the width


def draw_groups(groups: Mapping[str, Mapping[str, float]], *, title: str) -> go.Figure:
    """Where the money goes: a stacked bar per system, in the order given from the top. groups: system -> group -> USD."""
    figure = go.Figure()
    names = {system: escape_chart(name) for system, name in shorten_apart(groups, width=NAME_WIDTH).items()}
    kinds = list(dict.fromkeys(group for values in groups.values() for group in values))
    order = list(reversed(list(groups)))  # Plotly draws from the bottom up
    for place, group in enumerate(kinds):
        values = [groups[system].get(group, 0.0) for system in order]
        if not any(values):
            continue
        figure.add_bar(
            x=values,
            y=[names[system] for system in order],
            orientation="h",
            name=group,
            marker={"color": COLOURS[place], "line": {"width": 0}},
            hovertext=[
                f"{escape_chart(system)}<br>{group}: {format_money(value)}" for system, value in zip(order, values, strict=True)
            ],
            hoverinfo="text",
        )
    for system in order:
        total = sum(groups[system].values())
        figure.add_annotation(x=total, y=names[system], text=f" <b>{format_money(total)}</b>", showarrow=False, xanchor="left")
    most = max((sum(values.values()) for values in groups.values()), default=0.0)
    figure.update_layout(
        barmode="stack",
        bargap=0.35,
        height=120 + _ROW_HEIGHT * len(order),
        margin={"t": 10, "b": 10, "l": 10, "r": 10},
        legend=_LEGEND,
        showlegend=True,
    )
    figure.update_xaxes(
        title=title, tickprefix="$", range=[0, 1.32 * most or 1], zeroline=False, nticks=6, exponentformat="none"
    )
    figure.update_yaxes(automargin=True, showgrid=False)
    return figure


def draw_front(
    rows: pd.DataFrame,
    *,
    price: str,
    front: Sequence[str],
    title: str,
    measure: str,
    limit: float | None,
    money: bool,
) -> go.Figure:
    """Quality against a price: a point per system with its interval; a line joins those that nobody beats, others are muted.

    rows: system, quality, low, high and the column `price`; without NaN. limit: on the price, drawn as a line, or None.
    """
    figure = go.Figure()
    low, high, log = _span(rows[price], limit)
    joined = rows.set_index("system").loc[list(front)]
    figure.add_scatter(
        x=joined[price], y=joined["quality"], mode="lines", hoverinfo="skip", showlegend=False,
        line={"color": BASELINE_GREY, "dash": "dot", "width": 2, "shape": "hv"},
    )  # fmt: skip
    labels = shorten_apart(rows["system"], width=NAME_WIDTH)
    for row, place in zip(rows.to_dict("records"), _place(rows, price, low, high, log=log, front=front), strict=True):
        label = escape_chart(labels[row["system"]])
        _add_point(figure, row, label, price=price, place=place, beaten=row["system"] not in front, money=money)
    if limit is not None:
        figure.add_vline(
            x=limit, line={"color": BASELINE_GREY, "dash": "dash", "width": 2},
            annotation={"text": "limit", "font": {"color": BASELINE_GREY}},
        )  # fmt: skip
    figure.update_layout(height=400, margin={"t": 30, "b": 10, "l": 10, "r": 20})
    edges = [_log10(low), _log10(high)] if log else [low, high]
    figure.update_xaxes(
        title=title, type="log" if log else "linear", range=edges, tickprefix="$" if money else "", zeroline=False,
        nticks=None if log else 6, dtick=1 if log else None, minor={"dtick": "D2"} if log else None, tickformat=",",
    )  # fmt: skip
    pad = max(0.15 * (rows["quality"].max() - rows["quality"].min()), 0.01)
    bottom, top = rows["quality"].min() - 2 * pad, rows["quality"].max() + 2 * pad
    figure.update_yaxes(title=escape_chart(measure), tickformat=".2f", range=[bottom, top], zeroline=False)
    return figure


def _add_point(
    figure: go.Figure, row: Mapping[str, Any], label: str, *, price: str, place: str, beaten: bool, money: bool
) -> None:
    colour, symbol, _ = style_system(row["system"])
    cost = format_money(row[price]) if money else f"{row[price]:,.1f} ms"
    figure.add_scatter(
        x=[row[price]],
        y=[row["quality"]],
        mode="markers+text",
        marker={"color": colour, "symbol": symbol, "size": 11 if beaten else 15, "opacity": _MUTED if beaten else 1.0},
        text=[label if place else ""],
        textposition=place or "top center",
        textfont={"color": BASELINE_GREY} if beaten else {},
        cliponaxis=False,
        hovertext=[
            f"{escape_chart(row['system'])}{' (beaten)' if beaten else ''}<br>"
            f"{row['quality']:.3f} ({row['low']:.3f} to {row['high']:.3f})<br>{cost}"
        ],
        hoverinfo="text",
        showlegend=False,
    )


def _span(values: pd.Series, limit: float | None) -> tuple[float, float, bool]:
    """Left and right end of the axis, and whether it is logarithmic: where prices differ tenfold. A linear one never shows
    less than a tenth of the price on both sides: cents would look like worlds."""
    known = [*values, *([limit] if limit is not None else [])]
    least, most = min(known), max(known)
    if least > 0 and most / least >= 10:
        return least / 1.6, most * 1.6, True
    room = max(0.2 * (most - least), 0.1 * most, 1e-6)
    return max(0.0, least - room), most + room, False


def _place(rows: pd.DataFrame, price: str, low: float, high: float, *, log: bool, front: Sequence[str]) -> list[str]:
    """Where each label stands, "" for a beaten system that there is no room for: its name shows under the pointer. Those that
    nobody beats come first."""
    read = _log10 if log else float
    least, most = rows["quality"].min(), rows["quality"].max()
    # of the height that the points have to themselves
    across = [(read(value) - read(low)) / (read(high) - read(low)) for value in rows[price]]
    up = [0.25 + 0.5 * (value - least) / (most - least) if most > least else 0.5 for value in rows["quality"]]
    points = dict(zip(map(str, rows["system"]), zip(across, up, strict=True), strict=True))
    order = sorted(points, key=lambda name: name not in front)
    line = [points[name] for name in front]
    placed = place_names([points[name] for name in order], order, line=line, optional=set(points) - set(front))
    places = dict(zip(order, placed, strict=True))
    return [places[name] for name in points]


def place_names(
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    *,
    line: Sequence[tuple[float, float]] = (),
    optional: Collection[str] = (),
) -> list[str]:
    """A Plotly text position for each name, so that names neither leave a chart of half the page's width nor cover one another,
    a point or the line, as far as can be; "" for an optional one that would. points, line: (x, y) as shares of the plane, from
    0 to 1; the line goes in steps, first across, then up."""
    taken = [(x - _DOT, y - _DOT, x + _DOT, y + _DOT) for x, y in points]
    for (x, y), (x_next, y_next) in pairwise(line):
        taken += [(x, y - _DOT / 3, x_next, y + _DOT / 3), (x_next - _DOT / 3, y, x_next + _DOT / 3, y_next)]
    places = []
    for (x, y), name in zip(points, names, strict=True):
        width, height = min(len(name), NAME_WIDTH) * _LETTER, _LINE
        boxes = {
            "top center": (x - width / 2, y + _DOT, x + width / 2, y + _DOT + height),
            "bottom center": (x - width / 2, y - _DOT - height, x + width / 2, y - _DOT),
            "middle right": (x + _DOT, y - height / 2, x + _DOT + width, y + height / 2),
            "middle left": (x - _DOT - width, y - height / 2, x - _DOT, y + height / 2),
            "top left": (x - _DOT - width, y + _DOT / 2, x - _DOT, y + _DOT / 2 + height),
            "top right": (x + _DOT, y + _DOT / 2, x + _DOT + width, y + _DOT / 2 + height),
            "bottom left": (x - _DOT - width, y - _DOT / 2 - height, x - _DOT, y - _DOT / 2),
            "bottom right": (x + _DOT, y - _DOT / 2 - height, x + _DOT + width, y - _DOT / 2),
        }
        place = min(boxes, key=lambda side: _crowd(boxes[side], taken))
        if name in optional and _crowd(boxes[place], taken) > _CROWDED * width * height:
            places.append("")
            continue
        taken.append(boxes[place])
        places.append(place)
    return places


def _crowd(box: tuple[float, float, float, float], taken: Sequence[tuple[float, float, float, float]]) -> float:
    """Area of a box that is taken already, and what of its width lies outside the plane, which weighs more."""
    left, bottom, right, top = box
    area = sum(max(0.0, min(right, r) - max(left, le)) * max(0.0, min(top, t) - max(bottom, b)) for le, b, r, t in taken)
    return area + max(0.0, -left) + max(0.0, right - 1.0)


def _log10(value: float) -> float:
    return math.log10(max(value, 1e-6))


def draw_pay_off(found: BreakEven) -> go.Figure:
    """Accumulated cost of both over the months, with a line at the month from which the trained one is the cheaper."""
    figure = go.Figure()
    labels = shorten_apart([found.trained, found.other], width=40)
    for column, name, dash in (("trained", found.trained, "solid"), ("other", found.other, "dash")):
        colour = COLOURS[0] if column == "trained" else BASELINE_GREY
        figure.add_scatter(
            x=found.curve["month"],
            y=found.curve[column],
            mode="lines",
            name=escape_chart(labels[name]),
            line={"color": colour, "dash": dash, "width": 3},
            hovertemplate="$%{y:,.0f}",
        )
    if found.months:
        figure.add_vline(
            x=found.months, line={"color": BASELINE_GREY, "dash": "dot", "width": 2},
            annotation={"text": f"month {found.months}", "font": {"color": BASELINE_GREY}},
        )  # fmt: skip
    figure.update_layout(height=360, margin={"t": 20, "b": 10, "l": 10, "r": 20}, hovermode="x unified", legend=_LEGEND)
    figure.update_xaxes(title="months", zeroline=False, dtick=12)
    figure.update_yaxes(title="spent so far", tickprefix="$", rangemode="tozero", zeroline=False)
    return figure
