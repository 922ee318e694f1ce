"""Assessments on disk: what is read is what was written; what cannot be read is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.errors import InputError, NotInWorkspace
from core.recommendation.assess import Assessment
from core.recommendation.files import FILE, find_assessments, has_assessment, load_assessment, save_assessment
from core.workspace import Workspace
from tests.support.assessments import KINDS, make_assessment, run_assessment
from tests.support.once import make_once
from tests.support.small import make_experiment


def as_plain(value: Any) -> Any:
    """JSON of a value as a file has it: tuples are lists, NaN is null."""
    text = json.dumps(value, default=lambda item: item.item() if isinstance(item, np.generic) else list(item))
    return json.loads(text.replace("NaN", "null").replace("Infinity", "null"))


@pytest.fixture(scope="module")
def original() -> Assessment:
    return make_once(run_assessment, tuple(KINDS.items()), False)[1]


def test_round_trip(original: Assessment, workspace: Path) -> None:
    store = Workspace(workspace)
    save_assessment(original, store)
    loaded = load_assessment(original.id, store)
    assert as_plain(loaded.to_json()) == as_plain(original.to_json())
    assert loaded.recommendation == original.recommendation
    assert (loaded.goals, loaded.primary, loaded.split, loaded.errors) == (
        original.goals, original.primary, original.split, original.errors,
    )  # fmt: skip
    for name in ("failures", "rescues", "slices"):
        before, after = getattr(original.analysis, name), getattr(loaded.analysis, name)
        assert list(before.columns) == list(after.columns)
        assert as_plain(before.to_dict("records")) == as_plain(after.to_dict("records"))
    for name in ("counts", "headroom", "members", "metadata", "baseline"):
        assert as_plain(getattr(loaded.analysis, name)) == as_plain(getattr(original.analysis, name))
    assert loaded.analysis.failures_by_cause == original.analysis.failures_by_cause
    for system, run in original.experiment.runs.items():
        pd.testing.assert_frame_equal(loaded.experiment.runs[system], run, check_dtype=False)


def test_saved_again_is_the_same_file(original: Assessment, workspace: Path) -> None:
    store = Workspace(workspace)
    save_assessment(original, store)
    file = store.experiments / original.id / FILE
    before = file.read_bytes()
    save_assessment(load_assessment(original.id, store), store)
    assert file.read_bytes() == before


def test_file_is_json_that_other_programs_read(original: Assessment, workspace: Path) -> None:
    store = Workspace(workspace)
    save_assessment(original, store)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    json.loads((store.experiments / original.id / FILE).read_text(encoding="utf-8"), parse_constant=refuse)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "",
        lambda text: text.replace('"goals"', '"gaols"'),
        lambda text: json.dumps({**json.loads(text), "recommendation": {"action": "dance"}}),
        lambda text: json.dumps({**json.loads(text), "analysis": None}),
    ],
    ids=["cut", "a list", "empty", "renamed", "half a recommendation", "no analysis"],
)
def test_damaged_file(original: Assessment, workspace: Path, damage: Any) -> None:
    store = Workspace(workspace)
    save_assessment(original, store)
    file = store.experiments / original.id / FILE
    file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(InputError, match=r"assessment\.json.*cannot be read.*run it again"):
        load_assessment(original.id, store)


def test_an_experiment_without_an_assessment(workspace: Path) -> None:
    store = Workspace(workspace)
    plain = make_experiment(workspace)
    assert not has_assessment(plain, store)
    for unknown in (plain, "never-was"):
        with pytest.raises(NotInWorkspace, match=unknown):
            load_assessment(unknown, store)


def test_assessments_of_a_dataset(workspace: Path) -> None:
    store = Workspace(workspace)
    make_experiment(workspace)
    assert find_assessments("small", store) == []
    _, assessment = make_assessment(workspace)
    assert find_assessments("labelled", store) == [assessment.id]
    assert find_assessments("small", store) == []
    assert has_assessment(assessment.id, store)
    assert load_assessment(assessment.id, store, experiment=assessment.experiment).experiment is assessment.experiment
