"""What differs between two experiments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.experiment.changes import compare_experiments, describe_changes
from core.experiment.result import Experiment, SystemResult
from core.systems.named import make_named_systems


def make_values(values: dict[str, list[float]], queries: list[str]) -> pd.DataFrame:
    rows = [
        {"system": system, "query_id": query, "measure": "nDCG@10", "value": value}
        for system, column in values.items()
        for query, value in zip(queries, column, strict=True)
    ]
    return pd.DataFrame(rows)


def test_comparison_of_two_is_over_their_shared_queries(experiment: Experiment) -> None:
    specs = {name: system.to_spec() for name, system in make_named_systems().items()}

    def make(values: dict[str, list[float]], queries: list[str], chunk: int) -> Experiment:
        dense = {**specs["dense"], "chunk": {**specs["dense"]["chunk"], "size": chunk}}
        systems = tuple(SystemResult(name, dense if name == "dense" else specs[name]) for name in values)
        return replace(experiment, systems=systems, per_query=make_values(values, queries))

    first = make({"dense": [0.0, 0.5, 1.0], "bm25": [1.0, 1.0, 1.0]}, ["a", "b", "c"], 200)
    second = make({"dense": [1.0, 1.0, 0.0], "hybrid-rrf": [0.5, 0.5, 0.5]}, ["b", "c", "d"], 128)
    changes = {change.system: change for change in compare_experiments(first, second, "nDCG@10")}
    # Shared: b and c. dense: (0.5 + 1.0) / 2 = 0.75, then (1.0 + 1.0) / 2 = 1.0; differences 0.5 and 0.0, mean 0.25.
    dense = changes["dense"]
    assert (dense.first, dense.second) == (0.75, 1.0)
    assert dense.difference is not None and dense.difference.delta == 0.25 and dense.difference.n == 2
    assert (dense.difference.low, dense.difference.high) == (-1.0, 1.0), "two queries prove nothing"
    assert dense.changes == ("chunk size: 200, now 128",)
    assert (changes["bm25"].first, changes["bm25"].second, changes["bm25"].difference) == (1.0, None, None)
    assert (changes["hybrid-rrf"].first, changes["hybrid-rrf"].second) == (None, 0.5)
    assert compare_experiments(first, second, "AP") == []
    elsewhere = replace(second, per_query=second.per_query.assign(query_id=["x", "y", "z", "x", "y", "z"]))
    assert compare_experiments(first, elsewhere, "nDCG@10") == []


def test_systems_of_both_experiments_are_one_family(experiment: Experiment) -> None:
    random, queries = np.random.default_rng(3), [f"q{number}" for number in range(40)]
    specs = {name: system.to_spec() for name, system in make_named_systems().items()}
    names = ["dense", "bm25", "hybrid-rrf"]

    def make(shift: float) -> Experiment:
        values = {name: np.clip(random.normal(0.5 + shift, 0.1, 40), 0, 1).tolist() for name in names}
        systems = tuple(SystemResult(name, specs[name]) for name in names)
        return replace(experiment, systems=systems, per_query=make_values(values, queries))

    first, second = make(0.0), make(0.1)
    gains = [change.difference for change in compare_experiments(first, second, "nDCG@10")]
    assert [gain.family for gain in gains if gain is not None] == [3, 3, 3]
    alone = compare_experiments(
        replace(first, per_query=first.per_query[first.per_query["system"] == "dense"]), second, "nDCG@10"
    )[0].difference
    assert gains[0] is not None and alone is not None
    assert alone.delta == pytest.approx(gains[0].delta) and gains[0].verdict == "better"
    assert gains[0].low < alone.low < alone.high < gains[0].high


def test_changes_of_a_definition_are_told_in_words() -> None:
    named = {name: system.to_spec() for name, system in make_named_systems().items()}
    assert describe_changes(named["dense"], named["dense"]) == ()
    assert describe_changes(named["dense"], named["dense-chunk128"]) == ("chunk size: 200, now 128",)
    assert describe_changes(named["dense"], named["dense-window"]) == ("chunk: recursive, now window",)
    assert describe_changes(named["dense"], named["dense-filtered"]) == ("filter: off, now on",)
    assert describe_changes(named["hybrid-rrf"], named["hybrid-prf"]) == ("rewrite: off, now prf",)
    assert describe_changes(named["hybrid-rerank"], named["hybrid-rrf"]) == ("rerank: late_interaction, now off",)
    reading = {**named["dense-filtered"], "infer_filters": ["product", "version"]}
    assert describe_changes(named["dense-filtered"], reading) == ("infer_filters: off, now product, version",)
    glossary = {"rewrite": [{"type": "glossary", "groups": [["a", "b"]]}]}
    assert describe_changes(glossary, {"rewrite": [{"type": "glossary", "groups": [["a", "c"]]}]}) == (
        "rewrite: other settings of glossary",
    )
