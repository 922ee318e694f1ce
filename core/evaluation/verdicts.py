"""Is the difference real: pairs of systems tested on one measure, with Holm's correction over all pairs, and a verdict word
each.

compare_table() gives tests, interval and what more queries would do; choose_verdict() chooses the word. The pairs are fixed
before anything is tested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.evaluation.significance import (
    ALPHA,
    FLIPS,
    adjust_holm,
    bootstrap_intervals,
    detectable_difference,
    needed_queries,
    paired_t,
    randomization,
)

SMALLEST_USEFUL_GAIN = 0.02
HARM = 0.1  # a query that loses more than this is harmed
VERDICTS = ("better", "worse", "better_but_small", "no_useful_difference", "cannot_tell")
VERDICT_WORDS = {
    "better": "better",
    "worse": "worse",
    "better_but_small": "better, but too little to matter",
    "no_useful_difference": "no useful difference",
    "cannot_tell": "cannot tell",
}
COMPARISON = [
    "baseline", "system", "measure", "delta", "low", "high", "p_t", "p_randomization", "p_adjusted", "wins", "ties", "losses",
    "harmed", "n", "mde", "queries_needed", "verdict",
]  # fmt: skip


def compare_table(
    table: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    *,
    measure: str,
    min_gain: float = SMALLEST_USEFUL_GAIN,
    seed: int = 0,
    flips: int = FLIPS,
) -> pd.DataFrame:
    """One row per (baseline, system) pair, in order; columns COMPARISON.

    table: queries x systems, one measure. p = the larger of paired t and sign-flip randomization; p_adjusted is Holm's over
    the pairs whose values differ at all (pairs with identical values are left out of the family and get p = 1, [0, 0]).
    low, high: 95 % bootstrap interval of the mean difference; the verdict reads the wider one that the correction asks for.
    mde: smallest difference these queries can detect (power .8) under the correction. queries_needed: n at which the
    corrected interval's half-width is at most min_gain. harmed: queries that lost more than HARM.
    """
    columns = [(table[system] - table[base]).to_numpy() for base, system in pairs]
    deltas = np.column_stack(columns) if columns else np.zeros((len(table), 0))
    differs = np.abs(deltas).max(axis=0) > 0 if len(deltas) else np.zeros(len(pairs), dtype=bool)
    family = max(int(differs.sum()), 1)
    p_t, p_r = paired_t(deltas), randomization(deltas, flips=flips, seed=seed)
    adjusted = np.ones(len(pairs))
    adjusted[differs] = adjust_holm(np.maximum(p_t, p_r)[differs])
    (low, high), (wide_low, wide_high) = bootstrap_intervals(deltas, alphas=[ALPHA, ALPHA / family], seed=seed)
    rows: list[dict[str, Any]] = []
    for column, (base, system) in enumerate(pairs):
        delta = deltas[:, column]
        mean = float(delta.mean()) if len(delta) else 0.0
        rows.append(
            {
                "baseline": base,
                "system": system,
                "measure": measure,
                "delta": mean,
                "low": float(low[column]),
                "high": float(high[column]),
                "p_t": float(p_t[column]),
                "p_randomization": float(p_r[column]),
                "p_adjusted": float(adjusted[column]),
                "wins": int((delta > 0).sum()),
                "ties": int((delta == 0).sum()),
                "losses": int((delta < 0).sum()),
                "harmed": int((delta < -HARM).sum()),
                "n": len(delta),
                "mde": detectable_difference(delta, comparisons=family),
                "queries_needed": needed_queries(delta, half_width=min_gain, comparisons=family),
                "verdict": choose_verdict(mean, wide_low[column], wide_high[column], adjusted[column], min_gain=min_gain)
                if len(delta) > 1
                else "cannot_tell",
            }
        )
    return pd.DataFrame(rows, columns=COMPARISON)


def choose_verdict(delta: float, low: float, high: float, p: float, *, min_gain: float) -> str:
    """The first of VERDICTS that holds. p and the interval are those under the correction."""
    real = p < ALPHA and (low > 0 or high < 0)
    if real and delta >= min_gain:
        return "better"
    if real and delta <= -min_gain:
        return "worse"
    if real and delta > 0:
        return "better_but_small"
    if low >= -min_gain and high <= min_gain:
        return "no_useful_difference"
    return "cannot_tell"


def say_verdict(row: Mapping[str, Any]) -> str:
    """The verdict's words; where the 95 % interval that is shown leaves out 0 and the verdict does not, why that is so."""
    words = VERDICT_WORDS[row["verdict"]]
    if row["verdict"] == "cannot_tell" and (row["low"] > 0 or row["high"] < 0):
        return f"{words} once it is corrected for several comparisons at a time"
    return words
