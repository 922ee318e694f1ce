"""Trained models as rungs: chosen on queries they have not seen, believed only once the test has proven them.

Means and values are made by hand as in test_ladder, test_choose and test_recommend, whose ladders are climbed on here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.catalog import open_dataset
from core.errors import InputError
from core.ladder.choose import Findings, choose
from core.ladder.climb import Step, climb, find_best, find_path, list_candidates, list_pairs, tried_cross_encoder
from core.ladder.findings import collect_findings
from core.ladder.goals import Goals
from core.ladder.ladder import Ladder
from core.ladder.names import name_variant
from core.ladder.offer import Offer
from core.ladder.resplits import Stability, resplit
from core.ladder.rungs import list_rungs
from core.ladder.rungs.fine_tuned import FINE_TUNED_ADAPTER, FINE_TUNED_EMBEDDING, FINE_TUNED_RERANKER
from core.ladder.rungs.hybrid_search import HYBRID_SEARCH
from core.ladder.rungs.reranking import RERANKING
from core.ladder.rungs.rung import Rung
from core.ladder.variants import propose_variants
from core.recommendation.assess import assess
from core.recommendation.recommend import Recommendation
from core.report.figures.stability import describe_stability
from core.settings import DEFAULT_MODEL
from core.stages.rerank import CrossEncoderRerank
from core.systems.named import make_named_systems
from core.systems.system import Lexical, System
from core.systems.trained import ADAPTER, EMBEDDING, RERANKER, TrainedModel
from core.training.request import make_plan
from core.workspace import Workspace
from tests.core.ladder.test_choose import NOTHING_HELPS, TARGET, make_findings, make_flat
from tests.core.recommendation.test_recommend import DENSE, MEASURE, MISSED, WORDS, HandmadeLadder, with_cross_encoder
from tests.core.recommendation.test_recommend import MEANS as FLAT_MEANS
from tests.core.recommendation.test_recommend import make_flat as make_flat_ladder
from tests.support.assessments import AxisModels, write_labelled_dataset
from tests.support.models import make_resources

NAMED = make_named_systems()
TRAINED = [rung for rung in list_rungs() if rung.is_trained]
RUNG_OF = {RERANKER: FINE_TUNED_RERANKER, ADAPTER: FINE_TUNED_ADAPTER, EMBEDDING: FINE_TUNED_EMBEDDING}
LEARNED, HELD = ("t1", "t2", "t3"), ("t4", "t5")
TUNING = (*LEARNED, *HELD)


def make_model(kind: str, *, base: str = DEFAULT_MODEL, **changes: Any) -> TrainedModel:
    start = "hybrid-rrf" if kind == RERANKER else "dense"
    split = {"tuning": list(TUNING), "test": [], "learning": list(LEARNED), "validation": list(HELD), "share": 0.5, "seed": 0}
    model = TrainedModel(
        id=f"{kind}-1234567890", kind=kind, base=base, base_revision="1", system=NAMED[start].to_spec(), dataset="labelled",
        fingerprint="f", split=split, plan=make_plan(kind).to_json(), data={}, created="2026-01-01T00:00:00", state="ready",
    )  # fmt: skip
    return replace(model, **changes)


# The climb


def climb_by(
    values: Mapping[str, Sequence[float]], rungs: Mapping[Rung, Sequence[str]], asked: list[tuple[Rung, str]] | None = None
) -> list[Step]:
    """Climbs from base; values: system -> values of t1 to t5. A trained rung saw t1 to t3."""

    def propose(rung: Rung, incumbent: System) -> list[System]:
        if asked is not None:
            asked.append((rung, incumbent.name))
        return [System(name, lexical=Lexical()) for name in rungs[rung]]

    return climb(
        System("base", lexical=Lexical()),
        list(rungs),
        propose,
        lambda system: pd.Series(values[system.name], index=TUNING, dtype=float),
        tuning=TUNING,
        min_gain=0.02,
        held_out={rung: HELD for rung in rungs if rung.is_trained},
    )


VALUES = {
    "base": [0.5, 0.5, 0.5, 0.5, 0.5],
    "h": [0.6, 0.6, 0.6, 0.5, 0.7],  # .6 in all, .6 of what was held out
    "learned": [1.0, 1.0, 1.0, 0.2, 0.2],  # .68 in all, .2 of what was held out
    "honest": [0.6, 0.6, 0.6, 0.7, 0.8],  # .66 in all, .75 of what was held out
}
STACK = {HYBRID_SEARCH: ["h"], FINE_TUNED_ADAPTER: ["learned", "honest"], FINE_TUNED_EMBEDDING: ["learned"]}


def test_a_trained_rungs_variant_is_chosen_on_the_queries_it_has_not_learned_from() -> None:
    _, adapter, _ = climb_by(VALUES, STACK)
    assert adapter.held_out
    assert adapter.chosen is not None and adapter.chosen.name == "honest", "learned is better on all of tuning"
    assert adapter.means == pytest.approx({"learned": 0.2, "honest": 0.75})
    assert adapter.incumbent_mean == pytest.approx(0.6)
    assert adapter.gain == pytest.approx(0.15)


@pytest.mark.parametrize("poison", [-1e9, 1e9, np.inf, np.nan])
def test_what_the_model_has_learned_from_is_never_read_for_its_rung(poison: float) -> None:
    poisoned = {name: [poison] * 3 + values[3:] for name, values in VALUES.items() if name in ("learned", "honest")}
    assert climb_by({**VALUES, **poisoned}, STACK) == climb_by(VALUES, STACK)


def test_a_trained_rung_is_never_kept_and_never_an_incumbent() -> None:
    asked: list[tuple[Rung, str]] = []
    steps = climb_by(VALUES, {**STACK, RERANKING: ["h"]}, asked)
    assert [(step.rung, step.kept) for step in steps][:3] == [
        (HYBRID_SEARCH, True), (FINE_TUNED_ADAPTER, False), (FINE_TUNED_EMBEDDING, False),
    ]  # fmt: skip
    assert [incumbent for _, incumbent in asked] == ["base", "h", "h", "h"]
    assert list_pairs(steps)[1:3] == [("h", "honest"), ("h", "learned")], "but the test judges each against the incumbent"


def test_a_cheap_rung_is_measured_on_all_tuning_queries() -> None:
    (hybrid, *_) = climb_by(VALUES, STACK)
    assert (hybrid.held_out, hybrid.means) == (False, pytest.approx({"h": 0.6}))


def test_the_best_on_tuning_is_never_a_trained_one() -> None:
    steps = climb_by(VALUES, STACK)
    base = steps[0].incumbent
    assert find_best(base, steps).name == "h"
    assert [system.name for system in list_candidates(base, steps)] == ["base", "h", "honest", "learned"]


def test_the_way_to_a_trained_system_is_what_it_is_made_of() -> None:
    """dense-adapter has nothing of the hybrid search that was kept before it; the hybrid with the adapter has."""
    (stacked, own) = propose_variants(FINE_TUNED_ADAPTER, NAMED["hybrid-rrf"], Offer(trained=(make_model(ADAPTER),)))
    hybrid = Step(HYBRID_SEARCH, NAMED["dense"], NAMED["hybrid-rrf"], 0.5, {"hybrid-rrf": 0.6}, True)

    def name_path(chosen: System) -> list[Rung]:
        adapter = Step(
            FINE_TUNED_ADAPTER, NAMED["hybrid-rrf"], chosen, 0.6, {chosen.name: 0.7}, variants=(chosen,), held_out=True
        )
        return [step.rung for step in find_path(chosen.name, [hybrid, adapter])]

    assert name_path(stacked) == [HYBRID_SEARCH, FINE_TUNED_ADAPTER]
    assert name_path(own) == [FINE_TUNED_ADAPTER]


def test_a_trained_reranker_takes_the_place_of_the_one_before() -> None:
    late = name_variant(replace(NAMED["hybrid-rrf"], rerank=NAMED["hybrid-rerank"].rerank))
    (mixed, *_) = propose_variants(FINE_TUNED_RERANKER, late, Offer(trained=(make_model(RERANKER),)))
    steps = [
        Step(HYBRID_SEARCH, NAMED["dense"], NAMED["hybrid-rrf"], 0.5, {"hybrid-rrf": 0.6}, True),
        Step(RERANKING, NAMED["hybrid-rrf"], late, 0.6, {late.name: 0.7}, True),
        Step(FINE_TUNED_RERANKER, late, mixed, 0.7, {mixed.name: 0.8}, held_out=True),
    ]
    assert [step.rung for step in find_path(mixed.name, steps)] == [HYBRID_SEARCH, FINE_TUNED_RERANKER]


# The choice


def with_trained(
    findings: Findings, *, verdict: str, test: float, tuning: float = 0.9, rung: Rung = FINE_TUNED_ADAPTER, name: str = "a"
) -> Findings:
    """The findings with one more rung, a model trained here; its system has the same value on every test query."""
    incumbent = next((step.chosen for step in reversed(findings.steps) if step.kept), None) or findings.baseline
    chosen = System(name, lexical=Lexical())
    step = Step(rung, incumbent, chosen, 0.5, {name: tuning}, False, "", (chosen,), held_out=True)
    delta = test - float(findings.values[incumbent.name].mean())
    row = {"baseline": incumbent.name, "system": name, "delta": delta, "verdict": verdict}
    return replace(
        findings,
        steps=[*findings.steps, step],
        comparisons=pd.concat([findings.comparisons, pd.DataFrame([row])], ignore_index=True),
        values=findings.values.assign(**{name: test}),
    )


MEANS = {"dense": 0.5, "c": 0.53, "h": 0.6, "a": 0.8}
HIGH, FAST = Goals(target=(MEASURE, 0.7)), Goals(max_latency_ms=100)
CHOICES: dict[str, tuple[Findings, str, str]] = {
    # h is .1 over dense, the adapter .2 over h: it gained most
    "better on test": (with_trained(make_findings(), verdict="better", test=0.8), "fine_tune_embedding", "a"),
    "better on test, where nothing cheap helps": (
        with_trained(make_flat(), verdict="better", test=0.7), "fine_tune_embedding", "a",
    ),
    "a reranker that is better": (
        with_trained(make_findings(), verdict="better", test=0.8, rung=FINE_TUNED_RERANKER), "fine_tune_reranker", "a",
    ),
    # proof comes before suspicion
    "better on test, though nothing else fits the labels": (
        with_trained(make_flat(labels_fit=False), verdict="better", test=0.7), "fine_tune_embedding", "a",
    ),
    "not proven, and nothing fits the labels": (
        with_trained(make_flat(labels_fit=False), verdict="cannot_tell", test=0.9), "label_more_queries", "dense",
    ),
    # whatever the validation queries and the mean say
    "cannot tell": (with_trained(make_findings(), verdict="cannot_tell", test=0.9), "use_hybrid_search", "h"),
    "better, but small": (with_trained(make_findings(), verdict="better_but_small", test=0.61), "use_hybrid_search", "h"),
    "worse": (with_trained(make_findings(), verdict="worse", test=0.3), "use_hybrid_search", "h"),
    "not proven, and nothing cheap helps": (
        with_trained(make_flat(), verdict="cannot_tell", test=0.9), "no_cheaper_fix", "dense",
    ),
    # proven, but the cheap system is as good: .015 worse with .02 as the smallest useful gain
    "not usefully better": (with_trained(make_findings(), verdict="better", test=0.615), "use_hybrid_search", "h"),
    # a target is met by the cheapest, whatever is better
    "a cheap system meets the target": (
        with_trained(make_findings(goals=TARGET, target_means=MEANS), verdict="better", test=0.8), "fix_chunking", "c",
    ),
    "only the trained one meets the target": (
        with_trained(make_findings(goals=HIGH, target_means=MEANS), verdict="better", test=0.8),
        "fine_tune_embedding", "a",
    ),
    "it meets the target but is not proven": (
        with_trained(make_findings(goals=HIGH, target_means=MEANS), verdict="cannot_tell", test=0.8),
        "use_hybrid_search", "h",
    ),
    "too slow": (
        with_trained(make_findings(goals=FAST, latencies={"h": 50.0, "a": 200.0}), verdict="better", test=0.8),
        "use_hybrid_search", "h",
    ),
    # labels come first
    "too few queries": (with_trained(make_findings(n=19), verdict="better", test=0.8), "label_more_queries", "dense"),
}  # fmt: skip


@pytest.mark.parametrize(("findings", "action", "system"), CHOICES.values(), ids=CHOICES.keys())
def test_a_trained_system_is_chosen_only_once_proven(findings: Findings, action: str, system: str) -> None:
    choice = choose(findings)
    assert (choice.action, choice.system) == (action, system)
    assert not choice.worth_trying, "it was measured"


def test_of_two_proven_ones_the_better_on_what_neither_has_seen_is_best() -> None:
    two = with_trained(make_findings(), verdict="better", test=0.8, tuning=0.7)
    both = with_trained(two, verdict="better", test=0.9, tuning=0.6, rung=FINE_TUNED_EMBEDDING, name="e")
    assert choose(both).best == "a", "test does not choose between them"


def make_missed(**gap: float) -> Findings:
    return make_flat(goals=TARGET, target_means=NOTHING_HELPS, cross_encoder=True, **gap)


def test_what_was_trained_without_success_is_not_proposed_again() -> None:
    missed = make_missed(ranked_low=0.3, not_found=0.1)
    assert choose(missed).action == "fine_tune_reranker"
    tried = choose(with_trained(missed, verdict="cannot_tell", test=0.55, rung=FINE_TUNED_RERANKER))
    assert (tried.action, tried.system, tried.worth_trying) == ("no_cheaper_fix", "dense", False)
    assert "reranker was measured" in tried.why
    deep = make_missed(ranked_low=0.1, not_found=0.3)
    assert choose(with_trained(deep, verdict="worse", test=0.4, rung=FINE_TUNED_EMBEDDING)).action == "no_cheaper_fix"


def test_another_kind_of_training_says_nothing_of_this_one() -> None:
    """An adapter is no embedding model: after it failed, nobody has measured the embedding model."""
    tried = choose(with_trained(make_missed(ranked_low=0.1, not_found=0.3), verdict="cannot_tell", test=0.5))
    assert (tried.action, tried.rung, tried.worth_trying) == ("fine_tune_embedding", FINE_TUNED_EMBEDDING, True)
    assert "embedding model was not measured" in tried.why


# The words

TUNED = System("hybrid-tuned", lexical=Lexical())
FLAT_TUNED = System("dense-tuned", lexical=Lexical())


def with_rung(
    ladder: HandmadeLadder, delta: Sequence[float] | np.ndarray, *, rung: Rung = FINE_TUNED_ADAPTER
) -> HandmadeLadder:
    """The ladder with a trained model stacked on hybrid; delta: what each test query gains by it."""
    steps = [step for step in ladder.steps if not step.rung.is_trained]
    step = Step(rung, WORDS, TUNED, 0.7, {"hybrid-tuned": 0.8}, False, "", (TUNED,), held_out=True)
    values = ladder.values.assign(**{"hybrid-tuned": ladder.values["hybrid"] + delta})
    adoption = {rung.name: "train for 2 s; nothing is embedded again, and leaving it out is the way back"}
    return replace(ladder, steps=[*steps, step], values=values, changes={**ladder.changes, "adoption": adoption})


GAIN = np.array([0.2] * 30 + [0.3] * 10)  # .225 in the mean, more than the .205 of hybrid over dense
SWING = np.array([0.3, -0.3] * 20)
NOTHING = np.zeros(40)


def advise(delta: np.ndarray, **changes: Any) -> Recommendation:
    return with_rung(HandmadeLadder(**changes), delta).recommend()


def test_a_proven_model_is_recommended_with_a_title_that_does_not_say_worth_trying() -> None:
    advice = advise(GAIN)
    assert (advice.action, advice.system) == ("fine_tune_embedding", "hybrid-tuned")
    assert advice.title == "Use the trained query adapter"
    reranker = with_rung(HandmadeLadder(), GAIN, rung=FINE_TUNED_RERANKER).recommend()
    assert (reranker.action, reranker.title) == ("fine_tune_reranker", "Use the fine-tuned reranker")
    embedding = with_rung(HandmadeLadder(), GAIN, rung=FINE_TUNED_EMBEDDING).recommend()
    assert (embedding.action, embedding.title) == ("fine_tune_embedding", "Use the fine-tuned embedding model")
    assert not any("worth trying" in flag for flag in advice.flags)


def test_fine_tuning_is_answered_with_the_numbers_of_what_was_measured() -> None:
    yes = advise(GAIN).fine_tuning
    assert (yes["answer"], yes["kind"]) == ("yes", "query adapter")
    assert "+0.225" in yes["reason"] and "better" in yes["reason"] and "hybrid" in yes["reason"]
    open_end = advise(SWING).fine_tuning
    assert open_end["answer"] == "not yet" and "cannot tell" in open_end["reason"] and "+0.000" in open_end["reason"]
    no = advise(NOTHING).fine_tuning
    assert no["answer"] == "no" and "no useful difference" in no["reason"] and "+0.000" in no["reason"]
    worse = advise(-GAIN).fine_tuning
    assert worse["answer"] == "no" and "worse" in worse["reason"] and "-0.225" in worse["reason"]


def test_every_measured_model_has_its_number_in_the_answer() -> None:
    ladder = with_rung(HandmadeLadder(), NOTHING)
    other = System("other", lexical=Lexical())
    step = Step(FINE_TUNED_EMBEDDING, WORDS, other, 0.7, {"other": 0.5}, False, "", (other,), held_out=True)
    values = ladder.values.assign(other=ladder.values["hybrid"] - GAIN)
    reason = replace(ladder, steps=[*ladder.steps, step], values=values).recommend().fine_tuning["reason"]
    for part in ("query adapter", "embedding model", "+0.000", "-0.225"):
        assert part in reason


def test_a_target_that_is_met_needs_no_training_though_it_would_help() -> None:
    met = advise(GAIN, goals=Goals(target=(MEASURE, 0.5)), changes={"target_means": {"dense": 0.6, "hybrid-tuned": 0.9}})
    assert (met.system, met.fine_tuning["answer"]) == ("dense", "no")
    assert "target is met" in met.fine_tuning["reason"]


def test_action_and_answer_agree_where_another_kind_was_measured_in_vain() -> None:
    """A trained adapter did not help; the answers that are missed speak for a reranker, which nobody has trained."""
    flat = with_cross_encoder(make_flat_ladder(goals=MISSED, changes=FLAT_MEANS))
    step = Step(FINE_TUNED_ADAPTER, DENSE, FLAT_TUNED, 0.5, {"dense-tuned": 0.5}, False, "", (FLAT_TUNED,), held_out=True)
    cheap = [step for step in flat.steps if not step.rung.is_trained]
    values = flat.values.assign(**{"dense-tuned": flat.values["dense"]})
    advice = replace(flat, steps=[*cheap, step], values=values).recommend()
    assert (advice.action, advice.system) == ("fine_tune_reranker", "dense")
    assert advice.fine_tuning["answer"] == "worth trying"
    assert "query adapter" in advice.fine_tuning["reason"] and "+0.000" in advice.fine_tuning["reason"]
    assert any("fine-tuned reranker is worth trying" in line for line in advice.next)


def test_reasons_and_costs_of_a_proven_model() -> None:
    advice = advise(GAIN)
    reasons = " ".join(advice.reasons)
    assert "+0.205" in reasons and "+0.225" in reasons, "hybrid search is below it"
    assert any("query adapter, once: train for 2 s" in cost for cost in advice.costs)
    assert "+0.430" in advice.how_sure, "the whole difference to today's system: .205 + .225"


def test_a_proven_model_claims_nothing_of_the_re_splits() -> None:
    """In the re-splits no trained model takes part, so that another action always wins there: it says nothing."""
    again = Stability(100, {"use_hybrid_search": 1.0}, {"hybrid": 1.0})
    advice = advise(GAIN, stability=again)
    assert "of 100" not in advice.how_sure and "all 100" not in advice.how_sure
    assert "cross-fitting" in advice.how_sure
    assert not any("re-splits" in change for change in advice.changes)
    assert "came out" not in describe_stability(advice) and "without the trained models" in describe_stability(advice)
    cheap = advise(SWING, stability=again)
    assert "all 100" in cheap.how_sure and "came out 100 times" in describe_stability(cheap)


def test_measured_models_are_among_what_was_ruled_out() -> None:
    ruled_out = {item["rung"]: item for item in advise(SWING).ruled_out}
    assert list(ruled_out) == ["chunking", "metadata_filters", "reranking", "fine_tuned_adapter"]
    why = ruled_out["fine_tuned_adapter"]["why"]
    assert why.startswith("Cannot tell") and "+0.100 on the tuning queries that it did not learn from" in why  # .8 - .7
    assert "Worse than hybrid" in {item["rung"]: item for item in advise(-GAIN).ruled_out}["fine_tuned_adapter"]["why"]
    assert "fine_tuned_adapter" not in {item["rung"] for item in advise(GAIN).ruled_out}
    assert "fine_tuned_reranker" not in {item["rung"] for item in HandmadeLadder().recommend().ruled_out}, "nobody trained one"


def test_a_trained_reranker_is_no_cross_encoder_that_was_tried() -> None:
    """It started from an encoder that never ranked: those that come ready are still worth a try."""
    crossed = replace(NAMED["hybrid-rrf"], name="x", rerank=CrossEncoderRerank(model="trained:reranker-1"))
    own = Step(FINE_TUNED_RERANKER, WORDS, crossed, 0.5, {"x": 0.5}, variants=(crossed,), held_out=True)
    assert not tried_cross_encoder([own])
    assert tried_cross_encoder([replace(own, rung=RERANKING, held_out=False)])


# The variants


def name_all(rung: Rung, incumbent: System, *models: TrainedModel) -> list[str]:
    return [system.name for system in propose_variants(rung, incumbent, Offer(trained=models))]


def test_variants_of_the_trained_rungs() -> None:
    adapter, reranker, embedding = (make_model(kind) for kind in (ADAPTER, RERANKER, EMBEDDING))
    models = (embedding, reranker, adapter)
    assert name_all(FINE_TUNED_ADAPTER, NAMED["dense"], *models) == ["dense-adapter"]
    assert name_all(FINE_TUNED_ADAPTER, NAMED["hybrid-rrf"], *models) == ["hybrid-rrf-adapter", "dense-adapter"]
    assert name_all(FINE_TUNED_EMBEDDING, NAMED["dense"], *models) == ["dense-finetuned", "hybrid-finetuned"]
    assert name_all(FINE_TUNED_EMBEDDING, NAMED["hybrid-rrf"], *models) == ["hybrid-finetuned", "dense-finetuned"]
    # the reranker's own system does not mix: it is the second of the two that are tried on its start system
    assert name_all(FINE_TUNED_RERANKER, NAMED["hybrid-rrf"], *models) == [
        "hybrid-rrf-rerank-finetuned30-mixed", "hybrid-rerank-finetuned",
    ]  # fmt: skip
    for rung in TRAINED:
        assert name_all(rung, NAMED["dense"]) == []


def test_variants_hold_the_model_and_describe_it() -> None:
    for kind, rung in RUNG_OF.items():
        model = make_model(kind)
        for system in propose_variants(rung, NAMED["hybrid-rrf"], Offer(trained=(model,))):
            assert model.reference in str(system.to_spec()), system.name
            assert rung.describe(system) and system.description.endswith(".")


def test_an_adapter_fits_only_the_vectors_it_was_trained_on() -> None:
    model = make_model(ADAPTER)
    own = NAMED["dense"].dense
    assert own is not None
    other = replace(NAMED["hybrid-rrf"], dense=replace(own, model="a/b"))
    assert name_all(FINE_TUNED_ADAPTER, other, model) == ["dense-adapter"], "only its own system"
    assert name_all(FINE_TUNED_ADAPTER, NAMED["bm25"], model) == ["dense-adapter"]
    assert name_all(FINE_TUNED_RERANKER, NAMED["bm25"], make_model(RERANKER)) == ["hybrid-rerank-finetuned"], "no chunks"


def test_a_rung_without_a_model_says_how_to_get_one() -> None:
    for kind, rung in RUNG_OF.items():
        assert f"--kind {kind}" in rung.absence and "--with-training" in rung.absence


# The ladder


def make_ladder(folder: Path) -> Ladder:
    write_labelled_dataset(folder / "data" / "labelled")
    store = Workspace(folder / "workspace")
    dataset = open_dataset(str(folder / "data" / "labelled"), store)
    model = make_model(EMBEDDING)
    return Ladder(dataset, Goals(), make_resources(store.folder, AxisModels()), lambda event: None, (model,))


def test_re_splits_leave_trained_rungs_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The models have learned from queries that other splits test on."""
    ladder = make_ladder(tmp_path)
    proposed: list[Rung] = []

    def watch(rung: Rung, incumbent: System, offer: Offer) -> list[System]:
        proposed.append(rung)
        return [] if rung is not HYBRID_SEARCH else propose_variants(rung, incumbent, offer)[:1]

    monkeypatch.setattr("core.ladder.resplits.propose_variants", watch)
    actions, systems = resplit(ladder, [], latencies={}, monthly={}, gap={"ranked_low": 0.1, "not_among_100": 0.1})
    assert HYBRID_SEARCH in proposed and not set(proposed) & set(TRAINED)
    assert sum(actions.values()) == pytest.approx(1.0) and not any("finetuned" in name for name in systems)


def test_the_split_is_the_one_that_the_model_was_trained_with(tmp_path: Path) -> None:
    """share .5 of 62 queries: 31; the ladder's own share would be .3."""
    assert len(make_ladder(tmp_path).split.tuning) == 31


def test_a_trained_reranker_in_vain_leaves_ready_ones_to_be_tried(tmp_path: Path) -> None:
    ladder = make_ladder(tmp_path)
    base = ladder.baseline
    crossed = replace(base, name="x", rerank=CrossEncoderRerank(model="trained:reranker-1"))
    step = Step(FINE_TUNED_RERANKER, base, None, 0.5, {"x": 0.5}, variants=(crossed,), held_out=True)
    assert not collect_findings(ladder, ladder.split, [step], latencies={}, monthly={}).cross_encoder
    assert collect_findings(
        ladder, ladder.split, [replace(step, rung=RERANKING, held_out=False)], latencies={}, monthly={}
    ).cross_encoder


def test_a_model_whose_weights_are_gone_is_passed_by_with_a_sentence(tmp_path: Path) -> None:
    ladder = make_ladder(tmp_path)
    (step,) = ladder.climb(ladder.split, rungs=[FINE_TUNED_EMBEDDING])
    assert (step.chosen, step.held_out) == (None, True)
    assert "not in this workspace" in step.why_not


def test_without_a_model_nobody_can_ask_for_trained_rungs(workspace: Path) -> None:
    write_labelled_dataset(workspace / "datasets" / "labelled", kinds={"easy": 20})
    store = Workspace(workspace)
    with pytest.raises(InputError, match="python -m core train labelled --kind adapter"):
        assess(open_dataset("labelled", store), workspace=store, goals=Goals(with_training=True), models=AxisModels())
