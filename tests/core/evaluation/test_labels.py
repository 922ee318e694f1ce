"""Do the labels fit what systems find? Eight queries, worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from core.evaluation.labels import find_suspects, measure_label_fit
from core.schema import JUDGMENTS, RUN, empty
from tests.support.models import make_run

LETTERS = "abcdefgh"


def make_judgments(answers: dict[str, str], *, relevance: int = 1) -> pd.DataFrame:
    return pd.DataFrame([(query, doc, relevance) for query, doc in answers.items()], columns=JUDGMENTS)


def make_good_run() -> pd.DataFrame:
    """Query qa finds document a first and the next letter second; so for all."""
    hits = {f"q{doc}": [(f"{doc}1", 2.0), (f"{LETTERS[(n + 1) % 8]}1", 1.0)] for n, doc in enumerate(LETTERS)}
    return make_run(hits)


TRUE = make_judgments({f"q{doc}": doc for doc in LETTERS})


def test_true_labels_fit() -> None:
    """One deal in 8! = 40,320 is as good as the truth: of 2,000 deals most likely none, so that p is 1 / 2,001."""
    fits = measure_label_fit({"good": make_good_run()}, TRUE)
    assert fits["good"] == pytest.approx(1 / 2001, abs=1 / 2000)
    assert fits["good"] < 0.01


def test_labels_dealt_to_others_do_not_fit() -> None:
    """Everybody has the answer of the one before: no hit is labelled, and every deal is at least as good."""
    shuffled = make_judgments({f"q{doc}": LETTERS[n - 1] for n, doc in enumerate(LETTERS)})
    assert measure_label_fit({"good": make_good_run()}, shuffled)["good"] == 1.0


def test_a_system_that_finds_the_same_for_all_fits_nothing() -> None:
    popular = make_run({f"q{doc}": [("a1", 2.0), ("b1", 1.0)] for doc in LETTERS})
    assert measure_label_fit({"popular": popular}, TRUE)["popular"] == 1.0


def test_two_queries_cannot_prove_anything() -> None:
    """Of two deals one is the truth: p is near one half. With one query it is 1."""
    two = make_judgments({"qa": "a", "qd": "d"})
    assert measure_label_fit({"good": make_good_run()}, two)["good"] == pytest.approx(0.5, abs=0.05)
    one = make_judgments({"qa": "a"})
    assert measure_label_fit({"good": make_good_run()}, one)["good"] == 1.0
    assert measure_label_fit({"good": make_good_run()}, empty(JUDGMENTS)) == {"good": 1.0}


def test_second_place_counts_less_but_counts() -> None:
    """Labels one letter on stand second everywhere: 8 / log2(3) = 5.05, which no mixture of deals reaches but the truth (8)
    and mixtures of first and second places; those are rare among 40,320."""
    second = make_judgments({f"q{doc}": LETTERS[(n + 1) % 8] for n, doc in enumerate(LETTERS)})
    assert measure_label_fit({"good": make_good_run()}, second)["good"] < 0.01


def test_many_labels_of_one_query_do_not_outweigh_the_others() -> None:
    """qa has two labels, found first and second: its fit is their mean, (1 + .63) / 2, and the truth still stands out."""
    extra = pd.concat([TRUE, make_judgments(dict.fromkeys(["qa"], "b"))], ignore_index=True)
    assert measure_label_fit({"good": make_good_run()}, extra)["good"] < 0.01


def test_not_relevant_is_no_label_and_an_empty_run_fits_nothing() -> None:
    wrong = pd.concat([TRUE, make_judgments({"qa": "h"}, relevance=0)], ignore_index=True)
    fits = measure_label_fit({"good": make_good_run(), "none": empty(RUN)}, wrong)
    assert fits["good"] < 0.01
    assert fits["none"] == 1.0


def test_the_seed_decides() -> None:
    two = make_judgments({"qa": "a", "qd": "d", "qg": "g"})
    fits = [measure_label_fit({"good": make_good_run()}, two, seed=seed) for seed in (1, 1, 2)]
    assert fits[0] == fits[1] != fits[2]


def test_suspects() -> None:
    """Both systems find a first for qa to qd. qa: a is its label. qb: its label b stands second. qc: the systems agree on a,
    and neither has c. qd: as qc, but they disagree on the first. qe has no relevant label."""
    answers = {"qa": "a", "qb": "b", "qc": "c", "qd": "d"}
    judgments = pd.concat([make_judgments(answers), make_judgments({"qe": "a"}, relevance=0)], ignore_index=True)
    words = make_run({q: [("a1", 3.0), ("b1", 2.0), ("x1", 1.0)] for q in ("qa", "qb", "qc", "qd", "qe")})
    first = {"qa": "a1", "qb": "a1", "qc": "a1", "qd": "b1", "qe": "b1"}
    meaning = make_run({query_id: [(chunk_id, 3.0)] for query_id, chunk_id in first.items()})
    assert find_suspects({"words": words, "meaning": meaning}, judgments) == ["qc"]
    assert find_suspects({"words": words}, judgments) == ["qc", "qd"], "one system alone agrees with itself"
    assert find_suspects({}, judgments) == []
    silent = meaning[meaning["query_id"] != "qc"]
    assert find_suspects({"words": words, "meaning": silent}, judgments) == [], "who finds nothing agrees with nobody"


def test_suspects_look_at_the_first_ten() -> None:
    deep = make_run({"qz": [(f"{letter}1", 100.0 - n) for n, letter in enumerate("abcdefghijkz")]})  # z is the twelfth
    judgments = make_judgments({"qz": "z"})
    assert find_suspects({"one": deep}, judgments) == ["qz"]
    assert find_suspects({"one": deep}, judgments, deep=12) == []
