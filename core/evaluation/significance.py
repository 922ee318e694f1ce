"""Intervals of means, and the tests: paired t, randomization, Holm's correction, how many queries a difference takes.

The only door to scipy's statistics. The words for what comes out are chosen in core.evaluation.verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2_000
CONFIDENCE = 0.95


def bootstrap_means(values: np.ndarray, *, seed: int = 0, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap interval of each column's mean, resampling rows (queries). Returns (low, high), one per column.

    values: queries x columns. With fewer than two rows the interval is the value itself; equal values give their mean.
    scipy.stats.bootstrap, 2,000 resamples, 95 %, the same queries drawn for all columns.
    """
    return bootstrap_intervals(values, alphas=[1 - confidence], seed=seed)[0]


def bootstrap_intervals(values: np.ndarray, *, alphas: Sequence[float], seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """bootstrap_means() at several confidences 1 - alpha from the same resamples: (low, high) per alpha."""
    if len(values) < 2:
        means = values.mean(axis=0) if len(values) else np.zeros(values.shape[1])
        return [(means, means) for _ in alphas]
    from scipy import stats

    answer = stats.bootstrap(
        (values,),
        np.mean,
        axis=0,
        n_resamples=RESAMPLES,
        method="percentile",
        batch=200,
        rng=np.random.default_rng(seed),
    )
    drawn = answer.bootstrap_distribution  # columns x resamples
    bounds = [np.percentile(drawn, [50 * alpha, 100 - 50 * alpha], axis=-1) for alpha in alphas]
    return [(np.asarray(low), np.asarray(high)) for low, high in bounds]


FLIPS = 10_000  # sign flips of the randomization test
ALPHA = 0.05


def paired_t(deltas: np.ndarray) -> np.ndarray:
    """Two-sided p of the paired t test for each column of differences (queries x pairs); 1 where all are 0.

    With fewer than two queries p is 1. Where all differences are equal and not 0, p is 0 (no spread at all).
    """
    from scipy import stats

    if len(deltas) < 2:
        return np.ones(deltas.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.asarray(stats.ttest_1samp(deltas, 0.0, axis=0).pvalue, dtype=float)
    same = np.ptp(deltas, axis=0) == 0
    return np.where(same, np.where(deltas[0] == 0, 1.0, 0.0), p)


def randomization(deltas: np.ndarray, *, flips: int = FLIPS, seed: int = 0) -> np.ndarray:
    """Two-sided p of the sign-flip randomization test for each column of differences (queries x pairs).

    p = (1 + flips whose |mean| is at least the observed one) / (1 + flips), the same seeded signs for all columns: one
    matrix product for all pairs. (Fisher's test; Smucker, Allan, Carterette 2007.) All-zero columns give 1.
    """
    if not len(deltas):
        return np.ones(deltas.shape[1])
    random = np.random.default_rng(seed)
    observed = np.abs(deltas.sum(axis=0))
    tolerance = 1e-12 * np.maximum(np.abs(deltas).sum(axis=0), 1.0)  # sums in another order differ in the last digits
    reached = np.zeros(deltas.shape[1])
    for start in range(0, flips, 1000):
        signs = random.integers(0, 2, size=(min(1000, flips - start), len(deltas)), dtype=np.int8) * 2.0 - 1.0
        reached += (np.abs(signs @ deltas) >= observed - tolerance).sum(axis=0)
    return (1.0 + reached) / (1.0 + flips)


def adjust_holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment: p_(i) * (m - i + 1), made monotone, at most 1. (Holm 1979.)"""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def detectable_difference(delta: np.ndarray, *, comparisons: int = 1, power: float = 0.8) -> float:
    """Smallest mean difference that n queries detect, two-sided ALPHA / comparisons: (z(1 - a/2) + z(power)) * sd / sqrt(n)."""
    from scipy import stats

    if len(delta) < 2:
        return float("inf")
    z = stats.norm.ppf(1 - ALPHA / comparisons / 2) + stats.norm.ppf(power)
    return float(z * np.std(delta, ddof=1) / np.sqrt(len(delta)))


def needed_queries(delta: np.ndarray, *, half_width: float, comparisons: int = 1) -> int:
    """Queries at which the interval of the mean, at confidence 1 - ALPHA / comparisons, is at most +- half_width."""
    from scipy import stats

    if len(delta) < 2:
        return 0
    z = stats.norm.ppf(1 - ALPHA / comparisons / 2)
    return int(np.ceil((z * np.std(delta, ddof=1) / half_width) ** 2))
