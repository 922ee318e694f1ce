"""Hard negatives: what is most similar and wrong, and never what may be an answer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.schema import LEAVE_OUT
from core.training.material import Material
from core.training.negatives import POOL, mine_negatives
from tests.support.materials import make_labelled, make_material

# The query has battery and clock. Cosine of a passage with k keywords, m of them the query's: m / sqrt(2 k).
TEXTS = {
    "answer": "battery clock",  # 1
    "twin": "clock of a battery",  # 1, and not judged
    "near": "battery clock hub",  # 2 / sqrt(6) = .82
    "half": "battery",  # 1 / sqrt(2) = .71
    "third": "battery hub mail",  # 1 / sqrt(6) = .41
    "none": "price",  # 0
}
QUERY = {"q1": "which battery for the clock"}


def read_mined(material: Material, *, count: int = 1) -> dict[str, list[str]]:
    mined = mine_negatives(material, query_ids=list(material.texts), count=count, seed=0)
    return {query_id: [material.passages[row] for row in rows] for query_id, rows in mined.items()}


def test_most_similar_first_without_the_answer_and_its_near_duplicate(workspace: Path) -> None:
    material = make_material(workspace, make_labelled(TEXTS, QUERY, {"q1": {"answer": 1}}))
    assert read_mined(material) == {"q1": [TEXTS[name] for name in ("near", "half", "third", "none")]}


def test_no_passage_of_a_relevant_document_is_a_negative(workspace: Path) -> None:
    """The evidence is in the first chunk. The second says something else, and is not told to be wrong."""
    texts = {**TEXTS, "answer": "The battery and clock are here. The hub has a clock too."}
    dataset = make_labelled(texts, QUERY, {"q1": {"answer": 1, "half": 2}}, quotes=[("q1", "answer", "The battery")])
    material = make_material(workspace, dataset)
    assert material.passages[:2] == ["The battery and clock are here.", "The hub has a clock too."]
    # twin repeats the first chunk; half is relevant
    assert read_mined(material) == {"q1": [TEXTS[name] for name in ("near", "third", "none")]}


def test_the_document_that_the_query_is_is_no_negative(workspace: Path) -> None:
    dataset = make_labelled(TEXTS, QUERY, {"q1": {"half": 1}})
    asked = dataclasses.replace(dataset, queries=dataset.queries.assign(**{LEAVE_OUT: [("near",)]}))
    assert TEXTS["near"] in read_mined(make_material(workspace / "one", dataset))["q1"]
    assert TEXTS["near"] not in read_mined(make_material(workspace / "two", asked))["q1"]


def test_near_duplicates_of_any_positive_are_left_out(workspace: Path) -> None:
    texts = {**TEXTS, "also": "hub mail", "echo": "mail by the hub"}
    material = make_material(workspace, make_labelled(texts, QUERY, {"q1": {"answer": 1, "also": 1}}))
    assert not set(read_mined(material)["q1"]) & {texts[name] for name in ("answer", "twin", "also", "echo")}
    assert TEXTS["near"] in read_mined(material)["q1"]


def test_what_answers_one_query_may_be_wrong_for_another(workspace: Path) -> None:
    queries = {**QUERY, "q2": "price"}
    material = make_material(workspace, make_labelled(TEXTS, queries, {"q1": {"answer": 1}, "q2": {"none": 1}}))
    mined = read_mined(material)
    assert TEXTS["none"] in mined["q1"] and TEXTS["answer"] in mined["q2"]
    assert TEXTS["none"] not in mined["q2"] and TEXTS["answer"] not in mined["q1"]


def test_equal_queries_share_what_is_relevant_to_either(workspace: Path) -> None:
    """The same text asked twice, with another answer each: neither answer is wrong for it."""
    queries = {**QUERY, "q2": QUERY["q1"]}
    material = make_material(workspace, make_labelled(TEXTS, queries, {"q1": {"answer": 1}, "q2": {"near": 1}}))
    expected = [TEXTS[name] for name in ("half", "third", "none")]
    assert read_mined(material) == {"q1": expected, "q2": expected}


def test_a_query_to_which_all_is_relevant_leaves_the_others_theirs(workspace: Path) -> None:
    queries = {**QUERY, "q2": "hub"}
    grades = {"q1": {"answer": 1}, "q2": dict.fromkeys(TEXTS, 1)}
    mined = read_mined(make_material(workspace, make_labelled(TEXTS, queries, grades)))
    assert mined == {"q1": [TEXTS[name] for name in ("near", "half", "third", "none")], "q2": []}


def test_a_text_that_stands_in_several_documents_is_mined_once(workspace: Path) -> None:
    texts = {**TEXTS, "copy": TEXTS["near"]}
    material = make_material(workspace, make_labelled(texts, QUERY, {"q1": {"answer": 1}}))
    assert read_mined(material)["q1"].count(TEXTS["near"]) == 1


@pytest.mark.parametrize(("count", "size"), [(1, POOL), (POOL + 1, POOL + 1), (1000, 39)])
def test_the_pool_is_thirty_or_as_many_as_are_wanted_or_there(workspace: Path, count: int, size: int) -> None:
    """Forty passages, of which one is the answer."""
    texts = {"answer": "battery clock", **{f"d{n}": f"hub number {n}" for n in range(39)}}
    material = make_material(workspace, make_labelled(texts, QUERY, {"q1": {"answer": 1}}))
    assert len(set(read_mined(material, count=count)["q1"])) == size


def test_nothing_asked_gives_nothing(workspace: Path) -> None:
    material = make_material(workspace, make_labelled(TEXTS, QUERY, {"q1": {"answer": 1}}))
    assert mine_negatives(material, query_ids=[], count=1, seed=0) == {}
    assert mine_negatives(material, query_ids=["q1"], count=0, seed=0) == {}


def test_mining_embeds_nothing_a_second_time(workspace: Path) -> None:
    material = make_material(workspace, make_labelled(TEXTS, QUERY, {"q1": {"answer": 1}}))
    assert material.matrix.shape == (6, 6) and len(material.query_matrix) == 1
    encoded = material.resources.usage.encoded_texts
    read_mined(material)
    assert material.resources.usage.encoded_texts == encoded
