"""Training examples: what labels become in each form, and what one form becomes in another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.errors import InputError
from core.training.examples import Examples, collect_examples, convert_examples, describe_examples
from core.training.material import Material
from tests.support.materials import make_labelled, make_material

TEXTS = {
    "answer": "battery clock",
    "twin": "clock of a battery",  # says the same as the answer, and was not judged
    "near": "battery clock hub",
    "half": "battery",
    "mail": "alerts by mail",
    "price": "price",
}
QUERIES = {"q1": "which battery for the clock", "q2": "mail", "q3": "price"}
GRADES = {"q1": {"answer": 2, "half": 1, "near": 0}, "q2": {"mail": 1}, "q3": {"price": 1}}
JUDGED = {(query, doc): grade for query, given in GRADES.items() for doc, grade in given.items()}


def make_small() -> Dataset:
    return make_labelled(TEXTS, QUERIES, GRADES)


def collect(material: Material, form: str, *, negatives: int = 2, seed: int = 0) -> Examples:
    return collect_examples(material, form=form, negatives=negatives, query_ids=["q1", "q2"], seed=seed)


def list_pairs(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """(query id, document id) of a frame with documents."""
    names = {text: name for name, text in TEXTS.items()}
    return [(query_id, names[text]) for query_id, text in zip(frame["query_id"], frame["document"], strict=True)]


def test_pairs_are_each_query_with_each_relevant_passage(workspace: Path) -> None:
    examples = collect(make_material(workspace, make_small()), "pairs")
    assert (examples.form, examples.columns, examples.source) == ("pairs", ["query", "positive"], "labels")
    assert examples.frame.to_dict("records") == [
        {"query_id": query_id, "query": QUERIES[query_id], "positive": TEXTS[name]}
        for query_id, name in [("q1", "answer"), ("q1", "half"), ("q2", "mail")]
    ]
    assert examples.negatives().empty


@pytest.mark.parametrize("form", ["labelled", "triplets", "hard_negatives", "scores"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_negative_is_relevant_or_a_near_duplicate_of_a_positive(workspace: Path, form: str, seed: int) -> None:
    material = make_material(workspace, make_small())
    examples = collect(material, form, negatives=10, seed=seed)
    negatives = list_pairs(examples.negatives())
    assert {query_id for query_id, _ in negatives} == {"q1", "q2"}
    assert not [pair for pair in negatives if JUDGED.get(pair, 0) >= 1]
    assert ("q1", "twin") not in negatives
    assert sorted(list_pairs(examples.positives())) == [("q1", "answer"), ("q1", "half"), ("q2", "mail")]


def test_judged_non_relevant_documents_are_labelled_zero_even_without_mining(workspace: Path) -> None:
    examples = collect(make_material(workspace, make_small()), "labelled", negatives=0)
    assert examples.columns == ["query", "document", "label"]
    assert list(zip(list_pairs(examples.frame), examples.frame["label"], strict=True)) == [
        (("q1", "answer"), 1),
        (("q1", "half"), 1),
        (("q2", "mail"), 1),
        (("q1", "near"), 0),
    ]


def test_a_judged_non_relevant_document_gives_its_most_similar_passage(workspace: Path) -> None:
    texts = {**TEXTS, "near": "The price is on the label. The battery of the hub lasts."}
    material = make_material(workspace, make_labelled(texts, QUERIES, GRADES))
    negatives = collect(material, "labelled", negatives=0).negatives()
    assert negatives["document"].tolist() == ["The battery of the hub lasts."]


def test_a_judged_non_relevant_copy_of_an_answer_is_no_negative(workspace: Path) -> None:
    """The same words cannot be right and wrong for one query."""
    texts = {**TEXTS, "near": TEXTS["answer"]}
    examples = collect(make_material(workspace, make_labelled(texts, QUERIES, GRADES)), "labelled", negatives=0)
    assert examples.negatives().empty
    assert examples.frame["document"].tolist().count(TEXTS["answer"]) == 1


@pytest.mark.parametrize("form", ["labelled", "scores"])
def test_as_many_negatives_are_mined_as_the_positives_ask_for(workspace: Path, form: str) -> None:
    texts = {**TEXTS, **{f"d{n}": f"hub number {n}" for n in range(40)}}
    material = make_material(workspace, make_labelled(texts, QUERIES, {**GRADES, "q1": {"answer": 2, "half": 1}}))
    counts = collect(material, form, negatives=3).negatives()["query_id"].value_counts().to_dict()
    assert counts == {"q1": 6, "q2": 3}  # two positives and one positive, three each


def test_grades_become_shares_of_the_highest(workspace: Path) -> None:
    examples = collect(make_material(workspace, make_small()), "scores", negatives=0)
    assert examples.columns == ["query", "document", "score"]
    # the highest grade is 2
    assert dict(zip(list_pairs(examples.frame), examples.frame["score"], strict=True)) == {
        ("q1", "answer"): 1.0,
        ("q1", "half"): 0.5,
        ("q2", "mail"): 0.5,
        ("q1", "near"): 0.0,
    }


def test_a_relevant_document_of_low_grade_stays_a_positive(workspace: Path) -> None:
    """Its score is a quarter, and in an upload that would count as wrong."""
    grades = {**GRADES, "q1": {"answer": 4, "half": 1, "near": 0}}
    examples = collect(make_material(workspace, make_labelled(TEXTS, QUERIES, grades)), "scores", negatives=0)
    assert sorted(examples.frame["score"]) == [0.0, 0.25, 0.25, 1.0]
    assert ("q1", "half") in list_pairs(examples.positives())
    assert list_pairs(examples.negatives()) == [("q1", "near")]


def test_the_grades_of_test_queries_scale_nothing(workspace: Path) -> None:
    grades = {**GRADES, "q3": {"price": 9}}
    material = make_material(workspace, make_labelled(TEXTS, QUERIES, grades), test=["q3"])
    assert collect(material, "scores", negatives=0).frame["score"].max() == 1.0


@pytest.mark.parametrize("count", [1, 3, 5, 7])
def test_hard_negatives_have_as_many_columns_as_wanted(workspace: Path, count: int) -> None:
    """Five of the six passages are wrong for q2; where more are wanted, some stand there twice."""
    material = make_material(workspace, make_small())
    examples = collect_examples(material, form="hard_negatives", negatives=count, query_ids=["q2"], seed=0)
    assert examples.columns == ["query", "positive", *(f"negative_{n + 1}" for n in range(count))]
    (row,) = examples.frame[examples.negative_columns].itertuples(index=False)
    assert set(row) <= set(TEXTS.values()) - {TEXTS["mail"]}
    assert count == 7 or len(set(row)) == count


def test_triplets_are_one_row_for_each_negative(workspace: Path) -> None:
    examples = collect(make_material(workspace, make_small()), "triplets", negatives=2)
    assert examples.columns == ["query", "positive", "negative"]
    assert examples.frame.groupby(["query_id", "positive"])["negative"].nunique().tolist() == [2, 2, 2]
    assert len(examples.frame) == 6  # three positives


@pytest.mark.parametrize("form", ["pairs", "triplets", "hard_negatives"])
def test_without_negatives_embedding_forms_are_pairs(workspace: Path, form: str) -> None:
    assert collect(make_material(workspace, make_small()), form, negatives=0).form == "pairs"


def test_the_seed_decides_what_is_drawn(workspace: Path) -> None:
    texts = {**TEXTS, **{f"d{n}": f"hub number {n}" for n in range(40)}}
    material = make_material(workspace, make_labelled(texts, QUERIES, GRADES))
    for form in ("hard_negatives", "labelled"):
        drawn = [collect(material, form, seed=seed).fingerprint for seed in (1, 1, 2)]
        assert drawn[0] == drawn[1] != drawn[2]


def test_evidence_decides_which_passage_is_the_positive(workspace: Path) -> None:
    texts = {**TEXTS, "answer": "The mail tells how it goes. The clock has a battery inside."}
    quotes = [("q1", "answer", "The mail tells how")]
    material = make_material(workspace, make_labelled(texts, QUERIES, GRADES, quotes=quotes))
    positives = collect(material, "hard_negatives").positives()
    assert positives["document"].tolist() == ["The mail tells how it goes.", TEXTS["half"], TEXTS["mail"]]


def test_labels_of_test_queries_change_no_example(workspace: Path) -> None:
    learned = ["q1", "q2"]
    found = []
    for given in ({"price": 1}, {"answer": 9, "near": 1, "price": 0}):
        material = make_material(workspace, make_labelled(TEXTS, QUERIES, {**GRADES, "q3": given}), test=["q3"])
        found.append(
            [
                collect_examples(material, form=form, negatives=2, query_ids=learned, seed=0).fingerprint
                for form in ("pairs", "labelled", "triplets", "hard_negatives", "scores")
            ]
        )
    assert found[0] == found[1]


def test_nothing_to_learn_from_is_said_with_the_cure(workspace: Path) -> None:
    material = make_material(workspace, make_labelled(TEXTS, QUERIES, {"q1": {"near": 0, "gone": 1}}))
    with pytest.raises(InputError) as error:
        collect_examples(material, form="pairs", negatives=1, query_ids=["q1"], seed=0)
    assert str(error.value) == (
        "no tuning query of small has a relevant document in the corpus, so there is nothing to learn from; label more queries"
    )


# By hand: q has two answers a and b, and two wrong documents x and y.
def make_upload(form: str) -> Examples:
    rows: dict[str, list[dict[str, Any]]] = {
        "pairs": [{"positive": "a"}, {"positive": "b"}],
        "triplets": [{"positive": "a", "negative": "x"}, {"positive": "b", "negative": "y"}],
        "hard_negatives": [{"positive": one, "negative_1": "x", "negative_2": "y"} for one in ("a", "b")],
        "labelled": [{"document": name, "label": int(name in "ab")} for name in "abxy"],
        "scores": [{"document": name, "score": score} for name, score in [("a", 1.0), ("b", 0.5), ("x", 0.4), ("y", 0.0)]],
    }
    frame = pd.DataFrame([{"query_id": "", "query": "q", **row} for row in rows[form]])
    return Examples(form, frame, "own.csv", "/data/own.csv")


def list_rows(examples: Examples) -> list[tuple[Any, ...]]:
    return list(examples.frame[examples.columns].itertuples(index=False, name=None))


LABELLED = [("q", "a", 1), ("q", "b", 1), ("q", "x", 0), ("q", "y", 0)]
ALL_TRIPLETS = {("q", good, bad) for good in "ab" for bad in "xy"}


@pytest.mark.parametrize("form", ["pairs", "triplets", "hard_negatives", "labelled", "scores"])
def test_an_upload_of_any_form_gives_its_pairs_and_stays_itself(form: str) -> None:
    upload = make_upload(form)
    assert convert_examples(upload, form) is upload
    assert list_rows(convert_examples(upload, "pairs")) == [("q", "a"), ("q", "b")]


@pytest.mark.parametrize("form", ["triplets", "hard_negatives", "scores"])
def test_an_upload_with_negatives_can_be_labelled(form: str) -> None:
    assert list_rows(convert_examples(make_upload(form), "labelled")) == LABELLED


@pytest.mark.parametrize("form", ["triplets", "hard_negatives", "labelled"])
def test_labels_are_scores_of_one_and_zero(form: str) -> None:
    assert list_rows(convert_examples(make_upload(form), "scores")) == LABELLED


@pytest.mark.parametrize("form", ["hard_negatives", "labelled", "scores"])
def test_triplets_join_what_belongs_to_the_same_query(form: str) -> None:
    converted = convert_examples(make_upload(form), "triplets")
    assert converted.form == "triplets"
    assert sorted(list_rows(converted)) == sorted(ALL_TRIPLETS)


def test_hard_negatives_are_learned_from_as_the_form_that_is_there() -> None:
    """Pairs and triplets are read by the same loss; labels become triplets for it."""
    for form in ("pairs", "triplets"):
        upload = make_upload(form)
        assert convert_examples(upload, "hard_negatives") is upload
    for form in ("labelled", "scores"):
        converted = convert_examples(make_upload(form), "hard_negatives")
        assert (converted.form, set(list_rows(converted))) == ("triplets", ALL_TRIPLETS)


@pytest.mark.parametrize("form", ["labelled", "scores", "triplets"])
def test_negatives_cannot_be_made_up(form: str) -> None:
    with pytest.raises(InputError) as error:
        convert_examples(make_upload("pairs"), form)
    assert str(error.value) == (f"own.csv: these examples have no negatives, which {form} need; add negatives, or mine them")


def test_negatives_of_other_queries_make_no_triplets() -> None:
    frame = pd.DataFrame([("", "q", "a", 1), ("", "other", "x", 0)], columns=["query_id", "query", "document", "label"])
    with pytest.raises(InputError, match=r"^own.csv: no query of these examples has both a document that belongs to it and"):
        convert_examples(Examples("labelled", frame, "own.csv"), "triplets")


@pytest.mark.parametrize("form", ["pairs", "labelled", "triplets", "scores"])
def test_a_conversion_remembers_where_the_examples_came_from(form: str) -> None:
    converted = convert_examples(make_upload("hard_negatives"), form)
    assert (converted.form, converted.source, converted.file) == (form, "own.csv", "/data/own.csv")


def test_the_balance_is_counted_in_distinct_pairs() -> None:
    frame = make_upload("hard_negatives").frame
    described = describe_examples(Examples("hard_negatives", pd.concat([frame, frame]), "own.csv"))
    # two answers and two wrong documents of one query, in four rows
    wanted = {"form": "hard_negatives", "rows": 4, "queries": 1, "positives": 2, "negatives": 2, "negatives_per_positive": 1.0}
    assert {name: described[name] for name in wanted} == wanted
    assert describe_examples(make_upload("pairs"))["negatives_per_positive"] == 0.0


def test_the_fingerprint_is_of_form_and_content_alone() -> None:
    upload = make_upload("labelled")
    assert Examples("labelled", upload.frame.copy(), "renamed.csv").fingerprint == upload.fingerprint
    assert Examples("labelled", upload.frame.assign(label=[1, 1, 1, 0])).fingerprint != upload.fingerprint
    assert make_upload("pairs").fingerprint != upload.fingerprint
