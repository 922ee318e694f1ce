"""Verdicts: the words at their limits, and the sentence of each."""

from __future__ import annotations

import pytest

from core.evaluation.verdicts import VERDICT_WORDS, VERDICTS, choose_verdict, write_sentence


@pytest.mark.parametrize(
    ("delta", "low", "high", "verdict"),
    [
        (0.05, 0.03, 0.07, "better"),
        (0.02, 0.001, 0.039, "better"),
        (-0.05, -0.07, -0.03, "worse"),
        (0.01, 0.005, 0.015, "better_but_small"),
        (-0.01, -0.015, -0.005, "no_useful_difference"),
        (0.005, -0.01, 0.02, "no_useful_difference"),
        (0.0, 0.0, 0.0, "no_useful_difference"),
        (-0.01, -0.025, -0.001, "cannot_tell"),  # worse, but nobody knows whether it matters
        (0.05, -0.01, 0.11, "cannot_tell"),
        (0.05, 0.0, 0.10, "cannot_tell"),
    ],
)
def test_verdict_words(delta: float, low: float, high: float, verdict: str) -> None:
    assert choose_verdict(delta, low, high, min_gain=0.02) == verdict


def test_sentences_hold_the_words_and_the_names() -> None:
    told = {verdict: write_sentence(verdict, system="new", baseline="old", measure="AP", n=60) for verdict in VERDICTS}
    assert told == {
        "better": "new is better than old on AP",
        "worse": "new is worse than old on AP",
        "better_but_small": "new is better than old on AP, but too little to matter",
        "no_useful_difference": "There is no useful difference between new and old on AP",
        "cannot_tell": "These 60 queries cannot tell new from old on AP",
    }
    assert set(VERDICT_WORDS) == set(VERDICTS)
    assert write_sentence("cannot_tell", system="new", baseline="old", measure="AP", n=1).startswith("A single query cannot")
