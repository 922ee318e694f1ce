"""A rung of the ladder is known by its object alone: its name stands in its own file, and a new one is met everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from core.cli.recommend import format_recommendation
from core.costs.sentences import GROUPS
from core.data.catalog import open_dataset
from core.data.dataset import Dataset
from core.diagnosis.causes import CAUSES
from core.graph.resources import Resources
from core.ladder.goals import Goals
from core.ladder.ladder import Ladder
from core.ladder.rungs import RUNGS
from core.ladder.rungs.chunking import CHUNKING
from core.ladder.rungs.metadata_filters import METADATA_FILTERS
from core.ladder.rungs.rung import Rung
from core.recommendation.assess import Assessment, assess
from core.recommendation.files import save_assessment
from core.report.render.markdown import render_markdown
from core.stages.chunk import Recursive
from core.workspace import Workspace
from tests.support.assessments import AxisModels, write_labelled_dataset
from tests.support.pages import open_page
from tests.support.rungs import make_rung
from tests.support.sources import list_sources, name_of

MOST_FILES = 3
ALSO_MEANS = {*CAUSES, *GROUPS}  # a cause is called chunking too, and a group of costs reranking
COMPARED = re.compile(r"""\brung\w*(\.name|["']\])?\s*(==|!=|\bin\b)\s*[(\[{]?["']""")


def find_files(name: str) -> list[str]:
    """The files of the product in which a name stands in quotes."""
    quoted = re.compile(rf"""["']{name}["']""")
    return [name_of(path) for path in list_sources("core", "pages") if quoted.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("name", [name for name in RUNGS if name not in ALSO_MEANS])
def test_the_name_of_a_rung_stands_in_few_files(name: str) -> None:
    assert 1 <= len(find_files(name)) <= MOST_FILES, find_files(name)


def find_comparisons(source: str) -> list[str]:
    return [found.group(0) for found in COMPARED.finditer(source)]


def test_nobody_compares_the_name_of_a_rung() -> None:
    found = {name_of(path): find_comparisons(path.read_text(encoding="utf-8")) for path in list_sources("core", "pages")}
    assert {name: lines for name, lines in found.items() if lines} == {}, "ask the rung, or import it"


@pytest.mark.parametrize(
    "source",
    ['if rung == "chunking":', 'row["rung"] != "reranking"', 'step.rung in ("chunking", "reranking")', "rung.name == 'a'"],
)
def test_a_comparison_is_seen(source: str) -> None:
    assert find_comparisons(source)


@pytest.fixture(scope="module")
def made_up() -> Iterator[Rung]:
    """A rung that no product has, behind two that have little to compute; afterwards all are as they were."""
    rung = make_rung(
        "made_up",
        propose=lambda incumbent, offer: [replace(incumbent, chunk=Recursive(size=32))],
        one_time=lambda system, chunks: "make it up",
        cures="not_in_corpus",
    )
    before = dict(RUNGS)
    _set_rungs({one.name: one for one in (CHUNKING, METADATA_FILTERS, rung)})
    yield rung
    _set_rungs(before)


def _set_rungs(rungs: dict[str, Rung]) -> None:
    """In their order."""
    RUNGS.clear()
    RUNGS.update(rungs)


@dataclass(frozen=True)
class Climbed:
    """A ladder that was climbed with the made-up rung on it."""

    dataset: Dataset
    assessment: Assessment
    workspace: Workspace


@pytest.fixture(scope="module")
def climbed(made_up: Rung, tmp_path_factory: pytest.TempPathFactory) -> Climbed:
    workspace = Workspace(tmp_path_factory.mktemp("rungs"))
    write_labelled_dataset(workspace.folder / "datasets" / "labelled", kinds={"easy": 10, "code": 20})
    dataset = open_dataset("labelled", workspace)
    assessment = assess(dataset, workspace=workspace, models=AxisModels())
    save_assessment(assessment, workspace)
    return Climbed(dataset, assessment, workspace)


def test_a_new_rung_is_climbed(made_up: Rung, climbed: Climbed) -> None:
    resources = Resources.open(climbed.workspace, models=AxisModels())
    ladder = Ladder(climbed.dataset, Goals(), resources, lambda event: None)
    last = ladder.climb(ladder.split)[-1]
    assert last.rung is made_up
    assert last.chosen is not None and "chunk32" in last.chosen.name


def test_a_new_rung_is_in_the_json(made_up: Rung, climbed: Climbed) -> None:
    content = json.loads(json.dumps(climbed.assessment.to_json()))
    row = content["ladder"][-1]
    assert (row["rung"], row["title"], row["one_time"]) == ("made_up", "Made up", "make it up")
    assert "chunk32" in row["system"] and row["verdict"] and 0 <= row["mean"] <= 1
    assert row["system"] in {pair["system"] for pair in content["comparisons"]}
    assert "made_up" in {rung["rung"] for rung in content["recommendation"]["ruled_out"]}


def test_a_new_rung_is_in_the_report(climbed: Climbed) -> None:
    report = render_markdown(climbed.assessment, climbed.dataset)
    assert "| Made up | " in report and "once: make it up" in report


def test_a_new_rung_is_in_the_words_of_the_command_line(climbed: Climbed) -> None:
    lines = [line for line in format_recommendation(climbed.assessment, width=120).splitlines() if "Made up" in line]
    assert any("chunk32" in line for line in lines)


def test_a_new_rung_is_on_the_pages(climbed: Climbed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADDER_WORKSPACE", str(climbed.workspace.folder))
    monkeypatch.setattr("pages.shared.frame.page.start_background", lambda: True)  # loads no model, starts no sample run
    cures = open_page("diagnosis", dataset="labelled")
    assert any("Made up" in element.proto.body for element in cures.get("html")), "the rung that cures a cause"
    variants = open_page("recommendation", dataset="labelled")
    assert any("Made up" in str(frame.value["rung"].tolist() if "rung" in frame.value else "") for frame in variants.dataframe)


def test_a_new_rung_leaves_no_trace(made_up: Rung) -> None:
    assert list(RUNGS)[-1] == made_up.name, "only while this file's fixture holds it"
