"""The drawing of the ladder: what stands where, what is hollow, dashed, written below; hostile names stay text."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace
from typing import Any

import plotly.graph_objects as go
import pytest

from core.report.figures.colours import BLUE, GREY
from core.report.figures.ladder import describe_added, describe_ladder, draw_ladder
from core.report.figures.stability import describe_stability, draw_stability
from tests.support.small import HOSTILE


def make_rung(rung: str, system: str | None, mean: float = 0.0, delta: float | None = None, **more: Any) -> dict[str, Any]:
    """A row of describe_rungs(): measured with a change of ±.05, the baseline without one, or not measured."""
    row: dict[str, Any] = {
        "rung": rung,
        "title": rung.capitalize(),
        "system": system,
        "what": "",
        "kept": True,
        "verdict": None,
    }
    row |= {"note": "", "why_not": "", "chosen_from": {}, "one_time": "", "added_ms": 0.0}
    if system is not None:
        row["mean"] = mean
    if delta is not None:
        row |= {"delta": delta, "delta_low": delta - 0.05, "delta_high": delta + 0.05, "verdict": "better"}
    return row | more


def make_assessment(*rows: dict[str, Any], system: str = "dense", action: str = "fix_chunking") -> Any:
    return SimpleNamespace(ladder=rows, primary="nDCG@10", recommendation=SimpleNamespace(system=system, action=action))


LADDER = (
    make_rung("baseline", "dense", 0.5),
    make_rung("chunking", "dense-64", 0.6, 0.1, one_time="embed 300 chunks", added_ms=12.4),
    make_rung("hybrid", "hybrid", 0.58, -0.02, kept=False, verdict="cannot_tell", one_time="none", added_ms=None),
    make_rung("tuned", None, kept=False, why_not="Not trained yet."),
)


def find_dots(figure: dict[str, Any]) -> list[dict[str, Any]]:
    return [trace for trace in figure["data"] if trace["mode"] == "markers+text"]


def test_first_place_is_the_baseline_and_a_bar_is_the_interval_of_the_change() -> None:
    figure = draw_ladder(make_assessment(*LADDER, system="dense-64"), {"dense-64": "#123456"})
    baseline, chunking, hybrid = find_dots(figure)
    assert (baseline["x"], baseline["y"], "error_y" in baseline) == ([0], [0.5], False)
    assert (chunking["x"], chunking["y"], chunking["text"]) == ([1], [0.6], ["0.600"])
    # the change is .1, .05 to .15: the bar goes from .05 below the dot to .05 above it
    assert chunking["error_y"]["array"] == pytest.approx([0.05])
    assert chunking["error_y"]["arrayminus"] == pytest.approx([0.05])
    assert chunking["marker"]["color"] == "#123456" and hybrid["marker"]["color"] == GREY


def test_hollow_was_tried_and_not_kept_and_dashed_was_not_measured() -> None:
    figure = draw_ladder(make_assessment(*LADDER), {})
    assert [dot["marker"]["symbol"] for dot in find_dots(figure)] == ["circle", "circle", "circle-open"]
    (ring,) = figure["layout"]["shapes"]
    assert (ring["xanchor"], ring["yanchor"], ring["line"]["dash"]) == (3, 0.6, "dot")
    assert "Not trained yet." in figure["data"][-1]["hovertext"][0]


def test_line_is_the_best_so_far_and_dotted_where_nothing_was_measured() -> None:
    # dense .5, then .6 is kept, .58 is not: the line stays at .6 and goes on dotted to the last rung
    solid, dotted = [trace for trace in draw_ladder(make_assessment(*LADDER), {})["data"] if trace["mode"] == "lines"]
    assert (solid["x"], solid["y"], solid["line"]["shape"]) == ([0, 1, 2], [0.5, 0.6, 0.6], "hv")
    assert (dotted["x"], dotted["y"], dotted["line"]["dash"]) == ([2, 3], [0.6, 0.6], "dot")


def test_verdict_milliseconds_and_one_time_work_stand_below() -> None:
    below = draw_ladder(make_assessment(*LADDER), {})["layout"]["xaxis"]["ticktext"]
    assert below[0] == "<b>Baseline</b><br>dense"
    assert below[1].replace("<br>", " ") == "<b>Chunking</b> ✓ better +12 ms/query once: embed 300 chunks"
    assert below[2] == "<b>Hybrid</b><br>? cannot tell<br>once: nothing"
    assert below[3] == "<b>Tuned</b><br>not measured"
    assert describe_added({"added_ms": -3.6}) == "−4 ms/query"
    assert describe_added({"added_ms": 0.2}) == "±0 ms/query"


@pytest.mark.parametrize(("action", "word"), [("fix_chunking", "recommended"), ("label_more_queries", "keep for now")])
def test_the_system_to_use_is_pointed_at(action: str, word: str) -> None:
    (note,) = draw_ladder(make_assessment(*LADDER, system="dense-64", action=action), {})["layout"]["annotations"]
    assert (note["x"], note["text"]) == (1, f"<b>{word}</b>")
    assert note["y"] == pytest.approx(0.65)  # above the bar


def test_ticks_are_round_and_end_at_one() -> None:
    rows = (make_rung("baseline", "dense", 0.9), make_rung("chunking", "dense-64", 1.0, 0.1))
    axis = draw_ladder(make_assessment(*rows), {})["layout"]["yaxis"]
    # .9 to 1.05 with room: .86 to 1.13; steps of .05 are the first that give at most six
    assert axis["tickvals"] == [0.9, 0.95, 1.0]
    assert axis["range"] == pytest.approx([0.86, 1.13])


def test_nothing_measured_is_no_drawing() -> None:
    row = make_rung("baseline", "dense")
    del row["mean"]
    assert draw_ladder(make_assessment(row), {})["data"] == []


def test_hostile_names_stay_text_and_plotly_takes_the_figure() -> None:
    rows = (make_rung("baseline", HOSTILE, 0.5), make_rung(HOSTILE, "b" * 40, 0.6, 0.1, what=HOSTILE, one_time=HOSTILE))
    figure = draw_ladder(make_assessment(*rows, system=HOSTILE), {})
    assert "<img" not in json.dumps(figure)
    assert "&lt;img" in json.dumps(figure)
    assert go.Figure(figure).to_dict()["layout"]["showlegend"] is False


def test_described_for_those_who_cannot_see_it() -> None:
    words = describe_ladder(make_assessment(*LADDER))
    assert "Chunking: dense-64 0.600, better; Hybrid: hybrid 0.580, cannot tell, not kept; Tuned: not measured." in words


@dataclasses.dataclass
class Said:
    stability: dict[str, Any]
    action: str = "fix_chunking"
    title: str = "Change the chunking first"
    system: str = "s0"


def test_stability_bars_mark_what_is_recommended_and_join_the_rest() -> None:
    systems = {f"s{number}": share for number, share in enumerate([0.5, 0.2, 0.1, 0.1, 0.05, 0.05])}
    said: Any = Said({"resplits": 100, "actions": {"fix_chunking": 0.9, "add_reranker": 0.1}, "systems": systems})
    bars = draw_stability(said)["data"][0]
    labels = draw_stability(said)["layout"]["yaxis"]["ticktext"]
    assert labels[0] == "<b>Action</b>" and labels[-1] == "2 others"
    assert bars["text"] == ["", "90%", "10%", "", "50%", "20%", "10%", "10%", "10%"]
    assert [labels[place] for place, colour in enumerate(bars["marker"]["color"]) if colour == BLUE] == [said.title, "s0"]
    assert describe_stability(said).endswith("“Change the chunking first” came out 90 times, s0 50 times.")


def test_stability_of_nothing_is_nothing() -> None:
    said: Any = Said({"resplits": 0, "actions": {}, "systems": {}})
    assert draw_stability(said)["data"] == []
    assert describe_stability(said) == ""
