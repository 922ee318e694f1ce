"""The page Queries in all its states; lists, tables, cards and lines as arithmetic."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.experiment.history import save_experiment
from core.experiment.result import Experiment, SystemResult
from core.workspace import Workspace
from pages.parts.queries import disagreement, query_table, rank_table, slope
from pages.shared.show import cards
from pages.shared.show.conditions import describe_conditions
from tests.support.pages import open_page, read
from tests.support.small import (
    FILTER_HELPS_QUERY,
    FILTERED_AWAY_QUERY,
    HOSTILE,
    HOSTILE_QUERY,
    MISSED_QUERY,
    UNLABELLED_QUERY,
    run_small_experiment,
    write_small_dataset,
)

CURE = "The model no-such-model cannot be had. Give its folder, or choose another model."


def read_html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def read_link(app: AppTest, name: str) -> str:
    value = app.query_params[name]
    return value if isinstance(value, str) else ",".join(value)


def listed(app: AppTest) -> list[str]:
    """Ids of the listed queries, in order."""
    return list(app.dataframe[0].value[query_table.ID])


def add(experiment: Experiment, workspace: Path, *systems: SystemResult, **changes: Any) -> None:
    changed = dataclasses.replace(experiment, systems=(*experiment.systems, *systems), **changes)
    save_experiment(changed, Workspace(workspace))


def open_small(workspace: Path) -> Dataset:
    return load_dataset(workspace / "datasets" / "small", name="small")


# The page in its states


def test_nothing_run_yet_says_so(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small")
    app = open_page("queries", dataset="small")
    assert "No experiment has been run on this dataset yet." in read(app.info)
    assert not app.dataframe and not app.get("plotly_chart")


def test_queries_are_listed_by_disagreement_then_by_different_top_tens_then_hardest_first(workspace: Path) -> None:
    run_small_experiment(workspace)
    app = open_page("queries", dataset="small")
    # nDCG@10: q-mail 1 and 0, q-reset .63 and 1, all others equal; of those q-missed is 0. Queries without labels last.
    ids = listed(app)
    assert ids[:3] == [FILTERED_AWAY_QUERY, FILTER_HELPS_QUERY, MISSED_QUERY]
    assert ids[-1] == UNLABELLED_QUERY
    first = app.dataframe[0].value.iloc[0]
    assert (first["bm25"], first["bm25-filtered"], first[query_table.SPREAD]) == (1.0, 0.0, 1.0)
    assert read_link(app, "query") == FILTERED_AWAY_QUERY


def test_query_shows_its_facts_ranks_cards_and_lines(workspace: Path) -> None:
    run_small_experiment(workspace)
    app = open_page("queries", dataset="small", query=FILTER_HELPS_QUERY)
    html = read_html(app)
    assert "version is 3.0 or 3.1" in html
    assert "1 relevant document, 1 judged not relevant; evidence: 1 passage in 1 document" in html
    ranks = app.dataframe[1].value
    assert ranks[rank_table.LABEL].tolist()[0] == "✓ relevant"
    assert ranks[rank_table.ID].tolist()[:2] == ["hub-reset-3", "hub-reset-2"]
    assert ranks["bm25"].tolist()[:2] == [2, 1]
    assert ranks["bm25-filtered"].iloc[0] == 1 and pd.isna(ranks["bm25-filtered"].iloc[1])
    assert "nDCG@10 0.631" in html and "nDCG@10 1.000" in html
    assert '<mark title="evidence">Hold the button for twenty seconds</mark>' in html
    assert len(app.get("plotly_chart")) == 1


def test_system_without_hits_says_so_and_missed_answers_are_listed_with_the_reason(workspace: Path) -> None:
    run_small_experiment(workspace)
    app = open_page("queries", dataset="small", query=FILTERED_AWAY_QUERY)
    assert cards.NOTHING_FOUND.split(":")[0] in read_html(app)
    ranks = app.dataframe[1].value.set_index(rank_table.ID)
    assert ranks.loc["desk-alerts", rank_table.NOTE] == "left out by the query's filter"
    assert ranks.loc["desk-alerts", "bm25"] == 1 and pd.isna(ranks.loc["desk-alerts", "bm25-filtered"])


def test_outcome_search_and_tags_filter_the_list(workspace: Path) -> None:
    run_small_experiment(workspace)
    app = open_page("queries", dataset="small", outcome="failed by bm25-filtered")
    assert set(listed(app)) == {FILTERED_AWAY_QUERY, MISSED_QUERY}
    app.selectbox(key="outcome").set_value("found by none").run()
    assert listed(app) == [MISSED_QUERY]
    app.selectbox(key="outcome").set_value("found by all").run()
    assert set(listed(app)) == {FILTER_HELPS_QUERY, "q-code", "q-clock", "q-csv", HOSTILE_QUERY}
    app.multiselect(key="query_tags").set_value(["exact_code"]).run()
    assert set(listed(app)) == {"q-code", "q-clock"}
    app.text_input(key="query_search").set_value("wrong CLOCK").run()
    assert listed(app) == ["q-clock"]
    app.text_input(key="query_search").set_value("no such words").run()
    assert "No query matches." in read(app.info)
    assert "not in the filtered list" in read(app.caption)
    assert not app.exception


def test_previous_and_next_walk_the_list_and_the_link(workspace: Path) -> None:
    run_small_experiment(workspace)
    app = open_page("queries", dataset="small")
    ids = listed(app)
    assert app.button(key="query_previous").disabled
    app.button(key="query_next").click().run()
    assert read_link(app, "query") == ids[1]
    assert f"Query 2 of {len(ids)}" in read(app.caption)
    app.button(key="query_previous").click().run()
    assert read_link(app, "query") == ids[0]


def test_unknown_query_system_and_outcome_in_the_link_are_named(workspace: Path) -> None:
    run_small_experiment(workspace)
    app = open_page("queries", dataset="small", query="nowhere", systems="bm25,nobody", outcome="failed by nobody")
    warnings = read(app.warning)
    assert "This query is not here: nowhere" in warnings
    assert "This system is not here: nobody" in warnings
    assert "This outcome is not here: failed by nobody" in warnings
    assert app.multiselect(key="systems_shown").value == ["bm25"]
    assert "Alerts by mail" in read_html(app)  # the first of the list is shown


def test_picked_systems_stay_for_the_next_query_until_cleared(workspace: Path) -> None:
    run_small_experiment(workspace)
    app = open_page("queries", dataset="small")
    assert app.multiselect(key="systems_shown").value == ["bm25", "bm25-filtered"]
    app.multiselect(key="systems_shown").set_value(["bm25-filtered"]).run()
    app.button(key="query_next").click().run()
    assert app.multiselect(key="systems_shown").value == ["bm25-filtered"]
    assert read_link(app, "systems") == "bm25-filtered"
    app.multiselect(key="systems_shown").set_value([]).run()
    assert app.multiselect(key="systems_shown").value == ["bm25", "bm25-filtered"]


def test_failed_system_has_a_column_and_a_card_with_the_cure(workspace: Path) -> None:
    add(run_small_experiment(workspace), workspace, SystemResult("own-model", {"name": "own-model"}, error=CURE))
    app = open_page("queries", dataset="small", systems="bm25,own-model")
    assert "own-model (failed)" in app.dataframe[1].value.columns
    assert f"own-model has no results: {CURE}" in read(app.caption)
    assert f"This system failed: {CURE}" in read_html(app)
    assert not app.get("plotly_chart")  # one system with hits has no rank movement


def test_only_failed_systems_show_the_cure_and_no_table(workspace: Path) -> None:
    experiment = run_small_experiment(workspace)
    nothing = dataclasses.replace(experiment, systems=(), runs={}, per_query=experiment.per_query.iloc[:0])
    add(nothing, workspace, SystemResult("own-model", {"name": "own-model"}, error=CURE))
    app = open_page("queries", dataset="small")
    assert CURE in read(app.error)
    assert not app.dataframe


@pytest.mark.parametrize(("status", "words"), [("running", "Not finished: 2 systems so far"), ("cancelled", "was cancelled")])
def test_partial_results_are_shown_and_named(workspace: Path, status: str, words: str) -> None:
    add(run_small_experiment(workspace), workspace, status=status)
    app = open_page("queries", dataset="small")
    assert words in read(app.info)
    assert len(app.dataframe) == 2


def test_without_labels_hits_are_compared_by_eye(workspace: Path) -> None:
    run_small_experiment(workspace, labels=False)
    app = open_page("queries", dataset="small")
    assert "No labels yet: compare hits by eye; add qrels or evidence to measure." in read(app.info)
    frame = app.dataframe[0].value
    assert list(frame.columns) == [query_table.QUERY, query_table.DIFFERENT, query_table.ID]
    # q-mail: the filter leaves nothing, so no document is shared. q-reset: 4 of the longer list's documents are.
    assert frame[query_table.ID].tolist()[0] == FILTERED_AWAY_QUERY and frame[query_table.DIFFERENT].iloc[0] == 1.0
    assert rank_table.LABEL not in app.dataframe[1].value
    assert 'class="label' not in read_html(app)


def test_changed_data_is_said_and_gone_documents_are_named(workspace: Path) -> None:
    run_small_experiment(workspace)
    corpus = workspace / "datasets" / "small" / "corpus.jsonl"
    kept = [line for line in corpus.read_text().splitlines() if json.loads(line)["_id"] != "hub-4012"]
    corpus.write_text("\n".join(kept) + "\n")
    app = open_page("queries", dataset="small", query="q-code")
    assert "The dataset was changed after this experiment ran." in read(app.warning)
    assert cards.GONE in read_html(app)
    assert app.dataframe[1].value[rank_table.NOTE].iloc[0] == "not in the corpus"


def test_hostile_text_is_shown_and_never_executed(workspace: Path) -> None:
    add(run_small_experiment(workspace), workspace, SystemResult(HOSTILE, {"name": HOSTILE}, error=f"Bad: {HOSTILE}"))
    app = open_page("queries", dataset="small", query=HOSTILE_QUERY, systems=f"bm25,{HOSTILE},{HOSTILE}2")
    html = read_html(app)
    assert "<img" not in html and "<b>it</b>" not in html
    assert "&lt;img src=http://example.com/x.png&gt;" in html
    for element in [*app.caption, *app.warning]:
        assert re.search(r"(?<!\\)[<\[$!]|(?<!\\):red", element.value) is None, element.value
    chart = open_page("queries", dataset="small", query=HOSTILE_QUERY).get("plotly_chart")[0].proto.spec
    assert "img src" in chart and "<img" not in chart


# What the parts compute


def make_run(*docs: str, query: str = "q") -> pd.DataFrame:
    """A document run in this order, without chunks."""
    rows = [(query, doc, float(-rank), rank, doc, 0, 10) for rank, doc in enumerate(docs, start=1)]
    return pd.DataFrame(rows, columns=["query_id", "doc_id", "score", "rank", "chunk_id", "start", "end"])


def test_difference_of_top_tens() -> None:
    runs = {"x": make_run("a", "b"), "y": make_run("b", "c"), "z": make_run("d", "e")}
    # Pairs: x and y share 1 of 2, the other two pairs nothing: 1 - (0.5 + 0 + 0) / 3.
    assert disagreement.measure_difference(["q"], runs)["q"] == pytest.approx(1 - 0.5 / 3)
    assert disagreement.measure_difference(["q"], {"x": runs["x"]})["q"] == 0.0
    assert disagreement.measure_difference(["q", "other"], {"x": runs["x"], "y": runs["x"]}).tolist() == [0.0, 0.0]


def test_columns_are_baseline_best_other_and_the_most_different() -> None:
    runs = {"dense": make_run("a", "b"), "same": make_run("a", "b"), "good": make_run("b", "a"), "odd": make_run("x", "y")}
    runs["near"] = make_run("a", "x")
    values = pd.DataFrame({"dense": [1.0], "same": [1.0], "good": [0.9], "odd": [0.1], "near": [0.5]}, index=["q"])
    # "same" is best but shows what the baseline shows; "odd" shares nothing with the two chosen.
    assert disagreement.pick_systems("q", runs, values) == ["dense", "good", "odd"]
    nothing = values * float("nan")
    assert disagreement.pick_systems("q", runs, nothing)[:2] == ["dense", "odd"]


def test_rank_table_lists_relevant_documents_that_nobody_found(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small")
    with (workspace / "datasets" / "small" / "qrels.tsv").open("a") as file:
        file.write("q-csv\tnot-there\t1\n")
    dataset = open_small(workspace)
    runs = {"s": make_run("desk-price", "hub-4012", query="q-csv"), "t": make_run(query="q-csv")}
    table = rank_table.rank_documents("q-csv", runs, dataset=dataset)
    assert table["doc_id"].tolist() == ["desk-export", "not-there", "desk-price", "hub-4012"]
    assert table["label"].tolist() == ["relevant", "relevant", "not_relevant", "unjudged"]
    assert table["note"].tolist() == ["", "not in the corpus", "", ""]
    assert table["s"].isna().tolist() == [True, True, False, False] and table["t"].isna().all()


def test_hits_carry_labels_spans_and_metadata(workspace: Path) -> None:
    dataset = load_dataset(write_small_dataset(workspace / "datasets" / "small"), name="small")
    run = make_run("hub-4012", "hub-4013", "gone", query="q-code")
    first, second, gone = cards.make_hits(run, dataset, query_id="q-code")
    assert (first.label, second.label, gone.label) == ("relevant", "unjudged", "unjudged")
    ((start, end),) = first.spans
    assert first.text[start:end] == "the gateway refused the certificate"
    assert first.metadata == {"product": "Hub", "version": "3.0"}
    assert gone.missing and not first.missing
    assert [hit.label for hit in cards.make_hits(run, dataset, query_id=None)] == ["", "", ""]
    assert cards.make_hits(run, dataset, query_id=None, labels_of="q-code", depth=1) == [first]


def make_hit(text: str, start: int, end: int, *spans: tuple[int, int]) -> cards.Hit:
    return cards.Hit(1, "d", "Title", text, start, end, "relevant", spans, 1.0)


def test_excerpt_shows_the_evidence_inside_the_chunk_in_whole_words() -> None:
    text = "word " * 200 + "the answer" + " word" * 200
    hit = make_hit(text, 500, 1500, (1000, 1010))
    start, end = cards.cut_excerpt(hit)
    assert start < 1000 and end > 1010 and end - start <= 230
    assert text[start - 1] == " " and text[end] == " "
    assert cards.describe_cover(hit) == "The chunk found holds all of the evidence."
    elsewhere = make_hit(text, 0, 500, (1000, 1010))
    assert cards.cut_excerpt(elsewhere)[0] == 0
    assert "elsewhere" in cards.describe_cover(elsewhere)
    assert "40 %" in cards.describe_cover(make_hit(text, 0, 1004, (1000, 1010)))


@pytest.mark.parametrize(
    ("score", "shown"),
    [
        (21.84, "21.8"),
        (0.7435, "0.744"),
        (0.0163, "0.0163"),
        (0.0, "0"),
        (0.00002, "2.0e-05"),
        (1234.5, "1234"),
        (-2.5, "-2.50"),
    ],
)
def test_score_has_two_to_four_digits(score: float, shown: str) -> None:
    assert cards.format_score(score) == shown


def test_slope_puts_missing_ranks_into_the_lane_and_escapes() -> None:
    assert slope.place_rank(1) == 0 and slope.place_rank(10) == 9 and slope.place_rank(100) == pytest.approx(13)
    assert slope.place_rank(None) == slope.place_rank(101) == slope.LANE
    columns = {"x": pd.array([1, 2], dtype="Int64"), "y": pd.array([pd.NA, 1], dtype="Int64")}
    table = pd.DataFrame({"doc_id": ["a", "b"], "label": ["relevant", "unjudged"], "title": ["<b>A</b>", ""], **columns})
    figure = slope.make_slope(table, ["x", "y"])
    lines = {line.name: line for line in figure.data}
    assert list(lines["✓ relevant"].y) == [0.0, slope.LANE]
    assert list(lines["? unjudged"].y) == [1.0, 0.0]
    assert figure.data[-1].name == "✓ relevant"  # drawn last, on top
    assert "&lt;b&gt;A" in lines["✓ relevant"].hovertemplate and "<b>" not in lines["✓ relevant"].hovertemplate
    assert "rank 1 in x, not in the top 100 in y" in slope.describe_slope(table, ["x", "y"])


def test_filter_is_said_in_words() -> None:
    conditions = {"version": "3.1", "product": ["Hub", "Desk"], "year": {"gte": 2020, "lte": 2022}, "open": True}
    assert describe_conditions(conditions) == [
        "version is 3.1",
        "product is Hub or Desk",
        "year at least 2020, at most 2022",
        "open is true",
    ]
