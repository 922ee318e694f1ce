"""Planted faults: on data whose fault is known, the assessment names that fault and the fix for it, and no other.

The data are made by tests/support/planted.py from the sample corpus; the model is the bundled one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from core.data.dataset import Dataset
from core.graph.resources import Models
from core.ladder.goals import Goals
from core.recommendation.assess import Assessment, assess
from core.workspace import Workspace
from tests.support import planted

MANY = 12  # failures of about 50 test queries from which a leading cause means something
FIXES = [
    (planted.make_exact_codes, "use_hybrid_search", "hybrid_search", "exact_terms"),
    (planted.make_versions, "add_metadata_filters", "metadata_filters", "metadata"),
    (planted.make_long_documents, "fix_chunking", "chunking", "chunking"),
    (planted.make_ranked_low, "add_reranker", "reranking", "ranking"),
]


@dataclass
class Desk:
    """Where all tests of this file work: a text that several datasets hold is encoded once."""

    workspace: Workspace
    models: Models = field(default_factory=Models)

    def assess(self, dataset: Dataset) -> Assessment:
        return assess(dataset, workspace=self.workspace, goals=Goals(), models=self.models)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(Workspace(tmp_path_factory.mktemp("planted")))


def find_leading_cause(assessment: Assessment) -> str:
    causes = assessment.analysis.failures_by_cause
    return max(causes, key=lambda cause: causes[cause])


def list_better(assessment: Assessment) -> list[str]:
    return [row["rung"] for row in assessment.ladder if row["verdict"] == "better"]


def assert_assessed(assessment: Assessment) -> None:
    """Nothing failed on the way, and the split is what the plants were made for."""
    assert assessment.errors == {}
    assert 45 <= assessment.split["test"] <= 50
    assert not assessment.split["warnings"]


@pytest.mark.parametrize(("make", "action", "rung", "cause"), FIXES, ids=[row[1] for row in FIXES])
def test_the_planted_fault_is_named_and_its_fix_comes_first(
    make: Callable[[], Dataset | tuple[Dataset, Models]], action: str, rung: str, cause: str, desk: Desk
) -> None:
    made = make()
    if isinstance(made, tuple):
        dataset, models = made
        goals = Goals(rerankers=(planted.RERANKER,))
        assessment = assess(dataset, workspace=desk.workspace, goals=goals, models=models)
    else:
        assessment = desk.assess(made)
    assert_assessed(assessment)
    advice = assessment.recommendation
    assert (advice.action, find_leading_cause(assessment)) == (action, cause)
    assert list_better(assessment) == [rung]
    row = next(row for row in assessment.ladder if row["rung"] == rung)
    assert advice.system == row["system"] and row["kept"]
    assert row["delta"] >= 0.15
    failures = assessment.analysis.failures_by_cause
    assert failures[cause] >= MANY
    assert failures[cause] >= 0.7 * sum(failures.values())
    assert advice.fine_tuning["answer"] == "not yet"  # a cheaper rung helps
    assert advice.stability["actions"][action] >= 0.9


def test_nothing_wrong_means_that_embeddings_are_enough(desk: Desk) -> None:
    assessment = desk.assess(planted.make_healthy())
    assert_assessed(assessment)
    assert assessment.recommendation.action == "embeddings_enough"
    assert assessment.recommendation.system == "dense"
    assert sum(assessment.analysis.failures_by_cause.values()) <= 2
    assert list_better(assessment) == []
    assert assessment.recommendation.fine_tuning["answer"] == "no"


def test_answers_that_are_missing_ask_for_a_larger_corpus(desk: Desk) -> None:
    assessment = desk.assess(planted.make_missing_answers())
    assert_assessed(assessment)
    assert assessment.recommendation.action == "extend_corpus"
    assert find_leading_cause(assessment) == "not_in_corpus"
    failures = assessment.analysis.failures_by_cause
    # every test query whose document was taken away, and hardly another one
    assert failures["not_in_corpus"] == count_missing(planted.make_missing_answers(), assessment) >= MANY
    assert sum(failures.values()) - failures["not_in_corpus"] <= 2


def count_missing(dataset: Dataset, assessment: Assessment) -> int:
    here = set(dataset.documents["doc_id"])
    labels = dataset.judgments[dataset.judgments["query_id"].isin(assessment.split["test_ids"])]
    return int((~labels["doc_id"].isin(here)).sum())


def test_ten_queries_decide_nothing(desk: Desk) -> None:
    dataset = planted.make_ten_queries()
    assert len(dataset.queries) == 10
    assessment = desk.assess(dataset)
    assert assessment.recommendation.action == "label_more_queries"
    assert assessment.recommendation.system == "dense"
    assert list_better(assessment) == []


def test_shuffled_labels_climb_no_rung_and_lead_to_no_fine_tuning(desk: Desk) -> None:
    assessment = desk.assess(planted.make_shuffled_labels())
    assert_assessed(assessment)
    advice = assessment.recommendation
    assert list_better(assessment) == []
    assert [row["rung"] for row in assessment.ladder if row["kept"]] == ["baseline"]
    assert (advice.action, advice.system) == ("label_more_queries", "dense")
    assert "labels" in advice.next[0]  # they are what is wrong, not their number
    assert "tun" not in " ".join(advice.next)  # neither fine-tuning nor fine-tuned
    assert advice.fine_tuning["answer"] == "not yet"
    assert not any(action.startswith("fine_tune") for action in advice.stability["actions"])


@pytest.mark.parametrize("make", [planted.make_exact_codes, planted.make_long_documents, planted.make_missing_answers])
def test_the_same_seed_makes_the_same_data(make: Callable[[int], Dataset]) -> None:
    assert make(0).fingerprint == make(0).fingerprint
    assert make(0).fingerprint != make(1).fingerprint
