"""What is wrong with training examples, and what is done about it: leakage above all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.errors import InputError
from core.training.example_checks import FINE, STOP, WARN, Finding, check_examples, clean_examples
from core.training.examples import Examples, collect_examples
from core.training.material import Material
from tests.support.materials import make_labelled, make_material

QUOTE = "lasts for five years"  # twenty characters, the least that an upload is searched for
TEXTS = {
    "long": f"The battery {QUOTE}.",
    "price": "The price is on the label.",
    **{f"hub{n}": f"The hub has part number {n}." for n in range(12)},
}
QUERIES = {
    "t1": "How long does the battery last?",
    "t2": "price by mail",
    "l1": "how long does the BATTERY last",  # the words of t1
    "l2": "a new battery",  # battery alone, as in t1
    "l3": "clock",  # rests on the text that answers t1
    "l4": "hub",
}
GRADES = {
    **{name: {"long": 1} for name in ("t1", "l1", "l2", "l3")},
    "t2": {"price": 1},
    "l4": {f"hub{n}": 1 for n in range(12)},
}
QUOTES = [("t1", "long", QUOTE), ("l3", "long", "five years")]


def make_small(folder: Path) -> Material:
    """A split that came with the data, on whose two sides three queries say the same as, or rest on the same text as, t1."""
    return make_material(folder, make_labelled(TEXTS, QUERIES, GRADES, quotes=QUOTES), test=["t1", "t2"])


def learn(material: Material, *query_ids: str) -> Examples:
    return collect_examples(material, form="pairs", negatives=0, query_ids=query_ids, seed=0)


def upload(form: str, rows: Sequence[dict[str, Any]]) -> Examples:
    """An upload with a header, so that its first example stands on line 2."""
    frame = pd.DataFrame([{"query_id": "", "query": "hub", **row, "line": n} for n, row in enumerate(rows, start=2)])
    return Examples(form, frame, "own.csv")


def make_pairs(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [{"positive": f"part {n}", **changes} for n in range(count)]


def find(examples: Examples, material: Material, name: str) -> Finding:
    return next(finding for finding in check_examples(examples, material) if finding.name == name)


def clean(examples: Examples, material: Material, *, drop_leaking: bool = False) -> Examples:
    return clean_examples(examples, check_examples(examples, material), drop_leaking=drop_leaking)


def test_examples_that_know_nothing_of_the_test_queries_pass_every_check(workspace: Path) -> None:
    material = make_small(workspace)
    examples = upload("triplets", make_pairs(200, negative="a clock"))
    assert [(finding.name, finding.level, finding.sentence) for finding in check_examples(examples, material)] == [
        ("same_text", FINE, "No example has the words of a test query."),
        ("near_duplicate", FINE, "No example says the same as a test query."),
        ("same_evidence", FINE, "No example rests on the evidence of a test query."),
        ("few_positives", FINE, "200 pairs belong together."),
        ("contradiction", FINE, "No positive is among the negatives of its query."),
        ("no_hard_negatives", FINE, "There is 1 negative."),
    ]
    assert clean(examples, material) is examples


@pytest.mark.parametrize(
    ("query_id", "name", "sentence"),
    [
        ("l1", "same_text", "1 training query has the words of a test query: t1."),
        ("l2", "near_duplicate", "1 training query says the same as a test query: t1."),
        ("l3", "same_evidence", "1 training query rests on the same text as a test query: t1."),
    ],
)
def test_each_leak_of_a_straddling_split_is_found_once_under_its_own_name(
    workspace: Path, query_id: str, name: str, sentence: str
) -> None:
    material = make_small(workspace)
    findings = check_examples(learn(material, "l4", query_id), material)
    leaks = [finding for finding in findings if finding.test_queries]
    assert leaks == [Finding(name, STOP, sentence, ("t1",), (12,))]  # after the twelve positives of l4
    assert [finding for finding in findings if finding.level == STOP] == leaks


@pytest.mark.parametrize("query_id", ["l1", "l2", "l3"])
def test_leaking_labels_are_refused_or_left_out_on_demand(workspace: Path, query_id: str) -> None:
    material = make_small(workspace)
    examples = learn(material, query_id, "l4")
    with pytest.raises(InputError) as error:
        clean(examples, material)
    sentence = next(finding.sentence for finding in check_examples(examples, material) if finding.level == STOP)
    assert str(error.value) == (
        f"{sentence} Results on those queries would be worth nothing. Take them out of the training data or out of the test "
        "side, or train without them (--drop-leaking)."
    )
    kept = clean(examples, material, drop_leaking=True)
    pd.testing.assert_frame_equal(kept.frame, learn(material, "l4").frame)
    assert (kept.form, kept.source) == ("pairs", "labels")


def test_all_kinds_of_leaks_are_left_out_at_once(workspace: Path) -> None:
    material = make_small(workspace)
    kept = clean(learn(material, "l1", "l2", "l3", "l4"), material, drop_leaking=True)
    assert set(kept.frame["query_id"]) == {"l4"} and len(kept.frame) == 12


def test_queries_on_one_side_do_not_leak(workspace: Path) -> None:
    """The same four queries, all of them on the side that learns."""
    material = make_material(workspace, make_labelled(TEXTS, QUERIES, GRADES, quotes=QUOTES), test=["t2"])
    examples = learn(material, "t1", "l1", "l2", "l3", "l4")
    assert not any(finding.test_queries for finding in check_examples(examples, material))


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("How long... does the battery last!", "same_text", "has the words of a test query"),
        ("does a battery fade", "near_duplicate", "says the same as a test query"),
    ],
)
def test_a_leak_of_an_upload_is_told_with_its_line_and_refused(workspace: Path, query: str, name: str, words: str) -> None:
    material = make_small(workspace)
    examples = upload("pairs", [*make_pairs(10), {"query": query, "positive": "five"}, {"query": query, "positive": "six"}])
    finding = find(examples, material, name)
    # two examples of one query; the header and ten examples stand before them
    assert finding == Finding(name, STOP, f"1 training query {words} (the first in own.csv, line 12): t1.", ("t1",), (10, 11))
    with pytest.raises(InputError, match=f"^1 training query {words}"):
        clean(examples, material)
    kept = clean(examples, material, drop_leaking=True)
    assert kept.frame["positive"].tolist() == [f"part {n}" for n in range(10)]
    assert kept.frame.index.tolist() == list(range(10))


def test_several_leaks_are_counted_by_query_and_the_first_five_named(workspace: Path) -> None:
    words = ["battery clock", "battery hub", "battery mail", "battery price", "clock hub", "clock mail"]
    queries = {**{f"t{n}": text for n, text in enumerate(words)}, "own": "hub"}
    material = make_material(workspace, make_labelled(TEXTS, queries, {}), test=[f"t{n}" for n in range(6)])
    some = upload("pairs", [{"query": text, "positive": "x"} for text in words[:2]])
    every = upload("pairs", [{"query": text, "positive": "x"} for text in words])
    assert find(some, material, "same_text").sentence == (
        "2 training queries have the words of a test query (the first in own.csv, line 2): t0, t1."
    )
    assert find(every, material, "same_text").sentence == (
        "6 training queries have the words of a test query (the first in own.csv, line 2): t0, t1, t2, t3, t4 and others."
    )
    assert len(find(every, material, "same_text").test_queries) == 6


def test_an_upload_that_holds_the_evidence_of_a_test_query_is_warned_of_and_kept(workspace: Path) -> None:
    """The corpus may be known; it is the queries that may not."""
    material = make_small(workspace)
    examples = upload("pairs", [*make_pairs(10), {"positive": f"It {QUOTE} at least."}])
    assert find(examples, material, "same_evidence") == Finding(
        "same_evidence",
        WARN,
        "1 example holds the evidence of a test query (t1). The passages of a corpus may be known, but if the queries were "
        "written from them, results may flatter.",
        ("t1",),
        (10,),
    )
    assert clean(examples, material) is examples


@pytest.mark.parametrize("form", ["labelled", "scores"])
def test_only_positives_rest_on_evidence(workspace: Path, form: str) -> None:
    """A wrong answer that quotes the evidence was not written from it. The query of l3 tunes, and may be known."""
    material = make_small(workspace)
    value = "label" if form == "labelled" else "score"
    texts = [(f"It {QUOTE}.", 0), (f"It {QUOTE}.", 1), ("In five years", 1), ("It lasts for five", 1)]
    examples = upload(form, [{"document": text, value: number} for text, number in texts])
    assert find(examples, material, "same_evidence").rows == (1,)


def test_evidence_shorter_than_twenty_characters_says_nothing(workspace: Path) -> None:
    quotes = [("t1", "long", QUOTE[:-1])]
    material = make_material(workspace, make_labelled(TEXTS, QUERIES, GRADES, quotes=quotes), test=["t1"])
    assert find(upload("pairs", [{"positive": TEXTS["long"]}]), material, "same_evidence").level == FINE


@pytest.mark.parametrize(
    ("count", "level", "sentence"),
    [
        (1, STOP, "There is 1 pair that belongs together, and at least 10 are needed to train; label more."),
        (9, STOP, "There are 9 pairs that belong together, and at least 10 are needed to train; label more."),
        (10, WARN, "Only 10 pairs belong together; below about 200 training seldom pays. Label more for a fair try."),
        (199, WARN, "Only 199 pairs belong together; below about 200 training seldom pays. Label more for a fair try."),
        (200, FINE, "200 pairs belong together."),
        (1200, FINE, "1,200 pairs belong together."),
    ],
)
def test_too_few_positives_stop_and_few_are_warned_of(workspace: Path, count: int, level: str, sentence: str) -> None:
    material = make_small(workspace)
    finding = find(upload("pairs", make_pairs(count)), material, "few_positives")
    assert (finding.level, finding.sentence) == (level, sentence)


def test_positives_are_counted_once_and_without_wrong_documents(workspace: Path) -> None:
    rows = [{"document": f"part {n // 2}", "label": int(n < 18)} for n in range(40)]
    finding = find(upload("labelled", rows), make_small(workspace), "few_positives")
    assert finding.sentence.startswith("There are 9 pairs")  # the first 18 rows, two of each


def test_too_few_positives_stop_whatever_may_be_dropped(workspace: Path) -> None:
    material = make_small(workspace)
    for drop_leaking in (False, True):
        with pytest.raises(InputError, match=r"^There are 9 pairs that belong together"):
            clean(upload("pairs", make_pairs(9)), material, drop_leaking=drop_leaking)


def test_what_is_left_without_the_leaks_must_be_enough_too(workspace: Path) -> None:
    material = make_small(workspace)
    leak = {"query": QUERIES["t1"]}
    with pytest.raises(InputError, match=r"^Without the examples that were left out: There are 9 pairs that belong together"):
        clean(upload("pairs", [*make_pairs(9), {"positive": "x", **leak}]), material, drop_leaking=True)
    with pytest.raises(InputError, match=r"^Nothing is left to train on once the examples that leak"):
        clean(upload("pairs", make_pairs(10, **leak)), material, drop_leaking=True)


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        ("triplets", {"positive": "a", "negative": "x"}, {"positive": "b", "negative": "a"}),
        ("hard_negatives", {"positive": "a", "negative_1": "x", "negative_2": "y"},
         {"positive": "b", "negative_1": "x", "negative_2": "a"}),
        ("labelled", {"document": "a", "label": 1}, {"document": "a", "label": 0}),
        ("scores", {"document": "a", "score": 0.5}, {"document": "a", "score": 0.4}),
    ],
)  # fmt: skip
def test_a_negative_that_is_a_positive_of_its_query_is_left_out(
    workspace: Path, form: str, right: dict[str, Any], wrong: dict[str, Any]
) -> None:
    material = make_small(workspace)
    other = {**wrong, "query": "clock"}  # what is right for one query may be wrong for another
    more = [{name: f"{value} {n}" if isinstance(value, str) else value for name, value in right.items()} for n in range(10)]
    examples = upload(form, [right, other, wrong, *more])
    finding = find(examples, material, "contradiction")
    assert (finding.level, finding.rows) == (WARN, (2,))
    assert finding.sentence == (
        "1 negative is also a positive of the same query (the first in line 4); such examples are left out."
    )
    kept = clean(examples, material)
    assert kept.frame["line"].tolist() == [2, 3, *range(5, 15)]


def test_a_negative_that_the_dataset_s_labels_call_relevant_is_left_out(workspace: Path) -> None:
    """hub3 answers l4, whose words these are; price answers another query."""
    material = make_small(workspace)
    rows = make_pairs(10, negative=TEXTS["price"], query="Hub!")
    examples = upload("triplets", [*rows, {"query": "Hub!", "positive": "part 99", "negative": TEXTS["hub3"]}])
    assert find(examples, material, "contradiction").rows == (10,)
    assert len(clean(examples, material).frame) == 10


def test_labels_without_contradiction_are_not_told_to_have_one(workspace: Path) -> None:
    """A relevant document of a low grade has a score that would be a wrong one in an upload."""
    grades = {**GRADES, "l4": {**GRADES["l4"], "hub0": 9}}
    material = make_material(workspace, make_labelled(TEXTS, QUERIES, grades), test=["t2"])
    examples = collect_examples(material, form="scores", negatives=0, query_ids=["l4"], seed=0)
    assert find(examples, material, "contradiction").level == FINE
    assert find(examples, material, "few_positives").sentence.startswith("Only 12 pairs")


def test_examples_without_negatives_are_warned_of(workspace: Path) -> None:
    material = make_small(workspace)
    finding = find(upload("pairs", make_pairs(10)), material, "no_hard_negatives")
    assert finding.level == WARN
    assert finding.sentence == (
        "There are no hard negatives: the model only learns to tell an answer from answers to other queries. Mine some."
    )
    right = upload("labelled", [{"document": f"part {n}", "label": 1} for n in range(10)])
    assert find(right, material, "no_hard_negatives").level == WARN


def test_findings_are_kept_with_the_number_of_rows_in_place_of_the_rows() -> None:
    finding = Finding("same_text", STOP, "said", ("t1",), (3, 4))
    assert finding.to_json() == {
        "name": "same_text", "level": "stop", "sentence": "said", "test_queries": ("t1",), "count": 2
    }  # fmt: skip
