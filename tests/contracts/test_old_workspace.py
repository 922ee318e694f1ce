"""A workspace from before there were format numbers is opened by every later version, with all that it holds.

old_workspace.zip was made by the commands of that version on two small datasets (12 documents; 18 of product_docs and their 17
queries): two comparisons, a recommendation with a system of one's own scored and checked, a trained adapter, two index
versions, one of them live, and a scenario. It is never made anew; whoever changes a format adds an upgrade and, here, a
workspace of the format before.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from core.costs.scenario import read_scenario
from core.data.catalog import open_named
from core.experiment.history import edit_experiment, list_damaged, list_experiments, load_experiment
from core.jobs.kinds import find_kind
from core.jobs.state import list_jobs
from core.ladder.goals import Goals
from core.recommendation.files import find_assessments, load_assessment, save_assessment
from core.recommendation.own_systems import list_checks, read_scores
from core.systems.named import make_named_systems
from core.systems.trained import list_models
from core.trained_model.evaluation_file import read_evaluation
from core.versions.version import list_versions, read_live
from core.versions.version import read_evaluation as read_version_evaluation
from core.workspace import Workspace
from tests.pages.conftest import quiet_app  # noqa: F401  what pages are opened in
from tests.support.pages import open_page

ARCHIVE = Path(__file__).with_name("old_workspace.zip")


@pytest.fixture
def old(workspace: Path) -> Workspace:
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(workspace)
    return Workspace(workspace)


def test_it_is_of_before_the_format_numbers(old: Workspace) -> None:
    files = [path for path in old.folder.rglob("*.json") if "datasets" not in path.parts]
    assert len(files) > 15
    assert all("format" not in json.loads(path.read_text(encoding="utf-8")) for path in files)


def test_experiments(old: Workspace) -> None:
    entries = list_experiments(old)
    assert list_damaged(old) == []
    assert len(entries) == 4
    for entry in entries:
        experiment = load_experiment(entry.id, old)
        assert experiment.name == entry.name and experiment.ready
        assert set(experiment.per_query["system"]) == set(experiment.ready)
        for system in experiment.systems:
            assert system.error is None and all(isinstance(mean["n"], int) for mean in system.measures.values())
    edit_experiment(entries[0].id, old, note="opened by a later version")
    assert load_experiment(entries[0].id, old).note == "opened by a later version"


def test_the_recommendation_and_what_was_tried_beside_it(old: Workspace) -> None:
    (name,) = find_assessments("manual", old)
    assessment = load_assessment(name, old)
    assert (assessment.recommendation.title, assessment.recommendation.system) == ("Label more queries first", "dense")
    assert assessment.goals == Goals()
    assert [row["rung"] for row in assessment.ladder][:2] == ["baseline", "chunking"]
    assert len(assessment.analysis.failures) and "slice" in assessment.analysis.slices.columns
    words = make_named_systems()["bm25"]
    scores = read_scores(assessment, [words], workspace=old).set_index("system")["mean"]
    assert scores["dense"] == pytest.approx(0.47144, abs=1e-5)
    assert scores.isna().sum() == 1  # words were formed in another way then: of bm25 another score is to be asked for
    (check,) = list_checks(name, old)
    assert (check.system, check.comparison["n"]) == ("bm25", 9)
    save_assessment(assessment, old)
    again = load_assessment(name, old)
    assert again.recommendation == assessment.recommendation and again.ladder == assessment.ladder


def test_the_trained_model(old: Workspace) -> None:
    (model,) = list_models(old, dataset="manual")
    assert (model.kind, model.is_ready) == ("adapter", True)
    assert [row["against"] for row in read_evaluation(model, old)["comparisons"]] == ["untrained"]


def test_versions_and_which_is_live(old: Workspace) -> None:
    versions = {version.name: version for version in list_versions("manual", old)}
    assert set(versions) == {"bm25", "dense"}
    live = read_live("manual", old)
    assert live.version == versions["bm25"].id and live.log[0]["what"] == "promoted"
    told = read_version_evaluation(versions["bm25"], old)
    assert told is not None and told["n"] == 9


def test_jobs_and_the_scenario(old: Workspace) -> None:
    jobs = list_jobs(old)
    assert {job.kind for job in jobs} == {"compare", "assess", "train", "versions"}
    assert all(find_kind(job.kind).name == job.kind for job in jobs)
    assert read_scenario(open_named("manual", old), old).queries_per_month == 5000


@pytest.mark.parametrize(
    ("page", "parameters"),
    [
        ("recommendation", {}),
        ("results", {}),
        ("diagnosis", {}),
        ("fine_tuning", {"tuning_part": "Models"}),
        ("versions", {}),
        ("cost_latency", {}),
        ("experiment", {"experiment_part": "History"}),
    ],
)
def test_pages(old: Workspace, page: str, parameters: dict[str, str]) -> None:
    app = open_page(page, dataset="manual", **parameters)
    assert [error.value for error in app.error] == []
