"""Where no system is better, hardly anybody is told that one is: small tables of tools/false_leads.py, and its rule is ours.

The large table stands in docs/statistics.md. The pages' old rule, an interval for each difference as if it were the only one,
must fail here: it is what shows that these data can deceive.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.evaluation.comparisons import compare_leader, compare_with
from tools.false_leads import FLIPS, KINDS, NEW, OLD, claim_now, count_claims, find_upper

EXPERIMENTS = 1_000
RUNNER_UP, BASELINE, EITHER, ANYONE, FAMILY = NEW


@pytest.mark.parametrize(
    ("kind", "systems", "queries"),
    [
        ("plain", 2, 60),
        ("correlated", 2, 30),
        ("many zeros", 2, 225),
        ("plain", 6, 30),
        ("correlated", 6, 60),
        ("many zeros", 15, 30),
    ],
)
def test_a_lead_is_rarely_claimed_where_there_is_none(kind: str, systems: int, queries: int) -> None:
    counts = count_claims(kind, systems=systems, queries=queries, experiments=EXPERIMENTS, seed=5)
    # At 5 % 50 of 1,000 are expected, and more than 65 in one of seventy tables.
    assert max(counts[name] for name in NEW) <= 65
    assert counts[EITHER] <= counts[RUNNER_UP] + counts[BASELINE]
    if systems > 2:
        assert counts[RUNNER_UP] <= 10, "the two best differ least of all"
        assert counts[OLD[0]] > 65, "the old rule deceives"


def test_the_tool_claims_what_the_pages_claim() -> None:
    """Experiment by experiment, under the same signs; systems that differ are among them, so that there is much to claim."""
    random, claimed = np.random.default_rng(2), 0
    for trial, (kind, n, k) in enumerate(
        [("plain", 30, 5), ("correlated", 12, 3), ("many zeros", 60, 8), ("many zeros", 7, 2)]
    ):
        lift = np.linspace(0, 0.25, k)
        values = np.stack([np.clip(KINDS[kind](random, n, k) + random.permutation(lift), 0, 1) for _ in range(15)])
        found = claim_now(values, seed=trial)
        for number, own in enumerate(values):
            table = pd.DataFrame(own, columns=[f"s{column}" for column in range(k)])
            lead = compare_leader(table, measure="nDCG@10", seed=trial, flips=FLIPS)
            against = compare_with(table, "s0", measure="nDCG@10", seed=trial, flips=FLIPS)
            first = next(iter(lead.values()))
            over = (first.is_better, first.system in against and against[first.system].is_better)
            expected = (*over, any(over), any(one.is_better for one in lead.values()), any(a.is_real for a in against.values()))
            assert tuple(found[name][number] for name in NEW) == expected, (kind, number)
            claimed += sum(expected)
    assert 60 < claimed < 240, "some claims are made and some are not"


def test_the_upper_bound_is_that_of_clopper_and_pearson() -> None:
    """Without a single claim in n experiments it is 1 - .05^(1/n), about 3 / n."""
    assert find_upper(0, 1_000) == pytest.approx(1 - 0.05 ** (1 / 1_000))
    assert find_upper(10, 10) == 1.0
