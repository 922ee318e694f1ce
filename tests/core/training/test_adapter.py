"""The adapter: its gradient, what it can find, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from core.errors import Cancelled
from core.stages.arithmetic import unit_rows
from core.training import adapter
from core.training.adapter import RIDGES, SCALE, Targets, fit_adapter, make_targets, measure_loss


def draw_rows(seed: int, rows: int, columns: int = 3) -> np.ndarray:
    return unit_rows(np.random.default_rng(seed).normal(size=(rows, columns))).astype(np.float64)


def own_passage(queries: np.ndarray, passages: np.ndarray) -> Targets:
    """Passage i answers query i."""
    return make_targets(queries, passages, [[row] for row in range(len(queries))], [[] for _ in queries])


EMPTY = make_targets(np.zeros((0, 3)), np.eye(3), [], [])


def test_the_loss_by_hand() -> None:
    queries, passages = np.eye(2), np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    # first query, logits 20, 0, 12: its positives are rows 0 and 2, and row 1 is the only wrong one. Second query, logits 0,
    # 20, 16: its positive is row 1, row 2 is in no part of the softmax, row 0 is wrong.
    targets = make_targets(queries, passages, [[0, 2], [1]], [[], [2]])
    first = (np.log1p(np.exp(-SCALE)) + np.log1p(np.exp(-0.6 * SCALE))) / 2
    second = np.log1p(np.exp(-SCALE))
    assert measure_loss(np.eye(2), targets) == pytest.approx((first + second) / 2, rel=1e-9)
    assert np.isnan(measure_loss(np.eye(3), EMPTY))


def test_the_gradient_is_that_of_finite_differences() -> None:
    queries, passages = draw_rows(0, 4), draw_rows(1, 6)
    # several positives, excluded passages, and a query to which every passage is relevant
    targets = make_targets(queries, passages, [[0], [1, 2], [3], [0, 1, 2, 3]], [[5], [], [0, 1], [4, 5]])
    identity = np.eye(3)
    at = identity + np.random.default_rng(2).normal(scale=0.1, size=(3, 3))
    ridge, step = 2.0, 1e-6
    _, gradient = adapter._loss_and_gradient(at.ravel(), targets, identity, ridge)
    for place in range(9):
        moved = np.zeros(9)
        moved[place] = step
        above, below = (adapter._loss_and_gradient(at.ravel() + sign * moved, targets, identity, ridge)[0] for sign in (1, -1))
        assert gradient[place] == pytest.approx((above - below) / (2 * step), abs=1e-6)


def test_a_planted_rotation_is_found() -> None:
    turn = Rotation.from_euler("xyz", [50, -40, 70], degrees=True).as_matrix()
    passages = draw_rows(0, 60)
    queries = passages @ turn.T  # q @ turn = p
    learning, validation = own_passage(queries[:40], passages[:40]), own_passage(queries[40:], passages[40:])
    fit = fit_adapter(learning, validation)
    assert np.isfinite(fit.ridge)
    assert fit.curve[-1]["validation"] < fit.untrained / 2
    moved = unit_rows(queries[40:] @ fit.matrix)
    assert (moved * passages[40:]).sum(axis=1).min() > 0.95  # cosines with their own passages, none of them learned from
    assert (queries[40:] * passages[40:]).sum(axis=1).min() < 0.5
    assert (moved @ passages[40:].T).argmax(axis=1).tolist() == list(range(20))


def test_it_is_the_same_in_every_run() -> None:
    targets = own_passage(draw_rows(0, 10), draw_rows(1, 10))
    first, second = (fit_adapter(targets, EMPTY) for _ in range(2))
    np.testing.assert_array_equal(first.matrix, second.matrix)


def test_with_validation_that_only_gets_worse_it_stays_where_it_was() -> None:
    passages = np.eye(4)
    learning = own_passage(passages[[1, 2, 3, 0]], passages)  # each query is led to another axis than its own
    validation = own_passage(passages, passages)
    steps: list[tuple[int, int]] = []
    fit = fit_adapter(learning, validation, on_step=lambda done, of: steps.append((done, of)))
    np.testing.assert_array_equal(fit.matrix, np.eye(4))
    assert fit.ridge == np.inf
    losses = [fit.untrained, *(point["validation"] for point in fit.curve)]
    assert losses == sorted(losses)
    assert steps == [(1, len(RIDGES)), (2, len(RIDGES))]  # two that are no better, and no more


def test_without_validation_the_middle_strength_is_taken() -> None:
    fit = fit_adapter(own_passage(draw_rows(0, 10), draw_rows(1, 10)), EMPTY)
    assert fit.ridge == RIDGES[3]
    assert np.isnan(fit.untrained)
    assert [sorted(point) for point in fit.curve] == [["epoch", "loss", "ridge", "step"]] * len(RIDGES)
    losses = [point["loss"] for point in fit.curve]
    assert losses == sorted(losses, reverse=True)  # the weaker the ridge, the closer to what is learned from


def test_excluded_passages_are_in_no_denominator() -> None:
    queries, passages = draw_rows(0, 5), draw_rows(1, 8)
    positives = [[row] for row in range(5)]
    without = make_targets(queries, passages[:7], positives, [[]] * 5)
    excluded = make_targets(queries, passages, positives, [[7]] * 5)
    counted = make_targets(queries, passages, positives, [[]] * 5)
    assert measure_loss(np.eye(3), excluded) == pytest.approx(measure_loss(np.eye(3), without), rel=1e-12)
    assert measure_loss(np.eye(3), counted) > measure_loss(np.eye(3), without)
    np.testing.assert_allclose(fit_adapter(excluded, EMPTY).matrix, fit_adapter(without, EMPTY).matrix, atol=1e-6)


def test_queries_that_have_nothing_to_tell_apart_change_nothing() -> None:
    queries, passages = draw_rows(0, 3), draw_rows(1, 4)
    everything = make_targets(queries, passages, [[0, 1, 2, 3]] * 3, [[]] * 3)
    assert measure_loss(np.eye(3), everything) == 0
    np.testing.assert_array_equal(fit_adapter(everything, EMPTY).matrix, np.eye(3))


def test_targets_leave_out_queries_without_a_positive() -> None:
    targets = make_targets(np.eye(3), np.eye(3), [[0], [], [2, 1]], [[1], [0], [2]])
    assert targets.queries.tolist() == np.eye(3)[[0, 2]].tolist()
    assert targets.positive.tolist() == [[True, False, False], [False, True, True]]
    assert targets.excluded.tolist() == [[False, True, False], [False, False, False]]  # a positive is not excluded


def test_of_many_passages_the_positives_and_the_most_similar_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_MOST_PASSAGES", 4)
    angles = np.deg2rad([0, 10, 20, 90, 100, 180, 270])
    passages = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    queries = passages[[0, 3]]
    # two passages for each query: 0 and 1 of the first, 3 and 4 of the second; and the positives 5 and 3
    targets = make_targets(queries, passages, [[5], [3]], [[1, 6], []])
    np.testing.assert_array_equal(targets.passages, passages[[0, 1, 3, 4, 5]])
    assert targets.positive.tolist() == [[False, False, False, False, True], [False, False, True, False, False]]
    assert targets.excluded.tolist() == [[False, True, False, False, False], [False] * 5]


def test_cancel() -> None:
    def stop(done: int, of: int) -> None:
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        fit_adapter(own_passage(draw_rows(0, 10), draw_rows(1, 10)), EMPTY, on_step=stop)
