"""Comparisons of systems: what one holds, and which pairs are read together."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from core.evaluation.comparisons import (
    COMPARISON,
    compare_leader,
    compare_pairs,
    compare_table,
    compare_with,
)
from core.evaluation.significance import infer_differences

MEASURE = "nDCG@10"


def make_table(seed: int = 4, n: int = 60, k: int = 5) -> pd.DataFrame:
    """Systems a to e; a is the best by far, b and c are close."""
    values = np.random.default_rng(seed).normal(0.5, 0.15, (n, k)) + np.linspace(0.2, 0.0, k)
    return pd.DataFrame(np.clip(values, 0, 1), columns=list("abcde")[:k])


def test_a_comparison_in_full() -> None:
    base = np.zeros(50)
    better = base + 0.2 + np.random.default_rng(3).normal(0.02, 0.2, 50) * 0.1
    table = pd.DataFrame({"dense": base, "good": better, "same": base})
    good, same = compare_pairs(table, [("dense", "good"), ("dense", "same")], measure=MEASURE)
    assert (good.baseline, good.system, good.measure) == ("dense", "good", MEASURE)
    assert (good.verdict, good.wins, good.ties, good.losses, good.harmed, good.n) == ("better", 50, 0, 0, 0, 50)
    # Identical runs are no member of the family: the other p is not corrected.
    assert good.family == same.family == 1
    assert good.p_adjusted == max(good.p_t, good.p_randomization) < 0.05
    assert good.is_real and good.is_better and good.rules_out_loss and not good.rules_out_gain
    assert good.delta == pytest.approx(better.mean()) and good.low < good.delta < good.high
    assert (same.p_adjusted, same.delta, same.low, same.high, same.ties) == (1.0, 0.0, 0.0, 0.0, 50)
    assert same.verdict == "no_useful_difference" and same.rules_out_gain and not same.is_real
    assert good.describe() == f"good is better than dense on nDCG@10: {good.delta:+.3f} ({good.low:+.3f} to {good.high:+.3f})."
    assert compare_pairs(table, [], measure=MEASURE) == []


def test_the_frame_holds_the_same() -> None:
    table, pairs = make_table(), [("e", "a"), ("a", "b")]
    frame = compare_table(table, pairs, measure=MEASURE, min_gain=0.05, seed=2)
    found = compare_pairs(table, pairs, measure=MEASURE, min_gain=0.05, seed=2)
    assert list(frame.columns) == COMPARISON
    assert [tuple(row) for row in frame.itertuples(index=False)] == [
        tuple(getattr(one, name) for name in COMPARISON) for one in found
    ]
    assert list(frame["verdict"])[:1] == ["better"]
    empty = compare_table(table, [], measure=MEASURE)
    assert empty.empty and list(empty.columns) == COMPARISON


def test_with_a_baseline_the_family_is_all_others() -> None:
    table = make_table()
    found = compare_with(table, "c", measure=MEASURE)
    assert list(found) == ["a", "b", "d", "e"]
    assert all(one.baseline == "c" and one.system == name and one.family == 4 for name, one in found.items())
    pairs = compare_pairs(table, [("c", name) for name in "abde"], measure=MEASURE)
    assert list(found.values()) == pairs
    assert compare_with(table, "unknown", measure=MEASURE) == {}
    assert compare_with(table[["c"]], "c", measure=MEASURE) == {}


def test_the_leader_is_read_over_all_pairs() -> None:
    table = make_table()[list("cbade")]
    found = compare_leader(table, measure=MEASURE)
    ranked = [str(name) for name in table.mean().sort_values(ascending=False).index]
    assert ranked[0] == "a" and list(found) == ranked[1:], "the runner-up comes first"
    deltas = np.column_stack([table[high] - table[low] for high, low in combinations(ranked, 2)])
    whole = infer_differences(deltas)
    for column, (name, one) in enumerate(found.items()):
        assert (one.system, one.baseline, one.family) == ("a", name, 10)
        assert (one.low, one.high) == pytest.approx((whole.low[column], whole.high[column]))
        assert one.p_adjusted == whole.p_adjusted[column]
    wide, narrow = found["e"], compare_with(table, "e", measure=MEASURE)["a"]
    assert wide.delta == pytest.approx(narrow.delta)
    assert wide.low < narrow.low and narrow.high < wide.high, "ten pairs ask for more than four"


def test_of_equal_systems_the_first_leads() -> None:
    table = make_table()[["b", "c"]].assign(twin=lambda frame: frame["b"])
    (first, *_), found = table.columns, compare_leader(table, measure=MEASURE)
    assert found["twin"].system == first == "b"
    assert found["twin"].verdict == "no_useful_difference"
    assert compare_leader(table[["b"]], measure=MEASURE) == {}


def test_one_query_tells_nothing() -> None:
    one = compare_pairs(pd.DataFrame({"old": [0.1], "new": [0.9]}), [("old", "new")], measure=MEASURE)[0]
    assert (one.verdict, one.low, one.high, one.p_adjusted, one.mde) == ("cannot_tell", -1.0, 1.0, 1.0, 1.0)
    assert one.describe().startswith("A single query cannot tell new from old on nDCG@10: +0.800")
    alike = compare_pairs(pd.DataFrame({"old": [0.1], "new": [0.1]}), [("old", "new")], measure=MEASURE)[0]
    assert alike.verdict == "cannot_tell"


def test_what_more_queries_would_do() -> None:
    """Twice the queries needed for min_gain make half an interval of about min_gain / sqrt(2)."""
    random = np.random.default_rng(1)
    table = pd.DataFrame({"old": np.full(80, 0.4), "new": np.clip(0.43 + random.normal(0, 0.2, 80), 0, 1)})
    (few,) = compare_pairs(table, [("old", "new")], measure=MEASURE)
    assert few.n < few.queries_needed and (few.high - few.low) / 2 > few.min_gain
    more = pd.DataFrame({"old": 0.4, "new": np.clip(0.43 + random.normal(0, 0.2, 2 * few.queries_needed), 0, 1)})
    (many,) = compare_pairs(more, [("old", "new")], measure=MEASURE)
    assert (many.high - many.low) / 2 == pytest.approx(few.min_gain / np.sqrt(2), rel=0.2)
    assert many.mde < few.mde
