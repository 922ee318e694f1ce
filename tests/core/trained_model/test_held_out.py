"""Is a model worth it: what is said of it is what the experiment measured, and no query is judged by a model that has seen it.

Two adapters: one on the data of tests.support.assessments, where it harms, and one where nothing but training helps
(tests.support.shifted, see conftest).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.errors import InputError, LadderError
from core.evaluation.comparisons import COMPARISON, compare_table
from core.experiment.history import load_experiment
from core.systems.trained import TrainedModel, remove_model
from core.trained_model.evaluation_file import read_evaluation
from core.trained_model.held_out import compare_with_untrained
from core.trained_model.model_under_test import ModelUnderTest
from core.workspace import Workspace
from tests.core.trained_model.conftest import Desk
from tests.support.assessments import AxisModels
from tests.support.trained import make_trained

MEASURE = "nDCG@10"


# On the data of the page tests: the adapter loses a little


@dataclasses.dataclass
class Harmed:
    dataset: Dataset
    model: TrainedModel
    told: dict[str, Any]
    values: pd.DataFrame  # test queries x systems, of the experiment that was kept
    store: Workspace


@pytest.fixture(scope="module")
def harmed(tmp_path_factory: pytest.TempPathFactory) -> Harmed:
    folder = tmp_path_factory.mktemp("harmed")
    dataset, model = make_trained(folder)
    store = Workspace(folder)
    told = read_evaluation(model, store)
    frame = load_experiment(told["experiment"], store).per_query
    values = frame[frame["measure"] == MEASURE].pivot(index="query_id", columns="system", values="value")
    return Harmed(dataset, model, told, values, store)


def test_both_comparisons_are_those_of_the_kept_experiment(harmed: Harmed) -> None:
    rows = {row["against"]: row for row in harmed.told["comparisons"]}
    assert list(rows) == ["untrained", "best_cheap"]
    assert (rows["untrained"]["baseline"], rows["untrained"]["system"]) == ("dense", "dense-adapter")
    assert rows["best_cheap"]["system"] == f"{rows['best_cheap']['baseline']}-adapter"
    pairs = [(row["baseline"], row["system"]) for row in rows.values()]
    expected = compare_table(harmed.values, pairs, measure=MEASURE).to_dict("records")
    for row, wanted in zip(rows.values(), expected, strict=True):
        assert {name: row[name] for name in COMPARISON} == pytest.approx(wanted, nan_ok=True)
        assert row["mean"] == pytest.approx(harmed.values[row["system"]].mean())
        assert row["baseline_mean"] + row["delta"] == pytest.approx(row["mean"])


def test_only_test_queries_judge(harmed: Harmed) -> None:
    assert set(harmed.values.index) <= set(harmed.model.split["test"])
    assert not set(harmed.values.index) & harmed.model.seen


def test_what_got_worse_is_listed_worst_first(harmed: Harmed) -> None:
    delta = harmed.values["dense-adapter"] - harmed.values["dense"]
    listed = harmed.told["regressions"]
    assert {row["query_id"] for row in listed} == set(delta.index[delta < 0]) != set()
    assert [row["delta"] for row in listed] == sorted(row["delta"] for row in listed)
    texts = dict(zip(harmed.dataset.queries["query_id"], harmed.dataset.queries["text"], strict=True))
    for row in listed:
        assert row["text"] == texts[row["query_id"]]
        assert row["before"] + row["delta"] == pytest.approx(row["after"])


def test_what_it_costs_is_measured_beside_it(harmed: Harmed) -> None:
    cost = harmed.told["adoption"]
    assert cost["training_seconds"] == harmed.model.seconds > 0
    assert (cost["passages"], cost["embed_seconds"], cost["index_mb"]) == (0, 0.0, 0.0), "an adapter embeds nothing again"
    assert cost["base_ms"] > 0 and cost["own_ms"] > 0


def test_changed_data_are_refused(harmed: Harmed) -> None:
    test = harmed.model.split["test"][0]
    fewer = harmed.dataset.queries[harmed.dataset.queries["query_id"] != test].reset_index(drop=True)
    with pytest.raises(InputError, match=r"changed since the model .* was trained.*train again"):
        ModelUnderTest(dataclasses.replace(harmed.dataset, queries=fewer), harmed.model, harmed.store, AxisModels())


# Where nothing but training helps; tests/core/cli/test_train.py has the comparison with the best cheap rung


def test_what_training_alone_can_do_is_better(desk: Desk) -> None:
    compare_with_untrained(desk.subject)
    (row,) = desk.told["comparisons"]
    assert (row["against"], row["verdict"], row["n"]) == ("untrained", "better", 32)
    assert row["delta"] > 0.3 and row["low"] > 0
    assert "learning_curve" not in desk.told and "folds" not in desk.told


def test_a_model_that_was_removed_meanwhile_gives_a_sentence(desk: Desk) -> None:
    subject = desk.subject
    remove_model(desk.model.id, desk.store)
    with pytest.raises(LadderError, match=r"dense-adapter could not be measured.*not in this workspace"):
        compare_with_untrained(subject)


def test_the_experiment_is_of_the_data_as_they_are(harmed: Harmed) -> None:
    """Else the pages would say that the dataset changed since: the comparison itself runs on judged queries with a split."""
    kept = load_experiment(harmed.told["experiment"], harmed.store)
    assert kept.dataset["fingerprint"] == harmed.dataset.fingerprint
