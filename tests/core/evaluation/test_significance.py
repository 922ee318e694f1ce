"""The bootstrap and the t test against scipy; random signs against a slow loop; test and interval always agree."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from core.evaluation.significance import (
    ALPHA,
    RESAMPLES,
    bootstrap_means,
    detectable_difference,
    infer_differences,
    needed_queries,
    paired_t,
)


def draw(seed: int, *shape: int) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(0.02, 0.2, shape), -1, 1)


def test_the_bootstrap_draws_what_scipys_draws() -> None:
    values = np.random.default_rng(3).random((40, 3))
    low, high = bootstrap_means(values, seed=7)
    drawn = stats.bootstrap(
        (values,), np.mean, n_resamples=RESAMPLES, method="percentile", batch=200, rng=np.random.default_rng(7)
    )
    assert (low, high) == (pytest.approx(drawn.confidence_interval.low), pytest.approx(drawn.confidence_interval.high))


def test_paired_t_is_scipys() -> None:
    deltas = draw(0, 40, 3)
    zeros = np.zeros((40, 3))
    assert paired_t(deltas) == pytest.approx(stats.ttest_rel(deltas, zeros).pvalue, rel=1e-12)


def test_paired_t_without_spread() -> None:
    assert paired_t(np.array([[0.0, 0.1, -0.1]] * 8)).tolist() == [1.0, 0.0, 0.0]
    assert paired_t(np.array([[0.3]])).tolist() == [1.0]


def test_random_signs_agree_with_scipy() -> None:
    deltas = draw(1, 60, 4)
    found = infer_differences(deltas, flips=20_000)
    for column in range(4):
        expected = stats.permutation_test(
            (deltas[:, column],), lambda x, axis: np.mean(x, axis=axis), permutation_type="samples", n_resamples=20_000, rng=3
        ).pvalue
        assert found.p_randomization[column] == pytest.approx(expected, abs=0.015)  # both are estimates from 20,000 flips


def test_a_pair_alone_is_not_corrected() -> None:
    """Its p is the larger of the two tests, and its interval that of the t distribution, nearly: 60 queries, no outliers."""
    deltas = draw(8, 60, 1) + 0.05
    found = infer_differences(deltas)
    assert found.p_adjusted[0] == max(found.p_t[0], found.p_randomization[0])
    low, high = stats.t.interval(0.95, 59, deltas.mean(), stats.sem(deltas[:, 0]))
    assert (found.low[0], found.high[0]) == pytest.approx((low, high), abs=0.03 * (high - low))


def test_random_signs_of_a_few_queries_are_exact_up_to_the_draw() -> None:
    """Five equal wins: of 32 sign patterns only + + + + + and - - - - - reach the observed mean: p is near 2 / 32, so that
    nothing is proven and everything possible."""
    found = infer_differences(np.full((5, 1), 0.1), flips=20_000)
    assert found.p_randomization[0] == pytest.approx(2 / 32, abs=0.006)
    assert (found.low[0], found.high[0]) == (-1.0, 1.0)
    sure = infer_differences(np.full((9, 1), 0.1), flips=20_000)  # 2 / 512
    assert (sure.low[0], sure.high[0]) == pytest.approx((0.1, 0.1))


def test_the_family_is_corrected_as_a_slow_loop_does_it() -> None:
    """Every flip one by one, with t statistics by the book; the share of flips whose largest t of the family reaches a pair's.

    p values within four standard errors of 2,000 flips here and 10,000 there, the critical value within 3 %.
    """
    values = draw(5, 30, 5) + np.linspace(0, 0.25, 5)
    pairs = list(combinations(range(5), 2))
    deltas = np.column_stack([values[:, right] - values[:, left] for left, right in pairs])

    def find_t(values: np.ndarray) -> np.ndarray:
        return np.abs(values.mean(axis=0)) / (values.std(axis=0, ddof=1) / np.sqrt(30))

    observed = find_t(deltas)
    assert observed == pytest.approx(np.abs(stats.ttest_1samp(deltas, 0).statistic))
    random, largest = np.random.default_rng(17), []
    for _ in range(2_000):
        signs = random.choice([-1.0, 1.0], size=(30, 1))
        largest.append(find_t(signs * deltas).max())
    expected = np.array([(1 + np.sum(np.array(largest) >= t)) / 2_001 for t in observed])
    found = infer_differences(deltas)
    error = np.sqrt(expected * (1 - expected) / 2_000)
    assert (np.abs(found.p_adjusted - np.maximum(expected, found.p_t)) <= 4 * 1.1 * error + 1e-3).all()
    assert found.critical == pytest.approx(np.quantile(largest, 1 - ALPHA), rel=0.03)
    assert 0.0 < found.p_adjusted.min() < 0.05 < found.p_adjusted.max(), "some differ, some do not"
    assert found.size == 10


def test_alike_pairs_cost_nothing_and_others_do() -> None:
    """Ten times the same differences are one; ten independent ones ask for nearly what Bonferroni asks for."""
    one = draw(6, 80, 1)
    alone = infer_differences(one).critical
    assert infer_differences(np.repeat(one, 10, axis=1)).critical == alone
    ten = infer_differences(draw(7, 80, 10)).critical
    assert stats.t.ppf(1 - 0.05 / 10 / 2, 79) - 0.25 < ten < stats.t.ppf(1 - 0.05 / 10 / 2, 79) + 0.1
    assert ten > alone + 0.5


def test_pairs_that_do_not_differ_are_outside_the_family() -> None:
    one = draw(9, 50, 1)
    found = infer_differences(np.hstack([np.zeros((50, 3)), one]))
    assert found.size == 1 and found.critical == infer_differences(one).critical
    assert found.p_adjusted[:3].tolist() == [1, 1, 1]
    assert (found.low[:3].tolist(), found.high[:3].tolist()) == ([0, 0, 0], [0, 0, 0])
    nothing = infer_differences(np.zeros((0, 2)))
    assert (nothing.p_adjusted.tolist(), nothing.low.tolist(), nothing.high.tolist()) == ([1, 1], [0, 0], [0, 0])
    assert infer_differences(np.zeros((5, 0))).mean.tolist() == []


def test_the_seed_makes_it_reproducible() -> None:
    deltas = draw(2, 50, 2)
    first, again, other = (infer_differences(deltas, seed=seed) for seed in (7, 7, 8))
    assert (first.low == again.low).all() and (first.p_adjusted == again.p_adjusted).all()
    assert (first.low != other.low).any()


# Differences of every kind that made two rules disagree: few queries, ties, many zeros, no spread, one outlier.
DRAWS: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "smooth": lambda random, n, k: np.clip(random.normal(0.05, 0.2, (n, k)), -1, 1),
    "strong": lambda random, n, k: np.clip(random.normal(0.2, 0.2, (n, k)), -1, 1),
    "many zeros": lambda random, n, k: random.choice([0.0, 0.5, -0.37], (n, k), p=[0.85, 0.11, 0.04]),
    "hit or miss": lambda random, n, k: random.choice([0.0, 1.0, -1.0], (n, k), p=[0.7, 0.2, 0.1]),
    "ties": lambda random, n, k: random.choice([0.1, -0.1, 0.2], (n, k)),
    "constant": lambda random, n, k: np.tile(random.choice([0.0, 0.1, -0.3], (1, k)), (n, 1)),
    "nearly constant": lambda random, n, k: 0.1 + 1e-9 * random.normal(size=(n, k)),
    "constant up to rounding": lambda random, n, k: 0.1 + random.choice([-1e-17, 0.0, 1.4e-17, 2.8e-17], (n, k)),
    "one outlier": lambda random, n, k: np.where(np.arange(n)[:, None] == 0, 1.0, 0.004 * random.random((n, k))),
    "all positive": lambda random, n, k: random.random((n, k)) ** 4,
}


def test_the_interval_leaves_out_zero_exactly_where_p_is_below_five_percent() -> None:
    real = unsure = 0
    for number, (kind, differ) in enumerate(DRAWS.items()):
        random = np.random.default_rng(number)
        for trial in range(120):
            n, k = int(random.choice([1, 2, 3, 5, 6, 7, 12, 40])), int(random.integers(1, 8))
            flips = int(random.choice([10, 19, 20, 199, 1_000]))
            found = infer_differences(differ(random, n, k), flips=flips, seed=trial)
            off = (found.low > 0) | (found.high < 0)
            assert (off == (found.p_adjusted < ALPHA)).all(), (kind, n, k, flips, trial)
            assert (found.low <= found.mean + 1e-15).all() and (found.mean - 1e-15 <= found.high).all()
            assert (found.low >= -1).all() and (found.high <= 1).all()
            assert (found.p_adjusted >= np.maximum(found.p_t, found.p_randomization) - 1e-15).all()
            real, unsure = real + int(off.sum()), unsure + int((~off).sum())
    assert real > 300 and unsure > 2_000


def test_few_differences_do_not_make_a_narrow_interval() -> None:
    """One query of 60 differs, so that every flip reaches what is seen: the bare signs would give mean +- one standard error,
    0 to .017, and with it "no useful difference". As wide as the t distribution says, it leaves that open."""
    deltas = np.zeros((60, 1))
    deltas[0] = 0.5
    found = infer_differences(deltas)
    assert found.critical == pytest.approx(stats.t.ppf(0.975, 59))
    assert found.low[0] < -0.008 and found.high[0] > 0.02


def test_detectable_difference_and_needed_queries() -> None:
    sd = np.std(np.array([0.2, -0.2] * 50), ddof=1)  # .201
    error = sd / 10
    assert detectable_difference(error, critical=1.96) == pytest.approx(2.80 * sd / 10, rel=0.002)  # z(.8) = .842
    assert detectable_difference(error, critical=2.64) == pytest.approx(3.48 * sd / 10, rel=0.002)
    assert detectable_difference(error, critical=np.inf) == 1.0
    assert needed_queries(error, n=100, critical=1.96, half_width=0.02) == int(np.ceil((1.96 * sd / 0.02) ** 2))
    # Four queries prove nothing; their signs reach 2 standard errors.
    assert needed_queries(0.1, n=4, critical=np.inf, half_width=0.02) == int(np.ceil((2 * 0.2 / 0.02) ** 2))
