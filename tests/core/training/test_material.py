"""What a training may read: which passages answer, which are none of its business, and who learns and who validates."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.stages.chunk import Recursive
from core.stages.fuse import ReciprocalRankFusion
from core.systems.system import Dense, Lexical, System
from core.training.material import Material, split_off_validation
from tests.support.materials import make_labelled, make_material
from tests.support.models import vector_of

# Two chunks of six words each in "two", one in the others.
TEXTS = {
    "two": "The battery lasts for five years. The clock of it is right.",
    "hub": "The hub is reset by hand.",
    "mail": "Alerts are sent by mail today.",
}
QUERIES = {"q1": "clock", "q2": "hub", "q3": "mail"}
GRADES = {"q1": {"two": 2, "hub": 0}, "q2": {"hub": 1}, "q3": {"mail": 1}}
FIRST, SECOND = "The battery lasts for five years.", "The clock of it is right."


def make_small(**changes: pd.DataFrame) -> Dataset:
    return dataclasses.replace(make_labelled(TEXTS, QUERIES, GRADES), **changes)


def read_positives(material: Material, query_id: str) -> list[tuple[str, int]]:
    return [(material.passages[row], grade) for row, grade in material.positive_rows(query_id)]


def test_passages_documents_and_vectors_stand_in_one_order(workspace: Path) -> None:
    material = make_material(workspace, make_small())
    assert material.passages == [FIRST, SECOND, TEXTS["hub"], TEXTS["mail"]]
    assert material.doc_ids.tolist() == ["two", "two", "hub", "mail"]
    assert {name: rows.tolist() for name, rows in material.rows_of.items()} == {"two": [0, 1], "hub": [2], "mail": [3]}
    assert np.allclose(material.matrix, np.stack([vector_of(text) for text in material.passages]))
    assert np.allclose(material.query_matrix, np.stack([vector_of(text) for text in QUERIES.values()]))
    # clock is on the axis of the second passage, hub and mail on those of the third and fourth
    assert np.allclose(material.similarity, [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def test_of_a_hybrid_the_dense_side_gives_the_passages(workspace: Path) -> None:
    """The lexical side has chunks too, whole documents, which would not fit the vectors."""
    hybrid = System("both", chunk=Recursive(size=6, overlap=0), dense=Dense(), lexical=Lexical(), fuse=ReciprocalRankFusion())
    material = make_material(workspace, make_small(), system=hybrid)
    assert len(material.passages) == len(material.matrix) == 4
    assert material.passages[:2] == [FIRST, SECOND]


def test_without_evidence_the_most_similar_passage_of_the_document_is_the_positive(workspace: Path) -> None:
    assert read_positives(make_material(workspace, make_small()), "q1") == [(SECOND, 2)]


def test_evidence_decides_against_the_model(workspace: Path) -> None:
    dataset = make_labelled(TEXTS, QUERIES, GRADES, quotes=[("q1", "two", "lasts for five years")])
    assert read_positives(make_material(workspace, dataset), "q1") == [(FIRST, 2)]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        # "two" is 33 characters, a space, 25 characters: the passages are [0, 33) and [34, 59)
        (23, 43, [FIRST]),  # 10 of 20 characters lie in the first, which is half, and 9 in the second
        (24, 44, [SECOND]),  # 9 in the first, 10 in the second
        (24, 43, [SECOND]),  # 9 of 19 and 9 of 19: in neither half, so that the model decides
        (0, 59, [FIRST]),  # 33 of 59
        (34, 59, [SECOND]),
    ],
)
def test_a_passage_holds_evidence_if_half_of_a_span_lies_in_it(workspace: Path, start: int, end: int, found: list[str]) -> None:
    assert TEXTS["two"].index(SECOND) == 34 and len(TEXTS["two"]) == 59
    spans = pd.DataFrame([("q1", "two", start, end)], columns=["query_id", "doc_id", "start", "end"])
    positives = read_positives(make_material(workspace, make_small(evidence=spans)), "q1")
    assert [text for text, _ in positives] == found


def test_each_passage_with_evidence_is_a_positive_of_its_own(workspace: Path) -> None:
    quotes = [("q1", "two", "clock of it"), ("q1", "two", "five years")]
    material = make_material(workspace, make_labelled(TEXTS, QUERIES, GRADES, quotes=quotes))
    assert read_positives(material, "q1") == [(FIRST, 2), (SECOND, 2)]


def test_evidence_of_another_query_or_document_decides_nothing(workspace: Path) -> None:
    quotes = [("q2", "two", "five years"), ("q1", "hub", "reset")]
    material = make_material(workspace, make_labelled(TEXTS, QUERIES, GRADES, quotes=quotes))
    assert read_positives(material, "q1") == [(SECOND, 2)], "hub was judged not relevant to q1"


def test_relevant_are_all_passages_of_relevant_documents_that_are_there(workspace: Path) -> None:
    grades = {**GRADES, "q1": {"two": 2, "hub": 0, "gone": 1}}
    material = make_material(workspace, make_labelled(TEXTS, QUERIES, grades))
    assert sorted(material.relevant_rows("q1").tolist()) == [0, 1]
    assert read_positives(material, "q1") == [(SECOND, 2)]
    assert material.relevant_rows("nobody").tolist() == []


def test_queries_without_an_answer_in_the_corpus_teach_nothing(workspace: Path) -> None:
    queries = {**QUERIES, "lost": "price", "none": "battery"}
    grades = {**GRADES, "lost": {"gone": 1}, "none": {"two": 0}}
    material = make_material(workspace, make_labelled(TEXTS, queries, grades), test=["q3"])
    assert sorted([*material.learning, *material.validation]) == ["q1", "q2"]


def test_no_test_query_learns_or_validates(workspace: Path) -> None:
    material = make_material(workspace, make_small(), test=["q2"])
    assert sorted([*material.learning, *material.validation]) == ["q1", "q3"]
    assert len(material.validation) == 1  # 15 % of 2 is less than one, and one at least validates


def test_learning_from_a_part_leaves_the_validation_queries_as_they_are(workspace: Path) -> None:
    whole = make_material(workspace, make_small())
    part = make_material(workspace, make_small(), learn_from=(whole.learning[1], *whole.validation))
    assert (part.learning, part.validation) == ([whole.learning[1]], whole.validation)


def number_queries(count: int) -> tuple[Dataset, list[str]]:
    dataset = make_labelled(TEXTS, {f"q{n}": f"question {n}" for n in range(count)}, GRADES)
    return dataset, [f"q{n}" for n in range(count)]


def test_fifteen_percent_validate_and_every_tuning_query_is_in_one_part() -> None:
    dataset, ids = number_queries(60)
    tuning = ids[:40]
    for seed in range(5):
        learning, validation = split_off_validation(dataset, tuning, {name: n for n, name in enumerate(ids)}, seed=seed)
        assert len(validation) == 6  # 15 % of 40
        assert sorted([*learning, *validation]) == sorted(tuning)


def test_groups_stay_whole_between_learning_and_validation() -> None:
    """Twenty groups of three that nothing in the texts would show."""
    dataset, ids = number_queries(60)
    groups = {name: n // 3 for n, name in enumerate(ids)}
    for seed in range(5):
        learning, validation = split_off_validation(dataset, ids, groups, seed=seed)
        assert len(validation) == 9  # 15 % of 60
        assert not {groups[name] for name in learning} & {groups[name] for name in validation}


def test_the_split_that_came_with_the_data_does_not_say_who_validates() -> None:
    """All tuning queries carry "tuning": taken as it is, that split would leave nobody to learn."""
    dataset, ids = number_queries(20)
    given = dataclasses.replace(dataset, queries=dataset.queries.assign(split="tuning"))
    own = {name: n for n, name in enumerate(ids)}
    assert split_off_validation(given, ids, own, seed=0) == split_off_validation(dataset, ids, own, seed=0)
    assert len(split_off_validation(given, ids, own, seed=0)[0]) == 17


def test_the_seed_decides_who_validates() -> None:
    dataset, ids = number_queries(40)
    own = {name: n for n, name in enumerate(ids)}
    drawn = [split_off_validation(dataset, ids, own, seed=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1]
    assert drawn[0][1] != drawn[2][1]


def test_a_single_query_or_a_single_group_learns_and_nobody_validates() -> None:
    dataset, ids = number_queries(4)
    assert split_off_validation(dataset, ["q2"], {"q2": 0}, seed=0) == (["q2"], [])
    assert split_off_validation(dataset, [], {}, seed=0) == ([], [])
    assert split_off_validation(dataset, ids, dict.fromkeys(ids, 0), seed=0) == (ids, [])


def test_labels_of_test_queries_are_never_read(workspace: Path) -> None:
    """The test query's labels are turned round; everything that training learns from stays what it is."""
    turned = make_labelled(TEXTS, QUERIES, {**GRADES, "q2": {"mail": 3, "hub": 0, "two": 1}}, quotes=[("q2", "two", "battery")])
    found = []
    for dataset in (make_small(), turned):
        material = make_material(workspace, dataset, test=["q2"])
        learned = [*material.learning, *material.validation]
        found.append((learned, [read_positives(material, name) for name in sorted(learned)]))
    assert found[0] == found[1]
