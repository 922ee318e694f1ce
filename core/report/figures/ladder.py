"""The ladder as a drawing, left to right: what each rung brought on the test queries, and what it takes.

A Plotly figure as a plain dict, so that the page and the report show the same; text is escaped, as Plotly reads HTML.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.ladder.rows import word_verdict
from core.recommendation.assess import Assessment
from core.report.figures.colours import GREY
from core.report.figures.text import escape, wrap

SHAPES = {"better": "✓", "worse": "✗", "better_but_small": "↑", "no_useful_difference": "=", "cannot_tell": "?"}
LEAST_WIDTH = 780  # pixels below which the words under the rungs run into each other: let it scroll
_HEIGHT = 318
_LINE = 13  # signs of a line below a rung
_DOT, _OPEN = 13, "circle-open"
_RING = 7  # radius of a dashed ring, in pixels
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
_MOST_TICKS = 6
_SHORT = 0.09  # of the height: a bar above a dot that is shorter leaves no room beside the number
_WAITING = ("label_more_queries", "extend_corpus")  # actions that come before any system
_TICK = 11  # size of the words below the rungs


def draw_ladder(assessment: Assessment, colours: Mapping[str, str]) -> dict[str, Any]:
    """{"data", "layout"}; "data" is empty if no rung has a mean, and there is nothing to draw.

    colours: system -> colour; grey where one is missing. A filled dot was kept on the tuning queries, a hollow one was
    tried and not kept, a dashed ring was not measured. The line is the best so far: the mean of what was kept. A bar is the
    95 % interval of the change against the line that comes from the left; the baseline has none.
    """
    rows = list(assessment.ladder)
    if not any("mean" in row for row in rows):
        return {"data": [], "layout": {}}
    levels = _find_levels(rows)
    last = max(place for place, row in enumerate(rows) if "mean" in row)
    data = _draw_steps(levels, last)
    shapes = []
    for place, row in enumerate(rows):
        if "mean" in row:
            data.append(_draw_dot(row, place, before=levels[max(place - 1, 0)], measure=assessment.primary, colours=colours))
        else:
            data.append(_draw_absent(row, place, levels[place]))
            shapes.append(_draw_ring(place, levels[place]))
    return {"data": data, "layout": _lay_out(assessment, rows, shapes)}


def describe_ladder(assessment: Assessment) -> str:
    """The drawing in sentences, for those who cannot see it. Plain text."""
    parts = []
    for row in assessment.ladder:
        if "mean" not in row:
            parts.append(f"{row['title']}: not measured")
            continue
        verdict = f", {word_verdict(row)}" if row.get("verdict") else ""
        kept = "" if row["kept"] or row.get("held_out") else ", not kept"
        parts.append(f"{row['title']}: {row['system']} {row['mean']:.3f}{verdict}{kept}")
    return f"The ladder, mean {assessment.primary} on the test queries. {'; '.join(parts)}."


def _find_levels(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """The mean of the best so far after each rung."""
    levels: list[float] = []
    for row in rows:
        before = levels[-1] if levels else 0.0
        levels.append(float(row["mean"]) if "mean" in row and (row["kept"] or not levels) else before)
    return levels


def _draw_steps(levels: Sequence[float], last: int) -> list[dict[str, Any]]:
    """The line of the best so far: it goes level up to a rung and steps there; dotted where nothing was measured."""
    line = {"color": GREY, "width": 2, "shape": "hv"}
    common = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False}
    measured = [*range(last + 1)]
    traces = [{**common, "x": measured, "y": [levels[place] for place in measured], "line": line, "name": "best so far"}]
    if last + 1 < len(levels):
        ends = [last, len(levels) - 1]
        traces.append({**common, "x": ends, "y": [levels[last]] * 2, "line": {**line, "dash": "dot"}, "name": "not measured"})
    return traces


def _draw_dot(row: Mapping[str, Any], place: int, *, before: float, measure: str, colours: Mapping[str, str]) -> dict[str, Any]:
    colour = colours.get(row["system"], GREY)
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers+text",
        "x": [place],
        "y": [row["mean"]],
        "text": [f"{row['mean']:.3f}"],
        "textposition": "top right" if row["mean"] >= before else "bottom right",
        "marker": {
            "color": colour,
            "size": _DOT,
            "symbol": "circle" if row["kept"] else _OPEN,
            "line": {"color": colour, "width": 2.5},
        },
        "hovertext": [_describe_dot(row, measure)],
        "hoverinfo": "text",
        "showlegend": False,
        "cliponaxis": False,
        "name": escape(row["title"]),
    }
    if row.get("delta") is not None:
        trace["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [row["delta_high"] - row["delta"]],
            "arrayminus": [row["delta"] - row["delta_low"]],
            "color": colour,
            "thickness": 2,
            "width": 5,
        }
    return trace


def _describe_dot(row: Mapping[str, Any], measure: str) -> str:
    lines = [f"<b>{escape(row['system'])}</b>", escape(row["what"]), f"{escape(measure)} {row['mean']:.3f}"]
    if row.get("delta") is not None:
        lines.append(f"change {row['delta']:+z.3f}, 95 % interval {row['delta_low']:+z.3f} to {row['delta_high']:+z.3f}")
        where = "the tuning queries it did not learn from" if row.get("held_out") else "the tuning queries"
        kept = "" if row["kept"] or row.get("held_out") else "; not kept"
        lines.append(f"the best of {len(row['chosen_from'])} on {where}{kept}")
    return "<br>".join(line for line in lines if line)


def _draw_absent(row: Mapping[str, Any], place: int, level: float) -> dict[str, Any]:
    """An invisible point, so that a ring says why it was not measured."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [place],
        "y": [level],
        "marker": {"size": 2 * _RING, "opacity": 0, "color": GREY},
        "hovertext": [wrap(f"Not measured. {row['why_not']}", width=60)],
        "hoverinfo": "text",
        "showlegend": False,
        "name": escape(row["title"]),
    }


def _draw_ring(place: int, level: float) -> dict[str, Any]:
    pixels = {"xsizemode": "pixel", "ysizemode": "pixel", "x0": -_RING, "x1": _RING, "y0": -_RING, "y1": _RING}
    line = {"color": GREY, "width": 2, "dash": "dot"}
    return {"type": "circle", "xref": "x", "yref": "y", "xanchor": place, "yanchor": level, **pixels, "line": line}


def _lay_out(assessment: Assessment, rows: Sequence[Mapping[str, Any]], shapes: list[dict[str, Any]]) -> dict[str, Any]:
    lows, highs = zip(*(_reach(row) for row in rows if "mean" in row), strict=True)
    room = max(0.12 * (max(highs) - min(lows)), 0.04)
    bottom, top = min(lows) - room, max(highs) + 2 * room
    chosen = next(
        ((place, row) for place, row in enumerate(rows) if row["system"] == assessment.recommendation.system and "mean" in row),
        None,
    )
    notes = (
        [] if chosen is None else [_point_at(*chosen, span=top - bottom, for_now=assessment.recommendation.action in _WAITING)]
    )
    return {
        "height": _HEIGHT,
        "margin": {"t": 10, "b": 10, "l": 10, "r": 10},
        "showlegend": False,
        "hoverlabel": {"align": "left"},
        "shapes": shapes,
        "annotations": notes,
        "xaxis": {
            "tickvals": list(range(len(rows))),
            "ticktext": [_write_below(row) for row in rows],
            "tickangle": 0,
            "tickfont": {"size": _TICK},
            "range": [-0.5, len(rows) - 0.45],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "automargin": True,
        },
        "yaxis": {
            "title": {"text": escape(assessment.primary), "font": {"size": _TICK}},
            "range": [bottom, top],
            "tickvals": _choose_ticks(bottom, top),
            "tickformat": ".2f",
            "zeroline": False,
            "fixedrange": True,
            "automargin": True,
        },
    }


def _reach(row: Mapping[str, Any]) -> tuple[float, float]:
    """From where to where a rung's dot and bar reach."""
    mean = float(row["mean"])
    if row.get("delta") is None:
        return mean, mean
    return mean + row["delta_low"] - row["delta"], mean + row["delta_high"] - row["delta"]


def _choose_ticks(bottom: float, top: float) -> list[float]:
    """Round values between the two, none above 1, which no measure exceeds; a bar of a change may reach there."""
    step = next((step for step in _STEPS if (top - bottom) / step <= _MOST_TICKS), _STEPS[-1])
    first, last = math.ceil(round(bottom / step, 9)), math.floor(round(min(top, 1.0) / step, 9))
    return [round(number * step, 2) for number in range(first, last + 1)]


def _point_at(place: int, row: Mapping[str, Any], *, span: float, for_now: bool) -> dict[str, Any]:
    """The word above the recommended system's dot; clear of the number beside a dot whose bar is short."""
    high = _reach(row)[1]
    return {
        "x": place,
        "y": high,
        "text": "<b>keep for now</b>" if for_now else "<b>recommended</b>",
        "showarrow": False,
        "yanchor": "bottom",
        "yshift": 6 if (high - row["mean"]) / span > _SHORT else 22,
    }


def _write_below(row: Mapping[str, Any]) -> str:
    """Title, verdict, milliseconds and one-time work of a rung."""
    lines = [f"<b>{wrap(row['title'], width=_LINE)}</b>"]
    if "mean" not in row:
        return "<br>".join([*lines, "not measured"])
    if row.get("verdict"):
        lines.append(wrap(f"{choose_shape(row)} {word_verdict(row)}", width=_LINE))
        lines.append(wrap(describe_added(row), width=_LINE))
        once = row["one_time"] if row["one_time"] != "none" else "nothing"
        lines.append(wrap(f"once: {once}" if once else "", width=_LINE))
    else:
        lines.append(wrap(row["system"], width=_LINE))
    return "<br>".join(line for line in lines if line)


def choose_shape(row: Mapping[str, Any]) -> str:
    """The sign of a row's verdict, as in SHAPES; a question mark where it cannot be judged."""
    return SHAPES["cannot_tell" if row.get("hindrance") else row["verdict"]]


def describe_added(row: Mapping[str, Any]) -> str:
    """ "+12 ms/query": the median of a rung against the system below it; "" where latency was not measured."""
    added = row.get("added_ms")
    if added is None:
        return ""
    return "±0 ms/query" if abs(added) < 0.5 else f"{added:+z.0f} ms/query".replace("-", "−")
