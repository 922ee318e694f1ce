"""The sentences of the diagnosis: each kind has its words, and what is said follows from the numbers."""

from __future__ import annotations

from typing import Any

import pytest

from core.diagnosis import sentences
from core.diagnosis.causes import CAUSES
from core.diagnosis.headroom import CHUNKING, FILTER, FIXES, GAP, RERANKING


def count(**causes: int) -> dict[str, Any]:
    return {"failed": sum(causes.values()), "judged": 20, "causes": {cause: causes.get(cause, 0) for cause in CAUSES}}


def make_bound(fix: str, oracle: float, chance: float, gain: float) -> dict[str, Any]:
    return {"fix": fix, "oracle": oracle, "chance": chance, "gain": gain, "n": 10, "words": f"{fix} in words."}


def test_every_cause_fix_and_part_has_its_words() -> None:
    assert list(sentences.CAUSE_TITLES) == list(sentences.CAUSE_WORDS) == list(CAUSES)
    assert set(sentences.FIX_TITLES) == set(FIXES)
    assert set(sentences.GAP_TITLES) == set(sentences.GAP_WORDS) == set(GAP)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (count(), "dense fails none of 20 test queries. There is nothing to diagnose."),
        (
            count(ranking=4, metadata=1),
            "dense fails 5 of 20 test queries. For 4 of them the answer is found but ranked too low.",
        ),
        (count(ranking=4), "dense fails 4 of 20 test queries. For all 4 of them the answer is found but ranked too low."),
        (count(representation=1), "dense fails 1 of 20 test queries: the answer is not even among the first 100 hits."),
        (
            count(ranking=2, metadata=2),
            "dense fails 4 of 20 test queries. For 2 of them a filter would bring the answer into the first five, "
            "for 2 the answer is found but ranked too low.",
        ),
    ],
)
def test_the_sentence_names_the_leading_causes(counts: dict[str, Any], sentence: str) -> None:
    assert sentences.describe_failures("dense", counts) == sentence


def test_a_bound_says_what_its_bar_shows() -> None:
    bounds = (make_bound(FILTER, 0.1, 0.1, 0.0), make_bound(CHUNKING, 0.2, 0.25, 0.05), make_bound(RERANKING, 0.3, 0.0, 0.3))
    nothing, adopted, plain = map(sentences.describe_bound, bounds)
    assert nothing == "perfect filter in words. Nothing is left."
    # .2 - .25 is below nothing, but the chosen chunking has gained .05 already
    assert adopted.endswith("Beyond luck nothing is left, so the bar shows what the variant chosen on the tuning queries "
                            "gains already, +0.050.")  # fmt: skip
    assert plain == "perfect reranking of the first 100 in words."
