"""Three scenarios worked out by hand, line by line. The figures are literals; nothing here is reckoned by the code it tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.costs.break_even import BreakEven, break_even, make_builder
from core.costs.lines import MONTHLY, ONCE
from core.costs.scenario import API, OWN, Scenario
from core.costs.sheet import CostSheet, make_sheet
from core.costs.system_facts import SystemFacts
from core.systems.trained import EMBEDDING
from tests.support.costs import CHOSEN, DENSE, WORDS, make_prices


def read_lines(sheet: CostSheet, when: str) -> dict[str, float]:
    lines = [line for line in sheet.lines if line.when == when]
    assert len({line.name for line in lines}) == len(lines), "a name is a line"
    return {line.name: line.value for line in lines}


# 1. A small corpus and word matching on an own machine: a machine and somebody to look after it


SMALL = Scenario(
    documents=1_000, tokens_per_document=100, queries_per_month=50_000, growth_per_month=0.02, changed_per_week=0.01,
    deployment=OWN, vcpus=2, peak_factor=5, upkeep_hours_per_month=2, **CHOSEN,
)  # fmt: skip


def test_word_matching_on_an_own_machine() -> None:
    sheet = make_sheet(WORDS, SMALL, make_prices())
    assert read_lines(sheet, ONCE) == {}, "nothing is embedded"
    # 50,000 queries x 0.008 s x 5 = 2,000 s of 2,628,000 s (730 h): 0.0008 cores, one machine
    # 1 machine x 2 vCPUs x 730 h x 0.045 = 65.70; 2 h x 60 = 120
    assert read_lines(sheet, MONTHLY) == pytest.approx({"machine": 65.70, "upkeep": 120.0})
    assert sheet.one_time == 0
    assert sheet.monthly == pytest.approx(185.70)
    assert sheet.per_1000_queries == pytest.approx(3.714)  # 185.70 / 50
    assert sheet.marginal_per_1000 == 0, "the machine is there anyway"
    assert sheet.first_year == pytest.approx(2228.40)  # 12 x 185.70: growth costs a small corpus nothing
    assert sheet.by_month == pytest.approx([185.70] * 12)
    assert sheet.first_year_arithmetic == "$0 once + 12 months × $185.70 = $2,228.40"


@pytest.mark.parametrize(
    ("queries", "cost"),
    [
        # cores = queries x 0.008 s x 5 / 2,628,000 s; a machine has 2
        (131_400_000, 65.70),  # 2.0000 cores exactly: still one machine
        (131_400_001, 131.40),  # a query more: two machines
        (400_000_000, 262.80),  # 6.09 cores: four machines
    ],
)
def test_machines_come_whole(queries: int, cost: float) -> None:
    sheet = make_sheet(WORDS, replace(SMALL, queries_per_month=queries), make_prices())
    assert read_lines(sheet, MONTHLY)["machine"] == pytest.approx(cost)


# 2. Everything bought: embeddings, a vector store with a minimum, reranking; the corpus grows and changes


BOUGHT = Scenario(
    documents=100_000, tokens_per_document=500, tokens_per_query=10, growth_per_month=0.05, changed_per_week=0.01,
    queries_per_month=200_000, deployment=API, dimensions=1050, upkeep_hours_per_month=2, **CHOSEN,
)  # fmt: skip
# 3 passages of 200 tokens of 4 bytes a document of 500 tokens: 600 are indexed, 1.2 of each
RERANKED = replace(
    DENSE, system="dense-rerank", passages_per_document=3, tokens_per_document=500, indexed_tokens_per_document=600,
    bytes_per_token=4, rerank_depth=50, rerank_tokens=200, rerank_ms=960, p50_ms=1_000,
)  # fmt: skip


def test_everything_bought() -> None:
    sheet = make_sheet(RERANKED, BOUGHT, make_prices())
    # tokens: 100,000 x 500 x 1.2 = 60 million; a passage: 1,050 x 4 + 200 x 4 = 5,000 bytes; 300,000 passages: 1.5 GB
    assert read_lines(sheet, ONCE) == pytest.approx(
        {
            "embed_corpus": 1.20,  # 60M x 0.02 / 1M
            "write_index": 6.00,  # 1.5 GB / 1 KB = 1.5M write units x 4 / 1M
        }
    )
    # changed in a month: 0.01 x 52 / 12 = 0.0433333; new: 0.05
    assert read_lines(sheet, MONTHLY) == pytest.approx(
        {
            "embed_changed": 0.052,  # 60M x 0.0433333 = 2.6M tokens x 0.02 / 1M
            "embed_new": 0.06,  # 60M x 0.05 = 3M tokens x 0.02 / 1M
            "embed_queries": 0.04,  # 200,000 x 10 = 2M tokens x 0.02 / 1M
            "rerank": 400.0,  # 200,000 searches x 2 / 1,000; 50 hits are one search
            "store": 0.495,  # 1.5 GB x 0.33
            "write_changed": 0.26,  # 1.5M x 0.0433333 = 65,000 write units x 4 / 1M
            "write_new": 0.30,  # 1.5M x 0.05 = 75,000 write units x 4 / 1M
            "search_store": 4.80,  # 200,000 x 1.5 read units = 300,000 x 16 / 1M
            "store_minimum": 44.145,  # 50 - (0.495 + 0.26 + 0.30 + 4.80)
            "upkeep": 120.0,  # and no machine: nothing is left to do on one
        }
    )
    assert sheet.one_time == pytest.approx(7.20)
    assert sheet.monthly == pytest.approx(570.152)  # 0.052 + 0.06 + 0.04 + 400 + 50 + 120
    assert sheet.per_1000_queries == pytest.approx(2.85076)  # 570.152 / 200
    assert sheet.marginal_per_1000 == pytest.approx(2.0242)  # (0.04 + 400 + 4.80) / 200


def test_first_year_of_a_corpus_that_grows() -> None:
    """Only embedding grows with the documents here: use of the store stays below its minimum all year."""
    sheet = make_sheet(RERANKED, BOUGHT, make_prices())
    # sum of 1.05^0 .. 1.05^11 = (1.05^12 - 1) / 0.05 = (1.7958563260 - 1) / 0.05 = 15.91712652
    # 7.20 + 12 x (0.04 + 400 + 50 + 120) + (0.052 + 0.06) x 15.91712652 = 7.20 + 6840.48 + 1.78271817
    assert sheet.first_year == pytest.approx(6849.46271817)
    assert sheet.by_month[1] == pytest.approx(570.1576)  # 0.112 x 1.05 = 0.1176
    assert sheet.first_year_arithmetic.startswith("$7.20 once + $570.15 (month 1) + $570.16 (month 2) + ")
    assert sheet.first_year_arithmetic.endswith(" = $6,849.46")


def test_first_year_beyond_the_minimum() -> None:
    """Twenty times the documents: use is above the minimum from the first month, and grows as the documents do."""
    sheet = make_sheet(RERANKED, replace(BOUGHT, documents=2_000_000), make_prices())
    month = read_lines(sheet, MONTHLY)
    assert month["store_minimum"] == 0
    assert month["search_store"] == pytest.approx(96.0)  # 30 GB: 200,000 x 30 read units x 16 / 1M
    # (embed 0.112 + store 0.495 + write 0.56 + search 4.80) x 20 = 119.34, times 15.91712652; the rest 520.04 a month
    # once: 7.20 x 20 = 144;  144 + 119.34 x 15.91712652 + 12 x 520.04 = 144 + 1899.549879 + 6240.48
    assert sheet.first_year == pytest.approx(8284.029879)


def test_a_small_index_takes_a_quarter_of_a_read_unit_a_query() -> None:
    sheet = make_sheet(RERANKED, replace(BOUGHT, documents=1_000), make_prices())
    # 0.015 GB; 200,000 x 0.25 x 16 / 1M
    assert read_lines(sheet, MONTHLY)["search_store"] == pytest.approx(0.80)


def test_a_store_that_bills_what_is_scanned() -> None:
    month = read_lines(make_sheet(RERANKED, replace(BOUGHT, vector_store="scan"), make_prices()), MONTHLY)
    # 1.5e9 bytes = 1.396984 GiB = 0.001364242 TiB
    assert month["store"] == pytest.approx(0.4610047, rel=1e-6)  # 1.396984 x 0.33
    assert month["search_store"] == pytest.approx(2.0463631, rel=1e-6)  # 200,000 x 0.001364242 x 0.0075
    # 200,000 x 50 hits x 800 bytes = 8e9 bytes = 7.450581 GiB x 0.09
    assert month["return_hits"] == pytest.approx(0.6705523, rel=1e-6)
    assert month["write_new"] == pytest.approx(0.1746230, rel=1e-6)  # 1.396984 x 0.05 x 2.5
    assert "store_minimum" not in month


def test_reranking_by_the_token_and_long_hits() -> None:
    prices = make_prices()
    by_token = make_sheet(RERANKED, replace(BOUGHT, rerank="tokens"), prices)
    # 200,000 x 50 hits x (200 + 10) tokens = 2,100M x 0.05 / 1M
    assert read_lines(by_token, MONTHLY)["rerank"] == pytest.approx(105.0)
    long_hits = make_sheet(replace(RERANKED, rerank_tokens=1_200), BOUGHT, prices)
    # 1,210 tokens are 3 documents of up to 500: 50 hits are 150 documents, two searches
    assert read_lines(long_hits, MONTHLY)["rerank"] == pytest.approx(800.0)


# 3. A fine-tuned model with labels, a GPU and new trainings, against a system that reranks instead; all on own machines


TRAINING = Scenario(
    documents=10_000, tokens_per_document=200, growth_per_month=0, changed_per_week=0, queries_per_month=1_000_000,
    deployment=OWN, peak_factor=6, label_hours=20, upkeep_hours_per_month=2, trained_upkeep_hours_per_month=0.5,
    retrainings_per_year=4, experiments=6, gpu="card", gpu_speedup=10, **CHOSEN,
)  # fmt: skip
TUNED = replace(DENSE, system="tuned", trained=(EMBEDDING,), training_seconds=600)
SLOW = replace(DENSE, system="reranked", rerank_depth=50, rerank_tokens=200, rerank_ms=960, p50_ms=1_000)


def test_a_fine_tuned_model() -> None:
    sheet = make_sheet(TUNED, TRAINING, make_prices())
    # embedding: 10,000 x 200 = 2M tokens / 1,000 a second = 2,000 s = 0.555556 h x 2 vCPUs x 0.045 = 0.05
    assert read_lines(sheet, ONCE) == pytest.approx(
        {
            "embed_corpus": 0.05,
            "train": 0.0805,  # 600 s / 10 on the GPU = 60 s, x 6 trainings = 0.1 h x 0.805
            "label": 1200.0,  # 20 h x 60
        }
    )
    # a query: 0.04 s; 1,000,000 x 0.04 x 6 / 2,628,000 = 0.09 cores
    assert read_lines(sheet, MONTHLY) == pytest.approx(
        {
            "embed_changed": 0.0,
            "embed_new": 0.0,
            "retrain": 0.00447222,  # 60 s / 3,600 x 0.805 x 4 / 12
            "embed_again": 0.01666667,  # 0.05 x 4 / 12
            "machine": 65.70,
            "upkeep": 120.0,
            "trained_upkeep": 30.0,  # 0.5 h x 60
        },
        rel=1e-5,
    )
    assert sheet.one_time == pytest.approx(1200.1305)
    assert sheet.monthly == pytest.approx(215.72113889)
    assert sheet.first_year == pytest.approx(3788.78416667)  # 1200.1305 + 12 x 215.72113889


def compare_with_reranking(**changes: object) -> BreakEven:
    prices = make_prices()
    return break_even(make_builder(TUNED, prices), make_builder(SLOW, prices), replace(TRAINING, **changes))


def test_break_even_with_the_reranked_system() -> None:
    other = make_sheet(SLOW, TRAINING, make_prices())
    # 1,000,000 x 1 s x 6 / 2,628,000 s = 2.28 cores: two machines, 131.40; upkeep 120; embedding 0.05 once
    assert (other.one_time, other.monthly) == (pytest.approx(0.05), pytest.approx(251.40))
    found = compare_with_reranking()
    # (1200.1305 - 0.05) / (251.40 - 215.72113889) = 1200.0805 / 35.67886111 = 33.6 months
    assert found.months == 34
    # Within 12 months the tuned system must save 1200.0805 / 12 + 30.02113889 (upkeep, retraining, embedding again) =
    # 130.02784722 a month on machines: two of 65.70. It has one; the other needs its third above 4 cores:
    # queries x 1 s x 6 / 2,628,000 s > 4, queries > 1,752,000
    assert found.queries_per_month == 1_752_001
    assert found.curve["trained"].iloc[12] == pytest.approx(3788.78416667)
    assert found.curve["other"].iloc[12] == pytest.approx(3016.85)  # 0.05 + 12 x 251.40
    assert found.describe() == (
        "At 1,000,000 queries a month, tuned has cost less than reranked after 34 months ($8,534.65 by then). "
        "Within the first year it is cheaper from 1,752,001 queries a month."
    )


def test_no_break_even_for_few_queries() -> None:
    """Both have one machine: labels and upkeep are never won back at this volume."""
    found = compare_with_reranking(queries_per_month=10_000)
    assert (found.months, found.queries_per_month) == (None, 1_752_001)
    assert "does not become cheaper than reranked within 60 months" in found.describe()


def test_a_trained_model_is_not_bought() -> None:
    """In "api" its embedding runs on an own machine, and each new training writes the whole index again."""
    sheet = make_sheet(TUNED, replace(TRAINING, deployment=API), make_prices())
    month = read_lines(sheet, MONTHLY)
    assert "embed_queries" not in month and month["machine"] == pytest.approx(65.70)
    # 10,000 passages x (384 x 4 + 200 tokens x 4.5) = 2,436 bytes: 24,360 write units x 4 / 1M = 0.09744, x 4 / 12
    assert month["write_again"] == pytest.approx(0.03248)
    assert read_lines(sheet, ONCE)["embed_corpus"] == pytest.approx(0.05)


def test_an_adapter_embeds_nothing_again() -> None:
    facts: SystemFacts = replace(TUNED, trained=("adapter",))
    assert "embed_again" not in read_lines(make_sheet(facts, TRAINING, make_prices()), MONTHLY)
