"""Curves through latencies that were measured at several sizes: milliseconds as a sum of a few terms, none of them negative.

Least squares with coefficients of at least 0 (Lawson and Hanson 1974, scipy's nnls): more documents never make a step
faster, so noise cannot bend a curve below what was measured and no extrapolation turns negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.stages.base import CONSTANT, LINEAR, LOG, Stage
from core.stages.registry import STAGES
from core.stages.retrieve import RetrieveDense

DEPTH = "depth"
TERMS: dict[str, Callable[[float, float], float]] = {
    CONSTANT: lambda documents, depth: 1.0,
    LINEAR: lambda documents, depth: documents,
    LOG: lambda documents, depth: math.log2(documents),
    DEPTH: lambda documents, depth: min(depth, documents),  # no more hits than there are documents
}
DENSE_SEARCH = RetrieveDense.__name__
_CLEARLY_FAILS = 10.0  # percent of held-out error


@dataclass(frozen=True)
class Point:
    """One system, measured over so many documents.

    depth: hits that its reranker scored, 0 without one. p50, p95: milliseconds of one query, of n. stages: stage -> p50 ms.
    """

    documents: int
    depth: int
    p50: float
    p95: float
    n: int
    stages: Mapping[str, float]


@dataclass(frozen=True)
class Curve:
    """milliseconds = sum of coefficient x term; terms: names in TERMS -> coefficients, at least 0."""

    terms: Mapping[str, float]

    def predict(self, documents: float, depth: float) -> float:
        """Milliseconds over so many documents, with so many hits reranked."""
        return sum(value * TERMS[name](documents, depth) for name, value in self.terms.items())


@dataclass(frozen=True)
class Fit:
    """stages: stage -> its curve; the median of one query is their sum. p95 = tail x that median.

    The tail is one proportion, and not a curve of its own: two percentiles of a hundred queries vary more between two
    sessions than between two sizes, and a second coefficient would follow that noise.
    """

    stages: Mapping[str, Curve]
    tail: float

    def predict_stages(self, documents: float, depth: float) -> dict[str, float]:
        """Stage -> its median milliseconds."""
        return {name: curve.predict(documents, depth) for name, curve in self.stages.items()}

    def predict(self, documents: float, depth: float) -> float:
        """Median milliseconds of one query."""
        return sum(self.predict_stages(documents, depth).values())

    def predict_tail(self, median: float) -> float:
        """95th percentile (ms) that goes with a median (ms)."""
        return max(1.0, self.tail) * median


def fit_nonnegative(rows: Sequence[Sequence[float]], values: Sequence[float]) -> list[float]:
    """Coefficients >= 0 of the columns with the least squared error. Columns are scaled first: they differ by a million."""
    from scipy.optimize import nnls

    matrix = np.array(rows, dtype=float)
    scale = np.linalg.norm(matrix, axis=0)
    scale[scale == 0] = 1.0
    found, _ = nnls(matrix / scale, np.array(values, dtype=float))
    return [float(value) for value in found / scale]


def fit_curve(points: Sequence[tuple[float, float, float]], terms: Sequence[str]) -> Curve:
    """points: (documents, depth, milliseconds). With the constant alone it is their median, which one slow size cannot move."""
    if list(terms) == [CONSTANT]:
        return Curve({CONSTANT: float(np.median([ms for _, _, ms in points]))})
    rows = [[TERMS[name](documents, depth) for name in terms] for documents, depth, _ in points]
    return Curve(dict(zip(terms, fit_nonnegative(rows, [ms for _, _, ms in points]), strict=True)))


def fit_points(sizes: Sequence[Point], depths: Sequence[Point] = (), *, reranker: str | None = None) -> Fit:
    """The curves of one system.

    sizes: one point or more at different sizes and one depth; depths: further ones at other depths. reranker: the stage that
    grows with depth as well as with documents, None without one.
    """
    stages: dict[str, Curve] = {}
    for name in sizes[0].stages:
        taken = _list_times(name, sizes)
        if name == reranker:
            stages[name] = fit_curve(taken + _list_times(name, depths), (CONSTANT, LINEAR, DEPTH))
        else:
            stages[name] = fit_curve(taken, choose_terms(name, taken))
    middle = Fit(stages, 1.0)
    everything = [*sizes, *depths]
    medians = [[middle.predict(point.documents, point.depth)] for point in everything]
    return Fit(stages, fit_nonnegative(medians, [point.p95 for point in everything])[0])


def choose_terms(stage: str, times: Sequence[tuple[float, float, float]]) -> tuple[str, ...]:
    """The terms of a stage's curve. times: (documents, depth, milliseconds).

    Where two kinds of growth are possible, both are fitted without the largest size and predict it; the first stays unless
    it misses by more than 10 % and the second by less than half of that. So noise alone does not change the kind.
    """
    ways = STAGES[stage].growth if stage in STAGES else Stage.growth
    first, *others = [(CONSTANT,) if growth == CONSTANT else (CONSTANT, growth) for growth in ways]
    if not others or len(times) < 3:
        return first
    largest = max(times)
    rest = [time for time in times if time[0] < largest[0]]
    misses = [_miss(fit_curve(rest, terms).predict(*largest[:2]), largest[2]) for terms in (first, others[0])]
    return others[0] if misses[0] > _CLEARLY_FAILS and misses[1] < misses[0] / 2 else first


def measure_error(sizes: Sequence[Point], *, reranker: str | None = None) -> float:
    """How far the median at the largest size is missed by a fit to the others, in percent of what was measured there.

    sizes: two or more, as fit_points() takes them. Depths are left out: they were measured at the largest size.
    """
    largest = max(sizes, key=lambda point: point.documents)
    fit = fit_points([point for point in sizes if point.documents < largest.documents], reranker=reranker)
    return _miss(fit.predict(largest.documents, largest.depth), largest.p50)


def _list_times(stage: str, points: Sequence[Point]) -> list[tuple[float, float, float]]:
    return [(float(p.documents), float(p.depth), p.stages[stage]) for p in points if stage in p.stages]


def _miss(predicted: float, measured: float) -> float:
    return 100 * abs(predicted - measured) / measured if measured else 0.0
