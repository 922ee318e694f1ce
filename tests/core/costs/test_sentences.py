"""Costs in words: the headline, what nobody beats, groups of lines, machines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from core.costs.lines import MONTHLY, ONCE
from core.costs.overview import COST, LATENCY, MONTHLY_COST, CostOverview, find_replaceable
from core.costs.scenario import API, DEPLOYMENTS, Scenario
from core.costs.sentences import describe_front, describe_headline, describe_machine_used, group_lines, round_money
from core.costs.sheet import estimate_costs, make_sheet
from core.costs.system_facts import SystemFacts
from core.errors import InputError
from core.experiment.result import Experiment
from core.systems.trained import EMBEDDING
from tests.support.costs import CHOSEN, DENSE, WORDS, make_prices

RERANKED = replace(DENSE, system="reranked", rerank_depth=10, rerank_tokens=200.0, rerank_ms=20, p50_ms=60, p95_ms=80)
EMPTY = Experiment("id", "name", "", {"name": "d"}, "all", (), {}, pd.DataFrame(), {})


def make_found(quality: dict[str, float], *systems: SystemFacts, **changes: Any) -> CostOverview:
    scenario = Scenario(documents=1000, **{**CHOSEN, "deployment": API, **changes})
    facts = {one.system: one for one in systems or (WORDS, DENSE, RERANKED)}
    sheets = estimate_costs(facts, scenario, make_prices())
    return CostOverview(EMPTY, scenario, make_prices(), facts, sheets, "AP" if quality else "", quality, {})


def test_headline_compares_the_cheapest_with_the_best() -> None:
    # Bought: dense pays the store's minimum of 50 and 120 of upkeep, and 0.0024 for embedding queries and what changes;
    # words a machine of 65.70 and 120. Reranking costs 10,000 x 2 / 1,000 = 20 more than dense.
    found = make_found({"words": 0.5, "dense": 0.6, "reranked": 0.7})
    assert found.sheets["dense"].monthly == pytest.approx(170.0, abs=0.5)
    hits = {"words": (10, 50), "dense": (30, 50), "reranked": (34, 50)}  # 60 and 68 of 100
    told = describe_headline(found, hits)
    assert told == (
        "dense costs about $170 a month for 10,000 queries; reranked costs 1.1 times that and finds the answer among the "
        "first five for 8 more of 100 queries."
    )
    no_more = describe_headline(found, {**hits, "reranked": (30, 50)})
    assert no_more.endswith(
        "scores higher on AP (0.700 against 0.600), though it finds the answer among the first five no more often."
    )
    assert describe_headline(found, {}).endswith("costs 1.1 times that and scores higher on AP (0.700 against 0.600).")


def test_headline_where_there_is_little_to_say() -> None:
    hits = {"dense": (1, 2)}
    best = make_found({"words": 0.5, "dense": 0.8, "reranked": 0.7})
    assert describe_headline(best, hits).endswith("for 10,000 queries, and none of the other 2 systems scores higher on AP.")
    two = make_found({"words": 0.5, "dense": 0.8}, WORDS, DENSE)
    assert describe_headline(two, hits).endswith("and the other system does not score higher on AP.")
    assert describe_headline(make_found({}, WORDS), {}) == "words costs about $186 a month for 10,000 queries."
    assert describe_headline(make_found({}), {}) == (
        "dense costs about $170 a month for 10,000 queries; reranked, the dearest, costs 1.1 times that. Without labels nobody "
        "knows which is better."
    )


def test_costs_that_hardly_differ_are_called_the_same() -> None:
    found = make_found({"words": 0.5, "dense": 0.6}, WORDS, DENSE, deployment="own")
    assert "dense costs about the same and scores higher" in describe_headline(found, {})


def test_many_times_that() -> None:
    # 500,000 searches are 1,000, and 170 as without them: (1,000 + 170) / 170 = 6.9; a million: 12.8
    for queries, words in ((5e5, "costs 6.9 times that"), (1e6, "costs about 13 times that")):
        found = make_found({"dense": 0.5, "reranked": 0.6}, DENSE, RERANKED, queries_per_month=queries)
        assert words in describe_headline(found, {})


@pytest.mark.parametrize(
    ("price", "end"),
    [
        (MONTHLY_COST, "cheaper than dense and reranked. words is beaten: another scores no lower and costs no more."),
        (COST, "cheaper than dense and reranked. words is beaten: another scores no lower and costs no more."),
        (LATENCY, "faster than words, dense and reranked."),
    ],
)
def test_what_nobody_beats(price: str, end: str) -> None:
    found = make_found({"words": 0.5, "dense": 0.6, "reranked": 0.7})
    assert describe_front(found, price) == f"No other system both scores higher on AP and is {end}"
    assert describe_front(make_found({}), price) == ""


def test_every_line_has_a_group() -> None:
    trained = replace(RERANKED, trained=(EMBEDDING,), training_seconds=60.0)
    for facts in (WORDS, DENSE, RERANKED, trained):
        for deployment in DEPLOYMENTS:
            for store in ("pine", "scan"):
                scenario = Scenario(documents=1000, **{**CHOSEN, "deployment": deployment, "vector_store": store})
                sheet = make_sheet(facts, scenario, make_prices())
                assert sum(group_lines(sheet, ONCE).values()) == pytest.approx(sheet.one_time)
                assert sum(group_lines(sheet, MONTHLY).values()) == pytest.approx(sheet.monthly)
    assert group_lines(make_sheet(WORDS, Scenario(**CHOSEN), make_prices()), MONTHLY)["people"] == 120


def test_what_training_could_replace_comes_best_first() -> None:
    facts = {name: replace(DENSE, system=name) for name in ("dense", "a", "b", "worse")}
    quality = {"dense": 0.5, "a": 0.6, "b": 0.7, "worse": 0.4}
    assert find_replaceable("dense", quality, facts) == ["b", "a"]
    assert find_replaceable("dense", {}, facts) == ["a", "b", "worse"]


def test_unknown_systems_are_refused() -> None:
    with pytest.raises(InputError, match="there is no system 'none'; there are words, dense, reranked"):
        make_found({}).pay_off("none", "dense")


def test_small_words() -> None:
    assert [round_money(cost) for cost in (0, 0.0064, 9.5, 185.7, 12345)] == ["$0", "$0.0064", "$9.50", "$186", "$12,345"]
    assert (
        describe_machine_used({"processor": "A CPU", "cores": 2, "system": "Linux", "python": "3"}) == "A CPU, 2 cores, Linux"
    )
    assert describe_machine_used({"processor": "", "cores": 1}) == "1 core"
    assert describe_machine_used({}) == "a machine that was not noted"
