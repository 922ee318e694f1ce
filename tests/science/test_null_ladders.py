"""No false alarms: ladders in which nothing is better, made of real per-query differences with random signs.

Under a random sign per query the mean difference is symmetric around 0, so every `better` is a false one. The whole way is
walked: variants are chosen on tuning queries by climb(), and judge() reads all pairs together on the test queries.
Shares of ladders with a `better`, as measured: chosen on tuning 3 %, 12 % pair by pair; on test 11 %, 48 % pair by pair.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from core.data.load import load_dataset
from core.data.split import group_queries, make_split
from core.evaluation.significance import ALPHA, paired_t
from core.evaluation.verdicts import SMALLEST_USEFUL_GAIN
from core.experiment.measurer import Measurer
from core.ladder.climb import Step, climb, judge, list_candidates, list_pairs, tabulate
from core.ladder.rungs.rung import Rung
from core.settings import SAMPLES
from core.stages.chunk import Recursive
from core.stages.rewrite import Feedback
from core.systems.system import Lexical, System
from tests.support.models import make_resources
from tests.support.rungs import make_rung

LADDERS = 1_000
RUNGS = tuple(make_rung(f"rung{number}") for number in range(6))
VARIANTS = 5
FLIPS = 1_000
MEASURE = "nDCG@10"


def list_cheap_systems() -> list[System]:
    """30 systems without a model: word matching in many ways, over documents, chunks of three sizes, and with feedback."""
    grid = itertools.product((0.4, 1.2, 3.0), (0.0, 0.4, 0.9), (True, False))
    documents = [Lexical(k1=k1, b=b, stem=stem) for k1, b, stem in grid]
    documents += [Lexical(stop_words=False), Lexical(k1=0.0, stop_words=False)]
    systems = [System(f"documents{number}", lexical=lexical) for number, lexical in enumerate(documents)]
    for size, stem in itertools.product((16, 48, 120), (True, False)):
        lexical = Lexical(over="chunks", stem=stem)
        systems.append(System(f"chunks{size}-{stem}", chunk=Recursive(size=size, overlap=0), lexical=lexical))
    for documents_read, weight in ((3, 0.3), (3, 0.8), (10, 0.5), (20, 0.8)):
        feedback = Feedback(documents=documents_read, lexical_weight=weight)
        systems.append(System(f"prf{documents_read}-{weight}", lexical=Lexical(), rewrite=(feedback,)))
    return systems


@dataclass(frozen=True)
class World:
    """values: answerable queries x systems. groups: query id -> group, of all queries."""

    values: pd.DataFrame
    queries: pd.DataFrame
    evidence: pd.DataFrame
    groups: dict[str, int]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    dataset = load_dataset(SAMPLES / "product_docs")
    measurer = Measurer(dataset, primary=MEASURE, resources=make_resources(tmp_path_factory.mktemp("null")))
    values = tabulate(list_cheap_systems(), measurer.values, query_ids=dataset.queries["query_id"].tolist())
    assert measurer.errors == {}
    values.index = values.index.astype(object)
    groups = group_queries(dataset.queries, dataset.evidence)
    return World(values, dataset.queries, dataset.evidence, groups)


@dataclass
class NullLadder:
    """One simulated ladder: every variant is the incumbent plus the difference of two random systems under random signs.

    gift: what every variant of the first rung gains on top, for a ladder in which something is better after all.
    """

    world: World
    random: np.random.Generator
    gift: float = 0.0
    known: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def propose(self, rung: Rung, incumbent: System) -> list[System]:
        made = []
        table = self.world.values.to_numpy()
        for number in range(VARIANTS):
            first, second = self.random.choice(table.shape[1], size=2, replace=False)
            signs = self.random.integers(0, 2, size=len(table)) * 2.0 - 1.0
            system = dataclasses.replace(incumbent, name=f"{rung.name}-{number}")
            gain = self.gift if rung is RUNGS[0] else 0.0
            self.known[system.name] = self.known[incumbent.name] + signs * (table[:, first] - table[:, second]) + gain
            made.append(system)
        return made

    def measure(self, system: System) -> pd.Series:
        return pd.Series(self.known[system.name], index=self.world.values.index)


def simulate(world: World, seed: int, *, choose_on_test: bool = False, gift: float = 0.0) -> tuple[list[Step], pd.DataFrame]:
    """The steps of one null ladder and its candidates' values on test."""
    split = make_split(world.queries, world.evidence, groups=world.groups, seed=seed, redraw=True)
    baseline = System("documents0", lexical=Lexical())
    ladder = NullLadder(world, np.random.default_rng([seed, 7]), gift)
    start = ladder.random.integers(world.values.shape[1])
    ladder.known[baseline.name] = world.values.to_numpy()[:, start]
    test = [query for query in split.test if query in world.values.index]
    tuning = pd.Index(test if choose_on_test else split.tuning, dtype=object)  # made once: pandas is slow at it
    steps = climb(baseline, RUNGS, ladder.propose, ladder.measure, tuning=tuning, min_gain=SMALLEST_USEFUL_GAIN)
    return steps, tabulate(list_candidates(baseline, steps), ladder.measure, query_ids=test)


def has_better(steps: list[Step], values: pd.DataFrame, *, corrected: bool = True) -> bool:
    """Whether judge() calls any pair `better`; corrected=False: with every pair as a family of its own.

    It is asked only where the cheap half of its condition holds, which saves much of the time.
    """
    hopeful = find_hopeful(steps, values)
    families = [steps] if corrected else [[step] for step, hope in zip(steps, hopeful, strict=True) if hope]
    return bool(hopeful.any()) and any(judge_all(family, values) for family in families)


def judge_all(steps: list[Step], values: pd.DataFrame) -> bool:
    table = judge(steps, values, measure=MEASURE, min_gain=SMALLEST_USEFUL_GAIN, flips=FLIPS)
    return bool((table["verdict"] == "better").any())


def find_hopeful(steps: list[Step], values: pd.DataFrame) -> np.ndarray:
    """Which pairs fulfil what `better` asks at the least: enough gain, and a t test that stays below .05 (judge()'s p is no
    smaller)."""
    table = dict(zip(values.columns, values.to_numpy().T, strict=True))
    deltas = np.column_stack([table[system] - table[base] for base, system in list_pairs(steps)])
    return (paired_t(deltas) < ALPHA) & (deltas.mean(axis=0) >= SMALLEST_USEFUL_GAIN)


def test_there_is_something_to_be_fooled_by(world: World) -> None:
    """The systems differ on many queries, and by much more than the smallest useful gain."""
    table = world.values.to_numpy()
    assert len(list_cheap_systems()) == table.shape[1] == 30
    assert len(table) >= 100
    pairs = list(itertools.combinations(range(30), 2))
    spreads = [np.std(table[:, first] - table[:, second]) for first, second in pairs]
    assert np.median(spreads) > 5 * SMALLEST_USEFUL_GAIN
    assert len({tuple(column) for column in table.T}) >= 25, "hardly any two are the same"


def test_no_false_alarms_when_chosen_on_tuning(world: World) -> None:
    found = [simulate(world, seed) for seed in range(LADDERS)]
    assert sum(step.kept for steps, _ in found for step in steps) > LADDERS, "luck on tuning moves the incumbent all the time"
    alarms = sum(has_better(steps, values) for steps, values in found)
    assert alarms <= 0.05 * LADDERS
    uncorrected = sum(has_better(steps, values, corrected=False) for steps, values in found)
    assert uncorrected > 0.05 * LADDERS, "pair by pair it is too many: the correction is what holds the line"


def test_the_harness_can_fail_when_chosen_on_test(world: World) -> None:
    ladders = LADDERS // 2
    found = [simulate(world, seed, choose_on_test=True) for seed in range(ladders)]
    alarms = sum(has_better(steps, values) for steps, values in found)
    assert alarms > 0.05 * ladders
    uncorrected = sum(has_better(steps, values, corrected=False) for steps, values in found)
    assert uncorrected > alarms


def test_a_real_gain_is_seen(world: World) -> None:
    """The same differences and .15 for every variant of the first rung: what is there is found, nearly always."""
    found = [simulate(world, seed, gift=0.15) for seed in range(40)]
    assert sum(has_better(steps, values) for steps, values in found) >= 30


def test_the_shortcut_changes_nothing(world: World) -> None:
    """Asking judge() of every ladder says the same: null ladders, and some with a gain that is seen in part of them."""
    found = [simulate(world, seed, gift=0.08 * (seed % 2)) for seed in range(50)]
    full = [judge_all(steps, values) for steps, values in found]
    assert full == [has_better(steps, values) for steps, values in found]
    assert 5 < sum(full) < 45
