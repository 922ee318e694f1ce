"""Lines and sheets: the arithmetic that is shown is the arithmetic that is done, at the edges too."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest

from core.costs.assumptions import list_assumptions, list_prices_used
from core.costs.lines import MONTHLY, ONCE, Factor, Line, format_money, format_number, price_factor
from core.costs.prices import read_shipped
from core.costs.scenario import API, DEPLOYMENTS, MIXED, OWN, Scenario
from core.costs.sheet import CostSheet, estimate_costs, make_sheet
from core.errors import InputError
from tests.support.costs import CHOSEN, DENSE, WORDS, make_prices

HYBRID = replace(DENSE, system="hybrid", lexical=True, rerank_depth=30, rerank_tokens=180, rerank_ms=10, p50_ms=50)
TUNED = replace(
    HYBRID, system="tuned", trained=("embedding", "reranker"), training_seconds=123.4, indexed_tokens_per_document=216
)
SYSTEMS = {facts.system: facts for facts in (WORDS, DENSE, HYBRID, TUNED)}
AMOUNTS = {"1M": 1e6, "1k": 1e3, "GB-month": 1e9, "GiB-month": 2**30, "GiB": 2**30, "TiB": 2**40}
PARTS = re.compile(r"( × | ÷ |^)(\$?)([\d.,]+)(?: / (\S+))?")


def calculate(arithmetic: str) -> float:
    """What a reader gets who multiplies what is written: brackets explain, and are skipped."""
    text = re.sub(r"\([^()]*\)", "", arithmetic).rpartition(" = ")[0]
    value = 1.0
    for sign, dollar, number, unit in PARTS.findall(text):
        amount = float(number.replace(",", "")) / (AMOUNTS.get(unit, 1.0) if dollar else 1.0)
        value = value / amount if sign == " ÷ " else value * amount
    return value


def test_a_line_reads_as_it_is_reckoned() -> None:
    price = read_shipped().get("openai-3-small")
    factors = (Factor("", 1_400, "documents"), Factor("", 212, "tokens"), Factor("overlap", 1.08, ""), price_factor(price))
    line = Line("embed_corpus", "Embed the corpus", factors, ONCE)
    # 1,400 x 212 x 1.08 = 320,544 tokens x 0.02 / 1M
    assert line.value == pytest.approx(0.00641088)
    assert line.arithmetic == "1,400 documents × 212 tokens × 1.08 (overlap) × $0.02 / 1M tokens = $0.0064"
    assert calculate(line.arithmetic) == pytest.approx(line.value)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("store", ["pinecone", "chroma"])
@pytest.mark.parametrize("rerank", ["cohere-rerank-3.5", "voyage-rerank-2.5"])
@pytest.mark.parametrize("gpu", ["", "gpu-l4"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_lines_arithmetic_gives_its_value(name: str, gpu: str, rerank: str, store: str, deployment: str) -> None:
    scenario = Scenario(
        documents=12_345, tokens_per_document=201.7, tokens_per_query=11.3, deployment=deployment, vector_store=store,
        rerank=rerank, gpu=gpu, gpu_speedup=7, queries_per_month=98_765,
    )  # fmt: skip
    sheet = make_sheet(SYSTEMS[name], scenario, read_shipped())
    assert sheet.lines
    for line in sheet.lines:
        assert line.value == pytest.approx(math.prod(factor.amount for factor in line.factors))
        assert calculate(line.arithmetic) == pytest.approx(line.value, rel=1e-4), line.arithmetic
        assert line.value >= 0 and line.factors[-1].price_id, "every line ends with a price"
    assert sheet.one_time + sheet.monthly == pytest.approx(sum(line.value for line in sheet.lines))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1_400.0, "1,400"),
        (212.35678, "212.357"),
        (0.0001234567, "0.000123457"),
        (1_234_567.89, "1,234,568"),
        (0.0, "0"),
        (1.5, "1.5"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "$0"), (0.0064109, "$0.0064"), (0.1, "$0.10"), (1234.5, "$1,234.50"), (-2.5, "-$2.50"), (3e-8, "$0.000000030")],
)
def test_money(value: float, text: str) -> None:
    assert format_money(value) == text


def test_what_is_bought_and_what_runs_here() -> None:
    """p50 50 ms: 30 for the query's vector, 4 for the dense search, 10 for reranking, 6 for the rest."""

    def read_machine(deployment: str) -> str:
        scenario = Scenario(documents=100, deployment=deployment, **CHOSEN)
        (line,) = [one for one in make_sheet(HYBRID, scenario, make_prices()).lines if one.name == "machine"]
        return line.arithmetic

    assert "10,000 queries × 0.05 s" in read_machine(OWN)
    assert "10,000 queries × 0.01 s" in read_machine(MIXED)  # 50 - 30 - 10
    assert "10,000 queries × 0.006 s" in read_machine(API)  # and the search of the store


@pytest.mark.parametrize(("facts", "expected"), [(DENSE, False), (HYBRID, True), (WORDS, True), (TUNED, True)])
def test_a_machine_is_there_if_anything_is_left_for_it(facts: object, expected: bool) -> None:
    sheet = make_sheet(facts, Scenario(deployment=API, **CHOSEN), make_prices())  # type: ignore[arg-type]
    assert any(line.name == "machine" for line in sheet.lines) is expected


def test_latency_that_was_not_measured() -> None:
    sheet = make_sheet(replace(WORDS, p50_ms=None), Scenario(queries_per_month=10**9, **CHOSEN), make_prices())
    (line,) = [line for line in sheet.lines if line.name == "machine"]
    assert "latency was not measured" in line.arithmetic and line.value == pytest.approx(65.70)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("name", SYSTEMS)
def test_no_queries_and_no_documents(name: str, deployment: str) -> None:
    scenario = Scenario(documents=0, queries_per_month=0, deployment=deployment, **CHOSEN)
    sheet = make_sheet(SYSTEMS[name], scenario, make_prices())
    assert (sheet.per_1000_queries, sheet.marginal_per_1000) == (None, None)
    # nothing is embedded, stored or asked; machines, minimum and people stay
    names = {line.name for line in sheet.lines if line.value}
    assert names <= {"machine", "store_minimum", "upkeep", "trained_upkeep", "train", "label", "retrain"}
    assert sheet.monthly >= 120
    json.dumps(sheet.to_json(), allow_nan=False)


def test_growth_is_a_geometric_sum() -> None:
    """Own embedding grows with the documents, all else stays: 12 months of 3 % are (1.03^12 - 1) / 0.03 = 14.19202956."""
    scenario = Scenario(documents=10_000_000, tokens_per_document=200, growth_per_month=0.03, **CHOSEN)
    sheet = make_sheet(DENSE, scenario, make_prices())
    growing = sum(line.value for line in sheet.lines if line.name in ("embed_changed", "embed_new"))
    steady = sheet.monthly - growing
    assert growing > 1
    assert sheet.first_year == pytest.approx(sheet.one_time + growing * 14.1920295624 + 12 * steady)


def test_longer_documents_give_more_passages() -> None:
    cut = replace(DENSE, passages_per_document=3)
    scenario = Scenario(documents=100, tokens_per_document=400, deployment=API, dimensions=10, **CHOSEN)

    def read_passages(facts: object) -> float:
        sheet = make_sheet(facts, scenario, make_prices())  # type: ignore[arg-type]
        (line,) = [line for line in sheet.lines if line.name == "store"]
        return next(factor.value for factor in line.factors if factor.unit == "passages a document")

    assert read_passages(cut) == 6  # twice the 200 tokens that were measured
    assert read_passages(replace(cut, cut=False)) == 3, "whole documents stay whole"


def test_dimensions_are_those_of_the_bought_model() -> None:
    def read(**changes: object) -> str:
        sheet = make_sheet(DENSE, Scenario(deployment=API, **changes), read_shipped())  # type: ignore[arg-type]
        return next(line.arithmetic for line in sheet.lines if line.name == "store")

    assert "1,536 dimensions" in read()
    assert "3,072 dimensions" in read(embedding="openai-3-large")
    assert "256 dimensions" in read(dimensions=256)


def test_a_sheet_as_json() -> None:
    sheet = make_sheet(DENSE, Scenario(documents=1_000, **CHOSEN), make_prices())
    content = json.loads(json.dumps(sheet.to_json(), allow_nan=False))
    assert set(content) == {
        "one_time", "monthly", "per_1000_queries", "marginal_per_1000_queries", "first_year", "first_year_arithmetic",
        "by_month", "lines", "assumed",
    }  # fmt: skip
    assert content["first_year"] == pytest.approx(content["one_time"] + sum(content["by_month"]))
    line = content["lines"][0]
    assert set(line) == {"name", "words", "factors", "when", "per_query", "value", "arithmetic"}
    assert {one["when"] for one in content["lines"]} == {ONCE, MONTHLY}


def test_estimates_of_several_systems_and_what_they_rest_on() -> None:
    prices = make_prices()
    scenario = Scenario(deployment=MIXED, gpu="card", **CHOSEN)
    sheets = estimate_costs(SYSTEMS, scenario, prices)
    assert list(sheets) == list(SYSTEMS) and all(isinstance(sheet, CostSheet) for sheet in sheets.values())
    assert [price.id for price in list_prices_used(sheets, prices)] == ["embed", "search", "core", "card", "label", "care"]
    said = " ".join(list_assumptions(SYSTEMS, scenario, prices))
    for words in (
        "Embeddings and reranking are bought; index and search run on an own machine.", "a bought model may do better or worse",
        "The GPU is taken to train no faster", "Upkeep, $60 (a page)", "A trained model takes 5 trainings until one is kept",
    ):  # fmt: skip
        assert words in said
    alone = " ".join(list_assumptions({"words": WORDS}, replace(scenario, deployment=OWN), prices))
    assert "trained" not in alone and "bought" not in alone
    with pytest.raises(InputError, match="there is no price 'absent'"):
        estimate_costs(SYSTEMS, replace(scenario, cpu="absent"), prices)
