"""The bar before a version may answer: measured on test queries from the versions' own files."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from core.data.dataset import Dataset
from core.data.split import keep_judged
from core.errors import InputError
from core.evaluation.comparisons import Comparison
from core.evaluation.verdicts import choose_verdict
from core.experiment.compare import compare
from core.experiment.drawn_split import draw_split, group_dataset
from core.graph.resources import Resources
from core.versions.build import build_version
from core.versions.promote import ANY, BETTER, NOT_WORSE, Bar, evaluate, find_test_queries, judge, promote
from core.versions.version import load_version, read_evaluation, read_live
from tests.support.assessments import AxisModels
from tests.support.versions import DATASET, edit, make_corpus, named, put_live, resources_of


@pytest.fixture
def corpus(tmp_path: Path) -> Dataset:
    return make_corpus(tmp_path)


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    return resources_of(tmp_path / "w")


def told(mean: float = 0.5, n: int = 60) -> dict[str, Any]:
    return {"measure": "nDCG@10", "n": n, "mean": mean, "low": 0.4, "high": 0.6}


def gain(delta: float, low: float, high: float, *, min_gain: float = 0.02, n: int = 60, needed: int = 900) -> Comparison:
    """As compare_pairs() would make it of the interval."""
    return Comparison(
        baseline="live", system="candidate", measure="nDCG@10", delta=delta, low=low, high=high, p_t=0.5, p_randomization=0.5,
        p_adjusted=0.5, wins=9, ties=0, losses=9, harmed=0, n=n, mde=0.1, queries_needed=needed,
        verdict=choose_verdict(delta, low, high, min_gain=min_gain), family=1, min_gain=min_gain,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("bar", "found", "passes", "words"),
    [
        (Bar(), gain(0.0, -0.01, 0.01), True, "so not worse by a useful amount (0.02)"),
        (Bar(), gain(-0.03, -0.05, -0.021), False, "Does not pass: it is worse"),
        (Bar(), gain(0.01, -0.05, 0.06), False, "Cannot tell: +0.010 nDCG@10 against the live version"),
        (Bar(), gain(0.01, -0.05, 0.06), False, "About 900 would settle it."),
        (Bar(), gain(-0.015, -0.025, -0.005, needed=20), False, "It is near the limit: label more"),
        (Bar(min_gain=0.06), gain(0.01, -0.05, 0.06, min_gain=0.06), True, "Passes"),
        (Bar(BETTER), gain(0.04, 0.01, 0.07), True, "better was asked for"),
        (Bar(BETTER), gain(0.01, 0.001, 0.02), False, "Does not pass"),
        (Bar(ANY), gain(-0.2, -0.3, -0.1), True, "Measured"),
        (Bar(least=0.6), gain(0.2, 0.1, 0.3), False, "and 0.6 was asked for"),
        (Bar(least=0.5), None, True, "nothing was live to compare with"),
        (Bar(BETTER), None, True, "nothing was live"),
    ],
)
def test_the_bar(bar: Bar, found: Comparison | None, passes: bool, words: str) -> None:
    passed, sentence = judge(told(), found, bar)
    assert passed is passes and words in sentence


@pytest.mark.parametrize("bar", [Bar(), Bar(BETTER)])
def test_too_few_queries_pass_no_bar(bar: Bar) -> None:
    """A few queries that all gained alike have an interval without width, which would pass."""
    passed, sentence = judge(told(n=19), gain(0.3, 0.3, 0.3, n=19), bar)
    assert not passed and "at least 20 test queries are needed" in sentence
    assert judge(told(n=20), gain(0.3, 0.3, 0.3, n=20), bar)[0]
    assert judge(told(n=1), gain(0.3, -1.0, 1.0, n=1), Bar(ANY))[0], "measured, whatever comes out"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "best"}, "the bar 'best' does not exist; it can be not_worse, better, any"),
        ({"measure": "quality"}, "the measure 'quality' is not known"),
        ({"min_gain": -1}, "the smallest useful gain is -1"),
        ({"min_gain": 0}, "the smallest useful gain is 0; it must be between 0.001 and 1"),
        ({"least": 2}, "the least mean is 2; it must be between 0 and 1"),
    ],
)
def test_a_bar_that_cannot_be_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Bar(**fields)


def test_it_measures_what_compare_measures(corpus: Dataset, resources: Resources, tmp_path: Path) -> None:
    put_live(corpus, named("dense"), resources)
    version = build_version(corpus, named("hybrid-rrf"), resources)
    found = evaluate(version, corpus, resources, bar=Bar())
    judged = keep_judged(corpus)
    split = draw_split(judged, group_dataset(judged, resources))
    assert set(found["query_ids"]) <= set(split.test) and not set(found["query_ids"]) & set(split.tuning)
    systems = {name: named(name) for name in ("dense", "hybrid-rrf")}
    experiment = compare(corpus, systems, workspace=resources_of(tmp_path / "other").workspace, models=AxisModels())
    frame = experiment.per_query
    frame = frame[(frame["measure"] == found["measure"]) & frame["query_id"].isin(found["query_ids"])]
    means = frame.groupby("system")["value"].mean()
    assert found["mean"] == pytest.approx(means["hybrid-rrf"], abs=1e-12)
    assert found["delta"]["delta"] == pytest.approx(means["hybrid-rrf"] - means["dense"], abs=1e-12)
    assert found["n"] == found["delta"]["n"] == len(found["query_ids"])


def test_a_better_version_is_promoted_and_a_worse_one_is_not(corpus: Dataset, resources: Resources) -> None:
    workspace = resources.workspace
    first = build_version(corpus, named("dense"), resources)
    assert promote(first.id, corpus, resources).promoted
    good = build_version(corpus, named("hybrid-rrf"), resources)
    result = promote(good.id, corpus, resources, bar=Bar(BETTER))
    assert result.promoted and result.passed and read_live(DATASET, workspace).version == good.id
    assert result.to_json()["before"] == first.id
    assert read_evaluation(good, workspace) == result.evaluation
    back = promote(first.id, corpus, resources)
    assert not back.promoted and read_live(DATASET, workspace).version == good.id
    assert "worse" in back.sentence or "Cannot tell" in back.sentence
    assert read_evaluation(first, workspace) == back.evaluation, "what was measured is kept, also when it fails"
    forced = promote(first.id, corpus, resources, anyway=True)
    assert forced.promoted and not forced.passed
    assert read_live(DATASET, workspace).log[-1]["note"].startswith("without passing.")
    assert promote(first.id, corpus, resources).sentence == f"{first.id} is live already."


def test_a_version_over_another_corpus_is_measured_from_its_own_files(corpus: Dataset, resources: Resources) -> None:
    """The answers are deleted from the corpus of the candidate: it must lose, whatever the caches know of the old corpus."""
    put_live(corpus, named("dense"), resources)
    answers = tuple(set(corpus.judgments.loc[corpus.judgments["relevance"] >= 1, "doc_id"]))
    poor = build_version(edit(corpus, delete=answers), named("dense"), resources)
    found = evaluate(poor, corpus, resources, bar=Bar())
    assert found["mean"] == 0.0 and not found["passed"]


def test_without_labels_it_is_told_and_can_be_overruled(corpus: Dataset, resources: Resources) -> None:
    bare = dataclasses.replace(corpus, judgments=corpus.judgments.iloc[:0], evidence=corpus.evidence.iloc[:0])
    version = build_version(bare, named("dense"), resources)
    with pytest.raises(InputError, match="without labels nothing can be told apart"):
        promote(version.id, bare, resources)
    assert not read_live(DATASET, resources.workspace).version
    result = promote(version.id, bare, resources, anyway=True)
    assert result.promoted and not result.passed and result.sentence.startswith("without passing. Not measured:")


def test_queries_that_a_model_learned_from_do_not_judge_it(
    corpus: Dataset, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = build_version(corpus, named("dense"), resources)
    plain = find_test_queries(corpus, [version], resources)
    seen = frozenset(plain[:3])
    monkeypatch.setattr("core.versions.promote.find_seen", lambda spec, workspace: seen)
    kept = find_test_queries(corpus, [version], resources)
    assert not seen & set(kept) and len(kept) > len(plain), "all that it has not seen are held out"
    everything = frozenset(corpus.queries["query_id"])
    monkeypatch.setattr("core.versions.promote.find_seen", lambda spec, workspace: everything)
    with pytest.raises(InputError, match="no labelled test query to measure a version by"):
        find_test_queries(corpus, [version], resources)


def test_a_split_of_the_data_is_kept(corpus: Dataset, resources: Resources) -> None:
    sides = ["test" if row % 2 else "tuning" for row in range(len(corpus.queries))]
    fixed = dataclasses.replace(corpus, queries=corpus.queries.assign(split=sides), fixed_split=True)
    version = build_version(fixed, named("dense"), resources)
    found = evaluate(version, fixed, resources, bar=Bar(kind=NOT_WORSE))
    known = dict(zip(fixed.queries["query_id"], fixed.queries["split"], strict=True))
    assert {known[query_id] for query_id in found["query_ids"]} == {"test"}
    assert load_version(version.id, DATASET, resources.workspace) == version
