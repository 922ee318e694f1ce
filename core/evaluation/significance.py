"""Intervals of means, and paired differences tested and bounded as one family by random signs.

No words here: what the numbers are called is said in core.evaluation.verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALPHA = 0.05
RESAMPLES = 2_000  # of the bootstrap of means
FLIPS = 10_000  # random signs of the test of differences
_BLOCK = 1_000  # flips at a time: bounds the memory
_BOOTSTRAP_BLOCK = 200  # as scipy.stats.bootstrap(batch=200) draws them, so that recorded intervals stay what they are
_TIE = 1e-10  # two shares that differ by less are the same: sums in another order differ in the last digits


def bootstrap_means(values: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile bootstrap interval of each column's mean, resampling rows (queries). Returns (low, high), one per column.

    Each interval is of its own mean alone (pointwise). values: queries x columns. With fewer than two rows the interval is the
    value itself, without any it is 0; equal values give their mean. The same queries are drawn for all columns.
    """
    n = len(values)
    if n < 2:
        means = values.mean(axis=0) if n else np.zeros(values.shape[1])
        return means, means
    random = np.random.default_rng(seed)
    drawn = np.empty((RESAMPLES, values.shape[1]))
    for start in range(0, RESAMPLES, _BOOTSTRAP_BLOCK):
        rows = random.integers(0, n, (_BOOTSTRAP_BLOCK, n))
        places = (rows + n * np.arange(_BOOTSTRAP_BLOCK)[:, None]).ravel()
        counts = np.bincount(places, minlength=_BOOTSTRAP_BLOCK * n).reshape(_BOOTSTRAP_BLOCK, n)
        drawn[start : start + _BOOTSTRAP_BLOCK] = counts @ values / n
    low, high = np.percentile(drawn, [50 * ALPHA, 100 - 50 * ALPHA], axis=0)
    return low, high


def paired_t(deltas: np.ndarray) -> np.ndarray:
    """Two-sided p of the paired t test for each column of differences (queries x pairs); 1 where all are 0.

    With fewer than two queries p is 1. Where all differences are equal and not 0, p is 0 (no spread at all).
    """
    from scipy.special import stdtr

    n, pairs = deltas.shape
    if n < 2:
        return np.ones(pairs)
    mean, error = deltas.mean(axis=0), _standard_error(deltas)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2.0 * stdtr(n - 1, -np.abs(mean) / error)
    return np.where(error > 0, p, np.where(mean == 0, 1.0, 0.0))


@dataclass(frozen=True)
class Differences:
    """Paired differences that are read together, one value per column (pair) in each array.

    mean: in [-1, 1]. low, high: simultaneous 95 % intervals: in at most 5 of 100 cases any of them misses its true value.
    p_t, p_randomization: of the pair alone (paired t; random signs). p_adjusted: under the correction for all pairs; below
    ALPHA exactly where the interval leaves out 0. error: standard error of the mean. critical: of the family, in standard
    errors: half an interval is critical * error; inf where so few queries cannot prove anything. size: pairs that differ.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_t: np.ndarray
    p_randomization: np.ndarray
    p_adjusted: np.ndarray
    error: np.ndarray
    critical: float
    size: int


def infer_differences(deltas: np.ndarray, *, flips: int = FLIPS, seed: int = 0) -> Differences:
    """Tests and simultaneous intervals of the mean of each column of differences between measures in [0, 1].

    deltas: queries x pairs. Columns of zeros are outside the family: p 1, interval [0, 0]; so are all without queries. With too
    few queries to prove anything the intervals of the others are all that is possible: [-1, 1].

    Random signs (Fisher's randomization test; Smucker, Allan, Carterette 2007), the same for all pairs of a query, with the
    largest studentised mean of the family as the statistic (single-step max-T; Westfall, Young 1993): it learns from the data
    how pairs go together, so that it asks no more of ten alike pairs than of one. Under signs n and the sum of squares stay, so
    that |t| grows with the share r = |sum| / sqrt(n * sum of squares) in [0, 1] alone: t = r * sqrt((n - 1) / (1 - r^2)).
    p = (1 + flips whose largest share reaches the pair's) / (1 + flips), and never less than the paired t test's: few queries
    that differ at all have fewer patterns of signs than it takes to say how wide the interval is.
    """
    n, pairs = deltas.shape
    mean = deltas.mean(axis=0) if n else np.zeros(pairs)
    p_t, error = paired_t(deltas), _standard_error(deltas)
    norms = np.sqrt(n * np.square(deltas).sum(axis=0))
    differs = norms > 0
    shares = np.abs(deltas.sum(axis=0))[differs] / norms[differs]
    reached, largest = _flip(deltas[:, differs] / norms[differs], shares, flips=flips, seed=seed)
    p_randomization, p_adjusted = np.ones(pairs), np.ones(pairs)
    p_randomization[differs] = _to_p(reached, flips)
    p_adjusted[differs] = np.maximum(_to_p(flips - np.searchsorted(largest, shares - _TIE), flips), p_t[differs])
    critical = _find_critical(largest, n)
    half = np.where(differs, critical * error if np.isfinite(critical) else np.inf, 0.0)
    return Differences(
        mean=mean,
        low=np.clip(mean - half, -1.0, 1.0),
        high=np.clip(mean + half, -1.0, 1.0),
        p_t=p_t,
        p_randomization=p_randomization,
        p_adjusted=p_adjusted,
        error=error,
        critical=critical,
        size=int(differs.sum()),
    )


def _flip(scaled: np.ndarray, shares: np.ndarray, *, flips: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(per column: flips whose share reaches its own; the largest share of each flip, ascending)."""
    random = np.random.default_rng(seed)
    reached, largest = np.zeros(len(shares)), np.zeros(flips)
    for start in range(0, flips if len(shares) else 0, _BLOCK):
        count = min(_BLOCK, flips - start)
        signs = random.integers(0, 2, size=(count, len(scaled)), dtype=np.int8) * 2.0 - 1.0
        flipped = np.abs(signs @ scaled)
        reached += (flipped >= shares - _TIE).sum(axis=0)
        largest[start : start + count] = flipped.max(axis=1)
    return reached, np.sort(largest)


def _to_p(reached: np.ndarray, flips: int) -> np.ndarray:
    return (1.0 + reached) / (1.0 + flips)


def _find_critical(largest: np.ndarray, n: int) -> float:
    """The t above which p_adjusted is below ALPHA. largest: share of each flip, ascending."""
    from scipy.special import stdtrit

    flips = len(largest)
    allowed = int(np.sum(_to_p(np.arange(flips), flips) < ALPHA))  # flips that may reach a share: fewer than this
    if n < 2 or not allowed:
        return float("inf")
    share = largest[-allowed] + _TIE
    if share >= 1.0:
        return float("inf")
    return max(float(share * np.sqrt((n - 1) / (1.0 - share**2))), float(stdtrit(n - 1, 1 - ALPHA / 2)))


def _standard_error(deltas: np.ndarray) -> np.ndarray:
    """Of each column's mean; exactly 0 where all values are equal, and with fewer than two."""
    n = len(deltas)
    if n < 2:
        return np.zeros(deltas.shape[1])
    return np.where(np.ptp(deltas, axis=0) > 0, np.std(deltas, axis=0, ddof=1) / np.sqrt(n), 0.0)


def detectable_difference(error: float, *, critical: float, power: float = 0.8) -> float:
    """Smallest mean difference that is found with this power: (critical + z(power)) * standard error; 1 at most, which is the
    largest that there can be."""
    from scipy.special import ndtri

    return 1.0 if np.isinf(critical) else min(float((critical + ndtri(power)) * error), 1.0)


def needed_queries(error: float, *, n: int, critical: float, half_width: float) -> int:
    """Queries at which the interval of a mean, of which n queries give this standard error, is at most +- half_width.

    Where n queries prove nothing (critical is inf), by the largest value that random signs of so few can reach: sqrt(n).
    """
    reach = critical if np.isfinite(critical) else np.sqrt(n)
    return int(np.ceil(n * (reach * error / half_width) ** 2))
