"""Advice on metadata fields, worked out by hand: what they separate, what is named, and which answers would be lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.diagnosis.metadata import (
    ADVICE,
    PROPOSALS,
    advise_metadata,
    find_lost_answers,
    find_stating,
    propose_filters,
)
from core.schema import DOCUMENTS, EVIDENCE, JUDGMENTS, QUERIES, RUN, empty
from tests.support.models import make_documents, make_queries, make_run

# Two products in two versions; "e" has no version, and "gone" is not in the corpus.
METADATA: dict[str, dict[str, Any]] = {
    "a": {"product": "Hub", "version": "3.0", "kind": "page"},
    "b": {"product": "Hub", "version": "3.1", "kind": "page"},
    "c": {"product": "Desk", "version": "3.0", "kind": "page"},
    "d": {"product": "Desk", "version": "3.1", "kind": "page"},
    "e": {"product": "Desk", "kind": "page"},
}


def make_dataset(texts: dict[str, str], relevant: dict[str, str], filters: dict[str, dict[str, Any]] | None = None) -> Dataset:
    """relevant: query id -> its relevant documents, one letter each, or "gone"."""
    labels = [
        (query_id, doc_id, 1)
        for query_id, documents in relevant.items()
        for doc_id in ([documents] if documents == "gone" else list(documents))
    ]
    return Dataset(
        name="made",
        documents=make_documents({name: f"text {name}" for name in METADATA}, METADATA),
        queries=make_queries(texts, filters),
        judgments=pd.DataFrame(labels, columns=JUDGMENTS),
        evidence=empty(EVIDENCE),
    )


def run_all(texts: dict[str, str]) -> pd.DataFrame:
    """All five documents for every query, in the order of the alphabet."""
    return make_run({name: [(f"{doc}1", -float(place)) for place, doc in enumerate(METADATA)] for name in texts})


def test_advice_by_hand() -> None:
    texts = {
        "q1": "hub reset",
        "q2": "hub 3.1 battery",
        "q3": "the hub again",
        "q4": "desk 3.0 or hub",
        "q5": "on 3.1",
        "own": "desk",
        "bare": "hub without labels",
        "lost": "hub, gone",
    }
    relevant = {"q1": "a", "q2": "b", "q3": "ab", "q4": "c", "q5": "e", "own": "a", "lost": "gone"}
    dataset = make_dataset(texts, relevant, {"own": {"product": "Hub"}})
    advice = advise_metadata(dataset, run_all(texts), query_ids=list(texts)).set_index("field")
    assert ["field", *advice.columns] == ADVICE
    assert list(advice.index) == ["product", "version"]  # "kind" is the same everywhere
    product, version = advice.loc["product"], advice.loc["version"]
    assert (product["coverage"], product["distinct"], version["coverage"], version["distinct"]) == (1, 2, 0.8, 2)
    # q1-q4, bare and lost name a product; bare has no label and lost no answer in the corpus; own has its filter
    assert (product["named"], product["kept"], product["thrown_away"]) == (6, 4, 0)
    # q2 and q4 keep b and c; the answer of q5, e, has no version
    assert (version["named"], version["kept"], version["thrown_away"]) == (3, 2, 1)
    assert (product["recommended"], version["recommended"]) == (True, False)
    # product. Relevant hits: a; b; a, b; c; and a of own: all 6 match. The others: of q1, q2 and own 4 each, 1 of them in
    # the hub; of q3 3, none; of q4 4, all of them: (1 + 1 + 0 + 4 + 1) of 19 match
    assert product["separation"] == pytest.approx(1 - 7 / 19)
    # version. Relevant: b, c, and e, which does not match. Others of q2 (3.1): d of 4; q4 (3.0): a of 4; q5: b, d of 4
    assert version["separation"] == pytest.approx(2 / 3 - 4 / 12)


def test_only_the_given_queries_teach() -> None:
    texts = {f"q{number}": "hub" for number in range(6)}
    dataset = make_dataset(texts, {"q0": "a", "q1": "b", "q2": "a", "q3": "c", "q4": "d", "q5": "e"})
    run = run_all(texts)
    first = advise_metadata(dataset, run, query_ids=["q0", "q1", "q2"]).set_index("field").loc["product"]
    assert (first["named"], first["thrown_away"], first["recommended"]) == (3, 0, True)
    two = advise_metadata(dataset, run, query_ids=["q0", "q1"]).set_index("field").loc["product"]
    assert (two["kept"], two["recommended"]) == (2, False)  # too few to tell
    everything = advise_metadata(dataset, run, query_ids=list(texts)).set_index("field").loc["product"]
    assert (everything["named"], everything["thrown_away"], everything["recommended"]) == (6, 3, False)


def test_one_lost_answer_in_fifty_is_the_limit() -> None:
    texts = {f"q{number}": "hub" for number in range(50)}
    answers = {name: "c" if name == "q7" else "a" for name in texts}
    run = run_all(texts)
    fifty = advise_metadata(make_dataset(texts, answers), run, query_ids=list(texts))
    assert fifty["recommended"].tolist() == [True, False]
    fewer = advise_metadata(make_dataset(texts, answers), run, query_ids=list(texts)[:49])
    assert fewer["recommended"].tolist() == [False, False]


def test_fields_that_are_safe_alone_but_not_together() -> None:
    """Each query names a product and a version; one answer has the product and the other the version, none has both."""
    texts = {f"q{number}": "hub 3.1" for number in range(3)}
    dataset = make_dataset(texts, {name: "ad" for name in texts})
    advice = advise_metadata(dataset, run_all(texts), query_ids=list(texts)).set_index("field")
    assert advice["kept"].tolist() == [3, 3] and advice["thrown_away"].tolist() == [0, 0]
    # Relevant are a and d. In the hub: a, b; 3.1: b, d. One of two relevant hits matches either, of the others b: 1 of 3.
    assert advice["separation"].tolist() == pytest.approx([1 / 2 - 1 / 3] * 2)
    assert advice["recommended"].tolist() == [True, False]


def test_proposed_filters() -> None:
    texts = {"keeps": "hub 3.1", "loses": "the desk", "bare": "hub", "own": "hub", "nothing": "words", "gone": "desk"}
    dataset = make_dataset(texts, {"keeps": "ab", "loses": "a", "own": "c", "gone": "gone"}, {"own": {"version": "3.0"}})
    proposals = propose_filters(dataset, ["product", "version"])
    assert list(proposals.columns) == PROPOSALS
    assert proposals.values.tolist() == [
        ["keeps", {"product": "Hub", "version": "3.1"}, True],
        ["loses", {"product": "Desk"}, False],
        ["bare", {"product": "Hub"}, None],
        ["gone", {"product": "Desk"}, None],
    ]
    assert propose_filters(dataset, []).empty and propose_filters(dataset, ["unknown"]).empty


def test_answers_that_the_users_own_filters_lose() -> None:
    filters: dict[str, dict[str, Any]] = {
        "kept": {"product": "Hub"},
        "lost": {"product": "Desk"},
        "half": {"version": "3.0"},
        "bare": {"product": "Desk"},
        "gone": {"product": "Desk"},
    }
    relevant = {"kept": "a", "lost": "a", "half": "ab", "gone": "gone", "free": "a"}
    dataset = make_dataset(dict.fromkeys([*filters, "free"], "text"), relevant, filters)
    assert find_lost_answers(dataset, [*filters, "free"]) == ["lost"]
    assert find_lost_answers(dataset, ["kept", "half"]) == []


def test_queries_that_say_their_value() -> None:
    texts = {"named": "the hub", "wrong": "the desk", "own": "desk", "other": "hub", "silent": "reset"}
    relevant = {name: "a" for name in texts}
    dataset = make_dataset(texts, relevant, {"own": {"product": "Hub"}, "other": {"version": "3.0"}})
    # `other` names the hub, but has a filter, which does not speak of the product
    assert find_stating(dataset, "product") == {"named", "own"}
    assert find_stating(dataset, "version") == {"other"}


def test_nothing_to_learn_from() -> None:
    texts = {"q": "hub"}
    dataset = make_dataset(texts, {})
    advice = advise_metadata(dataset, empty(RUN), query_ids=["q"])
    assert advice["named"].tolist() == [1, 0] and not advice["recommended"].any()
    assert np.isnan(advice["separation"].to_numpy(dtype=float)).all()
    nothing = Dataset("none", empty(DOCUMENTS), empty(QUERIES), empty(JUDGMENTS), empty(EVIDENCE))
    advice = advise_metadata(nothing, empty(RUN), query_ids=[])
    assert list(advice.columns) == ADVICE and advice.empty
