"""The page Diagnosis in all its states; its links."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.kinds import ASSESS
from core.jobs.state import RUNNING, Job, write_job
from core.recommendation.assess import Assessment
from core.recommendation.files import save_assessment
from core.workspace import Workspace
from pages.parts.diagnosis.query_links import pick_systems
from tests.support.assessments import KINDS, make_assessment, write_labelled_dataset
from tests.support.pages import open_page, read
from tests.support.small import make_experiment, write_small_dataset

CHARTS = "chart_causes", "chart_headroom", "chart_gap", "chart_slices"


def get_parameter(app: AppTest, name: str) -> str:
    """A value in the address (AppTest keeps one that was given as text, one that the page wrote as a list)."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def list_links(app: AppTest) -> list[dict[str, list[str]]]:
    """The parameters of the links to queries, in order."""
    return [parse_qs(element.proto.query_string) for element in app.get("page_link")]


def change(workspace: Path, **analysis: Any) -> Assessment:
    """A saved assessment with some of its error analysis replaced."""
    _, assessment = make_assessment(workspace)
    changed = dataclasses.replace(assessment, analysis=dataclasses.replace(assessment.analysis, **analysis))
    save_assessment(changed, Workspace(workspace))
    return changed


def test_without_data_the_page_leads_to_loading() -> None:
    app = open_page("diagnosis", dataset="no-such")
    assert not app.get("plotly_chart")


def test_without_an_assessment_the_page_says_what_it_needs(workspace: Path) -> None:
    make_experiment(workspace)  # an ordinary comparison diagnoses nothing
    app = open_page("diagnosis", dataset="small")
    assert "Nothing has been diagnosed on small yet" in read(app.info)
    assert "Go to Recommendation" in [button.label for button in app.button]
    assert not app.get("plotly_chart") and not app.dataframe


def test_a_running_assessment_is_waited_for(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small")
    job = Job(
        id="20260101-000000-aaaa", title="Small", dataset="small", split="all", systems=(), state=RUNNING, kind=ASSESS,
        label="climbing on the tuning queries", seconds_left=20.0,
    )  # fmt: skip
    write_job(job, Workspace(workspace))
    app = open_page("diagnosis", dataset="small")
    assert "climbing on the tuning queries, 20 s left" in read(app.info)
    assert "Nothing has been diagnosed" not in read(app.info)


def test_the_page_says_why_queries_fail(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    counts = assessment.analysis.counts["dense"]
    failed, exact = counts["failed"], counts["causes"]["exact_terms"]
    assert exact == max(counts["causes"].values()), "the sample's codes are what embeddings cannot tell apart"
    app = open_page("diagnosis", dataset="labelled")
    headline = f"dense fails {failed} of {counts['judged']} test queries. For {exact} of them matching the exact words"
    assert headline in read(app.subheader)
    assert len(app.get("plotly_chart")) == len(CHARTS)
    assert [option for option in app.selectbox(key="cause").options][:2] == [f"All causes ({failed})", "Not in the corpus (1)"]
    first = assessment.analysis.failures.iloc[0]
    assert first["evidence"] in read(app.markdown)
    assert "Cause: exact terms. Also holds: ranked too low." in read(app.caption)
    assert not app.warning


def test_fixes_that_rescue_no_more_than_they_break_are_marked(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    app = open_page("diagnosis", dataset="labelled")
    table = next(table.value for table in app.dataframe if "Rescued" in table.value)
    known = assessment.analysis.rescues
    known = known[known["diagnosed"] == "dense"]
    assert table["Fix"].tolist() == known["system"].tolist()
    assert table["Net"].tolist() == (known["rescued"] - known["broken"]).tolist()
    assert [word == "✓ used" for word in table["Used"]] == known["used"].tolist()
    assert {"✓ used", "✗ not used"} == set(table["Used"])


def test_a_cause_in_the_link_lists_its_queries_alone(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    failures = assessment.analysis.failures
    expected = failures[(failures["system"] == "dense") & (failures["cause"] == "metadata")]["query_id"].tolist()
    app = open_page("diagnosis", dataset="labelled", cause="metadata")
    links = list_links(app)
    assert expected and [link["query"][0] for link in links] == expected
    assert all(link["systems"][0].split(",")[:2] == ["dense", "dense-filtered"] for link in links)  # the failing, the cured
    assert all(link["experiment"] == [assessment.id] for link in links)
    assert get_parameter(app, "cause") == "metadata"
    table = next(table.value for table in app.dataframe if "Evidence" in table.value)
    assert table["Query id"].tolist() == expected


def test_choices_are_written_to_the_link(workspace: Path) -> None:
    make_assessment(workspace)
    app = open_page("diagnosis", dataset="labelled")
    assert "cause" not in app.query_params and "diagnosed" not in app.query_params
    app.selectbox(key="cause").set_value("metadata").run()
    assert get_parameter(app, "cause") == "metadata"
    app.selectbox(key="diagnosed").set_value("dense-filtered").run()
    assert get_parameter(app, "diagnosed") == "dense-filtered"
    assert read(app.subheader).startswith("dense-filtered fails")
    assert "No failed query of dense-filtered has this cause." in read(app.info)  # its filter is in use already


def test_unknown_names_in_the_link_are_said(workspace: Path) -> None:
    make_assessment(workspace)
    app = open_page("diagnosis", dataset="labelled", diagnosed="no-such", cause="bad-luck", slice="nothing")
    assert "The system no-such was not diagnosed" in read(app.warning)
    assert "The cause bad-luck is not known" in read(app.warning)
    assert "The kind of query nothing is not here" in read(app.warning)
    assert read(app.subheader).startswith("dense fails")


def test_many_failures_come_in_pages(workspace: Path) -> None:
    make_assessment(workspace)
    app = open_page("diagnosis", dataset="labelled")
    assert len(list_links(app)) == 8
    assert len(next(table.value for table in app.dataframe if "Evidence" in table.value)) > 8


def test_a_slice_lists_its_queries_with_both_systems(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    recommended = assessment.recommendation.system
    assert recommended != "dense"
    app = open_page("diagnosis", dataset="labelled", slice="tag: code")
    table = next(table.value for table in app.dataframe if "value 0" in table.value)
    assert sorted(table["Query id"]) == sorted(assessment.analysis.members["tag: code"])
    values = assessment.experiment.per_query
    values = values[(values["measure"] == assessment.primary) & (values["system"] == recommended)]
    known = values.set_index("query_id")["value"]
    assert table["value 1"].tolist() == pytest.approx([known[query_id] for query_id in table["Query id"]])
    assert table["value 0"].is_monotonic_increasing
    failures = assessment.analysis.failures
    failed = set(failures[failures["system"] == "dense"]["query_id"])
    assert [word != "✓ found" for word in table["cause 0"]] == [query_id in failed for query_id in table["Query id"]]


def test_nothing_to_diagnose(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    counts = {name: {**one, "failed": 0, "causes": dict.fromkeys(one["causes"], 0)} for name, one in
              assessment.analysis.counts.items()}  # fmt: skip
    change(workspace, counts=counts, failures=assessment.analysis.failures.iloc[:0])
    app = open_page("diagnosis", dataset="labelled", cause="metadata")
    assert "dense fails none of 42 test queries. There is nothing to diagnose." in read(app.subheader)
    assert len(app.get("plotly_chart")) == len(CHARTS) - 1
    assert not list_links(app)
    assert "cause" not in app.query_params


def test_without_metadata_there_is_nothing_to_filter_by(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    change(workspace, metadata={**assessment.analysis.metadata, "fields": [], "recommended": [], "proposals": []})
    app = open_page("diagnosis", dataset="labelled")
    assert "carry no metadata that tells them apart" in read(app.info)
    assert not any("Thrown away" in table.value for table in app.dataframe)


def test_metadata_in_words(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    app = open_page("diagnosis", dataset="labelled")
    assert "It is safe to read a filter off the query by product" in read(app.markdown)
    table = next(table.value for table in app.dataframe if "Thrown away" in table.value)
    fields = {row["field"]: row for row in assessment.analysis.metadata["fields"]}
    assert table["Field"].tolist() == list(fields)
    assert table["Tells answers apart"].tolist()[0] == f"well ({fields['product']['separation']:+.2f})"
    assert table["Read off queries"].tolist() == ["✓ yes", "✗ no"]
    assert "None: every test query's own filter lets an answer pass." in read(app.markdown)


def test_answers_that_filters_throw_away_are_linked(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    proposals = assessment.analysis.metadata["proposals"]
    lost = proposals[3]["query_id"]
    proposals = [{**row, "keeps": False} if row["query_id"] == lost else row for row in proposals]
    metadata = {
        **assessment.analysis.metadata, "proposals": proposals, "thrown_away": [lost], "lost_by_own_filter": ["q-version-10"],
    }  # fmt: skip
    change(workspace, metadata=metadata)
    app = open_page("diagnosis", dataset="labelled", cause="not_in_corpus")
    table = next(table.value for table in app.dataframe if "Answer" in table.value)
    assert table["Query id"].iloc[0] == lost and table["Answer"].iloc[0] == "✗ thrown away"
    assert [link["query"][0] for link in list_links(app)] == ["q-missing-1", lost, "q-version-10"]
    assert "The own filter of 1 test query leaves out every answer." in read(app.markdown)


def test_an_unsafe_field_is_advised_against(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    field = {**assessment.analysis.metadata["fields"][0], "thrown_away": 4, "named": 13, "recommended": False}
    change(workspace, metadata={**assessment.analysis.metadata, "fields": [field], "recommended": [], "proposals": []})
    text = read(open_page("diagnosis", dataset="labelled").markdown)
    assert "Do not read filters off the text of queries: answers would be thrown away by product (4 of 13)." in text


def test_an_experiment_without_diagnosis_shows_the_newest(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    other = make_experiment(workspace, dataset="labelled", systems=("bm25",))
    app = open_page("diagnosis", dataset="labelled", experiment=other)
    assert f"Shown is the newest of this dataset: “{assessment.experiment.name}”" in read(app.info)
    assert read(app.subheader).startswith("dense fails")


def test_changed_data_are_announced_and_lost_queries_do_not_break_the_page(workspace: Path) -> None:
    make_assessment(workspace)
    write_labelled_dataset(workspace / "datasets" / "labelled", kinds={**KINDS, "version": 0})
    app = open_page("diagnosis", dataset="labelled", cause="metadata")
    assert "The dataset changed since this run" in read(app.warning)
    assert "This query is no longer in the dataset." in read(app.caption)
    assert not list_links(app)


def test_a_variant_that_failed_is_named_with_its_cure(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    save_assessment(dataclasses.replace(assessment, errors={"my-system": "The model x cannot be had."}), Workspace(workspace))
    assert "No result: **my-system**. The model x cannot be had." in read(open_page("diagnosis", dataset="labelled").warning)


def test_systems_side_by_side_are_ready_and_few(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    for system in assessment.analysis.counts:
        for cause in assessment.analysis.counts[system]["causes"]:
            picked = pick_systems(assessment, system, cause)
            assert picked[0] == system and len(picked) <= 4 and len(set(picked)) == len(picked)
            assert set(picked) <= set(assessment.experiment.ready)
