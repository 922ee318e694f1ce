"""How often each action and each system won over the re-splits, as bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.ladder.actions import title_action
from core.recommendation.recommend import Recommendation
from core.report.figures.colours import BLUE, GREY
from core.report.figures.text import shorten

_MOST = 5  # bars of a kind; the rest is drawn as one
_ROW = 26  # pixels
_LONGEST = 34  # signs of a name


def draw_stability(said: Recommendation) -> dict[str, Any]:
    """{"data", "layout"}; "data" is empty if nothing was split anew. What is recommended is blue, the rest grey."""
    actions = {title_action(name): share for name, share in said.stability["actions"].items()}
    groups = (
        ("Action", actions, said.title),
        ("System", dict(said.stability["systems"]), said.system),
    )
    labels: list[str] = []
    shares: list[float | None] = []
    colours: list[str] = []
    for title, wins, chosen in groups:
        if not wins:
            continue
        labels.append(f"<b>{title}</b>")
        shares.append(None)
        colours.append(GREY)
        for name, share in _keep_most(wins).items():
            labels.append(shorten(name, width=_LONGEST))
            shares.append(share)
            colours.append(BLUE if name == chosen else GREY)
    if not labels:
        return {"data": [], "layout": {}}
    places = list(range(len(labels)))
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [share or 0.0 for share in shares],
        "y": places,
        "marker": {"color": colours, "line": {"width": 0}},
        "text": ["" if share is None else f"{share:.0%}" for share in shares],
        "textposition": "outside",
        "cliponaxis": False,
        "hoverinfo": "skip",
        "width": 0.7,
    }
    layout = {
        "height": 20 + _ROW * len(labels),
        "margin": {"t": 5, "b": 10, "l": 10, "r": 45},
        "showlegend": False,
        "xaxis": {"range": [0, 1], "visible": False, "fixedrange": True},
        "yaxis": {
            "tickvals": places,
            "ticktext": labels,
            "autorange": "reversed",
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "automargin": True,
        },
    }
    return {"data": [bars], "layout": layout}


def describe_stability(said: Recommendation) -> str:
    """The bars in two sentences. Plain text; "" if nothing was split anew."""
    resplits = said.stability["resplits"]
    if not resplits or not said.stability["actions"]:
        return ""
    if said.stability.get("without_trained", False):
        return (
            f"The queries were split anew {resplits} times and the ladder was climbed each time, without the trained models: "
            "they have learned from queries that other splits test on. See cross-fitting on the page Fine-tuning."
        )
    action = round(resplits * said.stability["actions"].get(said.action, 0.0))
    system = round(resplits * said.stability["systems"].get(said.system, 0.0))
    return (
        f"The queries were split anew {resplits} times and the ladder was climbed each time. “{said.title}” came out "
        f"{action} times, {said.system} {system} times."
    )


def _keep_most(wins: Mapping[str, float]) -> dict[str, float]:
    """The most frequent ones, and what all others come to."""
    if len(wins) <= _MOST:
        return dict(wins)
    first = dict(list(wins.items())[: _MOST - 1])
    return {**first, f"{len(wins) - len(first)} others": sum(wins.values()) - sum(first.values())}
