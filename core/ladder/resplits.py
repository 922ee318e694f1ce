"""How much the verdict owes to chance: the ladder climbed again over many splits, and the queries that decide it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from core.data.dataset import Dataset
from core.data.split import Split, make_split
from core.evaluation.significance import ALPHA, paired_t
from core.ladder.choose import Choice, Findings, choose

RESPLITS = 100
_FLIPS = 1_000  # enough to tell .05 / 6 from more


@dataclass(frozen=True)
class Stability:
    """actions, systems: share of the re-splits in which each won, most frequent first. resplits: how many were drawn.

    deciding: the queries without which the difference between the recommended system and the baseline would not be
    significant any more, fewest first; empty if it is not significant anyway, or stays so without a fifth of the queries.
    """

    resplits: int
    actions: dict[str, float]
    systems: dict[str, float]
    deciding: tuple[str, ...] = ()


def measure_stability(
    dataset: Dataset,
    groups: dict[str, int],
    decide: Callable[[Split, int], Findings],
    *,
    share: float,
    resplits: int = RESPLITS,
    on_step: Callable[[int], None] = lambda done: None,
) -> tuple[dict[str, float], dict[str, float]]:
    """Shares of actions and systems over seeded re-splits. decide(split, flips): the findings of the ladder on that split."""
    actions: Counter[str] = Counter()
    systems: Counter[str] = Counter()
    for seed in range(1, resplits + 1):
        split = make_split(dataset.queries, dataset.evidence, groups=groups, share=share, seed=seed, redraw=True)
        choice: Choice = choose(decide(split, _FLIPS))
        actions[choice.action] += 1
        systems[choice.system] += 1
        on_step(seed)
    return _to_shares(actions, resplits), _to_shares(systems, resplits)


def _to_shares(counts: Counter[str], total: int) -> dict[str, float]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {name: count / total for name, count in ordered}


def find_deciding(values: pd.DataFrame, *, baseline: str, system: str) -> list[str]:
    """The fewest queries, largest differences first, without which system and baseline differ no more (paired t, p >= .05).

    values: queries x systems. Empty if they do not differ in the first place or still do without a fifth of the queries.
    """
    if system == baseline or len(values) < 3:
        return []
    delta = values[system] - values[baseline]
    delta = delta * (1.0 if delta.mean() >= 0 else -1.0)
    order = delta.sort_values(ascending=False, kind="stable")
    if paired_t(delta.to_numpy(dtype=float)[:, None])[0] >= ALPHA:
        return []
    for count in range(1, max(len(order) // 5, 1) + 1):
        rest = order.iloc[count:].to_numpy(dtype=float)
        if rest.mean() <= 0 or paired_t(rest[:, None])[0] >= ALPHA:
            return [str(query_id) for query_id in order.index[:count]]
    return []
