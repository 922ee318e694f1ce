"""Is a difference real: the tests against scipy, Holm by hand, and no false alarms on null data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.evaluation.significance import (
    adjust_holm,
    bootstrap_intervals,
    detectable_difference,
    needed_queries,
    paired_t,
    randomization,
)


def draw(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.02, 0.2, shape)


def test_paired_t_is_scipys() -> None:
    deltas = draw(0, 40, 3)
    zeros = np.zeros((40, 3))
    assert paired_t(deltas) == pytest.approx(stats.ttest_rel(deltas, zeros).pvalue)


def test_randomization_agrees_with_scipy() -> None:
    deltas = draw(1, 60, 4)
    found = randomization(deltas, flips=20_000)
    for column in range(4):
        expected = stats.permutation_test(
            (deltas[:, column],), lambda x, axis: np.mean(x, axis=axis), permutation_type="samples", n_resamples=20_000, rng=3
        ).pvalue
        assert found[column] == pytest.approx(expected, abs=0.015)  # both are estimates from 20,000 flips


def test_randomization_of_a_few_queries_is_exact_up_to_the_draw() -> None:
    """Five equal wins: of 32 sign patterns only + + + + + and - - - - - reach the observed mean: p is near 2 / 32."""
    assert randomization(np.full((5, 1), 0.1), flips=20_000)[0] == pytest.approx(2 / 32, abs=0.006)


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 6])
def test_interval_agrees_with_scipy_and_with_arithmetic(alpha: float) -> None:
    """Column by column as scipy.stats.bootstrap gives it for that column alone, and near mean -+ z * sd / sqrt(n)."""
    deltas = draw(4, 80, 3)
    (low, high), wide = bootstrap_intervals(deltas, alphas=[alpha, 0.001])
    for column in range(3):
        own = deltas[:, column]
        expected = stats.bootstrap(
            (own,), np.mean, n_resamples=20_000, confidence_level=1 - alpha, method="percentile", rng=5
        ).confidence_interval
        error = np.std(own, ddof=1) / np.sqrt(80)
        assert (low[column], high[column]) == pytest.approx(expected, abs=0.35 * error)
        z = stats.norm.ppf(1 - alpha / 2)
        assert (low[column], high[column]) == pytest.approx((own.mean() - z * error, own.mean() + z * error), abs=0.45 * error)
    assert (wide[0] < low).all() and (high < wide[1]).all()


def test_nothing_differs() -> None:
    zeros = np.zeros((30, 1))
    assert (paired_t(zeros)[0], randomization(zeros)[0]) == (1.0, 1.0)
    low, high = bootstrap_intervals(zeros, alphas=[0.05])[0]
    assert (low[0], high[0]) == (0.0, 0.0)


def test_the_seed_makes_it_reproducible() -> None:
    deltas = draw(2, 50, 2)
    assert (randomization(deltas, seed=7) == randomization(deltas, seed=7)).all()
    assert (randomization(deltas, seed=7) != randomization(deltas, seed=8)).any()


def test_holm_by_hand() -> None:
    # sorted .01, .02, .04 -> .03, .04, .04; monotone; in the original order
    assert adjust_holm(np.array([0.04, 0.01, 0.02])) == pytest.approx([0.04, 0.03, 0.04])
    assert adjust_holm(np.array([0.6, 0.7])) == pytest.approx([1.0, 1.0])


def test_detectable_difference_and_needed_queries() -> None:
    delta = np.array([0.2, -0.2] * 50)  # standard deviation .201 with n - 1
    sd = np.std(delta, ddof=1)
    assert detectable_difference(delta) == pytest.approx(2.80 * sd / 10, rel=0.002)
    assert detectable_difference(delta, comparisons=6) == pytest.approx(3.48 * sd / 10, rel=0.002)
    assert needed_queries(delta, half_width=0.02) == int(np.ceil((1.959964 * sd / 0.02) ** 2))


def test_no_false_alarms_on_null_data() -> None:
    """300 families of six pairs that differ only by random signs: "better" in at most 5 % (and the tests can see a shift)."""
    random = np.random.default_rng(11)
    alarms = seen = 0
    for _ in range(300):
        size = np.abs(random.normal(0, 0.25, (60, 6)))
        null = size * random.choice([-1.0, 1.0], (60, 6))
        p = adjust_holm(np.maximum(paired_t(null), randomization(null, flips=2_000)))
        alarms += bool(((p < 0.05) & (null.mean(axis=0) > 0)).any())
        shifted = null + 0.15
        p = adjust_holm(np.maximum(paired_t(shifted), randomization(shifted, flips=2_000)))
        seen += bool((p < 0.05).any())
    assert alarms <= 15
    assert seen > 270
