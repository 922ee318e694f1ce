"""Is a model worth it: what is said of it is what the experiment measured, and no query is judged by a model that has seen it.

Two adapters: one on the data of tests.support.assessments, where it harms, and one where nothing but training helps
(tests.support.shifted).
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.catalog import open_dataset
from core.data.dataset import Dataset
from core.errors import Cancelled, InputError, LadderError
from core.evaluation.verdicts import COMPARISON, compare_table
from core.experiment.history import load_experiment
from core.systems.trained import TrainedModel, load_model, model_folder, remove_model
from core.trained_model.held_out import (
    Judge,
    deal_folds,
    judge_learning_curve,
    read_evaluation,
    write_evaluation,
)
from core.training.request import make_plan
from core.training.train import Prepared, fit, prepare_training, train
from core.workspace import Workspace
from tests.support.assessments import AxisModels
from tests.support.shifted import write_shifted_dataset
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
        Judge(dataclasses.replace(harmed.dataset, queries=fewer), harmed.model, harmed.store, AxisModels())


def test_a_damaged_evaluation_is_none(harmed: Harmed, tmp_path: Path) -> None:
    store = Workspace(tmp_path)
    assert read_evaluation(harmed.model, store) == {}
    write_evaluation(harmed.model, store, measure=MEASURE)
    write_evaluation(harmed.model, store, folds={"k": 2})
    assert read_evaluation(harmed.model, store) == {"measure": MEASURE, "folds": {"k": 2}}, "parts are added"
    (model_folder(harmed.model.id, store) / "evaluation.json").write_text("{", encoding="utf-8")
    assert read_evaluation(harmed.model, store) == {}


# Where nothing but training helps


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(workspace, id of the model): trained, and nothing measured of it yet. To be copied."""
    folder = tmp_path_factory.mktemp("shifted")
    store = Workspace(folder)
    write_shifted_dataset(folder / "datasets" / "shifted")
    prepared = prepare_training(open_dataset("shifted", store), PLAN, workspace=store, models=AxisModels())
    return folder, train(prepared, workspace=store).id


PLAN = make_plan("adapter")


class Desk:
    """A copy of the workspace with a judge; `fitted` fills with the ids of the queries that each training learned from."""

    def __init__(self, made: tuple[Path, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copytree(made[0], folder, dirs_exist_ok=True)
        self.store = Workspace(folder)
        self.dataset = open_dataset("shifted", self.store)
        self.model = load_model(made[1], self.store)
        self.fitted: list[set[str]] = []
        self.stop_after = 99

        def watch(plan: Any, base: Any, material: Any, learning: Any, *args: Any) -> Any:
            if len(self.fitted) >= self.stop_after:
                raise Cancelled("Cancelled.")
            self.fitted.append(set(learning.frame["query_id"]))
            return fit(plan, base, material, learning, *args)

        monkeypatch.setattr("core.trained_model.held_out.fit", watch)

    @property
    def judge(self) -> Judge:
        return Judge(self.dataset, self.model, self.store, AxisModels())

    @property
    def prepared(self) -> Prepared:
        return prepare_training(self.dataset, PLAN, workspace=self.store, models=AxisModels())

    @property
    def told(self) -> dict[str, Any]:
        return read_evaluation(self.model, self.store)


@pytest.fixture
def desk(made: tuple[Path, str], workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(made, workspace, monkeypatch)


def test_what_training_alone_can_do_is_better(desk: Desk) -> None:
    desk.judge.compare_with_untrained()
    (row,) = desk.told["comparisons"]
    assert (row["against"], row["verdict"], row["n"]) == ("untrained", "better", 32)
    assert row["delta"] > 0.3 and row["low"] > 0
    assert "learning_curve" not in desk.told and "folds" not in desk.told


def test_the_best_cheap_rung_is_climbed_on_the_tuning_queries_of_the_model(desk: Desk) -> None:
    """Word matching is better than the embeddings, which lead to the next topic; words alone cannot be adapted."""
    desk.judge.compare_with_cheap()
    untrained, cheap = desk.told["comparisons"]
    assert untrained["verdict"] == "better"
    assert cheap["baseline"].startswith("hybrid") and cheap["system"] == f"{cheap['baseline']}-adapter"
    assert cheap["baseline_mean"] > untrained["baseline_mean"]


def test_a_model_that_was_removed_meanwhile_gives_a_sentence(desk: Desk) -> None:
    judge = desk.judge
    remove_model(desk.model.id, desk.store)
    with pytest.raises(LadderError, match=r"dense-adapter could not be measured.*not in this workspace"):
        judge.compare_with_untrained()


def test_points_of_the_learning_curve_are_nested(desk: Desk) -> None:
    curve = desk.judge.draw_learning_curve(desk.prepared)
    quarter, half = desk.fitted  # all of them is the model itself
    learning = set(desk.model.split["learning"])
    assert quarter < half < learning
    assert [point["queries"] for point in curve["points"]] == [7, 14, 27] == [len(quarter), len(half), len(learning)]
    assert [point["share"] for point in curve["points"]] == [0.25, 0.5, 1.0]
    assert {point["n"] for point in curve["points"]} == {32}, "each is judged on all test queries"
    assert curve["answer"] in ("would help", "would not help", "cannot tell")
    assert desk.told["learning_curve"] == curve
    assert not (model_folder(desk.model.id, desk.store) / "parts" / "curve-0.25").exists(), "models of points are not kept"


def test_the_last_point_is_the_comparison_with_the_untrained_model(desk: Desk) -> None:
    desk.judge.compare_with_untrained()
    last = desk.judge.draw_learning_curve(desk.prepared)["points"][-1]
    (row,) = desk.told["comparisons"]
    assert (last["delta"], last["mean"]) == pytest.approx((row["delta"], row["mean"]))
    assert (last["seconds"], last["pairs"]) == (desk.model.seconds, desk.model.data["positives"])


def test_a_point_that_was_measured_is_not_trained_again(desk: Desk) -> None:
    first = desk.judge.draw_learning_curve(desk.prepared)
    assert len(desk.fitted) == 2
    assert desk.judge.draw_learning_curve(desk.prepared) == first
    assert len(desk.fitted) == 2


def test_each_point_is_kept_as_soon_as_it_is_there(desk: Desk) -> None:
    desk.stop_after = 1
    with pytest.raises(Cancelled):
        desk.judge.draw_learning_curve(desk.prepared)
    assert [point["share"] for point in desk.told["curve_points"]] == [0.25]
    assert "learning_curve" not in desk.told
    desk.stop_after = 99
    desk.judge.draw_learning_curve(desk.prepared)
    assert len(desk.fitted) == 2, "the first point was not trained again"


def test_cross_fitting_measures_every_judged_query_by_a_model_that_has_not_seen_it(desk: Desk) -> None:
    result = desk.judge.cross_fit(desk.prepared, 3)
    folder = model_folder(desk.model.id, desk.store)
    measured = [set(pd.read_parquet(folder / f"fold-3-{number}.parquet").index) for number in (1, 2, 3)]
    assert sum(map(len, measured)) == len(set().union(*measured)) == 64, "every query once"
    for part, learned in zip(measured, desk.fitted, strict=True):
        assert not part & learned and learned
    assert (result["k"], result["n"]) == (3, 64)
    assert sorted(part["n"] for part in result["parts"]) == [21, 21, 22]
    weighted = sum(part["n"] * part["delta"] for part in result["parts"]) / 64
    assert result["delta"] == pytest.approx(weighted)
    assert result["baseline_mean"] + result["delta"] == pytest.approx(result["mean"])
    assert desk.told["folds"] == result


def test_folds_that_were_measured_are_not_trained_again(desk: Desk) -> None:
    desk.stop_after = 1
    with pytest.raises(Cancelled):
        desk.judge.cross_fit(desk.prepared, 2)
    assert "folds" not in desk.told
    desk.stop_after = 99
    desk.judge.cross_fit(desk.prepared, 2)
    assert len(desk.fitted) == 2


def test_more_folds_than_groups_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = desk.judge
    judge.ladder.__dict__["groups"] = dict.fromkeys(judge.ladder.groups, 0)
    with pytest.raises(InputError, match="do not make 2 folds; ask for fewer"):
        judge.cross_fit(desk.prepared, 2)


# The words of the curve, and the folds


def series(values: Sequence[float]) -> pd.Series:
    return pd.Series(values, index=[f"q{n}" for n in range(len(values))], dtype=float)


HALF = series([0.5] * 20)
CURVES: dict[str, tuple[Sequence[float], str]] = {
    "all gain": ([0.05] * 20, "would help"),  # +.05 in every resample
    "half of them gain": ([0.2, 0.0] * 10, "would help"),  # .1, standard error .022: .06 to .14
    "nothing changes": ([0.0] * 20, "would not help"),
    "all lose": ([-0.1] * 20, "would not help"),
    "half a useful gain, at most": ([0.005, -0.005] * 10, "would not help"),  # 0, standard error .001
    "it swings": ([0.3, -0.3] * 10, "cannot tell"),  # 0, standard error .067: -.13 to .13
    "one gains": ([1.0, *[0.0] * 19], "cannot tell"),  # .05, and a resample without it (36 %) gives 0
}


@pytest.mark.parametrize(("gains", "answer"), CURVES.values(), ids=CURVES.keys())
def test_would_more_labels_help(gains: Sequence[float], answer: str) -> None:
    told = judge_learning_curve(HALF, HALF + np.array(gains))
    assert told["answer"] == answer
    assert told["delta"] == pytest.approx(np.mean(gains))
    assert told["low"] <= told["delta"] + 1e-12 and told["delta"] - 1e-12 <= told["high"]
    assert told["words"].endswith(".") and f"{np.mean(gains):+.3f}" in told["words"]


def test_what_does_not_help_depends_on_what_is_useful() -> None:
    full = HALF + np.array([0.03, -0.03] * 10)  # standard error .007: within .014
    assert judge_learning_curve(HALF, full)["answer"] == "would not help"
    assert judge_learning_curve(HALF, full, min_gain=0.005)["answer"] == "cannot tell"


def number_alone(query_id: str) -> int:
    return int(query_id[1:])


@pytest.mark.parametrize("group_of", [number_alone, lambda q: int(q[1:]) // 3], ids=["alone", "threes"])
@pytest.mark.parametrize("folds", [2, 3, 5])
def test_folds_hold_every_query_once_and_groups_whole(group_of: Callable[[str], int], folds: int) -> None:
    queries = [f"q{n}" for n in range(31)]
    groups = {query_id: group_of(query_id) for query_id in queries}
    parts = deal_folds(queries, groups, folds, seed=0)
    assert len(parts) == folds
    assert sorted(query_id for part in parts for query_id in part) == sorted(queries)
    where = {query_id: number for number, part in enumerate(parts) for query_id in part}
    for one in queries:
        assert all(where[one] == where[other] for other in queries if groups[one] == groups[other])
    largest = max(list(groups.values()).count(group) for group in groups.values())
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= largest


def test_folds_are_the_same_for_a_seed_and_keep_the_order_of_the_data() -> None:
    queries = [f"q{n}" for n in range(20)]
    groups = {query_id: n for n, query_id in enumerate(queries)}
    parts = deal_folds(queries, groups, 4, seed=0)
    assert parts == deal_folds(queries, groups, 4, seed=0) != deal_folds(queries, groups, 4, seed=1)
    assert all(part == sorted(part, key=queries.index) for part in parts)
    assert [len(part) for part in parts] == [5] * 4


def test_the_experiment_is_of_the_data_as_they_are(harmed: Harmed) -> None:
    """Else the pages would say that the dataset changed since: the comparison itself runs on judged queries with a split."""
    kept = load_experiment(harmed.told["experiment"], harmed.store)
    assert kept.dataset["fingerprint"] == harmed.dataset.fingerprint
