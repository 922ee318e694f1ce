"""The page Cost & latency in all its states; what changes its numbers and is kept; its words and charts."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.costs.prices import PriceTable, read_prices, read_shipped, write_prices
from core.costs.scenario import Scenario, read_scenario, save_scenario
from core.costs.system_facts import SystemFacts
from core.data.catalog import open_dataset
from core.experiment.compare import compare
from core.experiment.history import load_experiment, save_experiment
from core.experiment.result import Experiment, SystemResult
from core.jobs.kinds import ASSESS, SCALING
from core.jobs.state import CANCELLED, FAILED, RUNNING, Job, write_job
from core.ladder.goals import Goals
from core.recommendation.files import save_assessment
from core.records import decode
from core.scaling.curves import Point
from core.scaling.measure import save_scaling
from core.scaling.scaling import Scaling, SystemScaling
from core.settings import describe_machine
from core.systems.named import make_named_systems
from core.workspace import Workspace
from pages.parts.cost_latency import cost_overview
from pages.parts.cost_latency import prices as cost_prices
from pages.parts.cost_latency.cost_charts import draw_front, draw_groups, place_names
from pages.parts.cost_latency.costs import find_goals
from pages.parts.cost_latency.latency import describe_shared, tabulate_steps
from pages.parts.cost_latency.latency_charts import draw_growth, draw_steps
from pages.shared.frame.text import shorten_apart
from tests.pages.conftest import RecordJobs, UseModels
from tests.support.assessments import make_assessment
from tests.support.models import FakeModels
from tests.support.once import make_once
from tests.support.pages import check, open_page, read
from tests.support.small import HOSTILE, make_experiment, run_small_experiment, write_small_dataset

COSTS, WORTH, TRAINING, LATENCY, PRICES = PARTS = (
    "What does it cost?", "Is it worth it?", "When does training pay off?", "How fast is it?", "Prices",
)  # fmt: skip
RECOMMEND, MEASURE = "Recommend within these limits", "Measure at several sizes"


@pytest.fixture(autouse=True)
def fake_models(use_models: UseModels) -> None:
    """A word is a token: nothing is loaded."""
    use_models(FakeModels)


@pytest.fixture
def assessed(record_jobs: RecordJobs) -> list[tuple[str, Goals]]:
    """What recommendation was asked of the runner, which does not run here."""
    return record_jobs(lambda job: (job.dataset, decode(job.options, Goals)))


@pytest.fixture
def scaled(record_jobs: RecordJobs) -> list[tuple[str, list[str]]]:
    """What measurement was asked of the runner."""
    return record_jobs(lambda job: (job.dataset, job.system_names))


@pytest.fixture
def measured(workspace: Path) -> Experiment:
    """bm25, dense and dense-rerank on the small dataset, with the fake models."""
    made, experiment = make_once(measure)
    shutil.copytree(made, workspace, dirs_exist_ok=True)
    return experiment


def measure(workspace: Path) -> Experiment:
    """See measured."""
    store = Workspace(workspace)
    write_small_dataset(store.datasets / "small")
    named = make_named_systems()
    systems = {name: named[name] for name in ("bm25", "dense", "dense-rerank")}
    experiment = compare(open_dataset("small", store), systems, workspace=store, models=FakeModels(), name="Small test")
    save_experiment(experiment, store)
    return experiment


def open_costs(part: str = COSTS, dataset: str = "small", **parameters: str) -> AppTest:
    """The page at one of its parts."""
    return open_page("cost_latency", **{"dataset": dataset, "cost_part": part, **parameters})


def read_html(app: AppTest) -> str:
    return " ".join(re.sub("<[^>]*>", " ", element.proto.body) for element in app.get("html"))


def list_buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def find_button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def find_box(app: AppTest, label: str) -> Any:
    return next(box for box in app.selectbox if box.label == label)


def press(app: AppTest, label: str) -> AppTest:
    return check(find_button(app, label).click().run())


def read_costs(app: AppTest) -> pd.DataFrame:
    return next(table.value for table in app.dataframe if "monthly" in table.value).set_index("system")


def read_kept(workspace: Path) -> Scenario:
    store = Workspace(workspace)
    return read_scenario(open_dataset("small", store), store)


def change(experiment_id: str, workspace: Path, name: str, **changes: Any) -> None:
    """Saves the experiment with one system's result changed."""
    experiment = load_experiment(experiment_id, Workspace(workspace))
    systems = tuple(dataclasses.replace(one, **changes) if one.name == name else one for one in experiment.systems)
    save_experiment(dataclasses.replace(experiment, systems=systems), Workspace(workspace))


# without what is needed


def test_without_data_it_leads_to_loading(no_samples: None) -> None:
    app = open_costs(dataset="")
    assert "Nothing is loaded yet" in read(app.info) and list_buttons(app) == ["Load data"]


def test_without_an_experiment_it_leads_on(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small")
    app = open_costs()
    assert "No experiment has been run on small yet" in read(app.info) and not app.get("plotly_chart")


def test_without_labels_costs_are_shown_and_quality_is_not(workspace: Path) -> None:
    make_experiment(workspace, labels=False)
    app = open_costs()
    assert read(app.subheader).endswith("Without labels nobody knows which is better.")
    assert list(read_costs(app).columns) == ["one_time", "monthly", "per_1000", "first_year", "p95"]
    assert "nothing can be weighed" in read(open_costs(WORTH).info)
    assert "Nothing in this experiment can be trained" in read(open_costs(TRAINING).info)
    assert open_costs(LATENCY).get("plotly_chart")


def test_without_latency_costs_are_shown_and_say_what_is_assumed(workspace: Path) -> None:
    experiment = run_small_experiment(workspace)
    for name in experiment.ready:
        change(experiment.id, workspace, name, latency_ms=None)
    app = open_costs()
    assert read_costs(app)["p95"].isna().all() and (read_costs(app)["monthly"] > 0).all()
    assert "Latency was not measured" in read(app.markdown)
    for part in (WORTH, LATENCY):
        assert "Latency was not measured in this experiment" in read(open_costs(part).info)


def test_with_failed_systems_alone_it_names_them(workspace: Path) -> None:
    experiment = run_small_experiment(workspace)
    broken = SystemResult("own", {"name": "own"}, error="gone")
    nothing = dataclasses.replace(experiment, systems=(broken,), runs={}, per_query=experiment.per_query.iloc[:0])
    save_experiment(nothing, Workspace(workspace))
    app = open_costs()
    assert "No result: own. The page Results says why." in read(app.warning) and not app.dataframe


def test_a_cancelled_run_and_changed_data_are_told(workspace: Path) -> None:
    experiment = run_small_experiment(workspace)
    save_experiment(dataclasses.replace(experiment, status="cancelled"), Workspace(workspace))
    corpus = workspace / "datasets" / "small" / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace("five years", "six years"))
    app = open_costs()
    assert "This run was cancelled" in read(app.info)
    assert "The dataset changed since this run" in read(app.warning)
    assert "The documents have changed since this experiment" in read(app.markdown)


# what is expected, and what it costs


def test_headline_and_costs_say_what_the_sheets_say(measured: Experiment) -> None:
    # own: 2 vCPUs x 730 h x 0.045 = 65.70, and 2 h x 60 of upkeep
    app = open_costs()
    costs = read_costs(app)
    assert list(costs.index) == ["bm25", "dense", "dense-rerank"]
    assert costs.loc["bm25", "monthly"] == pytest.approx(185.70) and costs.loc["bm25", "one_time"] == 0
    assert costs.loc["bm25", "per_1000"] == pytest.approx(18.57)
    assert costs.loc["bm25", "n"] == 7 and (costs["low"] < costs["mean"]).all()
    assert read(app.subheader).startswith("bm25 costs about $186 a month for 10,000 queries")
    assert len(app.get("plotly_chart")) == 2
    text = read_html(app)
    assert "Own machine that answers queries, all month" in text
    assert "× 2 vCPUs × 730 hours a month × $0.045 / vCPU-hour" in text and "$65.70" in text
    used = app.dataframe[1].value
    assert list(used["item"]) == ["CPU, one vCPU, on demand", "Upkeep, an hour of somebody's time"]
    assert used["source"].all() and used["seen"].all()
    assert "Everything runs on your own machines." in read(app.markdown)


def test_an_expectation_changes_the_numbers_and_is_kept(measured: Experiment, workspace: Path) -> None:
    app = open_costs()
    app.radio(key="cost_deployment").set_value("api").run()
    app.select_slider(key="cost_queries_per_month").set_value(100_000.0).run()
    app.number_input(key="cost_documents").set_value(50_000).run()
    app.number_input(key="cost_growth_per_month").set_value(5.0).run()
    check(app.selectbox(key="cost_system").set_value("dense-rerank").run())
    # 100,000 searches x 2 / 1,000
    assert "Rerank the first 50 hits" in read_html(app) and "$200.00" in read_html(app)
    dear, kept = read_costs(app), read_kept(workspace)
    assert (kept.deployment, kept.queries_per_month, kept.documents) == ("api", 100_000, 50_000)
    assert kept.growth_per_month == 0.05

    again = open_costs()  # another browser
    pd.testing.assert_frame_equal(read_costs(again), dear)
    assert again.number_input(key="cost_growth_per_month").value == 5.0
    press(again, "Back to the defaults")
    assert read_costs(again).loc["bm25", "monthly"] == pytest.approx(185.70)
    assert find_button(again, "Back to the defaults").disabled


def test_what_is_bought_is_chosen_from_the_table(measured: Experiment, workspace: Path) -> None:
    app = open_costs()
    shown = {box.key for box in app.selectbox}
    assert not shown & {"cost_embedding", "cost_rerank", "cost_vector_store"}  # nothing is bought
    app.radio(key="cost_deployment").set_value("mixed").run()
    assert "cost_vector_store" not in {box.key for box in app.selectbox}
    app.selectbox(key="cost_rerank").set_value("voyage-rerank-2.5").run()
    app.radio(key="cost_deployment").set_value("api").run()
    app.selectbox(key="cost_vector_store").set_value("chroma").run()
    app.selectbox(key="cost_gpu").set_value("gpu-l4").run()
    check(app.number_input(key="cost_gpu_speedup").set_value(8.0).run())
    kept = read_kept(workspace)
    assert (kept.rerank, kept.vector_store, kept.gpu) == ("voyage-rerank-2.5", "chroma", "gpu-l4")
    assert kept.gpu_speedup == 8.0


def test_another_volume_than_the_sliders_stands_on_it(measured: Experiment, workspace: Path) -> None:
    save_scenario(Scenario(documents=12, queries_per_month=12_345), "small", Workspace(workspace))
    app = open_costs()
    assert app.select_slider(key="cost_queries_per_month").value == 12_345
    assert "for 12,345 queries" in read(app.subheader)


def test_a_broken_scenario_is_told_and_can_be_dropped(measured: Experiment, workspace: Path) -> None:
    save_scenario(Scenario(), "small", Workspace(workspace))
    (workspace / "scenarios" / "small.json").write_text("{", encoding="utf-8")
    app = open_costs()
    assert "delete it to begin with the default scenario" in read(app.error)
    press(app, "Back to the defaults")
    assert not app.error and len(read_costs(app)) == 3


def test_a_price_that_is_gone_is_told_beside_the_form(measured: Experiment, workspace: Path) -> None:
    save_scenario(Scenario(documents=12, deployment="api", embedding="gone"), "small", Workspace(workspace))
    app = open_costs()
    assert "there is no price 'gone' of the kind embedding" in read(app.error)
    check(app.selectbox(key="cost_embedding").set_value("voyage-4").run())
    assert not app.error and len(read_costs(app)) == 3


# is it worth it


def test_both_fronts_and_the_limits(measured: Experiment) -> None:
    app = open_costs(WORTH)
    assert len(app.get("plotly_chart")) == 2
    assert "No other system both scores higher on nDCG@10 and is cheaper than bm25" in read(app.caption)
    assert find_button(app, RECOMMEND).disabled
    app.number_input(key="cost_limit_usd").set_value(1.0).run()
    assert "Over the limit: bm25, dense, dense-rerank." in read(app.caption)
    app.number_input(key="cost_limit_usd").set_value(1000.0).run()
    assert "All systems keep the limit." in read(app.caption)
    check(app.segmented_control(key="cost_span").set_value("First year").run())
    assert len(app.get("plotly_chart")) == 2


def test_limits_reach_the_recommendation(measured: Experiment, assessed: list[tuple[str, Goals]]) -> None:
    app = open_costs(WORTH)
    app.select_slider(key="cost_queries_per_month").set_value(50_000.0).run()
    app.number_input(key="cost_limit_usd").set_value(300.0).run()
    app.number_input(key="cost_limit_ms").set_value(250.0).run()
    press(app, RECOMMEND)
    ((dataset, goals),) = assessed
    assert (dataset, goals.max_monthly_usd, goals.max_latency_ms) == ("small", 300.0, 250.0)
    assert goals.scenario is not None and goals.scenario.queries_per_month == 50_000
    assert "Open Recommendation" in list_buttons(app)


def test_the_newest_goals_are_kept(
    measured: Experiment, monkeypatch: pytest.MonkeyPatch, assessed: list[tuple[str, Goals]]
) -> None:
    before = Goals(min_gain=0.05, facts_change="weekly", max_latency_ms=80.0, target=("Success@5", 0.9))
    monkeypatch.setattr("pages.parts.cost_latency.costs.find_goals", lambda dataset: before)
    app = open_costs(WORTH)
    assert app.number_input(key="cost_limit_ms").value == 80.0
    app.number_input(key="cost_limit_usd").set_value(40.0).run()
    press(app, RECOMMEND)
    ((_, goals),) = assessed
    assert dataclasses.replace(goals, scenario=None, max_monthly_usd=None) == before and goals.max_monthly_usd == 40.0


def test_a_running_recommendation_is_pointed_to(measured: Experiment, workspace: Path) -> None:
    job = Job(id="99990101-000000-aaaa", title="t", dataset="small", split="test", systems=(), kind=ASSESS, state=RUNNING)
    write_job(job, Workspace(workspace))
    assert "the page Recommendation shows it" in read(open_costs(WORTH).caption)


# when does training pay off


def last_answer(app: AppTest) -> str:
    return read(app.subheader).splitlines()[-1]


def test_if_it_were_fine_tuned(measured: Experiment) -> None:
    app = open_costs(TRAINING)
    assert find_box(app, "System with training").options == [
        "dense, if it were fine-tuned", "dense-rerank, if it were fine-tuned",
    ]  # fmt: skip
    assert last_answer(app).startswith("It never pays off")  # on own machines training only adds: labels, upkeep, trainings
    assert "does not become cheaper than" in read(app.markdown)
    assert "Training asks for $960" in read(app.caption)
    check(app.segmented_control(key="cost_kind_adapter_embedding").set_value("embedding").run())
    assert len(app.get("plotly_chart")) == 1


def test_it_pays_off_against_bought_reranking(measured: Experiment, workspace: Path) -> None:
    # reranking costs 100,000 x 2 / 1,000 = 200 a month; 16 hours of labelling cost 960, and the trained model 65.70 for a
    # machine and 120 of upkeep a month more: 960 / (200 - 65.70 - 120) is more than five years, twice the queries bring it near
    kept = Scenario(documents=12, deployment="api", queries_per_month=200_000, retrainings_per_year=0, growth_per_month=0)
    save_scenario(kept, "small", Workspace(workspace))
    app = open_costs(TRAINING)
    check(find_box(app, "System with training").set_value("dense").run())
    check(find_box(app, "Against").set_value("dense-rerank").run())
    found = re.fullmatch(r"It pays off after (\d+) months\.", last_answer(app))
    # 960 / (400 - 65.70 - 120) = 4.5, and the vector store on the other side pays a part of the machine
    assert found is not None and 3 <= int(found[1]) <= 6
    assert f"after {found[1]} months" in read(app.markdown) and "saves $" in read(app.caption)


def test_at_once_where_training_asks_for_nothing(measured: Experiment, workspace: Path) -> None:
    free = Scenario(
        documents=12, deployment="api", queries_per_month=1_000_000, label_hours=0, trained_upkeep_hours_per_month=0,
    )  # fmt: skip
    save_scenario(free, "small", Workspace(workspace))
    rows = (dataclasses.replace(row, price_usd=0.0) if row.id == "cpu" else row for row in read_shipped().prices)
    write_prices(PriceTable(tuple(rows)), Workspace(workspace))
    app = open_costs(TRAINING)
    check(app.segmented_control(key="cost_kind_adapter_embedding").set_value("embedding").run())
    check(find_box(app, "Against").set_value("dense-rerank").run())
    assert last_answer(app) == "It pays off at once."


def test_a_trained_system_is_held_against_its_equals(measured: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    known = cost_overview.open_facts

    def open_facts(*args: Any) -> dict[str, SystemFacts]:
        facts = known(*args)
        return {**facts, "dense": dataclasses.replace(facts["dense"], trained=("embedding",), training_seconds=60.0)}

    monkeypatch.setattr(cost_overview, "open_facts", open_facts)
    app = open_costs(TRAINING)
    assert find_box(app, "System with training").value == "dense"
    means = {one.name: one.measures["nDCG@10"]["mean"] for one in measured.systems}
    equal = [name for name in ("bm25", "dense-rerank") if means[name] >= means["dense"] - 0.02]
    assert equal and find_box(app, "Against").value in equal
    assert "so either could stand for the other" in read(app.caption)
    for other in {"bm25", "dense-rerank"} - set(equal):
        check(find_box(app, "Against").set_value(other).run())
        assert f"{other} is not as good" in read(app.caption)
    assert last_answer(app).startswith("It never pays off")


# how fast is it


def test_stages_name_the_machine_and_what_is_shared(measured: Experiment) -> None:
    app = open_costs(LATENCY)
    text = read(app.caption)
    assert f"{describe_machine()['cores']} core" in text
    assert "Embed query, search vectors: dense and dense-rerank." in text
    steps = tabulate_steps({one.name: one.latency_ms or {} for one in measured.systems}).set_index(["system", "step"])
    assert steps.loc[("dense", "embed query"), "shared"] and not steps.loc[("dense-rerank", "rerank"), "shared"]
    assert MEASURE in list_buttons(app)


def test_older_experiments_know_stages_alone(measured: Experiment, workspace: Path) -> None:
    for one in measured.systems:
        told = {name: value for name, value in (one.latency_ms or {}).items() if name not in ("nodes", "machine")}
        change(measured.id, workspace, one.name, latency_ms=told)
    app = open_costs(LATENCY)
    assert "a machine that was not noted" in read(app.caption) and "Hatched" not in read(app.caption)
    assert describe_shared({"dense": {"stages": {"EmbedQueries": 1.0}}}) == ""


def test_measuring_is_asked_of_the_runner(measured: Experiment, scaled: list[tuple[str, list[str]]]) -> None:
    press(open_costs(LATENCY), MEASURE)
    assert scaled == [("small", ["bm25", "dense", "dense-rerank"])]


def write_scaling_job(workspace: Path, **changes: Any) -> Job:
    job = Job(
        id="99990101-000000-aaaa", title="small, latency at several sizes", dataset="small", split="all", systems=(),
        kind=SCALING, label="timing one query at a time", progress=0.4,
    )  # fmt: skip
    job = dataclasses.replace(job, **changes)
    write_job(job, Workspace(workspace))
    return job


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        (FAILED, "error", "The last measurement failed. 2 documents give"),
        (CANCELLED, "info", "The last measurement was cancelled"),
    ],
)
def test_what_became_of_the_measurement(measured: Experiment, workspace: Path, state: str, kind: str, words: str) -> None:
    write_scaling_job(workspace, state=state, error="2 documents give no three sizes" if state == FAILED else None)
    assert words in read(getattr(open_costs(LATENCY), kind))


def test_a_running_measurement_is_followed_and_can_be_cancelled(measured: Experiment, workspace: Path) -> None:
    job = write_scaling_job(workspace, state=RUNNING)
    app = open_costs(LATENCY)
    assert "small, latency at several sizes" in read(app.markdown) and MEASURE not in list_buttons(app)
    check(app.button(key=f"latency_cancel_{job.id}").click().run())
    assert (workspace / "jobs" / f"{job.id}.cancel").exists()


def make_scaling(experiment: Experiment, fingerprint: str) -> Scaling:
    """Embedding takes 10 ms at every size, the search 1 ms a document."""

    def make(one: SystemResult) -> SystemScaling:
        points = tuple(
            Point(size, 0, 10.0 + size, 12.0 + size, 10, {"EmbedQueries": 10.0, "RetrieveLexical": float(size)})
            for size in (3, 6, 12)
        )
        spec = {name: value for name, value in one.spec.items() if name not in ("name", "description")}
        return SystemScaling(spec=spec, reranker=None, sizes=points)

    return Scaling(fingerprint, describe_machine(), {one.name: make(one) for one in experiment.systems})


def test_estimates_of_another_size(measured: Experiment, workspace: Path) -> None:
    store = Workspace(workspace)
    save_scaling(make_scaling(measured, open_dataset("small", store).corpus_fingerprint), store)
    app = open_costs(LATENCY)
    slider = next(one for one in app.select_slider if one.label == "Documents")
    assert [int(option.replace(",", "")) for option in slider.options] == [12 * n for n in (1, 2, 3, 5, 10, 20, 30, 50, 100)]
    assert slider.value == 120
    table = app.dataframe[-1].value.set_index("system")
    assert table.loc["bm25", "p50"] == pytest.approx(130) and not table["far"].any()  # 10 + 1 x 120
    check(slider.set_value(1200).run())
    table = app.dataframe[-1].value.set_index("system")
    assert table.loc["bm25", "p50"] == pytest.approx(1210) and table["far"].all()
    assert "More than ten times what was measured (here 12 documents)" in read(app.warning)
    assert len(app.get("plotly_chart")) == 2 and "Measure again" in list_buttons(app)


# prices


def test_an_edited_price_changes_the_numbers(measured: Experiment, workspace: Path) -> None:
    frame = read_shipped().to_frame()
    frame.loc[frame["id"] == "cpu", "price_usd"] = 0.09
    write_prices(PriceTable.from_frame(frame), Workspace(workspace))
    assert read_costs(open_costs()).loc["bm25", "monthly"] == pytest.approx(2 * 65.70 + 120)
    press(open_costs(PRICES), "Back to the shipped prices")
    assert read_prices(Workspace(workspace)) == read_shipped()
    assert read_costs(open_costs()).loc["bm25", "monthly"] == pytest.approx(185.70)


def edit_prices(monkeypatch: pytest.MonkeyPatch, **cells: Any) -> None:
    """As if these cells of the first row were typed into the editor (which AppTest cannot)."""

    def edit(prices: PriceTable) -> pd.DataFrame:
        frame = prices.to_frame().astype(object)
        for name, value in cells.items():
            frame.loc[0, name] = value
        return frame

    monkeypatch.setattr(cost_prices, "_edit", edit)


def test_prices_are_saved_by_their_button(measured: Experiment, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_prices(monkeypatch, price_usd=0.5, source="the invoice")
    app = open_costs(PRICES)
    assert "Not saved yet" in read(app.caption)
    press(app, "Save prices")
    row = read_prices(Workspace(workspace)).get("openai-3-small")
    assert (row.price_usd, row.source) == (0.5, "the invoice")
    assert "The prices are saved" in read(app.success)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"price_usd": -1.0}, "price table, line 1: openai-3-small has the price '-1.0'; write a number of US dollars"),
        ({"seen": "soon"}, "openai-3-small was seen 'soon'; write a date"),
        ({"unit": "hour"}, "openai-3-small has the unit 'hour'"),
        ({"price_usd": HOSTILE}, "openai-3-small has the price "),
    ],
)
def test_a_bad_price_is_told_in_a_sentence(
    measured: Experiment, monkeypatch: pytest.MonkeyPatch, cells: dict[str, Any], sentence: str
) -> None:
    edit_prices(monkeypatch, **cells)
    app = open_costs(PRICES)
    assert sentence in read(app.error) and not re.search(r"(?<!\\)<img", app.error[0].value)
    assert find_button(app, "Save prices").disabled


def test_a_price_file_that_cannot_be_read_can_be_put_back(measured: Experiment, workspace: Path) -> None:
    (workspace / "prices.csv").write_text("id,price\nx,1\n", encoding="utf-8")
    app = open_costs()
    assert "has no column item" in read(app.error)
    press(app, "Back to the shipped prices")
    assert not app.error and len(read_costs(app)) == 3


# text from data


def test_hostile_names_are_shown_as_text(workspace: Path) -> None:
    experiment = run_small_experiment(workspace)
    renamed = tuple(
        dataclasses.replace(one, name=HOSTILE, spec={**one.spec, "name": HOSTILE}) if one.name == "bm25" else one
        for one in experiment.systems
    )
    runs = {HOSTILE if name == "bm25" else name: run for name, run in experiment.runs.items()}
    values = experiment.per_query.assign(system=experiment.per_query["system"].replace("bm25", HOSTILE))
    hostile = dataclasses.replace(experiment, systems=renamed, runs=runs, per_query=values)
    save_experiment(hostile, Workspace(workspace))
    for part in PARTS:
        app = open_costs(part)
        kinds = ("markdown", "caption", "subheader", "warning", "info")
        shown = [str(element.value) for kind in kinds for element in getattr(app, kind)]
        assert any(HOSTILE[:9] in text.replace("\\", "") for text in shown)
        assert not [text for text in shown if re.search(r"(?<!\\)<img|(?<!\\)!\[|(?<!\\):red", text)]
        assert "<img" not in " ".join(element.proto.body for element in app.get("html"))


def test_charts_never_carry_markup_from_names(measured: Experiment) -> None:
    rows = pd.DataFrame({"system": ["dense", HOSTILE], "quality": [0.5, 0.6], "low": 0.4, "high": 0.7, "price": [3.0, 400.0]})
    steps = pd.DataFrame([(HOSTILE, "embed query", 3.0, True)], columns=["system", "step", "ms", "shared"])
    scaling = make_scaling(measured, "x")
    odd = dataclasses.replace(scaling, systems={HOSTILE: scaling.systems["bm25"]})
    estimates = pd.DataFrame([{"system": HOSTILE, "documents": 500, **odd.estimate(HOSTILE, documents=500)}])
    figures = [
        draw_groups({HOSTILE: {"people": 3.0}}, title="USD"),
        draw_front(rows, price="price", front=["dense", HOSTILE], title="USD", measure="AP", limit=5.0, money=True),
        draw_steps(steps, {HOSTILE: "p95"}),
        draw_growth(odd, estimates, dimensions=None, depth=None),
    ]
    for figure in figures:
        for trace in figure.data:
            trace.legendgroup = None  # only compared, never shown
        text = figure.to_json()
        assert "img" in text and "<img" not in text and "\\u003cimg" not in text


def test_names_of_near_points_stay_in_the_chart_and_apart() -> None:
    places = place_names([(0.95, 0.5), (0.05, 0.5)], ["hybrid-rerank", "dense"])
    assert places[0] == "middle left" and places[1] != "middle left"
    assert len(set(place_names([(0.5, 0.5), (0.5, 0.5)], ["dense", "dense-filtered"]))) == 2


def test_results_lead_here(measured: Experiment) -> None:
    app = open_page("results", dataset="small", question="Is it worth its latency?")
    assert "What it costs, stage by stage" in list_buttons(app)


def test_goals_are_the_newest_recommendations(workspace: Path) -> None:
    _, assessment = make_assessment(workspace)
    assessment = dataclasses.replace(assessment, goals=Goals(max_latency_ms=5000.0))
    save_assessment(assessment, Workspace(workspace))
    assert find_goals("labelled") == assessment.goals
    assert find_goals("none") == Goals()
    app = open_costs(WORTH, dataset="labelled")
    assert app.number_input(key="cost_limit_ms").value == 5000.0
    assert "Reckon costs and latency" in list_buttons(open_page("recommendation", dataset="labelled"))


def test_names_that_begin_alike_stay_apart_in_charts() -> None:
    long = "hybrid-w50-chunks64-filtered-inferred"
    names = [long, f"{long}-adapter", f"{long}-adapter-rerank", "bm25", HOSTILE]
    short = shorten_apart(names, width=26)
    assert list(short) == names and len(set(short.values())) == len(names)
    assert short["bm25"] == "bm25" and short[long].endswith("-inferred") and all(len(name) <= 26 for name in short.values())
    twins = shorten_apart(["a" * 60, "a" * 61, "a" * 62], width=20)
    assert len(set(twins.values())) == 3, "what a cut cannot tell apart is numbered"
    bars = draw_groups({name: {"people": 1.0} for name in names}, title="USD").data[0]
    assert len(set(bars.y)) == len(names), "a bar for each"
    steps = pd.DataFrame([(name, "filter", 1.0, False) for name in names], columns=["system", "step", "ms", "shared"])
    assert len(set(draw_steps(steps, dict.fromkeys(names, "p95")).data[0].y)) == len(names)
