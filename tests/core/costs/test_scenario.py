"""The scenario: what is measured, what is refused, and how it is written down."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.costs.scenario import Scenario, make_scenario
from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.errors import InputError
from core.records import decode, encode
from core.workspace import Workspace
from tests.support.costs import CHOSEN, make_prices
from tests.support.models import FakeModels
from tests.support.small import write_small_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return load_dataset(write_small_dataset(tmp_path / "small"))


def test_a_round_trip_through_json() -> None:
    scenario = Scenario(documents=5, deployment="api", gpu="gpu-l4", growth_per_month=0.1)
    assert decode(json.loads(json.dumps(encode(scenario))), Scenario) == scenario
    assert decode({}, Scenario) == Scenario()
    assert decode({"colour": 1}, Scenario) == Scenario(), "a field of another version of the program"
    with pytest.raises(InputError, match=r"Scenario cannot be read: Expected .* at `\$.documents`"):
        decode({"documents": "many"}, Scenario)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"documents": -1}, "documents is -1; it must be at least 0"),
        ({"growth_per_month": 2}, "growth_per_month is 2; it must be between 0 and 1"),
        ({"peak_factor": 0.5}, "peak_factor is 0.5; it must be between 1 and 1000"),
        ({"experiments": 0}, "experiments is 0; it must be between 1 and 10000"),
        ({"queries_per_month": math.nan}, "queries_per_month is nan; it must be a number"),
        ({"documents": math.inf}, "documents is inf; it must be a number"),
        ({"documents": "many"}, "documents is 'many'; it must be a number"),
        ({"vcpus": True}, "vcpus is True; it must be a number"),
        ({"months": 1.5}, "months is 1.5; it must be a whole number"),
        ({"deployment": "moon"}, "the deployment is 'moon'; it can be own, api, mixed"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**changes)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["embedding", "rerank", "vector_store", "cpu", "labelling", "upkeep", "gpu"])
def test_prices_that_are_not_there_or_of_something_else(name: str) -> None:
    prices = make_prices()
    Scenario(**CHOSEN).check_prices(prices)
    with pytest.raises(InputError, match="'absent'"):
        replace(Scenario(**CHOSEN), **{name: "absent"}).check_prices(prices)
    with pytest.raises(InputError, match="'pine-read'"):
        replace(Scenario(**CHOSEN), **{name: "pine-read"}).check_prices(prices)


def test_documents_and_queries_are_measured(dataset: Dataset, workspace: Path) -> None:
    scenario = make_scenario(dataset, Workspace(workspace), models=FakeModels())
    documents = dataset.documents
    words = [len(f"{title} {text}".split()) for title, text in zip(documents["title"], documents["text"], strict=True)]
    assert scenario.documents == 12
    assert scenario.tokens_per_document == pytest.approx(sum(words) / 12)
    assert scenario.tokens_per_query == pytest.approx(sum(len(text.split()) for text in dataset.queries["text"]) / 8)


def test_changes_are_taken_and_none_leaves_a_field_alone(dataset: Dataset, workspace: Path) -> None:
    store = Workspace(workspace)
    scenario = make_scenario(dataset, store, models=FakeModels(), documents=99, tokens_per_query=3, cpu=None)
    assert (scenario.documents, scenario.tokens_per_query, scenario.cpu) == (99, 3, "cpu")
    with pytest.raises(InputError, match="a scenario has no 'colour'"):
        make_scenario(dataset, store, models=FakeModels(), colour=None)


def test_a_dataset_without_queries_keeps_the_default(tmp_path: Path, workspace: Path) -> None:
    bare = load_dataset(write_small_dataset(tmp_path / "bare", queries=False))
    assert make_scenario(bare, Workspace(workspace), models=FakeModels()).tokens_per_query == Scenario.tokens_per_query
