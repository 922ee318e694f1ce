"""Verdicts: the words at their limits, and one comparison of systems in full."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.evaluation.verdicts import choose_verdict, compare_table

MEASURE = "nDCG@10"


@pytest.mark.parametrize(
    ("delta", "low", "high", "p", "verdict"),
    [
        (0.05, 0.03, 0.07, 0.001, "better"),
        (-0.05, -0.07, -0.03, 0.001, "worse"),
        (0.01, 0.005, 0.015, 0.001, "better_but_small"),
        (-0.01, -0.015, -0.005, 0.001, "no_useful_difference"),
        (0.005, -0.01, 0.02, 0.3, "no_useful_difference"),
        (0.05, -0.01, 0.11, 0.2, "cannot_tell"),
        (0.05, 0.03, 0.07, 0.06, "cannot_tell"),  # the interval is clear of 0, the corrected p is not below .05
    ],
)
def test_verdict_words(delta: float, low: float, high: float, p: float, verdict: str) -> None:
    assert choose_verdict(delta, low, high, p, min_gain=0.02) == verdict


def test_a_comparison_in_full() -> None:
    base = np.zeros(50)
    better = base + 0.2 + np.random.default_rng(3).normal(0.02, 0.2, 50) * 0.1
    table = pd.DataFrame({"dense": base, "good": better, "same": base})
    rows = compare_table(table, [("dense", "good"), ("dense", "same")], measure=MEASURE).set_index("system")
    good, same = rows.loc["good"], rows.loc["same"]
    assert (good["verdict"], good["wins"], good["losses"], good["harmed"], good["n"]) == ("better", 50, 0, 0, 50)
    # Identical runs are no member of the family: the other p is not multiplied.
    assert good["p_adjusted"] == max(good["p_t"], good["p_randomization"])
    assert (same["p_adjusted"], same["delta"], same["low"], same["high"]) == (1.0, 0.0, 0.0, 0.0)
    assert same["verdict"] == "no_useful_difference"
    assert compare_table(table, [], measure=MEASURE).empty
