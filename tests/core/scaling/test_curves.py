"""Curves through latencies: known coefficients are found again, and the error is the one that is documented."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from core.scaling.curves import (
    CONSTANT,
    DEPTH,
    LINEAR,
    LOG,
    Curve,
    Point,
    choose_terms,
    fit_curve,
    fit_nonnegative,
    fit_points,
    measure_error,
)

SIZES = (100, 200, 400, 800)


def make_points(**stages: Callable[[int, int], float]) -> list[Point]:
    """Points at SIZES without noise, stage -> ms(documents, depth), at depth 50; p95 is 1.5 times the median."""
    return [make_point(documents, 50, **stages) for documents in SIZES]


def make_point(documents: int, depth: int, **stages: Callable[[int, int], float]) -> Point:
    times = {name: ms(documents, depth) for name, ms in stages.items()}
    total = sum(times.values())
    return Point(documents, depth, total, 1.5 * total, 100, times)


def test_linear_growth_is_found_again() -> None:
    fit = fit_points(make_points(RetrieveLexical=lambda n, _: 2.0 + 0.01 * n))
    assert fit.stages["RetrieveLexical"].terms == pytest.approx({CONSTANT: 2.0, LINEAR: 0.01})
    assert fit.predict(8_000, 0) == pytest.approx(82.0)  # 2 + 0.01 x 8,000
    assert fit.predict_tail(fit.predict(8_000, 0)) == pytest.approx(123.0)  # 1.5 x 82


def test_logarithmic_growth_is_found_again() -> None:
    fit = fit_points(make_points(RetrieveDense=lambda n, _: 3.0 + 0.5 * math.log2(n)))
    assert fit.stages["RetrieveDense"].terms == pytest.approx({CONSTANT: 3.0, LOG: 0.5})
    assert fit.predict(2**20, 0) == pytest.approx(13.0)  # 3 + 0.5 x 20


def test_dense_search_that_grows_with_documents_is_linear() -> None:
    """Without the largest size (2, 3, 5 ms) log says some 6 ms and linear 9, which is right."""
    fit = fit_points(make_points(RetrieveDense=lambda n, _: 1.0 + 0.01 * n))
    assert fit.stages["RetrieveDense"].terms == pytest.approx({CONSTANT: 1.0, LINEAR: 0.01})


def test_a_little_noise_does_not_make_dense_search_linear() -> None:
    noise = dict(zip(SIZES, (1.0, 0.97, 1.04, 1.09), strict=True))
    points = make_points(RetrieveDense=lambda n, _: noise[n] * (3.0 + 0.1 * math.log2(n)))
    assert list(fit_points(points).stages["RetrieveDense"].terms) == [CONSTANT, LOG]


def test_two_sizes_are_too_few_to_choose() -> None:
    assert choose_terms("RetrieveDense", [(100.0, 0.0, 1.0), (200.0, 0.0, 2.0)]) == (CONSTANT, LOG)
    assert choose_terms("EmbedQueries", []) == (CONSTANT,)
    assert choose_terms("SomethingNew", []) == (CONSTANT, LINEAR)


def test_what_does_not_read_the_corpus_is_its_median() -> None:
    times = dict(zip(SIZES, (10.0, 11.0, 10.5, 30.0), strict=True))  # the last under load
    fit = fit_points(make_points(EmbedQueries=lambda n, _: times[n]))
    assert fit.stages["EmbedQueries"].terms == {CONSTANT: 10.75}  # (10.5 + 11) / 2


def test_a_reranker_grows_with_depth_and_documents() -> None:
    cost = {"LateInteraction": lambda n, depth: 4.0 + 0.002 * n + 0.3 * depth}
    depths = [make_point(800, depth, **cost) for depth in (10, 25)]
    fit = fit_points(make_points(**cost), depths, reranker="LateInteraction")
    assert fit.stages["LateInteraction"].terms == pytest.approx({CONSTANT: 4.0, LINEAR: 0.002, DEPTH: 0.3})
    assert fit.predict(1_000, 100) == pytest.approx(36.0)  # 4 + 2 + 30
    assert fit.predict(20, 100) == pytest.approx(10.04)  # no more than 20 hits: 4 + 0.04 + 6


def test_noise_never_makes_more_documents_faster() -> None:
    falling = dict(zip(SIZES, (5.0, 4.0, 3.0, 2.0), strict=True))
    fit = fit_points(make_points(RetrieveLexical=lambda n, _: falling[n]))
    assert fit.stages["RetrieveLexical"].terms[LINEAR] == 0.0
    assert fit.predict(10**6, 0) == pytest.approx(3.5)  # their mean


def test_the_tail_is_never_below_the_median() -> None:
    fit = fit_points([Point(n, 0, 10.0, 9.0, 1, {"CountTerms": 10.0}) for n in SIZES])
    assert fit.predict_tail(10.0) == 10.0


def test_the_error_is_that_of_the_largest_size_left_out() -> None:
    # On 2 + 0.01 n but for the largest, where 10 is expected and 12.5 was measured: 2.5 / 12.5 = 20 %.
    times = {100: 3.0, 200: 4.0, 400: 6.0, 800: 12.5}
    assert measure_error(make_points(RetrieveLexical=lambda n, _: times[n])) == pytest.approx(20.0)
    assert measure_error(make_points(RetrieveLexical=lambda n, _: 2.0 + 0.01 * n)) == pytest.approx(0.0, abs=1e-9)


def test_the_error_of_a_reranker_needs_no_other_depths() -> None:
    points = make_points(LateInteraction=lambda n, depth: 4.0 + 0.002 * n + 0.3 * depth)
    assert measure_error(points, reranker="LateInteraction") == pytest.approx(0.0, abs=1e-9)


def test_columns_of_very_different_size() -> None:
    rows = [[1.0, n] for n in (1e6, 2e6, 4e6)]
    assert fit_nonnegative(rows, [3.0, 5.0, 9.0]) == pytest.approx([1.0, 2e-6])


def test_a_curve_is_the_sum_of_its_terms() -> None:
    curve = fit_curve([(8.0, 2.0, 1.0)], (CONSTANT,))
    assert (curve, curve.predict(10**9, 5)) == (Curve({CONSTANT: 1.0}), 1.0)
    # 1 + 2 x log2(8) + 3 x 2
    assert Curve({CONSTANT: 1.0, LOG: 2.0, DEPTH: 3.0}).predict(8, 2) == 13.0
