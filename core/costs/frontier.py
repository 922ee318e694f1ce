"""The frontier: the systems that no other one beats on quality and price at once."""

from __future__ import annotations

import pandas as pd


def find_frontier(points: pd.DataFrame, *, quality: str = "quality", price: str = "price") -> tuple[str, ...]:
    """Names of the non-dominated systems (Pareto), from the lowest price to the highest; with equal prices, by name.

    points: columns `system`, `quality` (more is better) and `price` (less is better: USD or milliseconds). A system is
    dominated if another is at least as good and at most as dear, and one of the two strictly. So of two systems with the same
    quality and the same price both stay, and of two that are equally good only the cheaper one. Systems with an unknown
    quality or price are left out; an empty frame gives ().
    """
    known = points.dropna(subset=[quality, price])
    rows = [(float(p), -float(q), str(name)) for name, q, p in zip(known["system"], known[quality], known[price], strict=True)]
    kept: list[tuple[float, float, str]] = []
    best, best_price = float("inf"), float("inf")  # -quality and price of the best one so far; rows come by price
    for row in sorted(rows):
        cost, loss, _ = row
        if loss < best or (loss == best and cost == best_price):
            kept.append(row)
            best, best_price = loss, cost
    return tuple(name for _, _, name in kept)
