"""What could be gained at best: oracles worked out by hand, chance levels against simulations, and a gap that adds up."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.diagnosis.headroom import (
    CHUNKING,
    FILTER,
    FIXES,
    GAP,
    RERANKING,
    SYSTEM,
    UNION,
    Bound,
    Headroom,
    bound_best_of,
    find_unanswerable,
    measure_headroom,
)
from core.diagnosis.perfect_reranking import rerank_perfectly
from core.evaluation.per_query import measure_one
from core.evaluation.spans import CONTEXT_RECALL
from core.schema import DOCUMENTS, EVIDENCE, JUDGMENTS, QUERIES, empty
from tests.support.letters import LETTERS, VERSIONS, make_dataset, run_in_order
from tests.support.models import make_run


def test_best_of_by_hand() -> None:
    baseline = np.array([0.5, 0.5, 0.5, 0.5])
    variants = np.array([[0.9, 0.6], [0.5, 0.5], [0.3, 0.4], [0.1, 0.7]])
    # oracle: .4, 0, 0, .2; with the other sign: 0, 0, .2, .4
    oracle, chance, gain = bound_best_of(baseline, variants, adopted=0.0)
    assert oracle == pytest.approx(0.6 / 4)
    assert chance == pytest.approx((0.6 + 0.6) / 2 / 4)
    assert gain == 0.0
    assert bound_best_of(baseline, variants, adopted=0.03)[2] == 0.03
    assert bound_best_of(baseline, variants, adopted=-0.03)[2] == 0.0


def test_one_variant_that_always_gains_is_left_with_half() -> None:
    assert bound_best_of(np.zeros(5), np.full((5, 1), 0.2), adopted=0.0) == pytest.approx((0.2, 0.1, 0.1))


def test_the_chance_level_is_that_of_random_signs() -> None:
    random = np.random.default_rng(0)
    baseline = random.random(60)
    variants = (baseline[:, None] + random.normal(0.02, 0.2, (60, 4)) + random.normal(0, 0.1, (60, 1))).clip(0, 1)
    deltas = variants - baseline[:, None]
    drawn = []
    for _ in range(4_000):
        signs = random.choice([-1.0, 1.0], size=60)[:, None]  # one per query, the same for all its variants
        drawn.append((deltas * signs).max(axis=1).clip(min=0).mean())
    _, chance, _ = bound_best_of(baseline, variants, adopted=0.0)
    assert chance == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / np.sqrt(len(drawn)))


def test_noise_alone_leaves_no_headroom() -> None:
    """200 corpora of 100 queries whose five variants differ from the baseline by luck only: the oracle sees .2, the excess
    is 0 on average."""
    random = np.random.default_rng(1)
    found = [bound_best_of(np.zeros(100), random.normal(0, 0.2, (100, 5)), adopted=0.0)[:2] for _ in range(200)]
    oracles, chances = np.array(found).T
    assert oracles.mean() > 0.2
    assert (oracles - chances).mean() == pytest.approx(0, abs=0.005)


def test_best_of_nothing() -> None:
    assert bound_best_of(np.zeros(0), np.zeros((0, 2)), adopted=0.0) == (0, 0, 0)
    assert bound_best_of(np.ones(3), np.zeros((3, 0)), adopted=0.1) == (0, 0, 0.1)


def measure_small(**changed: Any) -> Headroom:
    """nDCG@10 of four queries: first (1), third (1 / log2(4)), not found (0), and one whose answer is not in the corpus."""
    relevant = {"q": {"a": 1}, "p": {"c": 1}, "far": {"l": 1}, "lost": {"z": 1}, "zero": {"a": 0}, "tuning": {"a": 1}}
    dataset = make_dataset(relevant, metadata=VERSIONS)
    run = run_in_order(dict.fromkeys(relevant, "abcdefghijk"))
    base = measure_one(run, dataset.judgments, dataset.evidence, "nDCG@10")
    values = pd.DataFrame({"dense": base, "small": base, "bm25": base, "hybrid": base})
    values.loc["far", "bm25"] = 0.8
    values.loc["far", "hybrid"], values.loc["q", "hybrid"] = 0.4, 0.9
    options: dict[str, Any] = {
        "values": values,
        "measure": "nDCG@10",
        "system": "dense",
        "query_ids": ["q", "p", "far", "lost", "zero"],
        "variants": {CHUNKING: ["dense"], UNION: ["bm25"], SYSTEM: ["dense", "bm25", "hybrid"]},
        "adopted": {SYSTEM: "hybrid"},
        "filter_field": "version",
    }
    return measure_headroom(dataset, run, **{**options, **changed})


def test_bounds_and_gap_by_hand() -> None:
    headroom = measure_small()
    assert (headroom.n, headroom.judged) == (4, 5)  # `zero` was judged, but without a relevant document
    assert headroom.mean == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    bounds = {bound.fix: bound for bound in headroom.bounds}
    assert list(bounds) == [FILTER, UNION, RERANKING, SYSTEM] == [fix for fix in FIXES if fix in bounds]
    assert (bounds[RERANKING].oracle, bounds[RERANKING].chance, bounds[RERANKING].gain) == pytest.approx((0.125, 0, 0.125))
    assert (bounds[UNION].oracle, bounds[UNION].chance, bounds[UNION].gain) == pytest.approx((0.2, 0.1, 0.1))
    # q: the best of 0 and -.1 is 0, with the other sign .1; far: .8 or 0
    assert (bounds[SYSTEM].oracle, bounds[SYSTEM].chance) == pytest.approx((0.2, (0.8 + 0.1) / 2 / 4))
    # without a, b (versions 1, 2) c is first
    assert bounds[FILTER].oracle == pytest.approx(0.5 / 4)
    assert 0 < bounds[FILTER].chance <= bounds[FILTER].oracle
    # lost and zero; far (which even perfect reranking cannot reach); what p loses
    assert headroom.gap == pytest.approx({"unanswerable": 2 / 5, "not_among_100": 1 / 5, "ranked_low": 0.5 / 5})
    assert list(headroom.gap) == list(GAP)


def test_the_gap_adds_up() -> None:
    random = np.random.default_rng(2)
    for trial in range(20):
        relevant = {
            f"q{number}": {
                str(doc): int(random.integers(0, 3)) for doc in random.choice(list(LETTERS + "xyz"), 4, replace=False)
            }
            for number in range(12)
        }
        dataset = make_dataset(relevant)
        run = run_in_order({name: "".join(random.permutation(list(LETTERS))[:7]) for name in relevant})
        base = measure_one(run, dataset.judgments, dataset.evidence, "nDCG@10")
        headroom = measure_headroom(
            dataset,
            run,
            values=base.to_frame("dense"),
            measure="nDCG@10",
            system="dense",
            query_ids=list(relevant),
            variants={},
            adopted={},
            filter_field=None,
            seed=trial,
        )
        assert min(headroom.gap.values()) >= 0
        assert sum(headroom.gap.values()) == pytest.approx(1 - base.sum() / headroom.judged, abs=1e-12)
        assert headroom.judged == 12


def test_a_bound_is_never_below_what_was_gained_already() -> None:
    headroom = measure_small(adopted={FILTER: "bm25", RERANKING: "bm25", UNION: "bm25"})
    assert [bound.gain for bound in headroom.bounds if bound.fix != SYSTEM] == pytest.approx([0.2] * 3)


def test_systems_that_could_not_run_are_passed_over() -> None:
    headroom = measure_small(variants={CHUNKING: ["broken"], UNION: ["bm25", "broken"]}, adopted={UNION: "broken"})
    assert [bound.fix for bound in headroom.bounds] == [FILTER, UNION, RERANKING]
    assert headroom.bounds[1].gain == pytest.approx(0.1) and "the best of 2 sides" in headroom.bounds[1].words


def test_headroom_is_json_and_says_what_it_means() -> None:
    headroom = measure_small()
    assert json.loads(json.dumps(dataclasses.asdict(headroom)))["bounds"][0]["fix"] == FILTER
    words = {bound.fix: bound.words for bound in headroom.bounds}
    assert words[RERANKING] == "If whatever answers a query among its first 100 hits stood first: +0.125."
    assert words[UNION] == (
        "If every query got the best of 2 sides: +0.200. Picking the best by luck alone gives +0.100; "
        "only what goes beyond that counts."
    )
    assert words[FILTER].startswith(
        "If every query searched only documents that share “version” with one of its answers: +0.125."
    )
    assert "the best of 3 systems" in words[SYSTEM]
    assert measure_small() == headroom  # seeded


def test_headroom_on_evidence() -> None:
    """The answer of q lies in c, behind 1,200 tokens of a and b."""
    dataset = make_dataset({"q": {"c": 1}, "p": {"a": 1}, "lost": {"z": 1}}, spans=[("q", "c", 0, 10)])
    run = run_in_order({"q": "abc", "p": "abc"}).assign(tokens=600)
    base = measure_one(run, dataset.judgments, dataset.evidence, CONTEXT_RECALL)
    headroom = measure_headroom(
        dataset,
        run,
        values=base.to_frame("dense"),
        measure=CONTEXT_RECALL,
        system="dense",
        query_ids=["q", "p", "lost"],
        variants={},
        adopted={},
        filter_field=None,
    )
    assert (headroom.mean, headroom.n, headroom.judged) == (0, 1, 2)  # p has no evidence: the measure does not cover it
    assert headroom.bounds[0] == Bound(RERANKING, 1.0, 0.0, 1.0, 1, headroom.bounds[0].words)
    assert headroom.gap == {"unanswerable": 0.5, "not_among_100": 0.0, "ranked_low": 0.5}


def test_greedy_covering_never_counts_below_the_system_itself() -> None:
    """A chunk of 2,000 tokens holds 12 characters of the answer, two of 500 hold 10 each: greedy takes the large one first."""
    dataset = make_dataset({"q": {"a": 1}}, spans=[("q", "a", 0, 10), ("q", "a", 100, 110)])
    run = make_run({"q": [("a1", 9.0), ("a2", 8.0), ("a3", 7.0)]})
    run = run.assign(
        start=[
            0,
            100,
            4,
        ],
        end=[10, 110, 106],
        tokens=[500, 500, 2000],
    )
    base = measure_one(run, dataset.judgments, dataset.evidence, CONTEXT_RECALL)
    assert base["q"] == 1
    worse = measure_one(
        rerank_perfectly(run, dataset.judgments, dataset.evidence), dataset.judgments, dataset.evidence, CONTEXT_RECALL
    )
    assert worse["q"] < 1
    headroom = measure_headroom(
        dataset, run, values=base.to_frame("dense"), measure=CONTEXT_RECALL, system="dense", query_ids=["q"], variants={},
        adopted={}, filter_field=None,
    )  # fmt: skip
    assert headroom.gap == dict.fromkeys(GAP, 0.0)


def test_no_judged_query() -> None:
    nothing = Dataset("none", empty(DOCUMENTS), empty(QUERIES), empty(JUDGMENTS), empty(EVIDENCE))
    headroom = measure_headroom(
        nothing, run_in_order({"q": "ab"}), values=pd.DataFrame({"dense": []}), measure="nDCG@10", system="dense",
        query_ids=[], variants={SYSTEM: ["dense"]}, adopted={}, filter_field="version",
    )  # fmt: skip
    assert (headroom.mean, headroom.n, headroom.judged, headroom.gap) == (0, 0, 0, dict.fromkeys(GAP, 0.0))
    assert all(bound.gain == 0 for bound in headroom.bounds)
    assert find_unanswerable(nothing, []) == set()
