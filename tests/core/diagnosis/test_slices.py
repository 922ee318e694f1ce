"""Kinds of queries found from a handful of texts, and means on them worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.diagnosis.slices import (
    SLICE_MEASURES,
    SLICE_WORDS,
    SLICES,
    count_question_parts,
    describe_slice,
    find_slices,
    measure_slices,
)
from core.errors import StageError
from core.evaluation.significance import bootstrap_means
from core.schema import EVIDENCE, JUDGMENTS, PER_QUERY, QUERIES, empty

TEXTS = {
    "d-hub": "Hold the button of the hub. The hub restarts.",
    "d-proxy": "KH-4021: the hub was refused by the proxy.",
    "d-mail": "The hub sends mail. A thermistor measures the button.",
    "d-long": "Hold hub, button and mail.",
}
LONG_TEXT = "hub " * 19 + "- button"  # 20 words, and a dash that is none
# id, text, filter, tags, {document: relevance}
QUESTIONS = [
    ("q-code", "hub says KH-4021", {}, ("code",), {"d-proxy": 1}),
    ("q-rare", "hub thermistors", {"product": "Hub"}, ("odd", "code"), {"d-mail": 1}),
    ("q-parts", "how do I restart the hub and does it send mail", {}, (), {"d-hub": 1, "d-mail": 1}),
    ("q-long", LONG_TEXT, {}, (), {"d-long": 1}),
    ("q-short", LONG_TEXT.removeprefix("hub "), {}, (), {"d-long": 1}),
    ("q-other", "gateway wedged since friday, button", {}, (), {"d-hub": 1, "d-proxy": 1}),
    ("q-gone", "gateway wedged", {}, (), {"d-gone": 1}),
    ("q-stop", "how is it", {}, (), {"d-hub": 1}),
    ("q-unlabelled", "gateway", {}, (), {}),
]


def make_dataset(*evidence: tuple[str, str, str]) -> Dataset:
    """evidence: query, document, quote."""
    spans = [(query_id, doc_id, TEXTS[doc_id].index(quote)) for query_id, doc_id, quote in evidence]
    rows = [(*span, span[2] + len(quote)) for span, (_, _, quote) in zip(spans, evidence, strict=True)]
    documents = [(doc_id, "", text, {}) for doc_id, text in TEXTS.items()]
    labels = [(query_id, doc_id, grade) for query_id, *_, found in QUESTIONS for doc_id, grade in found.items()]
    return Dataset(
        name="small",
        documents=pd.DataFrame(documents, columns=["doc_id", "title", "text", "metadata"]),
        queries=pd.DataFrame(
            [(name, text, "", wanted, tags, "") for name, text, wanted, tags, _ in QUESTIONS], columns=QUERIES
        ),
        judgments=pd.DataFrame(labels, columns=JUDGMENTS),
        evidence=pd.DataFrame(rows, columns=EVIDENCE) if rows else empty(EVIDENCE),
    )


def members_of(slices: pd.DataFrame) -> dict[str, list[str]]:
    return {str(name): group["query_id"].tolist() for name, group in slices.groupby("slice", sort=False)}


def test_the_slices_of_a_small_dataset() -> None:
    slices = find_slices(make_dataset())
    assert list(slices) == SLICES
    assert members_of(slices) == {
        "identifiers and codes": ["q-code"],
        # In one or two of the four documents: thermistor, restart, send, mail. The hub is in all, the button in three.
        "rare terms": ["q-rare", "q-parts"],
        "filterable": ["q-rare"],
        "long or multi-part": ["q-parts", "q-long"],
        # Of gateway, wedged, friday and button (since is a stop word) one stands in d-hub. q-gone has no answer in the corpus.
        "low word overlap": ["q-other"],
        "tag: code": ["q-code", "q-rare"],
        "tag: odd": ["q-rare"],
    }


def test_overlap_is_counted_on_the_evidence_where_there_is_some() -> None:
    # "hub thermistors" has both words in d-mail, one in the first quote, and none in the second.
    assert "q-rare" not in members_of(find_slices(make_dataset(("q-rare", "d-mail", "The hub sends"))))["low word overlap"]
    quotes = [("q-rare", "d-mail", "measures the button"), ("q-rare", "d-mail", "mail")]
    assert "q-rare" in members_of(find_slices(make_dataset(*quotes)))["low word overlap"]
    # All spans count together.
    assert "q-rare" not in members_of(find_slices(make_dataset(*quotes, ("q-rare", "d-hub", "The hub"))))["low word overlap"]


def test_the_relevant_document_that_shares_most_counts() -> None:
    """Of restart, hub, send and mail d-hub holds two and d-mail three; together with others they would hold any word."""
    slices = members_of(find_slices(make_dataset()))
    assert "q-parts" not in slices["low word overlap"]


def test_frequencies_can_be_handed_in() -> None:
    slices = members_of(find_slices(make_dataset(), frequencies={"thermistor": 3, "gateway": 1}))
    assert slices["rare terms"] == ["q-other", "q-gone", "q-unlabelled"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("how do I restart the hub and does it send mail", 2),
        ("does it run out? what then?", 2),
        ("which permission, which event, from which version", 3),
        ("hub is offline, did that brick it", 1),
        ("what do I allow on the firewall, our IT wants hostnames", 1),
        ("KH-4021", 0),
        ("the box that is blank and was fine", 1),  # "and was": taken for a part, since only words are looked at
        ("", 0),
    ],
)
def test_question_parts(text: str, parts: int) -> None:
    assert count_question_parts(text) == parts


def test_every_slice_has_plain_words() -> None:
    slices = find_slices(make_dataset())["slice"].unique()
    assert {name for name in slices if not name.startswith("tag: ")} == set(SLICE_WORDS)
    assert describe_slice("filterable") == SLICE_WORDS["filterable"]
    assert describe_slice("tag: how_to") == 'The query carries your tag "how_to".'


def make_per_query(values: dict[str, dict[str, float]], measure: str = "nDCG@10") -> pd.DataFrame:
    rows = [(system, name, measure, value) for system, found in values.items() for name, value in found.items()]
    return pd.DataFrame(rows, columns=PER_QUERY)


def test_means_of_slices() -> None:
    bm25 = {"q1": 1.0, "q2": 0.5, "q3": 0.0, "q4": 0.5, "q5": 0.5, "q6": 0.9}
    per_query = pd.concat(
        [
            make_per_query({"bm25": bm25, "dense": {name: 0.25 for name in bm25}}),
            make_per_query({"bm25": {name: 9.0 for name in bm25}}, measure="AP"),
            make_per_query({"other": {"q1": 7.0}}),
        ]
    )
    slices = pd.DataFrame(
        [*((name, "five") for name in ("q5", "q4", "q3", "q2", "q1")), ("q6", "one"), ("not measured", "one"), ("q0", "none")],
        columns=SLICES,
    )
    found = measure_slices(per_query, slices, measure="nDCG@10", systems=["dense", "bm25"])
    assert list(found) == SLICE_MEASURES
    assert found[["slice", "system", "n", "mean", "small"]].to_numpy().tolist() == [
        ["five", "dense", 5, 0.25, False],
        ["five", "bm25", 5, 0.5, False],  # (1 + .5 + 0 + .5 + .5) / 5
        ["one", "dense", 1, 0.25, True],
        ["one", "bm25", 1, 0.9, True],
    ]
    rows = found.set_index(["slice", "system"])
    assert rows.loc[("five", "dense"), ["low", "high"]].tolist() == [0.25, 0.25]  # equal values
    assert rows.loc[("one", "bm25"), ["low", "high"]].tolist() == [0.9, 0.9]  # a single one
    # The queries of the frame in their order, both systems resampled together
    low, high = bootstrap_means(np.array([[0.25, 1.0], [0.25, 0.5], [0.25, 0.0], [0.25, 0.5], [0.25, 0.5]]))
    assert rows.loc[("five", "bm25"), ["low", "high"]].tolist() == pytest.approx([low[1], high[1]])
    assert low[1] < 0.5 < high[1]


def test_measuring_nothing() -> None:
    per_query = make_per_query({"bm25": {"q1": 1.0}})
    slices = pd.DataFrame([("q1", "one")], columns=SLICES)
    assert measure_slices(per_query, slices.iloc[:0], measure="nDCG@10", systems=["bm25"]).empty
    assert measure_slices(per_query, slices, measure="nDCG@10", systems=[]).empty
    assert find_slices(Dataset("none", make_dataset().documents, empty(QUERIES), empty(JUDGMENTS), empty(EVIDENCE))).empty
    with pytest.raises(StageError, match=r"expected values of AP for bm25, found none for bm25"):
        measure_slices(per_query, slices, measure="AP", systems=["bm25"])
