"""Every system is run once, in all sessions together; one that cannot run is remembered with the reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.errors import Cancelled
from core.evaluation.per_query import evaluate_runs
from core.evaluation.spans import CONTEXT_RECALL
from core.experiment.measurer import Measurer, choose_primary
from core.progress import CancelToken
from core.schema import EVIDENCE, JUDGMENTS
from core.systems.named import make_named_systems
from core.systems.system import Dense, System
from tests.support.models import MISSING, make_resources
from tests.support.small import MISSED_QUERY, UNLABELLED_QUERY, write_small_dataset

NAMED = make_named_systems()
BM25, DENSE = NAMED["bm25"], NAMED["dense"]
BROKEN = System("broken", chunk=DENSE.chunk, dense=Dense(model=MISSING))


@pytest.fixture
def small(tmp_path: Path) -> Dataset:
    return load_dataset(write_small_dataset(tmp_path / "small"), name="small")


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the systems that a measurer really ran, in order."""
    names: list[str] = []
    run = Measurer.run

    def count(self: Measurer, system: System) -> pd.DataFrame:
        names.append(system.name)
        return run(self, system)

    monkeypatch.setattr(Measurer, "run", count)
    yield names


def make_measurer(dataset: Dataset, workspace: Path, *, primary: str = "nDCG@10", target: str = "") -> Measurer:
    return Measurer(dataset, primary=primary, resources=make_resources(workspace), target=target)


def test_values_are_those_of_the_evaluation(small: Dataset, workspace: Path) -> None:
    measurer = make_measurer(small, workspace, target="Success@5")
    run = measurer.run(BM25)
    frame = evaluate_runs({"bm25": run}, judgments=small.judgments, evidence=small.evidence)
    for found, measure in ((measurer.values(BM25), "nDCG@10"), (measurer.targets(BM25), "Success@5")):
        wanted = frame[frame["measure"] == measure].set_index("query_id")["value"]
        assert found is not None
        assert found.to_dict() == pytest.approx(wanted.to_dict())
        assert UNLABELLED_QUERY not in found.index


def test_ranks_are_those_of_the_answers(small: Dataset, workspace: Path) -> None:
    ranks = make_measurer(small, workspace).ranks(BM25)
    assert ranks is not None
    assert ranks["q-code"] == 1.0
    assert ranks[MISSED_QUERY] == np.inf, "not found is no missing value"
    assert len(ranks) == 7


def test_each_system_runs_once(small: Dataset, workspace: Path, ran: list[str]) -> None:
    measurer = make_measurer(small, workspace, target="AP")
    for _ in range(3):
        for system in (BM25, DENSE):
            measurer.values(system)
            measurer.ranks(system)
            measurer.targets(system)
    assert ran == ["bm25", "dense"]
    assert measurer.measured == 2


def test_values_are_kept_on_disk(small: Dataset, workspace: Path, ran: list[str]) -> None:
    first = make_measurer(small, workspace)
    values, ranks = first.values(BM25), first.ranks(BM25)
    ran.clear()
    second = make_measurer(small, workspace)
    pd.testing.assert_series_equal(second.values(BM25), values)
    pd.testing.assert_series_equal(second.ranks(BM25), ranks)
    assert ran == []


def test_another_name_of_the_same_search_finds_its_values(small: Dataset, workspace: Path, ran: list[str]) -> None:
    make_measurer(small, workspace).values(BM25)
    ran.clear()
    make_measurer(small, workspace).values(dataclasses.replace(BM25, name="mine", description="the same"))
    assert ran == []


def test_other_labels_measure_or_target_are_measured_anew(small: Dataset, workspace: Path, ran: list[str]) -> None:
    make_measurer(small, workspace).values(BM25)
    ran.clear()
    fewer = dataclasses.replace(small, judgments=small.judgments[small.judgments["query_id"] != "q-code"])
    values = make_measurer(fewer, workspace).values(BM25)
    assert values is not None and "q-code" not in values.index
    make_measurer(small, workspace, primary="AP").values(BM25)
    make_measurer(small, workspace, target="AP").values(BM25)
    assert ran == ["bm25"] * 3


def test_a_system_that_cannot_run_is_left_out_and_says_why(small: Dataset, workspace: Path, ran: list[str]) -> None:
    measurer = make_measurer(small, workspace)
    assert measurer.values(BROKEN) is None
    assert measurer.ranks(BROKEN) is None
    assert measurer.targets(BROKEN) is None
    assert list(measurer.errors) == ["broken"] and MISSING in measurer.errors["broken"]
    assert measurer.values(BM25) is not None, "the others go on"
    assert ran.count("broken") == 1, "it is not tried again and again"
    assert measurer.measured == 1


def test_a_failure_is_not_kept_on_disk(small: Dataset, workspace: Path, ran: list[str]) -> None:
    """The model may be there next time."""
    make_measurer(small, workspace).values(BROKEN)
    again = make_measurer(small, workspace)
    assert again.errors == {}
    again.values(BROKEN)
    assert ran == ["broken", "broken"]


def test_cancel_is_no_error_of_the_system(small: Dataset, workspace: Path) -> None:
    cancel = CancelToken()
    measurer = Measurer(small, primary="nDCG@10", resources=make_resources(workspace, cancel=cancel))
    cancel.cancel()
    with pytest.raises(Cancelled):
        measurer.values(DENSE)
    assert measurer.errors == {}


def make_labelled(small: Dataset, *, labelled: int, with_evidence: int) -> Dataset:
    judgments = pd.DataFrame([(f"q{n}", "d", 1) for n in range(labelled)] + [("none", "d", 0)], columns=JUDGMENTS)
    evidence = pd.DataFrame([(f"q{n}", "d", 0, 5) for n in range(with_evidence)], columns=EVIDENCE)
    return dataclasses.replace(small, judgments=judgments, evidence=evidence)


@pytest.mark.parametrize(
    ("labelled", "with_evidence", "asked", "primary"),
    [
        (4, 4, "", CONTEXT_RECALL),
        (4, 2, "", "nDCG@10"),  # half is enough only if it is forty queries
        (80, 40, "", CONTEXT_RECALL),
        (80, 39, "", "nDCG@10"),
        (100, 49, "", "nDCG@10"),
        (4, 0, "", "nDCG@10"),
        (0, 0, "", "nDCG@10"),
        (4, 4, "AP", "AP"),  # what the user asks for
    ],
)
def test_which_measure_chooses(small: Dataset, labelled: int, with_evidence: int, asked: str, primary: str) -> None:
    assert choose_primary(make_labelled(small, labelled=labelled, with_evidence=with_evidence), asked=asked) == primary
