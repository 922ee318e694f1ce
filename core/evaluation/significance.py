"""How sure a mean is. The only door to scipy's statistics."""

from __future__ import annotations

import numpy as np

RESAMPLES = 2_000
CONFIDENCE = 0.95


def bootstrap_means(values: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap interval of each column's mean, resampling rows (queries). Returns (low, high), one per column.

    values: queries x columns. With fewer than two rows the interval is the value itself; equal values give their mean.
    scipy.stats.bootstrap, 2,000 resamples, 95 %, the same queries drawn for all columns.
    """
    if len(values) < 2:
        means = values.mean(axis=0) if len(values) else np.zeros(values.shape[1])
        return means, means
    from scipy import stats

    answer = stats.bootstrap(
        (values,),
        np.mean,
        axis=0,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        batch=200,
        rng=np.random.default_rng(seed),
    )
    return np.asarray(answer.confidence_interval.low), np.asarray(answer.confidence_interval.high)
