"""Can the labels carry a verdict: answers that are missing are counted, and labels that fit nothing are told from others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.ladder.label_checks import fit_by_fix, fit_labels, share_missing
from core.schema import EVIDENCE, empty
from tests.support.models import make_documents, make_queries, make_run

QUERIES = [f"q{number}" for number in range(30)]
DOCUMENTS = [f"d{number}" for number in range(30)]


def make_dataset(answers: dict[str, str], grades: dict[str, int] | None = None) -> Dataset:
    rows = [(query_id, doc_id, (grades or {}).get(query_id, 1)) for query_id, doc_id in answers.items()]
    return Dataset(
        "d",
        make_documents({doc_id: f"text {doc_id}" for doc_id in DOCUMENTS}),
        make_queries({query_id: f"words {query_id}" for query_id in QUERIES}),
        pd.DataFrame(rows, columns=["query_id", "doc_id", "relevance"]),
        empty(EVIDENCE),
    )


def test_a_query_is_missing_its_answer_unless_a_relevant_document_is_here() -> None:
    answers = dict(zip(QUERIES, DOCUMENTS, strict=True))
    assert share_missing(make_dataset(answers)) == 0.0
    gone = {**answers, **{query_id: "elsewhere" for query_id in QUERIES[:6]}}
    assert share_missing(make_dataset(gone)) == pytest.approx(0.2)
    judged_wrong = {query_id: 0 for query_id in QUERIES[6:9]}
    assert share_missing(make_dataset(gone, judged_wrong)) == pytest.approx(0.3)


def test_labels_that_a_system_finds_fit_and_labels_dealt_at_random_do_not() -> None:
    """Every answer stands first in the run; then the same answers are dealt to other queries."""
    answers = dict(zip(QUERIES, DOCUMENTS, strict=True))
    order = np.random.default_rng(1)
    hits = {
        query_id: [
            (doc, 1.0 - rank / 40) for rank, doc in enumerate([own, *order.permutation([d for d in DOCUMENTS if d != own])])
        ]
        for query_id, own in answers.items()
    }
    run = make_run(hits, {doc_id: doc_id for doc_id in DOCUMENTS})
    dealt = dict(zip(QUERIES, np.random.default_rng(2).permutation(DOCUMENTS), strict=True))
    assert fit_labels(make_dataset(answers), {"one": run}, seed=0)
    assert not fit_labels(make_dataset(dealt), {"one": run}, seed=0)


def test_a_fix_that_finds_the_answers_fits_the_labels_and_twenty_that_gain_by_luck_do_not() -> None:
    """Of 80 queries a third is found by chance, whatever is tried; a glossary finds 60 of them."""
    lucky = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        found = pd.DataFrame(random.random((80, 21)) < 1 / 3, columns=["dense", *(f"fix{n}" for n in range(20))]).astype(float)
        lucky += fit_by_fix(found, "dense", seed=0)
        assert fit_by_fix(found.assign(glossary=[1.0] * 60 + [0.0] * 20), "dense", seed=0)
    assert lucky <= 2
    assert not fit_by_fix(found[["dense"]], "dense", seed=0)
    assert not fit_by_fix(found[["dense"]].assign(worse=-1.0), "dense", seed=0)
