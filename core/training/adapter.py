"""The query adapter: a linear map of query vectors, fitted to cached vectors. Documents are not embedded again.

    minimise over W   mean over queries of  -log softmax(scale * q W . p)  +  ridge / 2 * ||W - I||^2 / n

where the softmax of each positive p runs over p and all passages that are not relevant to the query. The score is linear in W,
so this is convex: one solution, found by L-BFGS, the same in every run. The length of q W does not matter to a ranking. ridge
goes from strong (W = I, the untrained model) to weak, and stops where the validation queries' loss no longer falls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SCALE = 20.0  # what MultipleNegativesRankingLoss multiplies cosines by
RIDGES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
_MOST_PASSAGES = 20_000  # beyond that, the most similar ones of each query
_PATIENCE = 2
_STEPS = 60  # of L-BFGS for each ridge, started from the last one's solution


@dataclass(frozen=True)
class Targets:
    """queries: unit rows, n x d. passages: unit rows, m x d. positive, excluded: bool, n x m; excluded: relevant but no
    positive, in neither part of the softmax."""

    queries: np.ndarray
    passages: np.ndarray
    positive: np.ndarray
    excluded: np.ndarray


@dataclass(frozen=True)
class Fit:
    """matrix: float64, d x d. ridge: the chosen one, inf if nothing was better than the untrained model. curve: one dict per
    ridge: step, epoch, loss, ridge, and validation where there is one. untrained: validation loss of W = I."""

    matrix: np.ndarray
    ridge: float
    curve: tuple[dict[str, Any], ...]
    untrained: float


def fit_adapter(learning: Targets, validation: Targets, *, on_step: Callable[[int, int], None] = lambda done, of: None) -> Fit:
    """Fits along RIDGES; on_step(done, of) after each may raise Cancelled. Without validation queries all of them are walked
    and the middle one is taken."""
    from scipy.optimize import minimize

    size = learning.queries.shape[1]
    identity = np.eye(size)
    best, best_ridge = identity, np.inf
    untrained = best_loss = measure_loss(identity, validation)
    curve: list[dict[str, Any]] = []
    found: list[np.ndarray] = []
    current, worse = identity, 0
    for step, ridge in enumerate(RIDGES, start=1):
        result = minimize(
            _loss_and_gradient, current.ravel(), args=(learning, identity, ridge), jac=True, method="L-BFGS-B",
            options={"maxiter": _STEPS},
        )  # fmt: skip
        current = result.x.reshape(size, size)
        found.append(current)
        loss = measure_loss(current, validation)
        point = {"step": step, "epoch": step, "loss": measure_loss(current, learning), "ridge": ridge}
        curve.append(point if np.isnan(loss) else {**point, "validation": loss})
        on_step(step, len(RIDGES))
        if np.isnan(loss):
            continue
        if loss < best_loss:
            best, best_ridge, best_loss, worse = current, ridge, loss, 0
        else:
            worse += 1
            if worse >= _PATIENCE:
                break
    if np.isnan(untrained):
        middle = len(RIDGES) // 2
        best, best_ridge = found[middle], RIDGES[middle]
    return Fit(best, best_ridge, tuple(curve), untrained)


def measure_loss(matrix: np.ndarray, targets: Targets) -> float:
    """Mean loss of the queries, without the ridge; NaN if there are none."""
    if not len(targets.queries):
        return float("nan")
    return float(_losses(matrix, targets)[0])


def _losses(matrix: np.ndarray, targets: Targets) -> tuple[float, np.ndarray]:
    """(mean loss, its derivative by the logits, n x m)."""
    from scipy.special import logsumexp

    logits = SCALE * (targets.queries @ matrix) @ targets.passages.T
    wrong = np.where(targets.positive | targets.excluded, -np.inf, logits)
    rest = logsumexp(wrong, axis=1, keepdims=True)
    total = np.logaddexp(logits, rest)
    weights = targets.positive / targets.positive.sum(axis=1, keepdims=True) / len(logits)
    loss = float((weights * (total - logits))[targets.positive].sum())
    missing = weights * (1.0 - np.exp(np.minimum(logits - total, 0.0)))  # of each positive's probability
    floor = np.where(np.isfinite(rest), rest, 0.0)  # a query to which every passage is relevant has nothing to tell apart
    slope = -missing + missing.sum(axis=1, keepdims=True) * np.exp(wrong - floor)
    return loss, slope


def _loss_and_gradient(flat: np.ndarray, targets: Targets, identity: np.ndarray, ridge: float) -> tuple[float, np.ndarray]:
    matrix = flat.reshape(identity.shape)
    loss, slope = _losses(matrix, targets)
    away = matrix - identity
    strength = ridge / len(targets.queries)
    gradient = SCALE * targets.queries.T @ (slope @ targets.passages) + strength * away
    return loss + 0.5 * strength * float((away * away).sum()), gradient.ravel()


def make_targets(queries: np.ndarray, passages: np.ndarray, positives: list[list[int]], excluded: list[list[int]]) -> Targets:
    """The targets of queries with the rows of their positives and of what else is relevant; queries without one are left out.

    Of more than 20,000 passages, the positives and the most similar ones of each query are kept.
    """
    kept = [number for number, rows in enumerate(positives) if rows]
    queries = queries[kept].astype(np.float64)
    rows = np.arange(len(passages))
    if len(passages) > _MOST_PASSAGES and kept:
        each = max(1, _MOST_PASSAGES // len(kept))
        close = [np.argpartition(-(query @ passages.T), each)[:each] for query in queries.astype(passages.dtype)]
        rows = np.unique(np.concatenate([*close, *(np.array(positives[number]) for number in kept)]))
    place = {int(row): column for column, row in enumerate(rows)}
    positive, outside = (np.zeros((len(kept), len(rows)), dtype=bool) for _ in range(2))
    for line, number in enumerate(kept):
        positive[line, [place[row] for row in positives[number]]] = True
        outside[line, [place[row] for row in excluded[number] if row in place]] = True
    return Targets(queries, passages[rows].astype(np.float64), positive, outside & ~positive)
