"""Every failed query gets one cause, worked out by hand: the order, the sentences, and what is not trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.diagnosis.causes import CAUSES, FAILURES, RESCUES, Diagnosis, Fix, diagnose, measure_rescue
from core.errors import StageError
from core.schema import EVIDENCE, JUDGMENTS, QUERIES, empty

INF = np.inf

# doc_id, title, text
DOCUMENTS = [
    ("d-clock", "Clock", "The hub takes its time from the network."),
    ("d-proxy", "Error KH-4021", "The proxy refused the password of the hub. Type it again."),
    ("d-mail", "Mail", "Desk sends mail when a thermistor leaves its range."),
    ("d-hub", "Hub", "Restart the hub. The hub has a network and mail."),
    ("d-price", "Prices", "A network costs nothing, mail and hub cost extra."),
    ("d-empty", " ", ""),
]
TUNING = ("t1", "t2", "t3", "t4")

# id, text, filter, {document: relevance}
QUESTIONS: list[tuple[str, str, dict[str, Any], dict[str, int]]] = [
    *((name, "tuning", {}, {"d-hub": 1}) for name in TUNING),
    ("q-fine", "hub restart", {}, {"d-hub": 1}),
    ("q-gone", "old firmware", {}, {"d-gone": 1, "d-hub": 0}),
    ("q-zero", "carrier pigeon", {}, {"d-hub": 0, "d-mail": 0}),
    ("q-empty", "blank page", {}, {"d-empty": 2}),
    ("q-filter", "time of the hub", {"version": "3.1"}, {"d-clock": 1}),
    ("q-code", "what is kh-4021", {}, {"d-proxy": 1}),
    ("q-rare", "thermistors alert", {}, {"d-mail": 1}),
    ("q-words", "bill", {}, {"d-price": 1}),
    ("q-low", "wall clock", {}, {"d-clock": 1}),
    ("q-deep", "hour", {}, {"d-clock": 1}),
    ("q-far", "minute", {}, {"d-clock": 1}),
    ("q-unjudged", "anything", {}, {}),
]
TEST = tuple(name for name, *_ in QUESTIONS if name not in TUNING)
RANKS = {
    **dict.fromkeys(TUNING, 9.0), "q-fine": 5.0, "q-gone": INF, "q-empty": INF, "q-filter": 6.0, "q-code": 14.0,
    "q-rare": 30.0, "q-words": INF, "q-low": 100.0, "q-deep": 101.0, "q-far": INF,
}  # fmt: skip


def make_dataset(*evidence: tuple[str, str, str], judgments: tuple[tuple[str, str, int], ...] = ()) -> Dataset:
    """evidence: query, document, quote."""
    texts = {doc_id: text for doc_id, _, text in DOCUMENTS}
    spans = []
    for query_id, doc_id, quote in evidence:
        start = texts.get(doc_id, quote).index(quote)
        spans.append((query_id, doc_id, start, start + len(quote)))
    labels = [(query_id, doc_id, grade) for query_id, _, _, found in QUESTIONS for doc_id, grade in found.items()]
    return Dataset(
        name="small",
        documents=pd.DataFrame([(*row, {}) for row in DOCUMENTS], columns=["doc_id", "title", "text", "metadata"]),
        queries=pd.DataFrame([(name, text, "", wanted, (), "") for name, text, wanted, _ in QUESTIONS], columns=QUERIES),
        judgments=pd.DataFrame([*labels, *judgments], columns=JUDGMENTS),
        evidence=pd.DataFrame(spans, columns=EVIDENCE) if spans else empty(EVIDENCE),
    )


def make_fix(cause: str, system: str, *, rescues: int = 0, breaks: int = 0, has: dict[str, float] | None = None) -> Fix:
    """A fix with the base's ranks, but the first `rescues` tuning queries at rank 1, the last `breaks` at rank 20 (for a base
    that has them), and what `has` says."""
    ranks = dict(RANKS)
    ranks.update(dict.fromkeys(TUNING[:rescues], 1.0))
    ranks.update(dict.fromkeys(TUNING[len(TUNING) - breaks :], 20.0))
    return Fix(cause, system, pd.Series({**ranks, **(has or {})}))


def run(
    *fixes: Fix,
    dataset: Dataset | None = None,
    cut: Mapping[str, str] | None = None,
    base: dict[str, float] | None = None,
    **options: Any,
) -> Diagnosis:
    ranks = pd.Series({**RANKS, **(base or {})})
    asked: dict[str, Any] = {"tuning": TUNING, "test": TEST, **options}
    return diagnose(dataset or make_dataset(), system="dense", ranks=ranks, fixes=fixes, cut=cut or {}, **asked)


def causes_of(diagnosis: Diagnosis) -> dict[str, str]:
    return dict(zip(diagnosis.failures["query_id"], diagnosis.failures["cause"], strict=True))


def say(diagnosis: Diagnosis, query_id: str) -> str:
    return str(diagnosis.failures.set_index("query_id").at[query_id, "evidence"])


def hold(diagnosis: Diagnosis, query_id: str) -> tuple[str, ...]:
    return tuple(diagnosis.failures.set_index("query_id").at[query_id, "holds"])


def test_rescued_and_broken() -> None:
    base = pd.Series({"a": 6.0, "b": 5.0, "c": INF, "d": 1.0, "e": 7.0})
    fix = pd.Series({"a": 5.0, "b": 6.0, "c": 1.0, "d": 2.0, "e": 6.0})
    assert measure_rescue(base, fix, ["a", "b", "c", "d", "e"]) == (2, 1)  # a and c; b
    assert measure_rescue(base, fix, ["b", "d", "not answerable"]) == (0, 1)
    assert measure_rescue(base, fix, []) == (0, 0)


ALL_FIXES = (
    make_fix("wording", "hybrid-prf", rescues=1, has={"q-words": 3.0}),
    make_fix("exact_terms", "bm25", rescues=2, has={"q-code": 2.0, "q-rare": 1.0}),
    make_fix("metadata", "dense-filtered", has={"q-filter": 2.0}),
    make_fix("chunking", "dense-chunk64", rescues=1, has={"q-deep": 4.0}),
)


def test_one_cause_for_every_failed_query_in_test_order() -> None:
    cut = {"q-deep": "the answer is spread over 3 chunks", "q-fine": "the answer is spread over 2 chunks"}
    found = run(*ALL_FIXES, cut=cut)
    assert list(found.failures) == FAILURES
    assert causes_of(found) == {
        "q-gone": "not_in_corpus",
        "q-zero": "not_in_corpus",
        "q-empty": "not_in_corpus",
        "q-filter": "metadata",
        "q-code": "exact_terms",
        "q-rare": "exact_terms",
        "q-words": "wording",
        "q-low": "ranking",  # rank 100 is still among the first 100
        "q-deep": "chunking",
        "q-far": "representation",
    }
    assert list(causes_of(found)) == [name for name in TEST if name not in ("q-fine", "q-unjudged")]
    assert set(found.failures["system"]) == {"dense"}
    assert found.shares == {
        "not_in_corpus": 3, "metadata": 1, "chunking": 1, "exact_terms": 2, "wording": 1, "ranking": 1, "representation": 1,
    }  # fmt: skip
    assert tuple(found.shares) == CAUSES
    assert (found.n_failed, found.n_test) == (10, 11)  # q-fine succeeds, q-unjudged is no query of the test


def test_the_sentences() -> None:
    found = run(*ALL_FIXES, cut={"q-deep": "the answer is spread over 3 chunks", "q-far": "the answer is spread over 2 chunks"})
    assert dict(zip(found.failures["query_id"], found.failures["evidence"], strict=True)) == {
        "q-gone": "The only document that answers it, d-gone, is not in the corpus.",
        "q-zero": "It has 2 judgments, and none says that a document is relevant.",
        "q-empty": "The only document that answers it, d-empty, is empty (neither title nor text).",
        "q-filter": "The answer is at rank 6 of dense; with its filter (version 3.1) dense-filtered has it at rank 2.",
        "q-code": "The answer is at rank 14 of dense; bm25 has it at rank 2, and query and document hold “kh-4021”.",
        "q-rare": "The answer is at rank 30 of dense; bm25 has it at rank 1, and query and document hold “thermistors”.",
        "q-words": "The answer is not among the first 100 hits of dense; with the query rewritten hybrid-prf has it at rank 3.",
        "q-low": "The answer is at rank 100 of dense, and no cheaper fix brings it into the first five.",
        "q-deep": "The answer is at rank 101 of dense; the answer is spread over 3 chunks, and dense-chunk64 has it at rank 4.",
        "q-far": "The answer is not among the first 100 hits of dense; the answer is spread over 2 chunks.",
    }


def test_several_answers_that_are_not_there() -> None:
    found = run(dataset=make_dataset(judgments=(("q-gone", "d-gone-too", 1),)))
    assert say(found, "q-gone") == "All 2 documents that answer it are not in the corpus: d-gone, d-gone-too."
    # One of them in the corpus is enough for the query to be answerable.
    found = run(dataset=make_dataset(judgments=(("q-gone", "d-mail", 1),)))
    assert causes_of(found)["q-gone"] == "representation"


def test_evidence_in_a_missing_document_cannot_be_found() -> None:
    """d-hub is relevant and there, but success is counted on the evidence, whose document is not."""
    found = run(dataset=make_dataset(("q-low", "d-gone", "one o'clock")))
    assert causes_of(found)["q-low"] == "not_in_corpus"


def test_rescues_stand_in_the_order_in_which_they_are_tried() -> None:
    found = run(*ALL_FIXES).rescues
    assert list(found) == RESCUES
    assert found.to_numpy().tolist() == [
        ["metadata", "dense-filtered", 0, 0, 0, True],  # always tried
        ["exact_terms", "bm25", 2, 0, 2, True],
        ["chunking", "dense-chunk64", 1, 0, 1, True],  # as good as wording: ladder order
        ["wording", "hybrid-prf", 1, 0, 1, True],
    ]


@pytest.mark.parametrize(
    ("chunking", "lexical", "wording", "cause"),
    [
        (1, 1, 1, "chunking"),  # equal: ladder order
        (1, 2, 1, "exact_terms"),
        (1, 2, 3, "wording"),
        (0, 0, 1, "wording"),
        (0, 0, 0, "ranking"),
    ],
)
def test_the_fix_that_rescues_most_is_tried_first(chunking: int, lexical: int, wording: int, cause: str) -> None:
    has = {"q-code": 2.0}
    found = run(
        make_fix("chunking", "dense-chunk64", rescues=chunking, has=has),
        make_fix("exact_terms", "bm25", rescues=lexical, has=has),
        make_fix("wording", "hybrid-prf", rescues=wording, has=has),
    )
    assert causes_of(found)["q-code"] == cause


def test_all_causes_that_hold_are_kept() -> None:
    has = {"q-code": 2.0}
    found = run(
        make_fix("chunking", "dense-chunk64", rescues=1, has=has),
        make_fix("exact_terms", "bm25", rescues=3, has=has),
        make_fix("metadata", "dense-filtered", has=has),
        make_fix("wording", "hybrid-prf", has=has),  # rescues nothing on tuning: its rescue here does not count
    )
    assert hold(found, "q-code") == ("metadata", "exact_terms", "chunking", "ranking")
    assert hold(found, "q-far") == ("representation",)
    assert hold(found, "q-gone") == ("not_in_corpus",)


def test_a_fix_that_breaks_as_many_as_it_rescues_is_luck() -> None:
    """Of four tuning queries the base has t3 and t4; bm25 gets t1 and t2 and loses t3 and t4: net 0."""
    bm25 = make_fix("exact_terms", "bm25", rescues=2, breaks=2, has={"q-code": 2.0})
    found = run(bm25, base={"t3": 1.0, "t4": 2.0})
    assert found.rescues.to_numpy().tolist() == [["exact_terms", "bm25", 2, 2, 0, False]]
    assert causes_of(found)["q-code"] == "ranking"
    assert hold(found, "q-code") == ("ranking",)
    assert say(found, "q-code") == (
        "The answer is at rank 14 of dense; bm25 has it at rank 2, and query and document hold “kh-4021”, "
        "but of the tuning queries it rescues 2 and breaks 2."
    )


def test_cut_evidence_counts_only_if_the_other_chunking_helps() -> None:
    cut = {"q-low": "the answer is spread over 2 chunks"}
    assert causes_of(run(cut=cut))["q-low"] == "ranking"  # no other chunking was tried
    assert causes_of(run(make_fix("chunking", "dense-chunk64", rescues=1), cut=cut))["q-low"] == "chunking"
    found = run(make_fix("chunking", "dense-chunk64"), cut=cut)
    assert causes_of(found)["q-low"] == "ranking"
    assert say(found, "q-low") == (
        "The answer is at rank 100 of dense; the answer is spread over 2 chunks, "
        "but of the tuning queries dense-chunk64 rescues 0 and breaks 0."
    )


def test_exact_terms_needs_a_shared_term() -> None:
    found = run(make_fix("exact_terms", "bm25", rescues=1, has={"q-low": 1.0, "q-words": 2.0}))
    # "clock" stands in the title of the answer alone, and is rare; no word of "bill" stands in its answer
    assert causes_of(found)["q-low"] == "exact_terms"
    assert causes_of(found)["q-words"] == "representation"
    assert say(found, "q-words") == (
        "The answer is not among the first 100 hits of dense; bm25 has it at rank 2, "
        "but query and answer share no code, number or rare term."
    )
    common = {"clock": 3}  # of five documents: no longer rare
    found = run(make_fix("exact_terms", "bm25", rescues=1, has={"q-low": 1.0}), frequencies=common)
    assert causes_of(found)["q-low"] == "ranking"


def test_terms_are_sought_in_the_evidence_and_in_the_document_around_it() -> None:
    bm25 = make_fix("exact_terms", "bm25", rescues=1, has={"q-code": 2.0, "q-rare": 2.0})
    dataset = make_dataset(("q-code", "d-proxy", "The proxy refused the password"), ("q-rare", "d-mail", "a thermistor leaves"))
    found = run(bm25, dataset=dataset)
    assert say(found, "q-code").endswith("and query and document hold “kh-4021”.")  # in the title, not in the quote
    assert say(found, "q-rare").endswith("and both texts hold “thermistors”.")


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"version": ["3.0", "3.1"], "product": "Hub"}, "its filter (version 3.0 or 3.1, product Hub)"),
        ({"year": {"gte": 2023, "lte": 2024}}, "its filter (year from 2023 to 2024)"),
        ({"date": {"lte": "2024-06-30"}}, "its filter (date to 2024-06-30)"),
        ({}, "a filter that its words name"),
    ],
)
def test_the_filter_in_words(conditions: dict[str, Any], words: str) -> None:
    dataset = make_dataset()
    dataset.queries.at[dataset.queries.index[dataset.queries["query_id"] == "q-filter"][0], "filter"] = conditions
    found = run(make_fix("metadata", "dense-filtered", breaks=4, has={"q-filter": 2.0}), dataset=dataset, base={"t4": 1.0})
    assert say(found, "q-filter") == f"The answer is at rank 6 of dense; with {words} dense-filtered has it at rank 2."


def test_nothing_to_diagnose() -> None:
    found = run(*ALL_FIXES, test=["q-fine", "q-unjudged"])
    assert (found.n_failed, found.n_test, list(found.failures)) == (0, 1, FAILURES)
    assert found.shares == dict.fromkeys(CAUSES, 0)
    found = run(test=["q-low"])
    assert found.rescues.empty
    assert say(found, "q-low") == "The answer is at rank 100 of dense."


def test_the_same_twice_and_nothing_is_changed() -> None:
    dataset = make_dataset(("q-code", "d-proxy", "The proxy refused the password"))
    before = [frame.copy() for frame in (dataset.documents, dataset.queries, dataset.judgments, dataset.evidence)]
    first, second = run(*ALL_FIXES, dataset=dataset), run(*reversed(ALL_FIXES), dataset=dataset)
    pd.testing.assert_frame_equal(first.failures, second.failures)
    pd.testing.assert_frame_equal(first.rescues, second.rescues)
    for old, new in zip(before, (dataset.documents, dataset.queries, dataset.judgments, dataset.evidence), strict=True):
        pd.testing.assert_frame_equal(old, new)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(StageError, match=r"at most one fix for each of metadata, chunking, .* found ranking"):
        run(make_fix("ranking", "dense-rerank"))
    with pytest.raises(StageError, match="found wording, wording"):
        run(make_fix("wording", "one"), make_fix("wording", "two"))
    short = Fix("wording", "hybrid-prf", pd.Series(RANKS).drop(["q-low", "t1"]))
    with pytest.raises(StageError, match="an answer rank of hybrid-prf for every answerable query, found none for t1, q-low"):
        run(short)
