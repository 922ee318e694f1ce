"""What a grade is, which are relevant, and which whole grades stand for decimal ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data.grades import HIGHEST_GRADE, Grade, choose_threshold, describe_grades, spell_grade, to_whole_grades
from core.data.label_rules import LabelRules, read_rules, write_rules
from core.data.load import load_dataset
from core.data.split import keep_judged
from core.data.write import write_dataset
from core.errors import InputError
from core.schema import is_relevant, select_relevant

QRELS = {"q1": {"a": "1.0", "b": "0.75", "c": "0.1"}, "q2": {"b": "0.4", "c": "0"}, "q3": {"c": "-1"}}


def write_folder(folder: Path, qrels: dict[str, dict[str, str]], *, evidence: str = "") -> Path:
    folder.mkdir()
    (folder / "corpus.jsonl").write_text("".join(f'{{"_id": "{name}", "text": "text {name}"}}\n' for name in "abcd"))
    spans = f', "evidence": [{{"doc_id": "{evidence}", "quote": "text"}}]' if evidence else ""
    (folder / "queries.jsonl").write_text("".join(f'{{"_id": "{name}", "text": "which {name}"{spans}}}\n' for name in qrels))
    lines = [f"{query}\t{doc}\t{grade}" for query, found in qrels.items() for doc, grade in found.items()]
    (folder / "qrels.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n")
    return folder


def relevant_pairs(judgments: pd.DataFrame) -> list[tuple[str, str]]:
    return list(select_relevant(judgments)[["query_id", "doc_id"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("grades_of", "threshold"),
    [
        ([], 1),
        ([[0, 0]], 1),
        ([[1, 2], [3]], 1),
        ([[100, 40]], 1),  # whole numbers are as they have always been
        ([[1, 0.5, 0]], 0.5),
        ([[1, 0.5], [0.2, 0.1], [0]], 0.2),  # else the second query would have no relevant document
        ([[0.3, 0.1]], 0.15),
        ([[3, 1.5], [2]], 1.5),
        ([[4, 0.5]], 2),
    ],
)
def test_from_which_grade_on_documents_are_relevant(grades_of: list[list[Grade]], threshold: Grade) -> None:
    assert choose_threshold(grades_of) == threshold


@pytest.mark.parametrize(("grade", "text"), [(1, "1"), (2.0, "2"), (0.75, "0.75"), (0.1 + 0.2, "0.30000000000000004")])
def test_a_grade_is_written_with_all_its_decimals(grade: Grade, text: str) -> None:
    assert spell_grade(grade) == text
    assert float(text) == grade


@pytest.mark.parametrize(
    ("grades", "threshold", "whole", "least"),
    [
        ([0, 1, 3], 1, [0, 1, 3], 1),
        ([0, 1, 3], 2, [0, 1, 3], 3),  # no grade lies between 2 and 3
        ([0, 1, 2], 3, [0, 1, 2], 3),
        ([0, 0.1, 0.75, 1], 0.5, [0, 10, 75, 100], 75),
        ([0.5, 2.25], 1, [50, 225], 225),
        ([0.4999999, 0.5, 1], 0.5, [499_999, 500_000, 1_000_000], 500_000),  # rounding would make the first relevant
        ([1e-9, 1], 1e-10, [1, 10**6], 1),  # and here it would make it not relevant
        ([1.5, HIGHEST_GRADE], 2, [2, HIGHEST_GRADE], HIGHEST_GRADE),  # no scale lifts a grade above the highest
        ([123.456789, 0.5], 1, [123_457, 500], 123_457),
    ],
)
def test_whole_grades_keep_gains_and_what_is_relevant(
    grades: list[float], threshold: float, whole: list[int], least: int
) -> None:
    given = np.array(grades)
    made, lowest = to_whole_grades(given, given >= threshold)
    assert (made.tolist(), lowest) == (whole, least)
    assert ((made >= lowest) == (given >= threshold)).all()


def test_decimal_grades_are_kept_as_they_are(tmp_path: Path) -> None:
    dataset = load_dataset(write_folder(tmp_path / "in", QRELS), name="same")
    assert dataset.judgments["relevance"].tolist() == [1.0, 0.75, 0.1, 0.4, 0, 0]
    assert dataset.relevant_from == 0.4
    assert relevant_pairs(dataset.judgments) == [("q1", "a"), ("q1", "b"), ("q2", "b")]
    assert any("from grade 0.4 on" in warning and "--relevant-from" in warning for warning in dataset.warnings)
    write_dataset(dataset, tmp_path / "out")
    again = load_dataset(tmp_path / "out", name="same")
    assert again.fingerprint == dataset.fingerprint
    pd.testing.assert_frame_equal(again.judgments, dataset.judgments)


def test_whole_grades_are_what_they_were(tmp_path: Path) -> None:
    """Fingerprints, and all that is kept under them, stay while nobody asks for another threshold."""
    whole = {"q1": {"a": "2", "b": "1", "c": "0"}, "q2": {"b": "1.0"}}
    dataset = load_dataset(write_folder(tmp_path / "in", whole))
    assert dataset.judgments.to_dict("records")[0] == {"query_id": "q1", "doc_id": "a", "relevance": 2}
    assert dataset.judgments["relevance"].dtype == np.int64
    assert dataset.warnings == ()
    same = load_dataset(tmp_path / "in", rules=LabelRules(relevant_from=1.0))
    assert same.fingerprint == dataset.fingerprint
    other = load_dataset(tmp_path / "in", rules=LabelRules(relevant_from=2))
    assert other.fingerprint != dataset.fingerprint
    assert other.corpus_fingerprint == dataset.corpus_fingerprint
    assert relevant_pairs(other.judgments) == [("q1", "a")]
    assert "1 query has no document of grade 2 or more, only lower grades: q2." in other.warnings


def test_a_threshold_travels_with_the_dataset(tmp_path: Path) -> None:
    dataset = load_dataset(
        write_folder(tmp_path / "in", {"q1": {"a": "2", "b": "1"}}, evidence="d"), rules=LabelRules(relevant_from=2)
    )
    assert relevant_pairs(dataset.judgments) == [("q1", "a"), ("q1", "d")]  # what answers a query is relevant to it
    write_dataset(dataset, tmp_path / "out")
    assert read_rules(tmp_path / "out") == LabelRules(relevant_from=2)
    assert load_dataset(tmp_path / "out").fingerprint == dataset.fingerprint


def test_whoever_asks_what_is_relevant_sees_the_threshold(tmp_path: Path) -> None:
    dataset = load_dataset(write_folder(tmp_path / "in", {"q1": {"a": "1"}, "q2": {"b": "1"}}))
    assert is_relevant(dataset.judgments).all()
    strict = load_dataset(tmp_path / "in", rules=LabelRules(relevant_from=2))
    assert not is_relevant(strict.judgments).any()
    with pytest.raises(InputError, match="no query with a relevant label"):
        keep_judged(strict)


def test_many_decimals_are_rounded_and_that_is_said(tmp_path: Path) -> None:
    dataset = load_dataset(write_folder(tmp_path / "in", {"q1": {"a": "0.123456789", "b": "1"}}))
    assert dataset.judgments["relevance"].tolist() == [0.123456789, 1.0]
    assert "The grades have up to 9 decimals; nDCG reads them rounded to 6." in dataset.warnings


@pytest.mark.parametrize("threshold", [0, -1, 2**20 + 1, float("nan"), float("inf")])
def test_a_threshold_that_is_none(threshold: float) -> None:
    with pytest.raises(InputError, match="give a number above 0"):
        LabelRules(relevant_from=threshold)


def test_rules_that_cannot_be_read_say_where_they_lie(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", {"q1": {"a": "1"}})
    write_rules(tmp_path / "in", LabelRules(relevant_from=2))
    assert load_dataset(tmp_path / "in").relevant_from == 2
    (tmp_path / "in" / "labels.json").write_text('{"format": 1, "relevant_from": "high"}')
    with pytest.raises(InputError, match=r"labels\.json: cannot be read"):
        load_dataset(tmp_path / "in")


@pytest.mark.parametrize(
    ("grades", "told"),
    [
        ([100, 10, 0], "The grades go up to 100, and documents count as relevant from grade 1 on, also those of grade 10."),
        ([5, 3, 1], "The grades go up to 5, and documents count as relevant from grade 1 on, also those of grade 1."),
        ([4, 2, 1], "The grades go up to 4, and documents count as relevant from grade 1 on, also those of grade 1."),
        ([4, 1, 0], ""),
        ([2, 1], ""),  # what is not relevant is often left out
        ([3, 3], ""),
        ([], ""),
    ],
)
def test_whole_grades_of_which_the_lowest_may_not_be_relevant_are_told(grades: list[Grade], told: str) -> None:
    notes = describe_grades({"q": grades} if grades else {}, 1, said=False)
    assert notes == ([f"{told} Change it on the page Data or with --relevant-from."] if told else [])
    assert all(
        "count as relevant from grade 3 on, as was said" in note for note in describe_grades({"q": [5, 1]}, 3, said=True)
    )
