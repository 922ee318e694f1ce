"""The frontier: what is on it by hand, and what must hold for any points."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.costs.frontier import find_frontier


def make_points(*rows: tuple[str, float | None, float | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["system", "quality", "price"])


def test_what_is_dearer_and_no_better_is_left_out() -> None:
    points = make_points(("best", 0.9, 100), ("middle", 0.7, 30), ("waste", 0.6, 40), ("cheap", 0.3, 1))
    assert find_frontier(points) == ("cheap", "middle", "best")


def test_ties() -> None:
    # equal in both: both stay; equally good: the cheaper; equally cheap: the better
    points = make_points(("twin-b", 0.5, 10), ("twin-a", 0.5, 10), ("dearer", 0.5, 11), ("worse", 0.4, 10))
    assert find_frontier(points) == ("twin-a", "twin-b")


def test_unknown_values_and_no_points() -> None:
    points = make_points(("known", 0.5, 10), ("no labels", None, 1), ("no latency", 0.9, None))
    assert find_frontier(points) == ("known",)
    assert find_frontier(make_points()) == ()


def test_other_columns() -> None:
    points = pd.DataFrame({"system": ["a", "b"], "mean": [0.1, 0.2], "p95": [5.0, 4.0]})
    assert find_frontier(points, quality="mean", price="p95") == ("b",)


@pytest.mark.parametrize("seed", range(20))
def test_nobody_on_it_is_dominated_and_everybody_else_is(seed: int) -> None:
    """Small whole numbers, so that there are ties of every sort."""
    values = np.random.default_rng(seed).integers(0, 6, size=(25, 2))
    points = make_points(*((f"s{number:02}", float(q), float(p)) for number, (q, p) in enumerate(values)))

    def is_dominated(one: int) -> bool:
        quality, price = values[one]
        return any(q >= quality and p <= price and (q > quality or p < price) for q, p in values)

    expected = {f"s{number:02}" for number in range(25) if not is_dominated(number)}
    found = find_frontier(points)
    assert set(found) == expected
    prices = [values[int(name[1:])][1] for name in found]
    assert prices == sorted(prices)
    assert find_frontier(points.sample(frac=1, random_state=seed)) == found, "the order of the rows changes nothing"
