"""Re-splits and deciding queries, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.data.split import Split, make_split
from core.ladder.choose import Findings
from core.ladder.goals import Goals
from core.ladder.resplits import find_deciding, measure_stability
from core.schema import DOCUMENTS, EVIDENCE, JUDGMENTS, QUERIES, empty
from core.systems.system import Lexical, System

DENSE = System("dense", lexical=Lexical())


def make_dataset(*, size: int = 40, given: bool = False) -> Dataset:
    rows = [(f"q{n}", f"text {n}", ("tuning" if n < 10 else "test") if given else "", {}, (), "") for n in range(size)]
    return Dataset("d", empty(DOCUMENTS), pd.DataFrame(rows, columns=QUERIES), empty(JUDGMENTS), empty(EVIDENCE))


def decide_by(split: Split) -> Findings:
    """The corpus is to blame whenever q0 is a test query, else embeddings are enough."""
    values = pd.DataFrame({"dense": np.full(len(split.test), 0.5)}, index=list(split.test))
    comparisons = pd.DataFrame({"baseline": [], "system": [], "delta": [], "verdict": []})
    return Findings(DENSE, [], comparisons, values, Goals(), missing=1.0 if "q0" in split.test else 0.0, answered=1.0)


def test_shares_count_the_re_splits() -> None:
    dataset = make_dataset()
    groups = {f"q{n}": n for n in range(40)}
    seen: list[Split] = []
    done: list[int] = []

    def decide(split: Split, flips: int) -> Findings:
        assert flips >= 200, "1 / (flips + 1) must be well below .05 / 6"
        seen.append(split)
        return decide_by(split)

    actions, systems = measure_stability(dataset, groups, decide, share=0.5, resplits=30, on_step=done.append)
    expected = sum("q0" in split.test for split in seen) / 30
    assert 0.2 < expected < 0.8
    assert actions == pytest.approx({"extend_corpus": expected, "embeddings_enough": 1 - expected})
    assert list(actions.values()) == sorted(actions.values(), reverse=True), "the most frequent first"
    assert systems == {"dense": 1.0}
    assert done == list(range(1, 31))
    assert len({split.tuning for split in seen}) == 30, "every split is another one"
    main = make_split(dataset.queries, dataset.evidence, groups=groups, share=0.5)
    assert main not in seen, "none of them is the main split again"
    again = measure_stability(dataset, groups, lambda split, flips: decide_by(split), share=0.5, resplits=30)
    assert again == (actions, systems)


def test_groups_stay_together_and_a_given_split_is_drawn_anew() -> None:
    dataset = make_dataset(given=True)
    groups = {f"q{n}": n // 2 for n in range(40)}

    def decide(split: Split, flips: int) -> Findings:
        assert not split.given
        tuning = set(split.tuning)
        assert tuning != {f"q{n}" for n in range(10)}
        assert all((f"q{n}" in tuning) == (f"q{n + 1}" in tuning) for n in range(0, 40, 2))
        return decide_by(split)

    measure_stability(dataset, groups, decide, share=0.3, resplits=10)


def make_values(deltas: list[float]) -> pd.DataFrame:
    base = np.full(len(deltas), 0.3)
    return pd.DataFrame({"dense": base, "h": base + deltas}, index=[f"q{n}" for n in range(len(deltas))])


def test_the_fewest_queries_that_decide() -> None:
    """Five of twenty queries gain .5: t = 2.52, p = .021. With four of nineteen p = .042; with three of eighteen p = .083."""
    values = make_values([0.0] * 15 + [0.5] * 5)
    assert find_deciding(values, baseline="dense", system="h") == ["q15", "q16"]
    losing = make_values([0.0] * 15 + [-0.5] * 5)
    assert find_deciding(losing, baseline="dense", system="h") == ["q15", "q16"], "what loses is decided likewise"


def test_largest_differences_go_first() -> None:
    """t of [.1 x 4, .2, .9] with 14 zeros is 1.7 already: not significant. With .4 each for six it is, and the .8 leads."""
    assert find_deciding(make_values([0.0] * 14 + [0.1] * 4 + [0.2, 0.9]), baseline="dense", system="h") == []
    found = find_deciding(make_values([0.0] * 15 + [0.4] * 4 + [0.6]), baseline="dense", system="h")
    assert found[0] == "q19"


@pytest.mark.parametrize(
    ("deltas", "system"),
    [
        ([0.1, -0.1] * 10, "h"),  # not significant anyway
        ([0.3, 0.2] * 10, "h"),  # stays significant without a fifth of the queries
        ([0.0] * 15 + [0.5] * 5, "dense"),  # nothing is compared
        ([0.5, 0.5], "h"),  # too few to say
        ([0.0] * 20, "h"),
        ([], "h"),
    ],
)
def test_no_query_decides(deltas: list[float], system: str) -> None:
    assert find_deciding(make_values(deltas), baseline="dense", system=system) == []
