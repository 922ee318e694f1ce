"""A measure is one object: whoever adds one meets it in every frame, list, table and explanation."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from core.cli.main import main
from core.evaluation.answers import find_answerable
from core.evaluation.measures import MEASURES, Measure, list_choosing, list_measures
from core.ladder.goals import Goals
from core.report.outline.glossary import list_terms
from pages.shared.frame.state import View
from pages.shared.show.tables import make_measure_table
from tests.pages.conftest import quiet_app  # noqa: F401  what pages are opened in
from tests.support.pages import open_page
from tests.support.small import run_small_experiment, write_small_dataset

OWN, KNOWN = "hub_first@1", "P@3"


def measure_hub(run: pd.DataFrame, judgments: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    first = run[run["rank"] == 1].set_index("query_id")["doc_id"].reindex(find_answerable(judgments), fill_value="")
    return pd.DataFrame(
        {"query_id": first.index, "measure": OWN, "value": first.str.startswith("hub-").astype(float).to_numpy()}
    )


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measure of our own and one of ir_measures', gone again after the test."""
    own = Measure(OWN, "share of first hits about the hub", "1 if the hub is first.", "here", measure_hub, can_choose=True)
    known = Measure(KNOWN, "share of the first three", "How many of three.", "ir_measures", in_short=True)
    for measure in (own, known):
        monkeypatch.setitem(MEASURES, measure.name, measure)


def test_it_is_measured_for_every_query(workspace: Path) -> None:
    values = run_small_experiment(workspace).per_query.set_index(["system", "query_id", "measure"])["value"]
    assert values["bm25", "q-code", OWN] == 1  # hub-4012 is first
    assert values["bm25", "q-csv", OWN] == 0  # desk-export is
    assert values["bm25", "q-mail", KNOWN] == pytest.approx(2 / 3)  # both answers are among the first three


def test_the_pages_offer_and_explain_it(workspace: Path) -> None:
    experiment = run_small_experiment(workspace, systems=["bm25"])
    table = make_measure_table(View("small", experiment, "all", OWN, {}), list_measures()).set_index("Measure")
    assert tuple(table.loc[OWN, ["What it says", "Source"]]) == ("1 if the hub is first.", "here")
    app = open_page("results", dataset="small", experiment=experiment.id, measure=OWN)
    picker = app.sidebar.selectbox(key="measure")
    assert picker.value == OWN and KNOWN in picker.options
    assert "1 if the hub is first." in picker.help and "How many of three." in picker.help


def test_a_ladder_may_choose_by_it_and_aim_at_it(workspace: Path) -> None:
    assert Goals(primary=OWN, target=(KNOWN, 0.5)).primary == OWN
    write_small_dataset(workspace / "datasets" / "small")
    app = open_page("recommendation", dataset="small")
    assert f"{OWN}: share of first hits about the hub" in app.selectbox(key="goal_primary").options
    assert f"{KNOWN}: share of the first three" in app.selectbox(key="goal_measure").options


def test_the_report_explains_it() -> None:
    assessment: Any = SimpleNamespace(primary=OWN, goals=Goals(target=(KNOWN, 0.5)))
    assert list_terms(assessment)[:2] == ((OWN, "1 if the hub is first."), (KNOWN, "How many of three."))


def test_the_command_line_has_a_column_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(write_small_dataset(tmp_path / "small")), "--systems", "bm25"]) == 0
    header = capsys.readouterr().out.splitlines()[1].split()
    assert KNOWN in header and OWN not in header  # only one of them asks for it
    assert main(["recommend", "small", "--target", "nothing=0.5"]) != 0
    assert OWN in capsys.readouterr().err


@pytest.mark.parametrize("name", list_measures())
def test_every_measure_says_what_it_is(name: str) -> None:
    measure = MEASURES[name]
    assert measure.name == name
    assert measure.meaning.endswith(".") and not measure.plain_name.endswith(".") and measure.source
    assert measure.range == (0.0, 1.0), "charts and headroom draw every measure from 0 to 1"


def test_what_needs_evidence_is_offered_only_where_there_is_some() -> None:
    for listed in (list_measures, list_choosing):
        assert {"evidence_recall@1000tokens"} <= set(listed())
        assert not [name for name in listed(has_evidence=False) if MEASURES[name].needs_evidence]
