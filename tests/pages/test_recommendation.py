"""The page Recommendation in all its states: nothing, too few labels, running, failed, found out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.graph.estimate import WorkEstimate
from core.jobs.kinds import ASSESS
from core.jobs.state import CANCELLED, FAILED, RUNNING, Job, write_job
from core.ladder.goals import Goals
from core.recommendation.assess import Assessment
from core.recommendation.files import save_assessment
from core.records import decode, encode
from core.systems.yaml_files import read_systems
from core.workspace import Workspace
from pages.parts.recommendation.examples import make_examples, say_rank
from pages.parts.recommendation.start import count_material
from pages.parts.recommendation.verdict import describe_target, find_system, tabulate_pairs, tabulate_variants
from pages.shared.frame.outlook import Outlook
from tests.pages.conftest import RecordJobs
from tests.support.assessments import make_assessment, write_labelled_dataset
from tests.support.pages import open_page, read
from tests.support.small import make_experiment, write_small_dataset

START = "Find out what to do first"


@pytest.fixture(autouse=True)
def light_outlook(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies ahead is told without a tokenizer: 300 texts, 90 s."""
    outlook = Outlook(WorkEstimate(texts=300, characters=0, seconds=90.0, cached=0, steps=9), (), {})
    monkeypatch.setattr("pages.parts.recommendation.start.look_ahead", lambda *_: outlook)


@pytest.fixture
def submitted(record_jobs: RecordJobs) -> list[tuple[str, Goals]]:
    """What was asked of the runner, which does not run here."""
    return record_jobs(lambda job: (job.dataset, decode(job.options, Goals)))


@pytest.fixture
def found(workspace: Path) -> tuple[Dataset, Assessment]:
    """The dataset "labelled" with its recommendation: hybrid search over filtered documents."""
    return make_assessment(workspace)


def open_recommendation(dataset: str = "labelled", **parameters: str) -> AppTest:
    return open_page("recommendation", dataset=dataset, **parameters)


def find_button(app: AppTest, label: str) -> object:
    return next(button for button in app.button if button.label == label)


def write_assessing(workspace: Path, state: str = RUNNING, *, job_id: str = "99990101-000000-aaaa", **changes: object) -> None:
    job = Job(
        id=job_id, title="labelled, recommendation", dataset="labelled", split="test", systems=(), kind=ASSESS,
        state=state, label="climbing: split 3 of 100", progress=0.4, seconds_left=20.0, options=encode(Goals()),
    )  # fmt: skip
    write_job(dataclasses.replace(job, **changes), Workspace(workspace))  # type: ignore[arg-type]


def change(found: tuple[Dataset, Assessment], workspace: Path, **changes: object) -> Assessment:
    """Saves the assessment anew with another recommendation or other errors."""
    said = {name: value for name, value in changes.items() if name != "errors"}
    advice = dataclasses.replace(found[1].recommendation, **said)  # type: ignore[arg-type]
    errors = changes.get("errors", found[1].errors)
    changed = dataclasses.replace(found[1], recommendation=advice, errors=errors)  # type: ignore[arg-type]
    save_assessment(changed, Workspace(workspace))
    return changed


# before there is one


def test_before_the_first_time_the_page_says_what_it_answers_needs_and_takes(workspace: Path, submitted: list) -> None:
    write_labelled_dataset(workspace / "datasets" / "labelled")
    app = open_recommendation()
    assert "is fine-tuning worth it?" in read(app.subheader)
    # 62 queries, 60 with an answer in the corpus or not: all are labelled; 30 % choose, but at least 20
    assert "62 of 62 queries have one. About 20 of them choose, the other 42 judge" in read(app.markdown)
    assert "Takes about 2 min on this machine (300 texts to embed)" in read(app.caption)  # 90 s and 30 s for the rest
    assert not app.warning
    find_button(app, START).click().run()  # type: ignore[attr-defined]
    assert submitted == [("labelled", Goals())]


def test_too_few_labels_are_told_before_the_run(workspace: Path) -> None:
    # 7 of 8 queries have a label, all of them a relevant one: 3 choose, 4 are left
    write_small_dataset(workspace / "datasets" / "small")
    app = open_recommendation("small")
    assert "Only 4 queries are left to judge by; below 20 nothing can be decided" in read(app.warning)
    assert "Label at least 40 queries first" in read(app.warning)
    assert not find_button(app, START).disabled  # type: ignore[attr-defined]


def test_without_labels_or_queries_it_cannot_start_and_says_the_cure(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "bare", labels=False)
    write_small_dataset(workspace / "datasets" / "none", queries=False)
    app = open_recommendation("bare")
    assert "None of the 8 queries has a label" in read(app.warning)
    assert find_button(app, START).disabled  # type: ignore[attr-defined]
    assert [button.label for button in app.get("download_button")] == ["Template for qrels.tsv"]
    empty = open_recommendation("none")
    assert "This dataset has no queries" in read(empty.warning)
    assert find_button(empty, START).disabled  # type: ignore[attr-defined]


def test_running_shows_progress_time_left_and_the_way_to_results(workspace: Path) -> None:
    write_labelled_dataset(workspace / "datasets" / "labelled")
    write_assessing(workspace)
    app = open_recommendation()
    assert "Finding out what to do first." in read(app.markdown)
    texts = [bar.proto.text.replace("\\", "") for bar in app.get("progress")]
    assert any("split 3 of 100, 20 s left" in text for text in texts)
    labels = [button.label for button in app.button]
    assert "See Results meanwhile" in labels and "Cancel" in labels and START not in labels


@pytest.mark.parametrize(("state", "word"), [(FAILED, "The disk is full."), (CANCELLED, "was cancelled")])
def test_what_ended_badly_can_be_started_again(workspace: Path, submitted: list, state: str, word: str) -> None:
    write_labelled_dataset(workspace / "datasets" / "labelled")
    goals = Goals(min_gain=0.05)
    write_assessing(workspace, state, error="The disk is full.", options=encode(goals))
    app = open_recommendation()
    assert word in read([*app.error, *app.info])
    find_button(app, "Start again").click().run()  # type: ignore[attr-defined]
    assert submitted == [("labelled", goals)]


def test_split_is_counted_as_it_will_be_drawn_or_as_the_data_give_it(workspace: Path) -> None:
    drawn = count_material(load_dataset(write_labelled_dataset(workspace / "a", kinds={"easy": 10}), name="a"))
    assert (drawn.answerable, drawn.tuning, drawn.test, drawn.given) == (10, 5, 5, False)  # at most half
    dataset = load_dataset(write_labelled_dataset(workspace / "b", kinds={"easy": 10}), name="b")
    sides = ["tuning"] * 3 + ["test"] * 7
    given = count_material(dataclasses.replace(dataset, queries=dataset.queries.assign(split=sides)))
    assert (given.tuning, given.test, given.given) == (3, 7, True)


# the recommendation


def test_verdict_comes_first_then_sureness_training_ladder_and_report(found: tuple[Dataset, Assessment]) -> None:
    said = found[1].recommendation
    app = open_recommendation()
    assert read(app.subheader[:1]) == said.sentence
    text = read(app.markdown)
    places = [text.index(f"**How sure?** {said.how_sure}"), text.index("**Fine-tuning: not yet.**"), text.index("**The ladder")]
    assert places == sorted(places)
    assert "Everything was chosen on 20 tuning queries and is judged on 42 others." in read(app.caption)
    assert [button.label for button in app.get("download_button")] == [
        "Download report", "Markdown", "System (YAML)", "Program (Python)",
    ]  # fmt: skip
    assert len(app.get("plotly_chart")) == 2  # the ladder, the re-splits


def test_reasons_next_steps_and_what_was_ruled_out_are_all_there(found: tuple[Dataset, Assessment]) -> None:
    said = found[1].recommendation
    text = read(open_recommendation().markdown)
    ruled_out = [row["why"] for row in said.ruled_out]
    for line in (*said.reasons, *said.next, *said.costs, *said.risks, *said.changes, *ruled_out):
        assert line in text


def test_examples_show_the_rank_before_and_after_and_the_answer(found: tuple[Dataset, Assessment]) -> None:
    dataset, assessment = found
    said = assessment.recommendation
    assert said.fixes and said.breaks
    fixed = make_examples(assessment, dataset, said.fixes, system=said.system)
    assert all(example.before > 5 >= example.after for example in fixed)
    # a code query is answered by the document that names its code
    assert fixed[0].answer is not None and fixed[0].text.split()[0] in fixed[0].answer.text
    (broken,) = make_examples(assessment, dataset, said.breaks, system=said.system)
    assert broken.after > 5 >= broken.before and broken.answer is not None
    assert say_rank(float("inf")) == "not among the first 100"
    shown = read(open_recommendation().get("html"))
    assert f"{assessment.analysis.baseline}: {say_rank(fixed[0].before)}" in shown
    assert f"{said.system}: {say_rank(fixed[0].after)}" in shown


def test_answer_passage_is_marked_where_there_is_evidence(workspace: Path) -> None:
    dataset, assessment = make_assessment(workspace, evidence=True)
    query_id = assessment.recommendation.fixes[0]
    (example,) = make_examples(assessment, dataset, [query_id], system=assessment.recommendation.system)
    row = dataset.evidence[dataset.evidence["query_id"] == query_id].iloc[0]
    assert example.answer is not None
    assert (example.answer.doc_id, example.answer.spans) == (row["doc_id"], ((row["start"], row["end"]),))


def test_query_that_is_gone_is_left_out(found: tuple[Dataset, Assessment]) -> None:
    assert make_examples(found[1], found[0], ["no-such-query"], system=found[1].recommendation.system) == []


def test_flags_and_variants_that_could_not_run_are_warned_of(found: tuple[Dataset, Assessment], workspace: Path) -> None:
    change(found, workspace, flags=("The labels lean.",), errors={"a": "No such model.", "b": "No such model."})
    text = read(open_recommendation().warning)
    assert "The labels lean." in text
    assert "Could not run: **a, b**. No such model." in text


def test_target_is_told_in_words(found: tuple[Dataset, Assessment], workspace: Path) -> None:
    change(found, workspace, target={"measure": "Success@5", "value": 0.95, "mean": 0.881, "met": False})
    assert "Target missed: Success@5 0.881, wanted 0.950." in read(open_recommendation().markdown)
    assert describe_target({"measure": "AP", "value": 0.5, "mean": None, "met": False}).startswith("Target missed: AP not meas")


def test_labels_to_check_open_where_they_can(found: tuple[Dataset, Assessment], workspace: Path) -> None:
    split = found[1].split
    tested = set(split["test_ids"])
    suspects = (split["test_ids"][0], split["tuning_ids"][0])
    change(found, workspace, suspects=suspects)
    app = open_recommendation()
    labels = "\n".join(button.label for button in app.button).replace("\\", "")
    for query_id in suspects:
        assert (f"{query_id}: " in labels) == (query_id in tested)
        assert query_id in tested or f"{query_id}: " in read(app.markdown)


def test_comparisons_have_all_columns_of_the_json(found: tuple[Dataset, Assessment]) -> None:
    frame = tabulate_pairs(found[1])
    assert set(found[1].comparisons[0]) <= set(frame.columns)
    assert len(frame) == len(found[1].comparisons) == 5
    row = frame.set_index("system").loc["hybrid-filtered"]
    assert (row["rung"], row["verdict"]) == ("Hybrid search", "✓ better")
    variants = tabulate_variants(found[1])
    chosen = variants[variants["outcome"] == "chosen, kept"]
    assert "hybrid-filtered" in set(chosen["variant"])
    assert len(variants) == sum(len(row["chosen_from"]) for row in found[1].ladder)


def test_system_to_take_along_is_the_recommended_one(found: tuple[Dataset, Assessment]) -> None:
    from core.systems.yaml_files import write_systems

    system = find_system(found[1])
    assert system.name == found[1].recommendation.system
    assert read_systems(write_systems([system])) == {system.name: system}


def test_other_experiment_shows_the_newest_and_says_so(found: tuple[Dataset, Assessment], workspace: Path) -> None:
    other = make_experiment(workspace, dataset="labelled")
    app = open_recommendation(experiment=other)
    assert "The experiment chosen in the sidebar has no recommendation" in read(app.caption)
    assert read(app.subheader[:1]) == found[1].recommendation.sentence
    assert not open_recommendation(experiment=found[1].id).info


def test_older_recommendation_leads_to_the_newest(found: tuple[Dataset, Assessment], workspace: Path) -> None:
    newer = dataclasses.replace(found[1].experiment, id="99990101-000000-bbbb")
    save_assessment(dataclasses.replace(found[1], id=newer.id, experiment=newer), Workspace(workspace))
    app = open_recommendation(experiment=found[1].id)
    assert "There is a newer recommendation" in read(app.info)
    assert "Show the newest" in [button.label for button in app.button]
    assert not open_recommendation(experiment=newer.id).info


def test_changed_data_are_told_and_can_be_assessed_anew(
    found: tuple[Dataset, Assessment], workspace: Path, submitted: list
) -> None:
    assert "changed since" not in read(open_recommendation().warning)
    queries = workspace / "datasets" / "labelled" / "queries.jsonl"
    lines = queries.read_text(encoding="utf-8").splitlines()
    first = {**json.loads(lines[0]), "text": "something else"}
    queries.write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n", encoding="utf-8")
    app = open_recommendation()
    assert "The dataset changed since this was found out." in read(app.warning)
    find_button(app, "Find out again").click().run()  # type: ignore[attr-defined]
    assert submitted == [("labelled", found[1].goals)]


def test_while_it_is_renewed_the_last_one_stays(found: tuple[Dataset, Assessment], workspace: Path) -> None:
    write_assessing(workspace)
    app = open_recommendation()
    assert "A new recommendation is being made; below is the last one." in read(app.markdown)
    assert read(app.subheader[:1]) == found[1].recommendation.sentence
    assert find_button(app, "Run again with these").disabled  # type: ignore[attr-defined]


def test_own_job_becomes_what_is_looked_at_when_it_is_ready(found: tuple[Dataset, Assessment], workspace: Path) -> None:
    other = make_experiment(workspace, dataset="labelled")
    app = open_recommendation(experiment=other)
    app.session_state["_assessing"] = found[1].id
    app.run()
    assert app.query_params["experiment"] == found[1].id
    assert "_assessing" not in app.session_state


# goals


def test_goals_of_the_form_are_what_is_run(found: tuple[Dataset, Assessment], submitted: list) -> None:
    app = open_recommendation()
    app.selectbox(key="goal_measure").set_value("Success@5")
    app.number_input(key="goal_value").set_value(0.9)
    app.number_input(key="goal_gain").set_value(0.05)
    app.number_input(key="goal_latency").set_value(120.0)
    app.text_area(key="goal_rerankers").set_value(" some/model \n\nother/model\nsome/model")
    find_button(app, "Run again with these").click().run()  # type: ignore[attr-defined]
    rerankers = ("some/model", "other/model")
    assert submitted == [
        ("labelled", Goals(target=("Success@5", 0.9), min_gain=0.05, max_latency_ms=120.0, rerankers=rerankers))
    ]


def test_form_is_filled_with_the_last_goals(workspace: Path, submitted: list) -> None:
    write_labelled_dataset(workspace / "datasets" / "labelled")
    _, assessment = make_assessment(workspace)
    goals = Goals(target=("AP", 0.7), max_latency_ms=50.0, rerankers=("a/b",), primary="RR@10", seed=3)
    save_assessment(dataclasses.replace(assessment, goals=goals), Workspace(workspace))
    find_button(open_recommendation(), "Run again with these").click().run()  # type: ignore[attr-defined]
    assert submitted == [("labelled", goals)]
