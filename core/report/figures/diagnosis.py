"""Charts of the diagnosis as plain Plotly figures: {"data": [...], "layout": {...}}, for the page and for the report.

`colours` maps a system's name to its colour; one that is not in it is grey. No colour of text or background is set, so that
the figures follow the theme of whoever draws them. Names are the user's text and are escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from core.diagnosis.causes import CAUSES
from core.diagnosis.sentences import CAUSE_TITLES, CAUSE_WORDS, FIX_TITLES, list_gap
from core.diagnosis.slices import describe_slice
from core.report.figures.colours import BLUE, GREY
from core.report.figures.text import escape, shorten, wrap_words
from core.text.phrases import count_of

Figure = dict[str, Any]
_TRACK = "rgba(128,128,128,0.14)"
_FADED = 0.35
_NAME_WIDTH = 26
_ROW = 34  # pixels of a bar and the space around it
_LABEL_WIDTH = 20  # signs of a label before it takes a second line
# What is lost, in one hue that both themes can bear; the shape tells the parts apart where colour does not.
_GAP_SHAPES = {"ranked_low": "", "not_among_100": "/", "unanswerable": "x"}
_GAP_HUE = "#8080cc"


def draw_causes(counts: Mapping[str, Any], *, chosen: str = "") -> Figure:
    """Why queries fail: a bar per cause in ladder order, on a track as long as all failed queries.

    counts: a value of ErrorAnalysis.counts, with at least one failure. chosen: the cause to bring out, "" for none. The
    customdata of every point is its cause, on bar, track and number alike, so that a click anywhere in the row finds it.
    """
    failed = int(counts["failed"])
    values = [int(counts["causes"][cause]) for cause in CAUSES]
    titles = [CAUSE_TITLES[cause] for cause in CAUSES]
    shades = [_fade(BLUE, 1.0 if chosen in ("", cause) else _FADED) for cause in CAUSES]
    numbers = [f"{value:,} of {failed:,}" for value in values]
    hover = [
        f"<b>{CAUSE_TITLES[cause]}</b>: {number} failed queries<br>{wrap_words(CAUSE_WORDS[cause], width=48)}"
        for cause, number in zip(CAUSES, numbers, strict=True)
    ]
    shared = {"y": titles, "customdata": list(CAUSES), "hovertext": hover, "hoverinfo": "text", "showlegend": False}
    rows: dict[str, Any] = {**shared, "type": "bar", "orientation": "h"}
    data = [
        {**rows, "x": values, "marker": {"color": shades, "line": {"width": 0}}},
        {**rows, "x": [failed - value for value in values], "marker": {"color": _TRACK, "line": {"width": 0}}},
        {
            **shared,
            "type": "scatter",
            "mode": "text",
            "x": [failed * 1.02] * len(CAUSES),
            "text": numbers,
            "textposition": "middle right",
            "cliponaxis": False,
        },
    ]
    layout = {
        **_layout(rows=len(CAUSES), bottom=10),
        "barmode": "stack",
        "bargap": 0.28,
        "hovermode": "closest",
        "clickmode": "event+select",
        "xaxis": {"range": [0, failed * 1.24], "visible": False, "fixedrange": True},
        "yaxis": _rows_axis(),
    }
    return {"data": [_keep_shades(trace) for trace in data], "layout": layout}


def draw_headroom(headroom: Mapping[str, Any], *, colours: Mapping[str, str]) -> Figure:
    """At best: a bar per fix that starts at the baseline's mean and ends where the fix alone could bring it.

    headroom: ErrorAnalysis.headroom, with at least one bound. The bars overlap in meaning and are never stacked.
    """
    mean, system = float(headroom["mean"]), str(headroom["system"])
    bounds = sorted(headroom["bounds"], key=lambda bound: -float(bound["gain"]))
    gains = [float(bound["gain"]) for bound in bounds]
    titles = [wrap_words(FIX_TITLES[bound["fix"]], width=_LABEL_WIDTH) for bound in bounds]
    hover = [
        f"<b>{FIX_TITLES[bound['fix']]}</b>: at best {mean + bound['gain']:.3f}<br>with the labels in sight "
        f"{bound['oracle']:+z.3f}, of it luck {bound['chance']:+z.3f}"
        for bound in bounds
    ]
    bars = {
        "type": "bar",
        "orientation": "h",
        "base": [mean] * len(bounds),
        "x": gains,
        "y": titles,
        "text": [f"{gain:+z.3f}" if gain >= 0.0005 else "nothing" for gain in gains],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": BLUE, "line": {"width": 0}},
        "hovertext": hover,
        "hoverinfo": "text",
        "showlegend": False,
    }
    line, label = _mark_mean(system, mean, colours)
    low = min(0.9, max(0.0, mean - 0.1))
    layout = {
        **_layout(rows=len(bounds), bottom=46, top=28, row=44),
        "title": {"text": ""},
        "bargap": 0.4,
        "shapes": [line],
        "annotations": [label],
        "xaxis": {
            "range": [low, 1.0 + 0.16 * (1.0 - low)],
            "tickformat": ".1f",
            "tickvals": [tick / 10 for tick in range(11) if tick / 10 >= low],
            "title": {"text": escape(headroom["measure"])},
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": _rows_axis(),
    }
    return {"data": [bars], "layout": layout}


def _mark_mean(system: str, mean: float, colours: Mapping[str, str]) -> tuple[Figure, Figure]:
    """A line across all bars at a system's mean, and what it is."""
    across = {"xref": "x", "yref": "paper"}
    stroke = {"color": colours.get(system, GREY), "width": 3}
    line = {**across, "type": "line", "x0": mean, "x1": mean, "y0": 0, "y1": 1, "line": stroke}
    anchor = {"yanchor": "bottom", "xanchor": "left" if mean < 0.5 else "right"}
    text = f"{shorten(system, width=_NAME_WIDTH)} {mean:.3f}"
    return line, {**across, **anchor, "text": text, "x": mean, "y": 1, "showarrow": False}


def draw_gap(headroom: Mapping[str, Any], *, colours: Mapping[str, str]) -> Figure:
    """Where the rest goes: one bar from 0 to a perfect score, what is reached and the three parts of the gap, which add up.

    headroom: ErrorAnalysis.headroom. Shares are over all judged queries. A part of nothing has no place in the bar.
    """
    data = []
    for part, words, share in list_gap(headroom):
        title = words
        if part == "reached":
            marker: dict[str, Any] = {"color": colours.get(str(headroom["system"]), GREY)}
            title = f"Reached by {shorten(headroom['system'], width=_NAME_WIDTH)}"
        else:
            pattern: dict[str, Any] = {
                "shape": _GAP_SHAPES[part],
                "fgcolor": _GAP_HUE,
                "bgcolor": _fade(_GAP_HUE, 0.2),
                "size": 7,
                "solidity": 0.4,
            }
            marker = {"color": _GAP_HUE, "pattern": pattern if _GAP_SHAPES[part] else {}}
        if share <= 0:
            continue
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": [share],
                "y": [""],
                "name": f"{title} {share:.3f}",
                "marker": marker | {"line": {"width": 0}},
                "hovertext": [f"<b>{title}</b>: {share:.3f}"],
                "hoverinfo": "text",
            }
        )
    layout = {
        **_layout(rows=1, bottom=30, top=10, row=150),
        "barmode": "stack",
        "bargap": 0.1,
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.05, "x": 0, "title": {"text": ""}, "traceorder": "normal"},
        "xaxis": {"range": [0, 1.001], "tickformat": ".1f", "dtick": 0.2, "zeroline": False, "fixedrange": True},
        "yaxis": {"visible": False, "fixedrange": True},
    }
    return {"data": data, "layout": layout}


def draw_slices(slices: pd.DataFrame, *, systems: Sequence[str], measure: str, colours: Mapping[str, str]) -> Figure:
    """Which kinds of queries are hard: a dot with its interval per kind and system; hollow where the kind has few queries.

    slices: ErrorAnalysis.slices, with rows for the systems. systems: one or two to show, drawn from the top. The customdata of
    every point is its slice.
    """
    names = list(dict.fromkeys(slices["slice"]))
    places = {name: row for row, name in enumerate(names)}
    counts = {row.slice: (int(row.n), bool(row.small)) for row in slices.itertuples()}
    labels = [f"{wrap_words(name, width=_LABEL_WIDTH)}<br>{_say_count(*counts[name])}" for name in names]
    data = []
    for number, system in enumerate(systems):
        own = slices[slices["system"] == system]
        shift = (number - (len(systems) - 1) / 2) * 0.3
        rows = [places[name] + shift for name in own["slice"]]
        symbols = [f"{'circle' if number == 0 else 'diamond'}{'-open' if few else ''}" for few in own["small"]]
        data.append(_draw_dots(own, system, colour=colours.get(system, GREY), y=rows, symbols=symbols))
    layout = {
        **_layout(rows=len(names), bottom=46, top=40, row=52),
        "hovermode": "closest",
        "clickmode": "event+select",
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "title": {"text": ""}},
        "xaxis": {
            "range": [-0.02, 1.02],
            "tickformat": ".1f",
            "dtick": 0.2,
            "title": {"text": escape(measure)},
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {
            "tickvals": list(places.values()),
            "ticktext": labels,
            "range": [len(names) - 0.4, -0.6],
            "automargin": True,
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
    }
    return {"data": [_keep_shades(trace) for trace in data], "layout": layout}


def _draw_dots(own: pd.DataFrame, system: str, *, colour: str, y: list[float], symbols: list[str]) -> Figure:
    """One system's dots and intervals. own: its rows of ErrorAnalysis.slices."""
    hover = [
        f"<b>{escape(row.slice)}</b>, {_say_count(int(row.n), bool(row.small))}<br>{escape(system)} {row.mean:.3f} "
        f"({row.low:.3f} to {row.high:.3f})<br>{wrap_words(describe_slice(row.slice), width=56)}"
        for row in own.itertuples()
    ]
    spread = {"array": (own["high"] - own["mean"]).tolist(), "arrayminus": (own["mean"] - own["low"]).tolist()}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": shorten(system, width=_NAME_WIDTH),
        "x": own["mean"].tolist(),
        "y": y,
        "error_x": {"type": "data", "symmetric": False, "color": colour, "thickness": 2, "width": 4, **spread},
        "marker": {"color": colour, "size": 11, "symbol": symbols, "line": {"width": 2, "color": colour}},
        "customdata": own["slice"].tolist(),
        "hovertext": hover,
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _layout(*, rows: int, bottom: int, top: int = 8, row: int = _ROW) -> dict[str, Any]:
    return {"height": top + bottom + row * rows, "margin": {"t": top, "b": bottom, "l": 8, "r": 16}, "dragmode": False}


def _rows_axis() -> dict[str, Any]:
    """Rows from the top, in the order given."""
    return {"autorange": "reversed", "automargin": True, "showgrid": False, "zeroline": False, "fixedrange": True, "ticks": ""}


def _keep_shades(trace: dict[str, Any]) -> dict[str, Any]:
    """A click says which queries to list; Plotly would also dim everything else, and stay so."""
    still = {"textfont": {}} if trace.get("mode") == "text" else {"marker": {"opacity": 1}}
    return {**trace, "selected": still, "unselected": still}


def _say_count(count: int, few: bool) -> str:
    words = count_of(count, "query")
    return f"{words}, too few" if few else words


def _fade(colour: str, opacity: float) -> str:
    """#rrggbb as rgba()."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
