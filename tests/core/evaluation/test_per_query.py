"""Means with intervals against a bootstrap written with numpy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.evaluation.per_query import MeanValue, average, count_hits, evaluate_runs, pivot, recall_curve
from core.evaluation.significance import RESAMPLES, bootstrap_means
from core.schema import EVIDENCE, JUDGMENTS, PER_QUERY, RUN, empty
from tests.support.models import make_run


def make_per_query(values: dict[str, list[float]], measure: str = "nDCG@10") -> pd.DataFrame:
    rows = [(name, f"q{row}", measure, value) for name, found in values.items() for row, value in enumerate(found)]
    return pd.DataFrame(rows, columns=PER_QUERY)


def resample(values: np.ndarray, seed: int) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(20_000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def test_means_and_intervals() -> None:
    random = np.random.default_rng(0)
    values = {"one": random.random(60).tolist(), "two": (random.random(60) ** 3).tolist()}
    means = average(make_per_query(values))
    assert list(means) == ["one", "two"]
    for name, found in values.items():
        value = means[name]["nDCG@10"]
        assert value.mean == pytest.approx(np.mean(found))
        assert value.n == 60
        low, high = resample(np.array(found), seed=1)
        # 2,000 resamples: the ends are known to about a twentieth of the interval's width
        assert (value.low, value.high) == pytest.approx((low, high), abs=(high - low) / 15)
        assert value.low < value.mean < value.high


def test_the_same_seed_gives_the_same_interval() -> None:
    frame = make_per_query({"one": np.random.default_rng(0).random(60).tolist()})
    assert average(frame, seed=3) == average(frame, seed=3)
    assert average(frame, seed=3) != average(frame, seed=4)


def test_equal_values_and_too_few_of_them() -> None:
    equal = average(make_per_query({"one": [0.4, 0.4, 0.4]}))["one"]["nDCG@10"]
    assert (equal.mean, equal.low, equal.high, equal.n) == pytest.approx((0.4, 0.4, 0.4, 3))
    assert average(make_per_query({"one": [0.25]}))["one"]["nDCG@10"] == MeanValue(0.25, 0.25, 0.25, 1)
    assert average(empty(PER_QUERY)) == {}
    low, high = bootstrap_means(np.zeros((0, 2)))
    assert (low.tolist(), high.tolist()) == ([0, 0], [0, 0])


def test_all_systems_are_resampled_alike() -> None:
    values = np.random.default_rng(0).random(30)
    low, high = bootstrap_means(np.stack([values, values + 1, values], axis=1))
    assert low[0] == low[2]
    assert low[1] - low[0] == pytest.approx(1)
    assert high[1] - high[0] == pytest.approx(1)
    assert RESAMPLES == 2000


def test_pivot_and_hits() -> None:
    frame = make_per_query({"b": [1, 0, 1], "a": [0, 0, 1]}, "Success@5")
    table = pivot(frame)
    assert table.columns.tolist() == ["b", "a"]
    assert table.index.tolist() == ["q0", "q1", "q2"]
    assert table["a"].tolist() == [0, 0, 1]
    assert count_hits(frame, system="b") == (2, 3)
    assert count_hits(frame, system="unknown") == (0, 0)


JUDGED = pd.DataFrame([("q", "a", 1), ("p", "b", 2), ("z", "a", 0)], columns=JUDGMENTS)


def test_evaluate_runs() -> None:
    evidence = pd.DataFrame([("q", "a", 0, 10)], columns=EVIDENCE)
    second = make_run({"q": [("b1", 2.0), ("a1", 1.0)]}).assign(start=0, end=10, tokens=4)
    runs = {"second": second, "first": empty([*RUN, "start", "end", "tokens"])}
    frame = evaluate_runs(runs, judgments=JUDGED, evidence=evidence)
    assert list(frame.columns) == PER_QUERY
    assert frame["system"].drop_duplicates().tolist() == ["second", "first"]
    values = {(s, q, m): v for s, q, m, v in frame.itertuples(index=False)}
    assert values["second", "q", "RR@10"] == 0.5
    assert values["second", "p", "RR@10"] == 0
    assert values["second", "q", "evidence_precision@5"] == 0.5
    assert ("second", "z", "RR@10") not in values
    assert {v for (s, *_), v in values.items() if s == "first"} == {0}
    assert values["second", "q", "evidence_recall@1000tokens"] == 1
    assert values["second", "q", "answer_success@5"] == 1  # a query with evidence counts chunks
    assert values["second", "p", "answer_success@5"] == 0
    # ten document measures and answer_success@5 for q and p; four measures of the evidence for q
    assert len(values) == len(frame) == 2 * (2 * 11 + 4)


def test_nothing_to_measure() -> None:
    frame = evaluate_runs({"s": make_run({"q": [("a1", 1.0)]})}, judgments=empty(JUDGMENTS), evidence=empty(EVIDENCE))
    assert frame.empty
    assert list(frame.columns) == PER_QUERY
    assert evaluate_runs({}, judgments=JUDGED, evidence=empty(EVIDENCE)).empty


def test_recall_curve() -> None:
    run = make_run({"q": [("b1", 2.0), ("a1", 1.0)], "p": [("b1", 1.0)]})
    curve = recall_curve(JUDGED, {"s": run, "nothing": empty(RUN)}, depths=(1, 2))
    # at 1 only p's answer is found, at 2 also q's
    assert curve.to_dict("records") == [
        {"system": "s", "depth": 1, "recall": 0.5},
        {"system": "s", "depth": 2, "recall": 1.0},
        {"system": "nothing", "depth": 1, "recall": 0.0},
        {"system": "nothing", "depth": 2, "recall": 0.0},
    ]
