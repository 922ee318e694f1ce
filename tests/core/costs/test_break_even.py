"""Break-even against closed forms, and which systems a trained one is held against."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import pytest

from core.costs.break_even import (
    BreakEven,
    SheetBuilder,
    accumulate,
    break_even,
    choose_rivals,
    imagine_trained,
    make_builder,
)
from core.costs.lines import MONTHLY, ONCE, Factor, Line
from core.costs.scenario import Scenario
from core.costs.sheet import CostSheet, make_sheet
from core.errors import InputError
from core.systems.trained import ADAPTER, EMBEDDING, RERANKER
from tests.support.costs import CHOSEN, DENSE, WORDS, make_prices


def make_linear(name: str, *, once: float, base: float, per_query: float = 0.0) -> SheetBuilder:
    """A system that costs `once`, and base + per_query x queries every month."""

    def build(scenario: Scenario) -> CostSheet:
        lines = (
            Line("once", "", (Factor("", once, ""),), ONCE),
            Line("base", "", (Factor("", base, ""),), MONTHLY),
            Line("queries", "", (Factor("", scenario.queries_per_month, ""), Factor("", per_query, "")), MONTHLY, True),
        )
        month = base + per_query * scenario.queries_per_month
        return CostSheet(name, scenario, lines, (month,) * scenario.months)

    return build


def ask(ours: tuple[float, float, float], theirs: tuple[float, float, float], queries: float, **options: int) -> BreakEven:
    """(once, base, per query) of both."""
    trained, other = (
        make_linear(name, once=once, base=base, per_query=per_query)
        for name, (once, base, per_query) in (("ours", ours), ("theirs", theirs))
    )
    return break_even(trained, other, Scenario(queries_per_month=queries), **options)


@pytest.mark.parametrize("queries", [50_000, 90_000, 100_000, 333_333])
def test_months_and_volume_in_closed_form(queries: int) -> None:
    # months: 1000 + m (10 + 0.001 q) < m (10 + 0.003 q)  <=>  m > 1000 / (0.002 q), the next whole month
    # volume: 12 x 0.002 q > 1000  <=>  q > 41,666.7
    found = ask((1000, 10, 0.001), (0, 10, 0.003), queries)
    assert found.months == math.floor(1000 / (0.002 * queries) + 1e-9) + 1
    assert found.queries_per_month == 41_667


def test_the_curve_is_both_accumulated_costs() -> None:
    found = ask((1000, 10, 0), (0, 110, 0), 500, horizon=24)
    assert list(found.curve.columns) == ["month", "trained", "other"] and len(found.curve) == 25
    assert found.curve.iloc[0].tolist() == [0, 1000, 0]
    assert found.curve.iloc[24].tolist() == [24, 1240, 2640]
    assert found.months == 11, "after 10 months they are level"


def test_cheaper_from_the_start_and_never() -> None:
    start = ask((0, 1, 0), (5, 2, 0), 100)
    assert (start.months, start.queries_per_month) == (0, 0)
    assert start.describe() == (
        "At 100 queries a month, ours costs less than theirs from the start. Within the first year it is cheaper at any volume."
    )
    never = ask((5, 2, 0), (0, 1, 0), 100)
    assert (never.months, never.queries_per_month) == (None, None)
    assert never.describe() == (
        "At 100 queries a month, ours does not become cheaper than theirs within 60 months. "
        "At no volume up to 1,000,000,000 queries a month is it cheaper within the first year."
    )
    equal = ask((0, 1, 0), (0, 1, 0), 100)
    assert (equal.months, equal.queries_per_month) == (None, None), "equal is not cheaper"


def test_a_lead_that_is_lost_again_is_none() -> None:
    """Cheaper to begin with, dearer every month: after 10 months the lead is gone."""
    assert ask((0, 20, 0), (100, 10, 0), 100).months is None


def test_break_even_as_json() -> None:
    content = json.loads(json.dumps(ask((10, 1, 0), (0, 2, 0), 5, horizon=12).to_json(), allow_nan=False))
    assert set(content) == {"trained", "other", "months", "queries_per_month", "sentence", "curve"}
    assert content["curve"][1] == {"month": 1, "trained": 11.0, "other": 2.0}


def test_accumulated_costs_follow_the_growth() -> None:
    scenario = Scenario(documents=10_000_000, growth_per_month=0.1, months=24, **CHOSEN)
    sheet = make_sheet(DENSE, scenario, make_prices())
    spent = accumulate(sheet)
    assert len(spent) == 25 and spent[0] == sheet.one_time
    assert spent[-1] == pytest.approx(sheet.first_year)
    steps = [after - before for before, after in itertools.pairwise(spent)]
    assert steps == sorted(steps) and steps[-1] > steps[0]


def test_real_sheets_are_asked_in_other_scenarios() -> None:
    build = make_builder(WORDS, make_prices())
    assert build(Scenario(queries_per_month=1, **CHOSEN)).monthly == pytest.approx(185.70)
    assert build(Scenario(queries_per_month=200_000_000, **CHOSEN)).monthly == pytest.approx(251.40)


# Rivals


FACTS = {
    "tuned": replace(DENSE, system="tuned", trained=(EMBEDDING,)),
    "other-tuned": replace(DENSE, system="other-tuned", trained=(ADAPTER,)),
    "reranked": replace(DENSE, system="reranked", rerank_depth=50),
    "hybrid": replace(DENSE, system="hybrid"),
    "words": WORDS,
    "unlabelled": WORDS,
}
QUALITY = {"tuned": 0.50, "other-tuned": 0.60, "reranked": 0.49, "hybrid": 0.52, "words": 0.47}


def test_rivals_reach_the_same_quality_without_training() -> None:
    assert choose_rivals("tuned", QUALITY, FACTS) == ["hybrid", "reranked"]
    assert choose_rivals("tuned", QUALITY, FACTS, tolerance=0.03) == ["hybrid", "reranked", "words"]
    assert choose_rivals("tuned", QUALITY, FACTS, tolerance=0) == ["hybrid"]
    assert choose_rivals("unlabelled", QUALITY, FACTS) == []


# If it were fine-tuned


def test_a_system_as_if_it_were_fine_tuned() -> None:
    made = imagine_trained(DENSE, EMBEDDING, training_seconds=400)
    assert (made.system, made.trained, made.training_seconds) == ("dense if fine-tuned", (EMBEDDING,), 400)
    assert made.assumed == (
        "Not measured: dense with a trained embedding model, 400 s a training, and all documents are embedded again after each",
    )
    sheet = make_sheet(made, Scenario(**CHOSEN), make_prices())
    assert sheet.assumed == made.assumed
    assert any("400 seconds of training (an assumption)" in line.arithmetic for line in sheet.lines)


def test_a_model_on_top_of_another() -> None:
    both = imagine_trained(FACTS["reranked"], EMBEDDING, training_seconds=100)
    both = imagine_trained(both, RERANKER, training_seconds=50)
    assert (both.trained, both.training_seconds) == ((EMBEDDING, RERANKER), 150)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("hybrid", "oracle", "the kind 'oracle' cannot be trained; it can be adapter, reranker, embedding"),
        ("hybrid", RERANKER, "hybrid reranks nothing, so there is no reranker to be trained"),
        ("words", ADAPTER, "words has no embeddings, so there is no query adapter to be trained"),
    ],
)
def test_what_cannot_be_fine_tuned(name: str, kind: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        imagine_trained(FACTS[name], kind, training_seconds=1)
    with pytest.raises(InputError, match="training_seconds is -1"):
        imagine_trained(DENSE, EMBEDDING, training_seconds=-1)
