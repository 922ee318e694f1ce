"""The page Try in all its states, its filters as arithmetic, its links and saving."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.errors import ModelUnavailable
from core.graph.resources import Models
from core.systems.available import list_own_systems
from core.systems.named import make_named_systems
from core.workspace import Workspace
from pages.parts.try_ import filters, live_search
from pages.shared.show.cards import Hit
from tests.pages.conftest import UseModels
from tests.support.pages import check, make_app, read
from tests.support.small import FILTER_HELPS_QUERY, HOSTILE, make_experiment, write_small_dataset

WORDS_ONLY = ["bm25", "bm25-filtered"]
NAMED = make_named_systems()


@pytest.fixture(autouse=True)
def no_model(use_models: UseModels) -> None:
    """No model can be had."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise ModelUnavailable("The embedding model cannot be had. Give the path of a local folder.")

    use_models(lambda: Models(load=refuse))


@pytest.fixture
def small(workspace: Path) -> Path:
    return write_small_dataset(workspace / "datasets" / "small")


def open_try(systems: list[str] | None = None, **parameters: str) -> AppTest:
    """The page, with systems that need no model unless others are named."""
    app = make_app("try", **{"dataset": "small", "try_systems": systems or WORDS_ONLY, **parameters}).run()
    if app.get("progress"):  # on a busy machine the words may be counted a moment after the first drawing
        app.run()
    return check(app)


def read_html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def list_titles(app: AppTest) -> list[str]:
    return re.findall(r'<div class="title">(.*?)</div>', read_html(app))


def test_hits_of_a_link_are_shown_without_labels(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small", labels=False)
    app = open_try(q="KH-4012")
    assert app.title[0].value == "Try"
    assert app.text_input(key="q").value == "KH-4012"
    assert "12 documents of small" in read(app.caption)
    assert list_titles(app)[0] == "Error KH-4012"
    assert re.search(r"\d+ ms", read_html(app))
    assert "✓" not in read_html(app) and "unjudged" not in read_html(app)


def test_a_corpus_without_queries_can_be_tried(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small", queries=False)
    app = open_try()
    examples = [button for button in app.button if str(button.key).startswith("try_example")]
    assert next(button.label for button in examples) == "Battery of the hub"
    examples[0].click().run()
    assert app.text_input(key="q").value == "Battery of the hub"
    assert "Battery of the hub" in list_titles(app)


def test_a_labelled_query_shows_its_labels_and_offers_its_filter(small: Path) -> None:
    app = open_try(q="Reset  the hub")
    assert FILTER_HELPS_QUERY in read(app.caption)
    assert "✓" in read_html(app) and "✗" in read_html(app)
    app.button(key="try_own_filter").click().run()
    # its filter also names 3.1, which no document has
    assert "4 of 12 documents pass the filter: version is 3.0." in read(app.caption)
    assert "hub-reset-2" not in read_html(app)


def test_a_filter_in_the_link_holds_for_every_system(small: Path) -> None:
    assert set(list_titles(open_try(q="mail battery"))) > {"Battery of the hub"}
    app = open_try(q="mail battery", filter='{"product":["Hub"]}')
    assert list_titles(app) == ["Battery of the hub"] * 2
    assert "6 of 12 documents pass the filter: product is Hub" in read(app.caption)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("{", "cannot be read"),
        ('["a"]', "cannot be used"),
        ('{"colour": "red"}', "not here: colour is red. Nothing is filtered"),
        ('{"version": ["9.9"]}', "not here: version is 9.9. Nothing is filtered"),
    ],
)
def test_a_filter_that_is_not_here_is_said(small: Path, link: str, words: str) -> None:
    app = open_try(q="clock", filter=link)
    assert words in read(app.warning)
    assert "Error KH-4013" in list_titles(app)


def test_a_system_that_is_not_here_is_said(small: Path) -> None:
    app = open_try(["bm25", "gone"], q="clock")
    assert "This system is not here: gone" in read(app.warning)
    assert app.multiselect(key="try_systems").value == ["bm25"]


def test_several_lines_become_a_table_and_one_opens(small: Path) -> None:
    app = open_try(try_mode="Several", lines="KH-4012\n\nKH-4013\nzzz")
    table = app.dataframe[0].value
    assert table["query"].tolist() == ["KH-4012", "KH-4013", "zzz"]
    assert table["bm25"].tolist() == ["Error KH-4012", "Error KH-4013", "no hits"]
    assert table["first hits"].tolist() == ["the same"] * 3
    app.selectbox(key="try_line").set_value("2. KH-4013").run()
    assert list_titles(app)[0] == "Error KH-4013"


def test_more_than_twenty_lines_are_cut_and_said(small: Path) -> None:
    app = open_try(try_mode="Several", lines="\n".join(f"clock {n}" for n in range(25)))
    assert "25 lines were pasted; the first 20 are searched" in read(app.warning)
    assert len(app.dataframe[0].value) == 20


def test_without_a_model_words_answer_and_the_other_says_why(small: Path) -> None:
    app = open_try(["dense", "bm25"], q="KH-4012")
    for _ in range(40):
        if any(button.key == "try_again" for button in app.button):
            break
        app.run()
    assert "The embedding model cannot be had. Give the path of a local folder." in read_html(app)
    assert "Error KH-4012" in list_titles(app)


def test_nothing_loaded_leads_to_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.shared.frame.state.list_datasets", lambda workspace: [])
    app = open_try(dataset="")
    assert "Nothing is loaded yet" in read(app.info)


def test_an_experiment_is_not_needed_and_does_not_disturb(workspace: Path) -> None:
    experiment = make_experiment(workspace)
    app = open_try(q="KH-4012", experiment=experiment)
    assert list_titles(app)[0] == "Error KH-4012"


def test_hostile_text_is_shown_as_text(small: Path) -> None:
    app = open_try(q=f"markup {HOSTILE}")
    html = read_html(app)
    assert "&lt;img src=" in html and "<img" not in html
    shown = [*(str(e.value) for e in app.caption), *(b.label for b in app.button), *(str(e.value) for e in app.markdown)]
    assert not [text for text in shown if re.search(r"(?<!\\)!\[|(?<!\\):red", text)]


def test_settings_are_saved_as_a_system(workspace: Path, small: Path) -> None:
    app = open_try(["hybrid-weighted", "bm25"])
    app.slider(key="try_dense_share_0.7").set_value(0.4).run()
    app.text_input(key="try_save_name").set_value("bm25").run()
    app.button(key="try_save").click().run()
    assert "There is already a system named bm25" in read(app.error)
    app.text_input(key="try_save_name").set_value("leaning").run()
    app.button(key="try_save").click().run()
    assert "Saved as leaning" in read(app.success)
    saved = list_own_systems(Workspace(workspace))["leaning"]
    assert saved.fuse.dense_share == 0.4
    copied = ("chunk", "dense", "lexical", "filter", "rewrite", "rerank")
    assert [getattr(saved, name) for name in copied] == [getattr(NAMED["hybrid-weighted"], name) for name in copied]
    assert "leaning" in app.multiselect(key="try_systems").options


def test_sliders_only_where_they_apply(small: Path) -> None:
    def keys(app: AppTest) -> set[str]:
        return {str(slider.label) for slider in app.slider}

    assert keys(open_try(["bm25"])) == {"Hits shown"}
    assert keys(open_try(["hybrid-rrf", "bm25"])) == {"Hits shown", "Candidates fused"}
    assert keys(open_try(["hybrid-weighted", "hybrid-rerank"])) == {
        "Hits shown", "Dense share", "Candidates fused", "Candidates reranked",
    }  # fmt: skip


def make_fields(tmp_path: Path, values: list[Any]) -> list[filters.Field]:
    folder = tmp_path / "fields"
    folder.mkdir()
    lines = [json.dumps({"_id": str(n), "text": "a", "metadata": {"f": value}}) for n, value in enumerate(values)]
    (folder / "corpus.jsonl").write_text("\n".join(lines), encoding="utf-8")
    dataset: Dataset = load_dataset(folder)
    return filters.list_fields(dataset.corpus_fingerprint, dataset)


@pytest.mark.parametrize(
    ("values", "kind", "shown"),
    [
        (["a", "b", "b"], "values", ("a", "b")),
        ([1, 2, 2], "values", (1, 2)),
        ([1, 5, 2.5], "number", (1, 5)),
        (["2024-01-31", "2023-05-01", "2024-02-29"], "date", ("2023-05-01", "2024-02-29")),
        (["2024-01-31", "2023-05-01", "2024-02-30"], "values", ("2023-05-01", "2024-01-31", "2024-02-30")),
        ([["a", "b"], "c"], "values", ("a", "b", "c")),
        ([f"v{n:02}" for n in range(51)], "long", tuple(f"v{n:02}" for n in range(51))),
        ([f"v{n}" for n in range(2001)], "typed", ()),
        (["a", 1, True], "values", (1, "a", True)),
    ],
)
def test_kind_of_a_field(tmp_path: Path, values: list[Any], kind: str, shown: tuple[Any, ...]) -> None:
    assert [(field.kind, field.values) for field in make_fields(tmp_path, values)] == [(kind, shown)]


def test_a_field_that_is_the_same_everywhere_is_left_out(tmp_path: Path) -> None:
    assert make_fields(tmp_path, ["a", "a"]) == []


def test_a_range_left_at_an_end_asks_nothing_there() -> None:
    source = (
        "from pages.parts.try_.filters import Field, choose_filter\n"
        "import streamlit as st\n"
        "fields = [Field('size', 'number', (1, 9)), Field('day', 'date', ('2024-01-01', '2024-12-31'))]\n"
        "st.json(choose_filter(fields, {'day': {'lte': '2024-06-30'}}, key='f'))\n"
    )
    app = AppTest.from_string(source).run()
    assert json.loads(app.json[0].value) == {"day": {"lte": "2024-06-30"}}
    app.slider(key="f_0").set_value((3, 9)).run()
    assert json.loads(app.json[0].value) == {"size": {"gte": 3}, "day": {"lte": "2024-06-30"}}


FIELDS = [
    filters.Field("version", "values", ("1.0", "2.0", "3.0")),
    filters.Field("size", "number", (1, 9)),
    filters.Field("day", "date", ("2024-01-01", "2024-12-31")),
    filters.Field("code", "long", ("a", "b")),
    filters.Field("url", "typed", ()),
]


@pytest.mark.parametrize(
    ("wanted", "fitted", "dropped"),
    [
        ({"version": "2.0"}, {"version": ["2.0"]}, {}),
        ({"version": {"gte": "2.0"}}, {"version": ["2.0", "3.0"]}, {}),
        ({"version": ["3.0", "3.1"]}, {"version": ["3.0"]}, {"version": ["3.1"]}),
        ({"version": 2}, {}, {"version": [2]}),
        ({"size": 3}, {"size": {"gte": 3, "lte": 3}}, {}),
        ({"size": [3, 4]}, {}, {"size": [3, 4]}),
        ({"size": {"gte": "3"}}, {}, {"size": {"gte": "3"}}),
        ({"day": {"lte": "2024-06-30"}}, {"day": {"lte": "2024-06-30"}}, {}),
        ({"day": {"lte": "June"}}, {}, {"day": {"lte": "June"}}),
        ({"code": ["a", "b"]}, {}, {"code": ["a", "b"]}),
        ({"url": "x", "colour": "red"}, {"url": ["x"]}, {"colour": "red"}),
    ],
)
def test_what_the_selects_can_say_of_a_filter(wanted: dict[str, Any], fitted: dict[str, Any], dropped: dict[str, Any]) -> None:
    assert filters.fit_filter(wanted, FIELDS) == (fitted, dropped)


def make_hit(doc_id: str, rank: int) -> Hit:
    return Hit(rank=rank, doc_id=doc_id, title="", text="", start=0, end=0, label="", spans=(), score=0.0)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"a": "xyz", "b": "xyz"}, [("The hits are the same in both systems, with the same one first.", [])]),
        ({"a": "xyz", "b": "yxz"}, [("The hits are the same in both systems, but not with the same one first.", [])]),
        ({"a": "xy", "b": "yz", "c": "y"}, [("In all 3:", ["y"]), ("Only a:", ["x"]), ("Only b:", ["z"])]),
        ({"a": "x", "b": "y"}, [("No document is among the hits of both.", []), ("Only a:", ["x"]), ("Only b:", ["y"])]),
        ({"a": "x", "b": ""}, []),
    ],
)
def test_what_systems_have_in_common(found: dict[str, str], words: list[tuple[str, list[str]]]) -> None:
    hits = {name: [make_hit(doc, rank) for rank, doc in enumerate(docs, 1)] for name, docs in found.items()}
    assert live_search.describe_common(hits) == words


def test_a_changed_dataset_stops_what_was_prepared_for_the_old_one(small: Path) -> None:
    dataset = load_dataset(small, name="small")
    first = live_search.open_live(dataset)
    assert live_search.open_live(dataset) is first
    with (small / "corpus.jsonl").open("a", encoding="utf-8") as out:
        out.write('{"_id": "a", "text": "other"}\n')
    second = live_search.open_live(load_dataset(small, name="small"))
    assert second is not first and first._cancel.cancelled and not second._cancel.cancelled
