"""The page Fine-tuning in all its states: no data, training, running, broken off, trained; what other pages make of a model."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.data.dataset import Dataset
from core.jobs.kinds import TRAIN
from core.jobs.state import CANCELLED, DONE, FAILED, INTERRUPTED, QUEUED, RUNNING, Job, write_job
from core.ladder.goals import Goals
from core.records import decode, encode
from core.systems.named import make_named_systems
from core.systems.trained import (
    ADAPTER,
    EMBEDDING,
    KIND_WORDS,
    KINDS,
    RERANKER,
    UNFINISHED,
    TrainedModel,
    list_models,
    model_folder,
    save_model,
)
from core.systems.trained_systems import make_trained_systems
from core.trained_model.evaluation_file import read_evaluation, write_evaluation
from core.training.request import TrainingPlan, TrainingRequest, make_plan
from core.workspace import Workspace
from pages.parts.fine_tuning.charts import draw_comparisons, draw_learning_curve, draw_loss
from pages.parts.fine_tuning.model import tell_row
from tests.pages.conftest import RecordJobs, UseModels
from tests.support.assessments import AxisModels, make_assessment, write_labelled_dataset
from tests.support.pages import make_app, open_page, read
from tests.support.small import HOSTILE, write_small_dataset
from tests.support.trained import REQUEST, make_trained

START, LOOK = "Start training", "Look at the training data first"
HOSTILE_SEED = 1  # draws a split whose learning queries hold the hostile one
Found = tuple[Dataset, TrainedModel]


@pytest.fixture(autouse=True)
def axis_models(use_models: UseModels) -> None:
    """Examples are collected with a model that takes no time."""
    use_models(AxisModels)


@pytest.fixture
def submitted(record_jobs: RecordJobs) -> list[tuple[str, TrainingRequest]]:
    """What was asked of the runner, which does not run here."""
    return record_jobs(lambda job: (job.dataset, decode(job.options, TrainingRequest)))


@pytest.fixture
def assessed(record_jobs: RecordJobs) -> list[tuple[str, Goals]]:
    """What recommendation was asked of the runner, which does not run here."""
    return record_jobs(lambda job: (job.dataset, decode(job.options, Goals)))


@pytest.fixture
def labelled(workspace: Path) -> Path:
    """The dataset "labelled", on which nothing was trained yet."""
    return write_labelled_dataset(workspace / "datasets" / "labelled")


@pytest.fixture
def found(workspace: Path) -> Found:
    """The dataset "labelled" with an adapter that was trained and measured on it."""
    return make_trained(workspace)


def open_fine_tuning(dataset: str = "labelled", **parameters: str) -> AppTest:
    return open_page("fine_tuning", dataset=dataset, **parameters)


def list_buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception
    return app


def open_training(kind: str = ADAPTER, **parameters: str) -> AppTest:
    """The part Train, at one kind."""
    app = open_fine_tuning(tuning_part="Train", **parameters)
    return app if kind == ADAPTER else app.segmented_control(key="tuning_kind").set_value(kind).run()


def upload(app: AppTest, name: str, content: str) -> AppTest:
    app.radio(key="tuning_source").set_value("a table of my own").run()
    app.file_uploader(key="tuning_upload").set_value((name, content.encode(), "text/csv")).run()
    assert not app.exception, app.exception
    return app


def make_table(rows: int = 12, *, query: str = "how does part {} work", columns: str = "query,positive") -> str:
    return columns + "\n" + "".join(f"{query.format(row)},Part {row} works so.\n" for row in range(rows))


def write_training(workspace: Path, state: str = RUNNING, *, request: TrainingRequest = REQUEST, **changes: Any) -> Job:
    job = Job(
        id="99990101-000000-aaaa", title="labelled, training a query adapter", dataset="labelled", split="test", systems=(),
        kind=TRAIN, state=state, label="training, epoch 1 of 2, step 3 of 8", progress=0.4, seconds_left=20.0,
        options=encode(request),
    )  # fmt: skip
    job = dataclasses.replace(job, **changes)
    write_job(job, Workspace(workspace))
    return job


def write_unfinished(workspace: Path, model: TrainedModel, kind: str = RERANKER, **changes: Any) -> TrainedModel:
    """A training that broke off in its second epoch, as if begun after the model's."""
    curve = ({"step": 2, "epoch": 0.5, "loss": 0.9}, {"step": 4, "epoch": 1.0, "loss": 0.7, "validation": 0.8})
    begun = dataclasses.replace(
        model, id=f"{kind}-0123456789", kind=kind, plan=make_plan(kind).to_json(), state=UNFINISHED, curve=curve,
        created="2099-01-01T10:20:30+00:00",
    )  # fmt: skip
    begun = dataclasses.replace(begun, **changes)
    save_model(begun, Workspace(workspace))
    return begun


def change_queries(workspace: Path) -> None:
    queries = workspace / "datasets" / "labelled" / "queries.jsonl"
    lines = queries.read_text(encoding="utf-8").splitlines()
    first = {**json.loads(lines[0]), "text": "something else"}
    queries.write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n", encoding="utf-8")


# without what is needed


def test_without_data_the_page_leads_to_loading(no_samples: None) -> None:
    app = open_page("fine_tuning")
    assert "Load a corpus with labelled queries" in read(app.info)
    assert list_buttons(app) == ["Load data"]


def test_without_labels_or_queries_it_cannot_start_and_says_the_cure(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "bare", labels=False)
    write_small_dataset(workspace / "datasets" / "none", queries=False)
    for name in ("bare", "none"):
        app = open_fine_tuning(name)
        assert next(button for button in app.button if button.label == START).disabled
        assert "No tuning query has a relevant document: label queries first." in read(app.caption)
        press(app, LOOK)
        assert f"the dataset {name} has no quer" in read(app.error)


def test_before_the_first_model_the_page_offers_to_train(labelled: Path) -> None:
    app = open_fine_tuning()
    assert app.segmented_control(key="tuning_part").value == "Train"
    app.segmented_control(key="tuning_part").set_value("Models").run()
    assert "No model was trained on this dataset yet" in read(app.info)


# to train


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_says_what_it_is_and_what_it_takes(labelled: Path, submitted: list, kind: str) -> None:
    sentences = {
        ADAPTER: "Moves query vectors by a trained map",
        RERANKER: "Reads query and hit together",
        EMBEDDING: "every document is embedded and indexed again",
    }
    app = open_training(kind)
    assert app.segmented_control(key="tuning_kind").options == [KIND_WORDS[one].capitalize() for one in KINDS]
    text = read(app.markdown)
    assert [one for one, sentence in sentences.items() if sentence in text] == [kind]
    # 60 of 62 queries have their answer in the corpus; half of them tune, and 85 % of those are learned from: 25.5
    assert "About 26 queries and 26 pairs to learn from; training takes about" in text
    press(app, START)
    assert submitted == [("labelled", TrainingRequest(make_plan(kind)))]


def test_settings_reach_the_runner(labelled: Path, submitted: list) -> None:
    app = open_training(EMBEDDING)
    app.selectbox(key="tuning_system_embedding").set_value("dense-filtered")
    app.text_input(key="tuning_base_embedding").set_value(" some/model ")
    app.number_input(key="tuning_share").set_value(0.4)
    app.number_input(key="tuning_seed").set_value(7)
    app.number_input(key="tuning_epochs_embedding").set_value(3)
    app.number_input(key="tuning_batch_embedding").set_value(8)
    app.number_input(key="tuning_rate_embedding").set_value(1e-4)
    app.number_input(key="tuning_tokens_embedding").set_value(64)
    app.number_input(key="tuning_negatives_embedding").set_value(2)
    app.number_input(key="tuning_freeze").set_value(4)
    app.selectbox(key="tuning_form").set_value("triplets")
    app.checkbox(key="tuning_drop").set_value(True)
    app.checkbox(key="tuning_curve_embedding").set_value(True)
    app.number_input(key="tuning_folds_embedding").set_value(5)
    press(app.run(), START)
    plan = TrainingPlan(
        EMBEDDING, system="dense-filtered", base="some/model", form="triplets", share=0.4, epochs=3, batch_size=8,
        learning_rate=1e-4, max_tokens=64, negatives=2, freeze_layers=4, seed=7, drop_leaking=True,
    )  # fmt: skip
    assert submitted == [("labelled", TrainingRequest(plan, learning_curve=True, folds=5))]


def test_a_reranker_starts_from_chunks_and_says_how_many_hits_it_scores(labelled: Path, submitted: list) -> None:
    app = open_training(RERANKER)
    known = make_named_systems()
    assert app.selectbox(key="tuning_system_reranker").value == "hybrid-rrf"
    assert all(known[name].chunk is not None for name in app.selectbox(key="tuning_system_reranker").options)
    app.number_input(key="tuning_depth").set_value(12)
    press(app.run(), START)
    assert submitted == [("labelled", TrainingRequest(make_plan(RERANKER, depth=12)))]


@pytest.mark.parametrize("kind", (ADAPTER, EMBEDDING))
def test_what_trains_vectors_starts_from_dense_systems_alone(labelled: Path, kind: str) -> None:
    names = open_training(kind).selectbox(key=f"tuning_system_{kind}").options
    known = make_named_systems()
    assert "dense" in names
    assert all(known[name].dense is not None and known[name].lexical is None for name in names)


def test_too_odd_settings_are_told_in_a_sentence(labelled: Path) -> None:
    app = open_training(EMBEDDING)
    app.number_input(key="tuning_freeze").set_value(2)
    app.number_input(key="tuning_lora").set_value(8)
    app.run()
    assert not app.exception
    assert "LoRA leaves all layers frozen already" in read(app.error)
    assert START not in list_buttons(app) and LOOK not in list_buttons(app)
    app.number_input(key="tuning_lora").set_value(0).run()
    assert not app.error and START in list_buttons(app)
    app.text_input(key="tuning_base_embedding").set_value("trained:adapter-1").run()
    assert "cannot be trained further" in read(app.error)


def test_the_same_training_cannot_be_started_twice(labelled: Path, workspace: Path) -> None:
    write_training(workspace, request=TrainingRequest(make_plan(ADAPTER)))
    app = open_training()
    assert next(button for button in app.button if button.label == START).disabled
    assert "This training is already running; see above." in read(app.caption)
    app.number_input(key="tuning_seed").set_value(1).run()
    assert not next(button for button in app.button if button.label == START).disabled
    assert "Another run is at work; this one starts when that is done." in read(app.caption)


# what it learns from


def test_training_data_are_counted_checked_and_shown(found: Found) -> None:
    app = press(open_training(), LOOK)
    counts = {metric.label: metric.value for metric in app.metric}
    _, model = found
    assert counts == {
        "Queries": str(model.data["queries"]),
        "Pairs that belong together": str(model.data["positives"]),
        "Negatives": str(model.data["negatives"]),
        "Test queries kept apart": str(len(model.split["test"])),
    }
    text = read(app.markdown)
    assert model.data["checks"]
    for check in model.data["checks"]:
        mark = {"fine": "✓", "warn": "!", "stop": "✗"}[check["level"]]
        assert f"{mark} {check['sentence']}" in text
    table = app.dataframe[0].value
    assert list(table.columns) == ["query", "positive", "negative_1"]
    assert len(table) == model.data["rows"]
    assert [button.label for button in app.get("download_button")] == [f"All {len(table)} examples as CSV"]  # type: ignore[union-attr]
    assert LOOK not in list_buttons(app)
    assert len(app.run().metric) == 4, "it stays open"


def test_hostile_texts_stand_in_the_table_as_they_are(found: Found) -> None:
    app = open_training()
    app.number_input(key="tuning_seed").set_value(HOSTILE_SEED)
    table = press(app.run(), LOOK).dataframe[0].value
    assert f"markup {HOSTILE}" in set(table["query"])


def test_a_table_of_ones_own_is_counted_and_kept_for_later(found: Found, workspace: Path, submitted: list) -> None:
    app = open_training()
    app.radio(key="tuning_source").set_value("a table of my own").run()
    assert START not in list_buttons(app), "until the table is there nothing can start, least of all on the labels"
    upload(app, "mine.csv", make_table())
    assert "Your table holds 12 queries and 12 pairs; training takes about" in read(app.markdown)
    assert app.checkbox(key="tuning_curve_adapter").disabled and app.number_input(key="tuning_folds_adapter").disabled
    press(app, LOOK)
    assert [metric.value for metric in app.metric] == ["12", "12", "0", "31"]
    assert "! There are no hard negatives" in read(app.markdown)
    assert list(app.dataframe[0].value.columns) == ["query", "positive"]
    press(app, START)
    ((dataset, request),) = submitted
    assert (dataset, request.plan, request.learning_curve, request.folds) == ("labelled", make_plan(ADAPTER), False, 0)
    file = Path(request.examples)
    assert file.name == "mine.csv" and file.is_relative_to(workspace)
    assert file.read_text(encoding="utf-8") == make_table()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("title,price\nx,1\n", "mine.csv: has the columns title, price; expected the columns of one form"),
        ("query,positive\nx,\n", "mine.csv, line 2: positive is nothing; expected text"),
        ("query,document,label\nx,y,3\n", "mine.csv, line 2: label is '3'; it can be 1 (belongs together) or 0"),
        ("query,positive\n", "mine.csv: has no rows"),
        ("", "mine.csv: "),
    ],
)
def test_a_table_of_no_form_is_refused_before_it_starts(labelled: Path, content: str, sentence: str) -> None:
    app = upload(open_training(), "mine.csv", content)
    assert sentence in read(app.error)
    assert str(labelled.parent.parent) not in read(app.error), "where it is kept is nobody's business"
    assert START not in list_buttons(app)


def test_a_table_that_leaks_is_told_before_it_starts(found: Found) -> None:
    dataset, model = found
    texts = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    leaked = next(query_id for query_id in model.split["test"] if query_id.startswith("q-easy"))
    table = make_table() + f"{texts[leaked]},This was copied.\n"
    app = press(upload(open_training(), "mine.csv", table), LOOK)
    assert f"✗ 1 training query has the words of a test query (the first in mine.csv, line 14): {leaked}." in read(app.markdown)


def test_a_table_without_negatives_trains_no_reranker(found: Found) -> None:
    app = upload(open_training(RERANKER), "mine.csv", make_table())
    assert "mine.csv: these examples have no negatives, which labelled need" in read(press(app, LOOK).error)


# a trained model


def test_all_that_is_known_of_a_model_is_said(found: Found, workspace: Path) -> None:
    _, model = found
    told = read_evaluation(model, Workspace(workspace))
    app = open_fine_tuning()
    assert app.segmented_control(key="tuning_part").value == "Models"
    # four of 31 test queries lose, none gains: no verdict
    assert read(app.subheader[:1]) == "These queries cannot tell whether this query adapter helps"
    text = read(app.markdown)
    assert told["comparisons"]
    for row in told["comparisons"]:
        assert tell_row(row) in text
    assert "(nDCG@10, 31 held-out queries)" in text
    cost = told["adoption"]["sentence"]
    assert f"{cost[:1].upper()}{cost[1:]}." in text and "Per query: " in text
    assert "26 queries with 26 pairs and 26 negatives, " in text and "4 other queries stopped it." in text
    assert told["learning_curve"]["words"] in text
    folds = told["folds"]
    assert f"Cross-fitting over 2 folds, all 62 judged queries: {folds['delta']:+.3f}" in read(app.caption)
    assert "Exploratory" in read(app.caption)
    assert f"Systems that use it: dense-adapter. Systems of your own name it as dense.adapter: trained:{model.id}." in read(
        app.caption
    )
    assert f"{model.id}: query adapter from " in text
    assert "! Only 26 pairs belong together" in text
    assert len(app.get("plotly_chart")) == 3  # the comparisons, the loss, the learning curve
    assert not app.warning and not app.error


def test_queries_that_got_worse_are_listed_worst_first(found: Found, workspace: Path) -> None:
    worse = read_evaluation(found[1], Workspace(workspace))["regressions"]
    app = open_fine_tuning()
    assert f"{len(worse)} queries of 31." in read(app.markdown)
    table = app.dataframe[0].value
    assert table["Query"].tolist() == [row["text"] for row in worse]
    assert table["Change"].is_monotonic_increasing and (table["Change"] < 0).all()
    assert table["Change"].tolist() == pytest.approx((table["After"] - table["Before"]).tolist())
    write_evaluation(found[1], Workspace(workspace), regressions=[])
    assert "None of the held-out queries got worse." in read(open_fine_tuning().markdown)


@pytest.mark.parametrize(
    ("verdict", "against", "headline"),
    [
        ("better", "best_cheap", "Worth it: this query adapter finds more than the best cheaper way"),
        ("better", "untrained", "Better than the untrained model; not compared with cheaper ways"),
        ("better_but_small", "best_cheap", "Better, but too little to matter"),
        ("no_useful_difference", "best_cheap", "Not worth it: this query adapter makes no useful difference"),
        ("worse", "untrained", "Not worth it: with this query adapter the search gets worse"),
    ],
)
def test_the_verdict_comes_first(found: Found, workspace: Path, verdict: str, against: str, headline: str) -> None:
    rows = read_evaluation(found[1], Workspace(workspace))["comparisons"]
    kept = rows[:1] if against == "untrained" else rows
    write_evaluation(found[1], Workspace(workspace), comparisons=[*kept[:-1], {**kept[-1], "verdict": verdict, "wins": 1}])
    app = open_fine_tuning()
    assert read(app.subheader[:1]) == headline
    assert " 1 query better, " in read(app.markdown)


def test_what_was_not_measured_says_how_to_get_it(found: Found, workspace: Path) -> None:
    _, model = found
    (model_folder(model.id, Workspace(workspace)) / "evaluation.json").unlink()
    app = open_fine_tuning()
    assert "This model was not compared on the test queries yet: its run broke off." in read(app.info)
    assert "Not measured. Tick the learning curve under Settings" in read(app.markdown)
    assert "Open in Results" not in list_buttons(app) and "Let it join the ladder" in list_buttons(app)
    save_model(dataclasses.replace(model, data={**model.data, "source": "mine.csv"}), Workspace(workspace))
    assert "this model learned from a table of examples, not from the labels" in read(open_fine_tuning().markdown)


def test_an_adapter_that_stayed_where_it_was_says_so(found: Found, workspace: Path) -> None:
    _, model = found
    metrics = {**model.metrics, "validation": model.metrics["validation_untrained"]}
    save_model(dataclasses.replace(model, metrics=metrics), Workspace(workspace))
    assert "it has learned nothing that carries over" in read(open_fine_tuning().info)


def test_a_model_of_the_link_is_shown_and_an_unknown_one_said(found: Found, workspace: Path) -> None:
    _, model = found
    other = dataclasses.replace(model, id="adapter-00000000ff", created="2099-01-01T10:20:30+00:00")
    save_model(other, Workspace(workspace))
    app = open_fine_tuning()
    assert app.selectbox(key="model").value == other.id, "the newest"
    assert "not compared on the test queries yet" in read(app.info)
    app = open_fine_tuning(model=model.id)
    assert app.selectbox(key="model").value == model.id
    assert not app.warning and not app.info
    app = open_fine_tuning(model="no-such *model*")
    assert "This model is not here: no-such *model*. Choose one below; what is shown is another one." in read(app.warning)
    assert app.selectbox(key="model").value == other.id
    assert app.query_params["model"] == other.id
    assert not app.run().warning, "said once"


def test_a_model_is_deleted(found: Found, workspace: Path) -> None:
    _, model = found
    other = dataclasses.replace(model, id="adapter-00000000ff", created="2099-01-01T10:20:30+00:00")
    save_model(other, Workspace(workspace))
    app = press(open_fine_tuning(model=other.id), "Delete this model")
    assert list_models(Workspace(workspace)) == [model]
    assert app.selectbox(key="model").value == model.id and not app.warning
    press(app, "Delete this model")
    assert not list_models(Workspace(workspace))
    assert "No model was trained on this dataset yet" in read(app.info)


def test_data_that_changed_are_told(found: Found, workspace: Path) -> None:
    change_queries(workspace)
    app = open_fine_tuning()
    assert "The dataset changed since this model was trained." in read(app.warning)
    assert next(button for button in app.button if button.label == "Let it join the ladder").disabled


def test_it_joins_the_ladder_and_opens_in_results(found: Found, assessed: list, workspace: Path) -> None:
    app = press(open_fine_tuning(), "Let it join the ladder")
    assert assessed == [("labelled", Goals(with_training=True))]
    assert app.title[0].value == "Recommendation"
    app = press(open_fine_tuning(), "Open in Results")
    assert app.title[0].value == "Results"
    assert app.query_params["experiment"] == read_evaluation(found[1], Workspace(workspace))["experiment"]


def test_charts_show_the_numbers(found: Found, workspace: Path) -> None:
    _, model = found
    told = read_evaluation(model, Workspace(workspace))
    learned, held = draw_loss(model).data
    assert list(learned.y) == [point["loss"] for point in model.curve]
    assert list(held.y) == [model.metrics["validation_untrained"], *(point["validation"] for point in model.curve)]
    assert list(held.x) == [0, *(point["step"] for point in model.curve)]
    rows = told["comparisons"]
    dots = {dot.y[0]: dot.x[0] for dot in draw_comparisons(rows).data}
    assert list(dots.values()) == [row["delta"] for row in reversed(rows)]  # Plotly draws from below
    (points,) = draw_learning_curve(told["learning_curve"]["points"]).data
    assert list(points.x) == [6, 13, 26]
    assert list(points.y) == [point["delta"] for point in told["learning_curve"]["points"]]


# running, and broken off


def test_a_running_training_shows_progress_and_its_loss(found: Found, workspace: Path) -> None:
    request = TrainingRequest(make_plan(RERANKER))
    write_unfinished(workspace, found[1])
    other = make_plan(EMBEDDING).to_json()
    write_unfinished(workspace, found[1], EMBEDDING, plan=other, created="2099-02-01T00:00:00+00:00", curve=())
    job = write_training(workspace, request=request, title="labelled, training a reranker")
    app = open_fine_tuning()
    assert "labelled, training a reranker" in read(app.markdown)
    texts = [bar.proto.text.replace("\\", "") for bar in app.get("progress")]
    assert "labelled, training a reranker: training, epoch 1 of 2, step 3 of 8, 20 s left" in texts
    assert len(app.get("plotly_chart")) == 4, "its own loss, beside the charts of the finished model"
    assert "Resume" not in list_buttons(app)
    app.button(key=f"cancel_training_{job.id}").click().run()
    assert not app.exception
    assert (Workspace(workspace).jobs / f"{job.id}.cancel").exists()


def test_a_waiting_training_is_shown(labelled: Path, workspace: Path) -> None:
    write_training(workspace, QUEUED, label="waiting for another job", progress=0.0, seconds_left=None)
    texts = [bar.proto.text.replace("\\", "") for bar in open_fine_tuning().get("progress")]
    assert "labelled, training a query adapter: waiting for another job" in texts


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (FAILED, "The last training failed. 1 training query has the words of a test query."),
        (CANCELLED, "The last training was cancelled. What was finished is kept."),
        (INTERRUPTED, "The last training was interrupted: its process ended. What was finished is kept."),
    ],
)
def test_what_became_of_the_last_training_is_told(labelled: Path, workspace: Path, state: str, sentence: str) -> None:
    write_training(workspace, state, error="1 training query has the words of a test query.", label=state)
    app = open_fine_tuning()
    assert sentence in read([*app.error, *app.info, *app.warning])
    assert START in list_buttons(app)


def test_a_training_whose_process_is_gone_reads_as_interrupted(labelled: Path, workspace: Path) -> None:
    write_training(workspace, pid=2**22 + 1)
    assert "The last training was interrupted" in read(open_fine_tuning().warning)


def test_own_training_becomes_what_is_looked_at(found: Found, workspace: Path) -> None:
    _, model = found
    other = dataclasses.replace(model, id="adapter-00000000ff", created="2099-01-01T10:20:30+00:00", plan=make_plan(
        ADAPTER, seed=1).to_json())  # fmt: skip
    save_model(other, Workspace(workspace))
    job = write_training(workspace, DONE, label=DONE, progress=1.0, seconds_left=None)
    app = open_fine_tuning(tuning_part="Train")
    app.session_state["_training"] = job.id
    app.run()
    assert not app.exception
    assert app.segmented_control(key="tuning_part").value == "Models"
    assert app.selectbox(key="model").value == model.id, "the one that was asked for, not the newest"
    assert "_training" not in app.session_state


def test_a_browser_that_did_not_start_it_is_led_to_what_was_trained(found: Found, workspace: Path) -> None:
    _, model = found
    write_training(workspace, DONE, label=DONE, progress=1.0, seconds_left=None)
    app = open_fine_tuning(tuning_part="Train")
    assert "The last training is done: query adapter" in read(app.success)
    app.button(key="see_trained").click().run()
    assert not app.exception
    assert app.segmented_control(key="tuning_part").value == "Models"
    assert app.selectbox(key="model").value == model.id
    assert not app.success


@pytest.mark.parametrize("kept", (True, False))
def test_an_unfinished_training_goes_on_as_it_was_asked(found: Found, workspace: Path, submitted: list, kept: bool) -> None:
    """kept: whether its job is still known; without it the learning curve and the folds are not."""
    plan = make_plan(RERANKER, epochs=3)
    table = workspace / "imports" / "mine.csv"
    asked = TrainingRequest(plan, learning_curve=True, folds=4) if kept else TrainingRequest(plan, examples=str(table))
    begun = write_unfinished(workspace, found[1], plan=plan.to_json(), data={**found[1].data, "file": asked.examples})
    if kept:
        write_training(workspace, CANCELLED, request=asked)
    app = open_fine_tuning()
    assert "Unfinished: reranker, begun 2099-01-01 10:20 UTC. Epoch 1 of 3 was finished" in read(app.markdown).replace("*", "")
    app.button(key=f"resume_{begun.id}").click().run()
    assert not app.exception
    assert submitted == [("labelled", asked)]


def test_an_unfinished_training_is_discarded(found: Found, workspace: Path) -> None:
    begun = write_unfinished(workspace, found[1], curve=())
    app = open_fine_tuning()
    assert "No epoch was finished; it begins anew." in read(app.markdown)
    press(app, "Discard")
    assert not model_folder(begun.id, Workspace(workspace)).exists()
    assert "Resume" not in list_buttons(app) and list_models(Workspace(workspace)) == [found[1]]


def test_what_was_begun_on_other_data_cannot_go_on(found: Found, workspace: Path) -> None:
    write_unfinished(workspace, found[1])
    change_queries(workspace)
    app = open_fine_tuning()
    assert "The dataset changed since, so that it cannot go on." in read(app.caption)
    assert "Resume" not in list_buttons(app) and "Discard" in list_buttons(app)


# on other pages


def test_its_systems_can_be_compared_on_the_page_experiment(found: Found) -> None:
    (name, system), *_ = make_trained_systems([found[1]]).items()
    app = open_page("experiment", dataset="labelled", experiment_part="Run")
    assert "**Trained here**" in read(app.markdown)
    assert "on queries they learned from they look better than they are" in read(app.markdown)
    box = app.checkbox(key=f"run_labelled_{name}")
    assert not box.value and box.label.replace("\\", "") == f"**{name}** · {system.description}"


def test_its_systems_can_be_tried(found: Found) -> None:
    app = open_page("try", dataset="labelled", try_systems="dense-adapter", q="the battery of the hub")
    chosen = app.multiselect(key="try_systems")
    assert "dense-adapter" in chosen.options and chosen.value == ["dense-adapter"]
    assert "dense-adapter" not in make_app("try", dataset="product_docs").run().multiselect(key="try_systems").options


def test_it_joins_a_recommendation_where_that_is_ticked(workspace: Path, assessed: list) -> None:
    make_assessment(workspace)
    app = make_app("recommendation", dataset="labelled").run()
    assert "goal_training" not in {box.key for box in app.checkbox}, "nothing was trained yet"
    make_trained(workspace)
    app = make_app("recommendation", dataset="labelled").run()
    assert not app.checkbox(key="goal_training").value
    app.checkbox(key="goal_training").set_value(True)
    press(app, "Run again with these")
    assert [goals.with_training for _, goals in assessed] == [True]
