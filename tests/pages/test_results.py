"""The page Results in all its states; its tables and charts as arithmetic."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest

from core.data.load import load_dataset
from core.experiment.history import save_experiment
from core.experiment.result import Experiment, SystemResult
from core.jobs.state import FAILED, RUNNING, Job, write_job
from core.workspace import Workspace
from pages.shared.frame.state import View
from pages.shared.show import charts, tables
from tests.support.pages import open_page, read
from tests.support.small import HOSTILE, make_experiment, run_small_experiment, write_small_dataset

ROW_HEIGHT = 35  # of a Streamlit table, in pixels
CURE = "The model no-such-model cannot be had. Give its folder, or choose another model."


def add_systems(experiment: Experiment, workspace: Path, *systems: SystemResult, status: str = "done") -> None:
    changed = dataclasses.replace(experiment, systems=(*experiment.systems, *systems), status=status)
    save_experiment(changed, Workspace(workspace))


def write_running_job(experiment_id: str, workspace: Path, *, systems: tuple[str, ...], state: str = RUNNING) -> None:
    job = Job(
        id=experiment_id,
        title="Small test",
        dataset="small",
        split="all",
        systems=tuple({"name": name} for name in systems),
        state=state,
        label="embedding 180 of 310 chunks",
        seconds_left=20.0,
        error="The folder small is gone." if state == FAILED else None,
    )
    write_job(job, Workspace(workspace))


def test_without_an_experiment_the_page_leads_on(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small")
    app = open_page("results", dataset="small")
    assert "No experiment has been run on small yet" in read(app.info)
    assert "Choose systems" in [button.label for button in app.button]
    assert not app.dataframe


def test_headline_and_leaderboard_say_what_was_measured(workspace: Path) -> None:
    # bm25 finds 6 of 7 answers, one at rank 2: nDCG (5 + 1 / log2(3)) / 7 = .804; with filters 5 of 7, all first: .714.
    make_experiment(workspace)
    app = open_page("results", dataset="small")
    assert read(app.subheader) == "The answer is among the first five for 6 of 7 queries with bm25."
    told = "bm25 scores highest on nDCG@10: 0.804. These 7 queries cannot tell bm25 from bm25-filtered on nDCG@10: +0.090 ("
    assert told in read(app.markdown)
    assert "Split all: 7 of 8 queries are measured; 1 left out (1 unjudged)." in read(app.caption)
    board = app.dataframe[0].value
    assert list(board.columns) == ["system", "hit", "mean", "delta", "low", "high", "p95", "n"]
    assert list(board["system"]) == ["bm25", "bm25-filtered"]
    assert board["mean"].tolist() == pytest.approx([5.63093 / 7, 5 / 7], abs=1e-5)
    assert board["delta"].tolist() == pytest.approx([0, (5 - 5.63093) / 7], abs=1e-5)
    assert board["low"].iloc[1] < board["delta"].iloc[1] < board["high"].iloc[1]
    assert board["n"].tolist() == [7, 7]


def test_baseline_in_the_link_is_compared_with(workspace: Path) -> None:
    make_experiment(workspace)
    app = open_page("results", dataset="small", baseline="bm25-filtered")
    assert read(app.subheader).endswith("6 of 7 queries with bm25; with bm25-filtered for 5.")
    told = read(app.markdown)
    assert told.count("These 7 queries cannot tell bm25 from bm25-filtered on nDCG@10: +0.090") == 1, "nor is it said twice"
    assert "In brackets: the 95 % interval, wide enough for all that is compared here at once." in told
    unknown = open_page("results", dataset="small", baseline="no-such")
    assert "The system no-such has no result here" in read(unknown.warning)
    assert unknown.subheader


def test_measure_that_is_the_hit_rate_stands_once(workspace: Path) -> None:
    make_experiment(workspace)
    board = open_page("results", dataset="small", measure="answer_success@5").dataframe[0].value
    assert list(board.columns) == ["system", "hit", "delta", "low", "high", "p95", "n"]


@pytest.mark.parametrize(
    "question", ["How deep do you have to look?", "Where do two systems differ?", "Is it worth its latency?"]
)
def test_every_question_has_its_chart(workspace: Path, question: str) -> None:
    make_experiment(workspace)
    app = open_page("results", dataset="small", question=question)
    assert len(app.get("plotly_chart")) == 1


def test_one_system_is_shown_without_comparison(workspace: Path) -> None:
    make_experiment(workspace, systems=("bm25",))
    app = open_page("results", dataset="small", question="Where do two systems differ?")
    assert read(app.subheader).endswith("6 of 7 queries with bm25.")
    assert "Two systems with results are needed" in read(app.info)
    assert len(open_page("results", dataset="small").get("plotly_chart")) == 1


def test_more_measures_are_computed_when_opened(workspace: Path) -> None:
    make_experiment(workspace)
    app = open_page("results", dataset="small")
    assert len(app.dataframe) == 1
    app.session_state["more_measures"] = True
    app.run()
    measures, facts, stages = (table.value for table in app.dataframe[1:])
    assert measures.set_index("Measure").loc["Success@1", "bm25"].startswith("0.714 (")
    assert facts.set_index("System").loc["bm25", "Chunks"] == 12
    assert {"read words", "search words", "filter"} <= set(stages.columns)


def test_failed_system_keeps_its_row_and_says_the_cure(workspace: Path) -> None:
    add_systems(run_small_experiment(workspace), workspace, SystemResult("own-model", {"name": "own-model"}, error=CURE))
    app = open_page("results", dataset="small")
    assert app.dataframe[0].value["system"].tolist()[-1] == "own-model (no result)"
    assert f"No result: **own-model**. {CURE}" in read(app.warning)
    assert "6 of 7" in read(app.subheader)


def test_only_failed_systems_show_cures_and_no_chart(workspace: Path) -> None:
    experiment = run_small_experiment(workspace)
    nothing = dataclasses.replace(experiment, systems=(), runs={}, per_query=experiment.per_query.iloc[:0])
    add_systems(nothing, workspace, SystemResult("own-model", {"name": "own-model"}, error=CURE))
    app = open_page("results", dataset="small")
    assert CURE in read(app.warning)
    assert not app.dataframe and not app.get("plotly_chart")


def test_running_experiment_shows_ready_systems_and_what_others_wait_for(workspace: Path) -> None:
    experiment = run_small_experiment(workspace)
    add_systems(experiment, workspace, status="running")
    write_running_job(experiment.id, workspace, systems=("bm25", "bm25-filtered", "dense", "hybrid-rrf"))
    app = open_page("results", dataset="small")
    assert app.dataframe[0].value["system"].tolist()[2:] == ["dense (waiting)", "hybrid-rrf (waiting)"]
    assert "Waiting: dense, hybrid-rrf" in read(app.info)
    assert "embedding 180 of 310 chunks, 20 s left" in read(app.info)
    assert "6 of 7" in read(app.subheader)


def test_run_without_its_job_was_interrupted(workspace: Path) -> None:
    add_systems(run_small_experiment(workspace), workspace, status="running")
    assert "This run was interrupted" in read(open_page("results", dataset="small").info)


def test_first_run_waits_with_the_jobs_label(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small")
    write_running_job("20260101-000000-aaaa", workspace, systems=("bm25", "dense"))
    app = open_page("results", dataset="small")
    assert "Waiting: bm25, dense" in read(app.info)
    assert not app.get("plotly_chart")


def test_first_assessment_is_followed_though_its_systems_are_not_known(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small")
    write_running_job("20260101-000000-aaaa", workspace, systems=())
    text = read(open_page("results", dataset="small").info)
    assert "Small test: embedding 180 of 310 chunks, 20 s left" in text and "Waiting" not in text


def test_failed_first_run_says_why(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small")
    write_running_job("20260101-000000-aaaa", workspace, systems=("bm25",), state=FAILED)
    assert "The last run did not finish. The folder small is gone." in read(open_page("results", dataset="small").error)


def test_cancelled_run_says_so(workspace: Path) -> None:
    add_systems(run_small_experiment(workspace), workspace, status="cancelled")
    assert "This run was cancelled" in read(open_page("results", dataset="small").info)


def test_changed_data_is_announced(workspace: Path) -> None:
    make_experiment(workspace)
    assert "changed since this run" not in read(open_page("results", dataset="small").warning)
    corpus = workspace / "datasets" / "small" / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace("five years", "six years"))
    assert "The dataset changed since this run" in read(open_page("results", dataset="small").warning)


def test_without_labels_agreement_is_shown_and_a_template_offered(workspace: Path) -> None:
    make_experiment(workspace, labels=False)
    app = open_page("results", dataset="small")
    assert "No labels yet: compare hits by eye; add qrels or evidence to measure." in read(app.info)
    assert app.get("download_button")
    agreement, least = (table.value for table in app.dataframe)
    assert agreement["bm25"].tolist()[0] == 100 and 0 < agreement["bm25-filtered"].tolist()[0] < 100
    assert least["query_id"].iloc[0] == "q-mail"  # its filter leaves out everything that words find
    assert not app.get("plotly_chart")


def test_unknown_experiment_in_the_link_is_named(workspace: Path) -> None:
    make_experiment(workspace)
    app = open_page("results", dataset="small", experiment="20200101-000000-none")
    assert "This experiment is not here: 20200101-000000-none" in read(app.warning)
    assert app.subheader


def test_uneven_labels_are_pointed_out(workspace: Path) -> None:
    experiment = run_small_experiment(workspace)
    first, second = (dataclasses.replace(system, judged_at_10=0.70) for system in experiment.systems)
    near = dataclasses.replace(second, judged_at_10=0.66)
    assert tables.describe_judged(dataclasses.replace(experiment, systems=(first, near))) is None
    far = dataclasses.replace(second, judged_at_10=0.40)
    save_experiment(dataclasses.replace(experiment, systems=(first, far)), Workspace(workspace))
    assert "70% are judged for bm25, but 40% for bm25-filtered" in read(open_page("results", dataset="small").info)


def test_hostile_names_are_shown_as_text(workspace: Path) -> None:
    add_systems(run_small_experiment(workspace), workspace, SystemResult(HOSTILE, {"name": HOSTILE}, error=f"Bad: {HOSTILE}"))
    (warning,) = [w.value for w in open_page("results", dataset="small").warning if "Bad" in w.value]
    shown = warning.removeprefix("No result: ")
    assert re.search(r"(?<!\\)[<\[\]($:!]", shown) is None
    assert HOSTILE in shown.replace("\\", "").replace("\u2060", "")  # the joiner keeps addresses from becoming links


def make_run(**hits: str) -> pd.DataFrame:
    """A run from query=documents in order, one letter each."""
    rows = [(query, doc, doc, -rank, rank) for query, docs in hits.items() for rank, doc in enumerate(docs, start=1)]
    return pd.DataFrame(rows, columns=["query_id", "chunk_id", "doc_id", "score", "rank"])


def test_shared_hits_are_counted_against_the_longer_list() -> None:
    runs = {"one": make_run(q1="abcd", q2="ab"), "two": make_run(q1="dxyz", q2="ab"), "three": make_run(q1="ab")}
    shared = tables.share_hits(runs, ["q1", "q2", "q3"]).set_index(["query_id", "first", "second"])["shared"]
    assert shared["q1", "one", "two"] == 1 / 4
    assert shared["q2", "one", "two"] == 1
    assert shared["q1", "one", "three"] == 2 / 4
    assert shared["q2", "one", "three"] == 0  # one list is empty
    assert shared["q3", "one", "two"] == 1  # both are
    assert tables.share_hits(runs, ["q1"], depth=2)["shared"].tolist()[:2] == [0, 1]
    table = tables.make_agreement(tables.share_hits(runs, ["q1", "q2"]), list(runs)).set_index("System")
    assert table.loc["one", "two"] == table.loc["two", "one"] == (1 / 4 + 1) / 2
    assert table.loc["two", "two"] == 1


def test_front_leaves_out_what_a_faster_system_matches() -> None:
    rows = pd.DataFrame({"system": list("abcd"), "mean": [0.4, 0.3, 0.4, 0.6], "milliseconds": [2.0, 1.0, 5.0, 9.0]})
    assert charts.find_front(rows)["system"].tolist() == ["b", "a", "d"]


def test_bars_are_sorted_and_cut_at_the_smallest() -> None:
    deltas = pd.DataFrame({"query_id": list("abcde"), "delta": [0.1, -0.5, 0.0, 0.3, -0.1]})
    assert charts.choose_bars(deltas)["query_id"].tolist() == ["d", "a", "e", "b"]
    assert charts.choose_bars(deltas, most=2)["query_id"].tolist() == ["d", "b"]


def test_charts_never_carry_markup_from_names() -> None:
    rows = pd.DataFrame({"system": ["dense", HOSTILE], "mean": [0.5, 0.6], "low": [0.5, 0.5], "high": [0.5, 0.7]})
    rows["milliseconds"] = [3.0, 4.0]
    curve = pd.DataFrame({"system": [HOSTILE, HOSTILE], "depth": [1, 10], "recall": [0.1, 0.5]})
    bars = pd.DataFrame({"query_id": ["q"], "text": [HOSTILE], "first": [1.0], "second": [0.0], "delta": [1.0]})
    figures = [
        charts.draw_ranking(rows, measure="nDCG@10", baseline="dense"),
        charts.draw_latency(rows, measure="nDCG@10"),
        charts.draw_recall(curve),
        charts.draw_differences(bars, first=HOSTILE, second="dense", measure="nDCG@10"),
    ]
    for figure in figures:
        text = figure.to_json()
        assert "img" in text
        assert "<img" not in text and "\\u003cimg" not in text


def test_labels_of_near_points_go_to_different_sides() -> None:
    rows = pd.DataFrame({"system": ["dense", "dense-filtered"], "mean": [0.4, 0.4], "milliseconds": [5.0, 5.0]})
    assert len(set(charts.place_labels(rows))) == 2


def rename_to_dense(experiment: Experiment, name: str) -> Experiment:
    """The experiment as if one of its systems were the baseline."""
    systems = tuple(dataclasses.replace(s, name="dense") if s.name == name else s for s in experiment.systems)
    runs = {("dense" if key == name else key): run for key, run in experiment.runs.items()}
    per_query = experiment.per_query.assign(system=experiment.per_query["system"].replace(name, "dense"))
    return dataclasses.replace(experiment, systems=systems, runs=runs, per_query=per_query)


def test_the_baseline_moves_to_dense_when_it_becomes_ready_unless_someone_chose(workspace: Path) -> None:
    both = rename_to_dense(run_small_experiment(workspace), "bm25-filtered")
    first = dataclasses.replace(
        both, systems=both.systems[:1], runs={"bm25": both.runs["bm25"]}, per_query=both.per_query.query("system == 'bm25'")
    )
    store = Workspace(workspace)
    save_experiment(first, store)
    watching, chosen = open_page("results", dataset="small"), open_page("results", dataset="small", baseline="bm25")
    assert watching.selectbox(key="baseline").value == "bm25"
    save_experiment(both, store)
    for app, expected in ((watching, "dense"), (chosen, "bm25")):
        del app.session_state["_frame_ran"]
        app.run()
        assert not app.exception
        assert app.selectbox(key="baseline").value == expected
    assert "baseline" not in watching.query_params
    assert read(watching.subheader).endswith("with bm25; with dense for 5.")


def test_the_headline_counts_for_the_system_with_most_hits(workspace: Path) -> None:
    """bm25 has the answer among the first five 6 times, bm25-filtered 5 times; whoever leads on another measure."""
    experiment = run_small_experiment(workspace)
    view = View("small", experiment, "all", "nDCG@10", {})
    assert tables.describe_best(view, leader="bm25-filtered", baseline="bm25-filtered").endswith(
        "for 6 of 7 queries with bm25; with bm25-filtered for 5."
    )


def test_what_filtered_systems_are_told_is_said(workspace: Path) -> None:
    make_experiment(workspace)
    words = "bm25-filtered searches only what matches the query's own filter, which"
    assert words in read(open_page("results", dataset="small").caption)
    make_experiment(workspace, systems=("bm25",), dataset="plain")
    assert words not in read(open_page("results", dataset="plain").caption)


def test_another_dataset_brings_no_warning_about_the_old_experiment(workspace: Path) -> None:
    make_experiment(workspace)
    make_experiment(workspace, systems=("bm25",), dataset="other")
    app = open_page("results", dataset="small")
    app.selectbox(key="dataset").set_value("other")
    del app.session_state["_frame_ran"]
    app.run()
    assert not app.exception
    assert "is not here" not in read(app.warning)
    assert "on other" in read(app.caption)


def test_what_filtered_systems_are_given_or_read(workspace: Path) -> None:
    experiment = run_small_experiment(workspace)
    dataset = load_dataset(workspace / "datasets" / "small", name="small")
    view = View("small", experiment, split="all", measure="nDCG@10", unknown={})
    given = "bm25-filtered searches only what matches the query's own filter, which 3 of 8 queries carry; "
    told = f"{given}the other systems are not told it."

    def describe(**specs: dict[str, object]) -> str:
        kept = [dataclasses.replace(experiment.systems[0], name=name, spec=spec) for name, spec in specs.items()]
        runs = {**experiment.runs, **dict.fromkeys(specs, experiment.runs["bm25"])}
        changed = dataclasses.replace(experiment, systems=(*experiment.systems, *kept), runs=runs)
        return tables.describe_filtered(changed, dataset, dataclasses.replace(view, experiment=changed))

    assert describe() == told
    fields = {"infer_filters": ["product", "version"]}
    assert describe(one=fields) == f"{told} one reads a filter off the text of the query, where it names a product or version."
    both = describe(one={**fields, "filter": True}, two={**fields, "filter": True})
    assert both.endswith("one, two read a filter off the text of queries without one, where it names a product or version.")
