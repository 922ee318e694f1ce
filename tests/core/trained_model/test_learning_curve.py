"""Would more labels help: points are nested, kept as soon as they are there, and the words are what the interval allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from core.errors import Cancelled
from core.evaluation.comparisons import Comparison, compare_pairs
from core.systems.trained import model_folder
from core.trained_model.held_out import compare_with_untrained
from core.trained_model.learning_curve import SHARES, compare_points, draw_learning_curve, judge_learning_curve
from tests.core.trained_model.conftest import Desk


def test_points_of_the_learning_curve_are_nested(desk: Desk) -> None:
    curve = draw_learning_curve(desk.subject, desk.prepared)
    quarter, half = desk.fitted  # all of them is the model itself
    learning = set(desk.model.split["learning"])
    assert quarter < half < learning
    assert [point["queries"] for point in curve["points"]] == [7, 14, 27] == [len(quarter), len(half), len(learning)]
    assert [point["share"] for point in curve["points"]] == [0.25, 0.5, 1.0]
    assert {point["n"] for point in curve["points"]} == {32}, "each is judged on all test queries"
    assert curve["answer"] in ("would help", "would not help", "cannot tell")
    assert desk.told["learning_curve"] == curve
    assert not (model_folder(desk.model.id, desk.store) / "parts" / "curve-0.25").exists(), "models of points are not kept"


def test_the_last_point_is_the_comparison_with_the_untrained_model(desk: Desk) -> None:
    compare_with_untrained(desk.subject)
    last = draw_learning_curve(desk.subject, desk.prepared)["points"][-1]
    (row,) = desk.told["comparisons"]
    assert (last["delta"], last["mean"]) == pytest.approx((row["delta"], row["mean"]))
    assert (last["seconds"], last["pairs"]) == (desk.model.seconds, desk.model.data["positives"])


def test_a_point_that_was_measured_is_not_trained_again(desk: Desk) -> None:
    first = draw_learning_curve(desk.subject, desk.prepared)
    assert len(desk.fitted) == 2
    assert draw_learning_curve(desk.subject, desk.prepared) == first
    assert len(desk.fitted) == 2


def test_each_point_is_kept_as_soon_as_it_is_there(desk: Desk) -> None:
    desk.stop_after = 1
    with pytest.raises(Cancelled):
        draw_learning_curve(desk.subject, desk.prepared)
    assert [point["share"] for point in desk.told["curve_points"]] == [0.25]
    assert "learning_curve" not in desk.told
    desk.stop_after = 99
    draw_learning_curve(desk.subject, desk.prepared)
    assert len(desk.fitted) == 2, "the first point was not trained again"


# The words


CURVES: dict[str, tuple[Sequence[float], str]] = {
    "all gain": ([0.05] * 20, "would help"),  # +.05 for every query
    "half of them gain": ([0.2, 0.0] * 10, "would help"),  # .1, standard error .023: .05 to .15
    "a little, surely": ([0.01, 0.005] * 10, "would help"),  # .0075, standard error .0006
    "nothing changes": ([0.0] * 20, "would not help"),
    "all lose": ([-0.1] * 20, "would not help"),
    "half a useful gain, at most": ([0.005, -0.005] * 10, "would not help"),  # 0, standard error .001
    "it swings": ([0.3, -0.3] * 10, "cannot tell"),  # 0, standard error .069: -.14 to .14
    "one gains": ([1.0, *[0.0] * 19], "cannot tell"),  # .05, standard error .05
}


def rise(gains: Sequence[float], *, min_gain: float = 0.02) -> Comparison:
    table = pd.DataFrame({"half": [0.5] * len(gains), "full": 0.5 + np.array(gains)})
    return compare_pairs(table, [("half", "full")], measure="nDCG@10", min_gain=min_gain)[0]


@pytest.mark.parametrize(("gains", "answer"), CURVES.values(), ids=CURVES.keys())
def test_would_more_labels_help(gains: Sequence[float], answer: str) -> None:
    told = judge_learning_curve(rise(gains))
    assert told["answer"] == answer
    assert told["delta"] == pytest.approx(np.mean(gains))
    assert told["low"] <= told["delta"] + 1e-12 and told["delta"] - 1e-12 <= told["high"]
    assert told["words"].endswith(".") and f"{np.mean(gains):+.3f}" in told["words"]


def test_what_is_too_little_to_matter_is_said() -> None:
    assert "the curve still rises, though too little to matter" in judge_learning_curve(rise([0.01, 0.005] * 10))["words"]
    assert judge_learning_curve(rise([0.05] * 20))["words"].endswith("and the curve still rises.")


def test_what_does_not_help_depends_on_what_is_useful() -> None:
    gains = [0.03, -0.03] * 10  # standard error .007: within .015
    assert judge_learning_curve(rise(gains))["answer"] == "would not help"
    assert judge_learning_curve(rise(gains, min_gain=0.005))["answer"] == "cannot tell"


def test_all_that_the_curve_says_is_one_family() -> None:
    random, queries = np.random.default_rng(5), [f"q{number}" for number in range(50)]
    base = pd.Series(np.full(50, 0.4), index=queries)
    parts = {share: base + random.normal(0.1 * share, 0.1, 50) for share in SHARES}
    gains, last = compare_points(base, {share: part.iloc[::-1] for share, part in parts.items()}, measure="nDCG@10")
    assert [gain.family for gain in (*gains.values(), last)] == [4] * 4
    assert [gain.delta for gain in gains.values()] == pytest.approx([float((part - base).mean()) for part in parts.values()])
    assert last.delta == pytest.approx(gains[1.0].delta - gains[0.5].delta)
