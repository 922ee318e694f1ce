"""The charts of the diagnosis: what a figure holds, worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from core.diagnosis import sentences as words
from core.diagnosis.causes import CAUSES
from core.diagnosis.headroom import CHUNKING, FILTER, RERANKING
from core.diagnosis.slices import SLICE_MEASURES
from core.report.figures.colours import GREY
from core.report.figures.diagnosis import draw_causes, draw_gap, draw_headroom, draw_slices
from tests.support.small import HOSTILE

COLOURS = {"dense": "#808080", "hybrid": "#1966cc"}


def count(**causes: int) -> dict[str, Any]:
    return {"failed": sum(causes.values()), "judged": 20, "causes": {cause: causes.get(cause, 0) for cause in CAUSES}}


def make_headroom(**changes: Any) -> dict[str, Any]:
    def bound(fix: str, oracle: float, chance: float, gain: float) -> dict[str, Any]:
        return {"fix": fix, "oracle": oracle, "chance": chance, "gain": gain, "n": 10, "words": f"{fix} in words."}

    return {
        "measure": "nDCG@10",
        "system": "dense",
        "mean": 0.5,
        "bounds": [bound(FILTER, 0.1, 0.1, 0.0), bound(CHUNKING, 0.2, 0.25, 0.05), bound(RERANKING, 0.3, 0.0, 0.3)],
        "gap": {"unanswerable": 0.1, "not_among_100": 0.0, "ranked_low": 0.35},
        "n": 10,
        "judged": 11,
        **changes,
    }


def make_slices(rows: list[tuple[str, str, int, float, float, float, bool]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=SLICE_MEASURES)


def check_drawable(figure: dict[str, Any]) -> None:
    """Plotly knows every key, and the report can embed it."""
    go.Figure(figure)
    json.dumps(figure, allow_nan=False)


def test_causes_are_bars_in_ladder_order_on_a_track_of_all_failures() -> None:
    figure = draw_causes(count(metadata=5, ranking=20, wording=1))
    check_drawable(figure)
    bars, track, numbers = figure["data"]
    assert bars["y"] == [words.CAUSE_TITLES[cause] for cause in CAUSES]
    assert bars["x"] == [0, 5, 0, 0, 1, 20, 0]
    assert track["x"] == [26, 21, 26, 26, 25, 6, 26]  # bar and track together are all 26
    assert numbers["text"][1] == "5 of 26" and numbers["text"][5] == "20 of 26"
    assert all(trace["customdata"] == list(CAUSES) for trace in figure["data"])  # whatever is clicked
    assert figure["layout"]["yaxis"]["autorange"] == "reversed"  # the first cause on top


def test_the_chosen_cause_stands_out() -> None:
    shades = draw_causes(count(metadata=5, ranking=2), chosen="ranking")["data"][0]["marker"]["color"]
    assert len(set(shades)) == 2 and shades.count(shades[CAUSES.index("ranking")]) == 1
    assert len(set(draw_causes(count(metadata=5, ranking=2))["data"][0]["marker"]["color"])) == 1


def test_headroom_starts_at_the_baseline_and_never_stacks() -> None:
    figure = draw_headroom(make_headroom(), colours=COLOURS)
    check_drawable(figure)
    (bars,) = figure["data"]
    assert bars["y"] == ["Perfect reranking", "Best chunking per<br>query", "Perfect filter"]  # largest on top
    assert bars["base"] == [0.5, 0.5, 0.5] and bars["x"] == [0.3, 0.05, 0.0]
    assert bars["text"] == ["+0.300", "+0.050", "nothing"]
    assert "barmode" not in figure["layout"]
    assert figure["layout"]["shapes"][0]["x0"] == 0.5
    assert figure["layout"]["annotations"][0]["text"] == "dense 0.500"
    low, high = figure["layout"]["xaxis"]["range"]
    assert low == pytest.approx(0.4) and high > 1


def test_the_gap_is_one_bar_that_adds_up_to_one() -> None:
    figure = draw_gap(make_headroom(), colours=COLOURS)
    check_drawable(figure)
    # reached 1 - .45 = .55; nothing is not among 100, so that part has no place
    assert [(trace["name"], trace["x"][0]) for trace in figure["data"]] == [
        ("Reached by dense 0.550", pytest.approx(0.55)),
        ("Ranked too low 0.350", 0.35),
        ("Unanswerable 0.100", 0.1),
    ]
    assert figure["data"][0]["marker"]["color"] == "#808080"
    assert sum(share for *_, share in words.list_gap(make_headroom())) == pytest.approx(1)


def test_slices_have_a_dot_and_an_interval_per_system() -> None:
    slices = make_slices(
        [
            ("rare terms", "dense", 9, 0.4, 0.2, 0.7, False),
            ("rare terms", "hybrid", 9, 0.6, 0.5, 0.65, False),
            ("tag: x", "dense", 3, 0.1, 0.0, 0.3, True),
            ("tag: x", "hybrid", 3, 0.2, 0.1, 0.4, True),
        ]
    )
    figure = draw_slices(slices, systems=["dense", "hybrid"], measure="nDCG@10", colours=COLOURS)
    check_drawable(figure)
    dense, hybrid = figure["data"]
    assert dense["x"] == [0.4, 0.1] and dense["customdata"] == ["rare terms", "tag: x"]
    assert dense["error_x"]["array"] == pytest.approx([0.3, 0.2])
    assert dense["error_x"]["arrayminus"] == pytest.approx([0.2, 0.1])
    assert dense["marker"]["symbol"] == ["circle", "circle-open"]  # three queries are too few
    assert hybrid["marker"]["symbol"] == ["diamond", "diamond-open"]
    assert all(above < below for above, below in zip(dense["y"], hybrid["y"], strict=True))
    assert figure["layout"]["yaxis"]["ticktext"] == ["rare terms<br>9 queries", "tag: x<br>3 queries, too few"]
    alone = draw_slices(slices[slices["system"] == "dense"], systems=["dense"], measure="nDCG@10", colours=COLOURS)
    assert [trace["y"] for trace in alone["data"]] == [[0, 1]]


def test_names_from_the_data_are_escaped_and_unknown_systems_are_grey() -> None:
    name = f"tag: {HOSTILE}"
    slices = make_slices([(name, HOSTILE, 9, 0.4, 0.2, 0.7, False)])
    figures = [
        draw_slices(slices, systems=[HOSTILE], measure="nDCG@10", colours={}),
        draw_headroom(make_headroom(system=HOSTILE), colours={}),
        draw_gap(make_headroom(system=HOSTILE), colours={}),
    ]
    for figure in figures:
        check_drawable(figure)
        shown = {**figure, "data": [{key: v for key, v in trace.items() if key != "customdata"} for trace in figure["data"]]}
        assert "<img" not in json.dumps(shown)
    assert figures[0]["data"][0]["marker"]["color"] == GREY
    assert figures[0]["data"][0]["customdata"] == [name]  # never drawn; a click must find the slice
