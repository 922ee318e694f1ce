"""The ladder by hand: what is chosen, what is kept, what is compared; and that nothing of it ever reads a test query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from core.evaluation.comparisons import compare_table
from core.ladder.climb import Step, climb, find_best, find_path, judge, list_candidates, list_pairs, tabulate
from core.ladder.rungs.chunking import CHUNKING
from core.ladder.rungs.hybrid_search import HYBRID_SEARCH
from core.ladder.rungs.metadata_filters import METADATA_FILTERS
from core.ladder.rungs.reranking import RERANKING
from core.ladder.rungs.rung import Rung
from core.systems.system import Lexical, System

TUNING = ("t1", "t2")
TEST = ("x1", "x2", "x3")
GAIN = 0.02


def make_system(name: str) -> System:
    return System(name, lexical=Lexical())


BASE = make_system("base")


def climb_by(
    means: Mapping[str, float | None],
    rungs: Mapping[Rung, Sequence[str]],
    *,
    test: float = 0.0,
    tuning: Sequence[str] = TUNING,
    asked: list[tuple[Rung, str]] | None = None,
) -> list[Step]:
    """Climbs rungs (each with names of its variants) where a system has this mean on tuning (t1 .1 below, t2 .1 above it)."""

    def propose(rung: Rung, incumbent: System) -> list[System]:
        if asked is not None:
            asked.append((rung, incumbent.name))
        return [make_system(name) for name in rungs[rung]]

    def measure(system: System) -> pd.Series | None:
        mean = means[system.name]
        if mean is None:
            return None
        values = [mean - 0.1, mean + 0.1, *[test] * len(TEST)]
        return pd.Series(values, index=[*TUNING, *TEST], dtype=float)

    return climb(
        BASE, list(rungs), propose, measure, tuning=tuning, min_gain=GAIN, explain=lambda rung, failed: f"no {rung.name} here"
    )


MEANS = {"base": 0.5, "c1": 0.48, "c2": 0.51, "h1": 0.6, "h2": 0.7, "r1": 0.69, "r2": 0.6}
RUNGS = {CHUNKING: ["c1", "c2"], HYBRID_SEARCH: ["h1", "h2"], RERANKING: ["r1", "r2"]}


def test_each_rung_is_stacked_on_the_incumbent_and_only_a_useful_gain_moves_it() -> None:
    asked: list[tuple[Rung, str]] = []
    steps = climb_by(MEANS, RUNGS, asked=asked)
    # c2 gains .01, which is too little; h2 gains .2; r1 loses .01 and is still its rung's best
    assert asked == [(CHUNKING, "base"), (HYBRID_SEARCH, "base"), (RERANKING, "h2")]
    assert [(step.rung, step.incumbent.name, step.chosen and step.chosen.name, step.kept) for step in steps] == [
        (CHUNKING, "base", "c2", False),
        (HYBRID_SEARCH, "base", "h2", True),
        (RERANKING, "h2", "r1", False),
    ]
    assert [step.gain for step in steps] == pytest.approx([0.01, 0.2, -0.01])
    assert [step.incumbent_mean for step in steps] == pytest.approx([0.5, 0.5, 0.7])
    assert steps[1].means == pytest.approx({"h1": 0.6, "h2": 0.7})
    assert [system.name for system in steps[1].variants] == ["h1", "h2"]


@pytest.mark.parametrize("poison", [-1e9, 1e9, np.inf, np.nan])
def test_test_values_are_never_read_while_choosing(poison: float) -> None:
    """The test part of every measure is poison: were one test query read, no mean would stay what it is."""
    assert climb_by(MEANS, RUNGS, test=poison) == climb_by(MEANS, RUNGS, test=0.5)


def test_poison_would_show() -> None:
    """One test query among those that choose is enough to change the means, so the test above can fail."""
    leaky = climb_by(MEANS, RUNGS, test=1e9, tuning=(*TUNING, "x1"))
    assert leaky != climb_by(MEANS, RUNGS, test=0.5)
    assert leaky[0].incumbent_mean > 1e8


@pytest.mark.parametrize(
    ("second", "chosen"), [(0.6, "c1"), (0.6 + 1e-14, "c1"), (0.6 + 1e-9, "c2")], ids=["equal", "rounding", "better"]
)
def test_the_cheapest_of_equal_variants_is_chosen(second: float, chosen: str) -> None:
    (step,) = climb_by({"base": 0.5, "c1": 0.6, "c2": second}, {CHUNKING: ["c1", "c2"]})
    assert step.chosen is not None and step.chosen.name == chosen


@pytest.mark.parametrize(("base", "mean", "kept"), [(0.5, 0.52, True), (0.1, 0.12, True), (0.5, 0.519, False)])
def test_a_gain_of_exactly_the_smallest_useful_one_is_kept(base: float, mean: float, kept: bool) -> None:
    """.12 - .1 is .01999999999999999 to a computer, and counts as .02."""
    assert climb_by({"base": base, "c1": mean}, {CHUNKING: ["c1"]})[0].kept is kept


def test_a_rung_that_cannot_be_measured_says_why_and_is_passed_by() -> None:
    rungs = {METADATA_FILTERS: [], CHUNKING: ["broken"], HYBRID_SEARCH: ["broken", "h1"]}
    steps = climb_by({"base": 0.5, "broken": None, "h1": 0.6}, rungs)
    assert [(step.chosen and step.chosen.name, step.kept, step.why_not) for step in steps] == [
        (None, False, "no metadata_filters here"),
        (None, False, "no chunking here"),
        ("h1", True, ""),
    ]
    assert [step.gain for step in steps] == pytest.approx([0.0, 0.0, 0.1])
    assert steps[2].means == pytest.approx({"h1": 0.6}), "a variant that could not run has no mean"
    assert list_pairs(steps) == [("base", "h1")]


def test_without_a_baseline_there_is_no_ladder() -> None:
    assert climb_by({"base": None}, {CHUNKING: ["c1"]}) == []


def test_a_name_proposed_twice_is_measured_once() -> None:
    (step,) = climb_by({"base": 0.5, "c1": 0.6}, {CHUNKING: ["c1", "c1"]})
    assert [system.name for system in step.variants] == ["c1"]


def test_queries_without_a_value_are_left_out_of_the_mean() -> None:
    """t1 has no relevant label, so that no system has a value there; a split of such queries alone gives 0."""
    values = pd.Series({"t2": 0.4, "x1": 1.0})
    (step,) = climb(BASE, [CHUNKING], lambda *_: [make_system("c")], lambda _: values, tuning=TUNING, min_gain=GAIN)
    assert (step.incumbent_mean, step.means) == (0.4, {"c": 0.4})
    (step,) = climb(BASE, [CHUNKING], lambda *_: [make_system("c")], lambda _: values, tuning=["t1"], min_gain=GAIN)
    assert (step.incumbent_mean, step.kept) == (0.0, False)


def test_data_without_a_single_answerable_query() -> None:
    values = pd.Series(dtype=float)
    (step,) = climb(BASE, [CHUNKING], lambda *_: [make_system("c")], lambda _: values, tuning=TUNING, min_gain=GAIN)
    assert (step.incumbent_mean, step.means, step.kept) == (0.0, {"c": 0.0}, False)
    assert tabulate([BASE], lambda _: values, query_ids=TEST).empty


def test_pairs_candidates_and_paths() -> None:
    steps = climb_by({**MEANS, "c2": 0.55, "r1": 0.75}, RUNGS)
    assert list_pairs(steps) == [("base", "c2"), ("c2", "h2"), ("h2", "r1")]
    assert [system.name for system in list_candidates(BASE, steps)] == ["base", "c2", "h2", "r1"]
    assert [step.rung for step in find_path("r1", steps)] == [CHUNKING, HYBRID_SEARCH, RERANKING]
    assert find_path("base", steps) == []
    assert find_path("h1", steps) == [], "a variant that was not chosen is no rung's system"


def test_the_path_leaves_out_rungs_that_were_not_kept() -> None:
    steps = climb_by(MEANS, RUNGS)  # only hybrid_search was kept
    assert [step.rung for step in find_path("h2", steps)] == [HYBRID_SEARCH]
    assert [step.rung for step in find_path("r1", steps)] == [HYBRID_SEARCH, RERANKING]
    assert [step.rung for step in find_path("c2", steps)] == [CHUNKING]


def test_best_on_tuning() -> None:
    steps = climb_by(MEANS, RUNGS)
    assert find_best(BASE, steps).name == "h2"
    assert find_best(BASE, steps, allowed=lambda system: system.name != "h2").name == "r1"
    assert find_best(BASE, steps, allowed=lambda system: system.name in ("base", "c2")).name == "c2"
    assert find_best(BASE, steps, allowed=lambda system: False).name == "base"
    assert find_best(BASE, []).name == "base"
    equal = climb_by({"base": 0.5, "c1": 0.5, "h1": 0.5}, {CHUNKING: ["c1"], HYBRID_SEARCH: ["h1"]})
    assert find_best(BASE, equal).name == "base", "the cheapest of equal ones"


def test_all_pairs_are_judged_at_once_on_test() -> None:
    steps = climb_by({**MEANS, "c2": 0.5}, RUNGS)
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.05, (40, 2))
    base = np.full(40, 0.5)
    values = pd.DataFrame({"base": base, "c2": base, "h2": base + 0.2 + noise[:, 0], "r1": base + 0.2 + noise[:, 1]})
    table = judge(steps, values, measure="nDCG@10", min_gain=GAIN)
    assert list(zip(table["baseline"], table["system"], strict=True)) == list_pairs(steps)
    assert table["verdict"].tolist()[:2] == ["no_useful_difference", "better"]
    # c2 is identical to base and no member of the family
    assert table["p_adjusted"][0] == 1.0
    without = compare_table(values, list_pairs(steps)[1:], measure="nDCG@10", min_gain=GAIN)
    pd.testing.assert_frame_equal(table[1:].reset_index(drop=True), without)


def test_table_holds_queries_that_every_system_measures() -> None:
    values = {"a": pd.Series({"x1": 1.0, "x2": 0.5, "t1": 0.1}), "b": pd.Series({"x2": 0.2, "x1": 0.3}), "c": None}
    table = tabulate([make_system(name) for name in "abc"], lambda system: values[system.name], query_ids=TEST)
    assert table.to_dict("list") == {"a": [1.0, 0.5], "b": [0.3, 0.2]}
    assert table.index.tolist() == ["x1", "x2"]
