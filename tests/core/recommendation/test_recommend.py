"""The recommendation in words, on a ladder made by hand. What sentences mean is tested, not how they are put."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.split import Split
from core.diagnosis.causes import CAUSES, FAILURES, RESCUES
from core.diagnosis.sides import EMBEDDINGS, RERANKER, ModelSide, Sides, WordSide
from core.diagnosis.slices import SLICE_MEASURES
from core.evaluation.comparisons import compare_pairs
from core.experiment.result import Experiment, SystemResult
from core.ladder.actions import title_action
from core.ladder.choose import Findings, choose
from core.ladder.climb import Step, judge
from core.ladder.goals import Goals
from core.ladder.resplits import Stability
from core.ladder.rows import describe_rungs, list_comparisons, word_verdict
from core.ladder.rungs.chunking import CHUNKING
from core.ladder.rungs.fine_tuned import FINE_TUNED_RERANKER
from core.ladder.rungs.hybrid_search import HYBRID_SEARCH
from core.ladder.rungs.metadata_filters import METADATA_FILTERS
from core.ladder.rungs.reranking import RERANKING, SUGGESTED_RERANKER
from core.recommendation.error_analysis import ErrorAnalysis
from core.recommendation.recommend import Recommendation, recommend
from core.schema import empty
from core.stages.chunk import Recursive
from core.stages.rerank import CrossEncoderRerank, LateInteraction
from core.systems.system import Dense, Lexical, System
from core.text.reading import Legibility, ScriptReading

MEASURE = "nDCG@10"
N = 40
QUERIES = [f"q{n}" for n in range(N)]
DENSE, WORDS = System("dense", lexical=Lexical()), System("hybrid", lexical=Lexical())
CHUNKED = System("chunked", chunk=Recursive(size=64), dense=Dense())
LATE = System("late", chunk=Recursive(), dense=Dense(), rerank=LateInteraction())
CROSS = System("cross", chunk=Recursive(), dense=Dense(), rerank=CrossEncoderRerank(model="a/b"))


def make_values() -> pd.DataFrame:
    """dense misses q0 to q9. hybrid finds q0 to q7 of them, is better on q10 to q19 and loses q39. chunked changes nothing;
    late swings by .4 on the second half, so that nothing can be said of it."""
    dense = np.array([0.0] * 10 + [0.5] * 10 + [1.0] * 20)
    hybrid = dense.copy()
    hybrid[:8] = [1.0, 0.9, 0.8, 0.5, 0.5, 0.5, 0.5, 0.5]
    hybrid[10:20] += 0.4
    hybrid[39] = 0.0
    late = hybrid.copy()
    late[20:39] += np.array([-0.4, 0.4] * 9 + [-0.4])
    return pd.DataFrame({"dense": dense, "chunked": dense, "hybrid": hybrid, "late": late}, index=QUERIES)


def make_steps(reranked: System = LATE) -> list[Step]:
    """chunked gains .01 and is not kept; no metadata; hybrid gains .2 and is kept; the reranker loses .01."""
    return [
        Step(CHUNKING, DENSE, CHUNKED, 0.5, {"other": 0.4, "chunked": 0.51}, False, "", (CHUNKED,)),
        Step(METADATA_FILTERS, DENSE, None, 0.5, {}, False, "No query carries a filter."),
        Step(HYBRID_SEARCH, DENSE, WORDS, 0.5, {"hybrid": 0.7}, True, "", (WORDS,)),
        Step(RERANKING, WORDS, reranked, 0.7, {reranked.name: 0.69}, False, "", (reranked,)),
        Step(FINE_TUNED_RERANKER, WORDS, None, 0.7, {}, False, "Not trained yet."),
    ]


def make_experiment(values: pd.DataFrame, *, judged: Mapping[str, float] = {}) -> Experiment:
    rows = []
    for name in values.columns:
        found = (values[name] > 0).astype(float)
        rows += [(name, query, "Success@5", value) for query, value in found.items()]
        rows += [(name, query, MEASURE, value) for query, value in values[name].items()]
    results = tuple(
        SystemResult(
            name,
            {},
            measures={
                MEASURE: {"mean": float(values[name].mean()), "low": 0.0, "high": 1.0, "n": len(values)},
                "R@100": {"mean": 0.8 if name == "hybrid" else 0.9, "low": 0.0, "high": 1.0, "n": len(values)},
            },
            latency_ms={"p50": 10.0 + 5 * place, "p95": 20.0 + 10 * place, "p99": 1.0, "n": 9, "stages": {}},
            judged_at_10=judged.get(name, 0.5),
            index={"chunks": 1234},
        )
        for place, name in enumerate(values.columns)
    )
    per_query = pd.DataFrame(rows, columns=["system", "query_id", "measure", "value"])
    return Experiment("id", "", "", {}, "test", results, {}, per_query, {}, query_ids=tuple(values.index))


def make_analysis(*, ranked_low: float = 0.2, not_found: float = 0.1) -> ErrorAnalysis:
    causes = {**dict.fromkeys(CAUSES, 0), "not_in_corpus": 1, "exact_terms": 7, "ranking": 2}
    return ErrorAnalysis(
        failures=empty(FAILURES),
        rescues=empty([*RESCUES, "diagnosed"]),
        counts={"dense": {"failed": 10, "judged": N, "causes": causes}},
        headroom={"gap": {"unanswerable": 0.05, "not_among_100": not_found, "ranked_low": ranked_low}},
        slices=empty(SLICE_MEASURES),
        members={},
        metadata={"lost_by_own_filter": ["q1"], "thrown_away": ["q2"]},
        baseline="dense",
    )


@dataclass
class HandmadeLadder:
    """A recommendation and what may be varied about it."""

    values: pd.DataFrame = field(default_factory=make_values)
    steps: list[Step] = field(default_factory=make_steps)
    goals: Goals = field(default_factory=Goals)
    changes: dict[str, Any] = field(default_factory=dict)
    analysis: ErrorAnalysis = field(default_factory=make_analysis)
    stability: Stability = field(default_factory=lambda: Stability(100, {}, {}))
    judged: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    def find(self) -> Findings:
        comparisons = judge(self.steps, self.values, measure=MEASURE, min_gain=self.goals.min_gain)
        gap = self.analysis.gap
        base = Findings(DENSE, self.steps, comparisons, self.values, self.goals)
        return replace(base, ranked_low=gap("ranked_low"), not_found=gap("not_among_100"), **self.changes)

    def recommend(self) -> Recommendation:
        findings = self.find()
        experiment = replace(make_experiment(self.values, judged=self.judged), sides=findings.sides)
        return recommend(
            findings,
            choose(findings),
            self.stability,
            experiment,
            self.analysis,
            rows=describe_rungs(findings, experiment, primary=MEASURE),
            split=Split(("t1",), tuple(self.values.index), 41, self.warnings),
            primary=MEASURE,
            suspects=self.suspects,
            doubts=self.doubts,
        )


def make_flat(**options: Any) -> HandmadeLadder:
    """Nothing that was tried changes anything."""
    values = make_values()
    steps = [replace(step, kept=False, means=dict.fromkeys(step.means, 0.5), incumbent_mean=0.5) for step in make_steps()]
    flat = values.assign(hybrid=values["dense"], late=values["dense"])
    return HandmadeLadder(values=flat, steps=[replace(step, incumbent=DENSE) for step in steps], **options)


def with_cross_encoder(ladder: HandmadeLadder) -> HandmadeLadder:
    crossed = {"chosen": CROSS, "variants": (CROSS,), "means": {"cross": 0.5}}
    steps = [replace(step, **crossed) if step.rung is RERANKING else step for step in ladder.steps]
    values = ladder.values.rename(columns={"late": "cross"})
    return replace(ladder, steps=steps, values=values, changes={**ladder.changes, "cross_encoder": True})


def test_the_verdict_and_its_numbers() -> None:
    advice = HandmadeLadder().recommend()
    assert (advice.action, advice.system) == ("use_hybrid_search", "hybrid")
    assert advice.success == {"dense": [30, N], "hybrid": [37, N]}  # 30 + 8 found - 1 lost
    for part in ("hybrid", "37", "40", "30"):
        assert part in advice.sentence
    difference = advice.difference
    # (1 + .9 + .8 + 5 x .5 + 10 x .4 - 1) / 40 = 8.2 / 40
    assert difference["delta"] == pytest.approx(0.205)
    assert (difference["wins"], difference["losses"], difference["harmed"], difference["n"]) == (18, 1, 1, N)
    assert difference["real"] and difference["p"] < 0.05 and difference["low"] > 0
    assert "+0.205" in advice.how_sure and "real" in advice.how_sure.lower()


def test_examples_come_in_the_order_of_their_difference() -> None:
    advice = HandmadeLadder().recommend()
    assert advice.fixes == ("q0", "q1", "q2")
    assert advice.breaks == ("q39",)
    assert make_flat().recommend().fixes == make_flat().recommend().breaks == ()


def test_only_what_enters_or_leaves_the_first_five_is_an_example() -> None:
    """q10 to q19 are ranked better than before, but were among the first five already; q1 to q7 are still not."""
    values = make_values()
    hybrid = values["hybrid"].where(~values.index.isin([f"q{n}" for n in range(1, 8)]), 0.0).where(values.index != "q39", 1.0)
    advice = HandmadeLadder(values=values.assign(hybrid=hybrid, late=hybrid)).recommend()
    assert advice.system == "hybrid"
    assert (advice.fixes, advice.breaks) == (("q0",), ())


def test_the_correction_counts_the_pairs_that_differ() -> None:
    """hybrid and late differ from what they stand on, chunked does not: two pairs are read together."""
    findings = HandmadeLadder().find()
    table = findings.comparisons.set_index("system")
    p = max(table.loc["hybrid", "p_t"], table.loc["hybrid", "p_randomization"])
    pairs = [(table.loc[name, "baseline"], name) for name in ("hybrid", "late")]
    hybrid, _ = compare_pairs(findings.values, pairs, measure=MEASURE)
    assert HandmadeLadder().recommend().difference["p"] == hybrid.p_adjusted > p


def test_reasons_costs_and_risks() -> None:
    advice = HandmadeLadder().recommend()
    reasons = " ".join(advice.reasons)
    assert "Hybrid search" in reasons and "+0.205" in reasons and "better" in reasons
    assert "exact words" in reasons and "10 of 40" in reasons and "For 7 of them" in reasons  # the leading cause
    costs = " ".join(advice.costs)
    assert "40 ms" in costs and "20 ms" in costs  # hybrid is the third system, dense the first
    risks = " ".join(advice.risks)
    assert "1 of 40" in risks
    assert "-0.100" in risks, "R@100 fell from .9 to .8"


def test_what_was_ruled_out() -> None:
    ruled_out = {item["rung"]: item for item in HandmadeLadder().recommend().ruled_out}
    assert list(ruled_out) == ["chunking", "metadata_filters", "reranking"], "neither the way to hybrid nor what needs training"
    assert ruled_out["chunking"]["system"] == "chunked" and "+0.010" in ruled_out["chunking"]["why"]
    assert "2 variants" in ruled_out["chunking"]["why"]
    assert "No query carries a filter." in ruled_out["metadata_filters"]["why"]
    assert "cannot tell" in ruled_out["reranking"]["why"].lower()


NO, NOT_YET, WORTH = "no", "not yet", "worth trying"
MISSED, MET = Goals(target=(MEASURE, 0.9)), Goals(target=(MEASURE, 0.5))
MEANS = {"target_means": {"dense": 0.6, "chunked": 0.6, "hybrid": 0.8, "late": 0.8, "cross": 0.6}}
TRAINING: dict[str, tuple[HandmadeLadder, str]] = {
    "a cheaper fix helps": (HandmadeLadder(), NOT_YET),
    "labels fit nothing": (with_cross_encoder(make_flat(goals=MISSED, changes={**MEANS, "labels_fit": False})), NOT_YET),
    "the corpus is to blame": (with_cross_encoder(make_flat(changes={"missing": 0.5})), NOT_YET),
    "no cross-encoder was measured": (make_flat(), NOT_YET),
    "the target is met": (with_cross_encoder(make_flat(goals=MET, changes=MEANS)), NO),
    "next to nothing to gain": (with_cross_encoder(make_flat(analysis=make_analysis(ranked_low=0.01, not_found=0.01))), NO),
    "nothing cheaper helps, and the target is missed": (with_cross_encoder(make_flat(goals=MISSED, changes=MEANS)), WORTH),
}


@pytest.mark.parametrize(("ladder", "answer"), TRAINING.values(), ids=TRAINING.keys())
def test_fine_tuning(ladder: HandmadeLadder, answer: str) -> None:
    advice = ladder.recommend()
    assert advice.fine_tuning["answer"] == answer
    assert advice.fine_tuning["reason"].endswith(".")
    words = " ".join(advice.next).lower()
    assert ("fine-tun" in words) is (answer == WORTH), "training is a next step only where it is worth trying"
    assert advice.action.startswith("fine_tune") is (answer == WORTH)


def test_what_fine_tuning_names() -> None:
    assert "hybrid" in TRAINING["a cheaper fix helps"][0].recommend().fine_tuning["reason"]
    no_cross = make_flat().recommend()
    assert SUGGESTED_RERANKER in no_cross.fine_tuning["reason"]
    assert any(SUGGESTED_RERANKER in step for step in no_cross.next)
    worth = TRAINING["nothing cheaper helps, and the target is missed"][0]
    low = worth.recommend()
    assert (low.action, low.fine_tuning["kind"]) == ("fine_tune_reranker", "reranker")
    deep = replace(worth, analysis=make_analysis(ranked_low=0.1, not_found=0.2)).recommend()
    assert (deep.action, deep.fine_tuning["kind"]) == ("fine_tune_embedding", "embedding model")
    assert any("worth trying" in flag for flag in deep.flags), "what was not measured is flagged"


def test_flags() -> None:
    assert HandmadeLadder().recommend().flags == ()
    leaked = HandmadeLadder(warnings=("3 test queries say the same as a tuning query.",))
    assert leaked.recommend().flags == ("3 test queries say the same as a tuning query.",)
    unusual = HandmadeLadder(judged={"hybrid": 0.56}).recommend()  # dense .5: .06 more; late .5 on hybrid: .06 fewer
    assert len(unusual.flags) == 2
    assert "hybrid" in unusual.flags[0] and "6%" in unusual.flags[0] and "more" in unusual.flags[0]
    assert "fewer" in unusual.flags[1]
    assert HandmadeLadder(judged={"hybrid": 0.54}).recommend().flags == ()
    assert HandmadeLadder(doubts=("Two documents say the same.",)).recommend().flags == ("Two documents say the same.",)


def test_labels_come_first() -> None:
    few = HandmadeLadder(values=make_values().head(12)).recommend()
    assert (few.action, few.system) == ("label_more_queries", "dense")
    assert "12" in few.sentence and "20" in few.sentence
    assert any("40" in step for step in few.next), "how many queries to label"
    unfit = HandmadeLadder(changes={"labels_fit": False}, suspects=("q3", "q4")).recommend()
    assert unfit.action == "label_more_queries"
    assert unfit.suspects == ("q3", "q4")
    assert any("label" in step.lower() for step in unfit.next)
    poor = HandmadeLadder(changes={"missing": 0.4}).recommend()
    assert poor.action == "extend_corpus" and "40%" in poor.sentence
    for advice in (few, unfit, poor):
        assert advice.sentence.startswith(title_action(advice.action))
        assert "No score decides this" in advice.how_sure and "In all" not in advice.how_sure


def test_labels_to_check_are_named_and_come_first_where_half_of_the_failures_hang_on_them() -> None:
    values = make_values()
    failing = [str(query) for query in values.index[values["hybrid"] == 0]]
    assert len(failing) == 3, "of the recommended system"
    for suspects, place, hanging in ((failing[:2], 0, 2), (failing[:1], -1, 1), (["elsewhere"], -1, 0)):
        advice = HandmadeLadder(suspects=tuple(suspects)).recommend()
        assert advice.system == "hybrid"
        look = advice.next[place]
        assert suspects[0] in look and "labels of" in look
        assert (f"{hanging} of the 3 test queries that hybrid fails hang on them" in look) == (hanging > 0)
    assert not any("labels of" in step for step in HandmadeLadder().recommend().next)


def test_nothing_helps_and_a_quarter_is_not_answered() -> None:
    advice = make_flat().recommend()
    assert (advice.action, advice.system, advice.difference) == ("no_cheaper_fix", "dense", {})
    assert advice.title == "No cheaper fix was found" and "are enough" not in advice.sentence
    assert "dense" in advice.sentence and "30" in advice.sentence and "40" in advice.sentence
    assert list(advice.success) == ["dense"]
    assert [item["rung"] for item in advice.ruled_out] == ["chunking", "metadata_filters", "hybrid_search", "reranking"]


def test_target() -> None:
    assert HandmadeLadder().recommend().target is None
    met = HandmadeLadder(goals=MET, changes=MEANS).recommend()
    assert met.target == {"measure": MEASURE, "value": 0.5, "mean": 0.6, "met": True}
    assert met.system == "dense", "the cheapest that meets it"
    missed = HandmadeLadder(goals=MISSED, changes=MEANS).recommend()
    assert missed.target == {"measure": MEASURE, "value": 0.9, "mean": 0.8, "met": False}


def test_what_would_change_the_answer() -> None:
    stability = Stability(100, {"use_hybrid_search": 0.8, "fix_chunking": 0.2}, {"hybrid": 1.0}, ("q0", "q1"))
    advice = HandmadeLadder(stability=stability).recommend()
    changes = " ".join(advice.changes)
    assert "q0, q1" in changes
    assert "20%" in changes
    assert "reranking" in changes.lower(), "the rung that these queries cannot judge"
    assert "80" in advice.how_sure
    assert advice.stability["actions"] == {"use_hybrid_search": 0.8, "fix_chunking": 0.2}
    unknown = HandmadeLadder(goals=Goals(max_latency_ms=35)).recommend()
    limited = HandmadeLadder(goals=Goals(max_latency_ms=35), changes={"latencies": {"hybrid": 40.0, "late": 50.0}})
    assert unknown.system == "hybrid" and not any("limit" in change for change in unknown.changes), "not measured is within"
    assert any("hybrid" in change and "late" in change for change in limited.recommend().changes)


def test_a_cost_limit_is_told_as_what_it_is() -> None:
    limited = HandmadeLadder(
        goals=Goals(max_monthly_usd=40), changes={"monthly": {"dense": 20.0, "hybrid": 50.0, "late": 60.0}}
    )
    advice = limited.recommend()
    assert advice.system == "dense"
    assert any("cost limit leaves out" in change and "hybrid" in change for change in advice.changes)
    assert any("Over the cost limit ($50.00 a month)" in row["why"] for row in advice.ruled_out)
    dear = HandmadeLadder(changes={"monthly": {"dense": 20.0, "hybrid": 50.0}}).recommend()
    assert any("$50.00, instead of $20.00" in cost for cost in dear.costs)
    none = HandmadeLadder(
        goals=Goals(max_monthly_usd=10), changes={"monthly": dict.fromkeys(("dense", "hybrid", "late"), 50.0)}
    )
    assert any("Even dense is over the cost limit" in flag for flag in none.recommend().flags)


@pytest.mark.parametrize("pace", ["weekly", "daily"])
def test_where_facts_change_often_training_is_not_the_place_for_them(pace: str) -> None:
    usual, changing = HandmadeLadder().recommend(), HandmadeLadder(goals=Goals(facts_change=pace)).recommend()
    words = f"Facts that change {pace} stay in the documents"
    assert words in changing.fine_tuning["reason"] and words not in usual.fine_tuning["reason"]
    missed = Goals(target=(MEASURE, 0.99), facts_change=pace)
    for goals in (missed, replace(missed, facts_change="rarely")):
        values = make_values()
        flat = values.assign(**{name: values["dense"] for name in ("chunked", "hybrid", "late")})
        ladder = with_cross_encoder(HandmadeLadder(values=flat, goals=goals))
        advice = ladder.recommend()
        proposes = advice.action.startswith("fine_tune") or advice.fine_tuning["answer"] in ("yes", "worth trying")
        assert proposes is (goals.facts_change == "rarely")


def test_rows_of_the_ladder() -> None:
    findings = HandmadeLadder().find()
    rows = {row["rung"]: row for row in describe_rungs(findings, make_experiment(make_values()), primary=MEASURE)}
    assert list(rows) == ["baseline", "chunking", "metadata_filters", "hybrid_search", "reranking", "fine_tuned_reranker"]
    hybrid = rows["hybrid_search"]
    assert (hybrid["system"], hybrid["incumbent"], hybrid["kept"], hybrid["verdict"]) == ("hybrid", "dense", True, "better")
    assert hybrid["tuning"] == pytest.approx({"incumbent": 0.5, "chosen": 0.7, "gain": 0.2})
    assert hybrid["delta"] == pytest.approx(0.205)
    assert hybrid["delta_low"] < 0.205 < hybrid["delta_high"]
    assert hybrid["mean"] == pytest.approx(make_values()["hybrid"].mean()), "of the system, not of the difference"
    assert (hybrid["added_ms"], hybrid["p95_ms"]) == (10.0, 40.0)  # third system: p50 20 against 10
    assert hybrid["recall_100_change"] == pytest.approx(-0.1)
    assert rows["reranking"]["incumbent"] == "hybrid" and SUGGESTED_RERANKER in rows["reranking"]["note"]
    absent = rows["metadata_filters"]
    assert (absent["system"], absent["verdict"], absent["why_not"]) == (None, None, "No query carries a filter.")
    assert rows["baseline"]["system"] == "dense"
    crossed = with_cross_encoder(HandmadeLadder())
    found = describe_rungs(crossed.find(), make_experiment(crossed.values), primary=MEASURE)
    assert next(row for row in found if row["rung"] == "reranking")["note"] == ""


NO_WORDS = WordSide(asked=N, unmatched=N, systems=("bm25", "hybrid"))
NOTHING_READ = Legibility(1, 1, (ScriptReading("Arabic", 1.0, 0.0, 1.0, 1.0, False),))
BLIND = ModelSide(
    EMBEDDINGS, "a-model", ("en",), 256, NOTHING_READ, NOTHING_READ, asked=N, cut=0, lost=0.0,
    systems=("dense", "chunked", "hybrid", "late"),
)  # fmt: skip
NO_CHEAPER = "no cheaper fix"


def write_everything(advice: Recommendation) -> str:
    return " ".join(
        [
            advice.sentence,
            advice.fine_tuning["reason"],
            *advice.reasons,
            *advice.next,
            *(one["why"] for one in advice.ruled_out),
        ]
    ).lower()


def test_nothing_useful_was_found_where_all_sides_could_work() -> None:
    assert NO_CHEAPER in make_flat().recommend().sentence


def test_words_without_hits_say_nothing_of_hybrid_search() -> None:
    advice = make_flat(changes={"sides": Sides(words=(NO_WORDS,))}).recommend()
    assert advice.action == "check_words"
    assert "keep dense meanwhile" in advice.sentence
    unjudged = "Hybrid search cannot be judged: word matching returned nothing for 40 of 40 queries."
    assert advice.sentence.endswith(unjudged)
    assert NO_CHEAPER not in write_everything(advice)
    why = {one["rung"]: one["why"] for one in advice.ruled_out}
    assert why["hybrid_search"].startswith(
        "Cannot be judged, since word matching returned nothing for 40 of 40 queries: +0.000"
    )
    assert "annot be judged" not in why["chunking"] + why["reranking"]  # those do without words
    assert any("language of word matching" in step for step in advice.next)
    assert any(flag.startswith("Word matching (bm25 and hybrid) returned nothing") for flag in advice.flags)
    assert advice.fine_tuning["answer"] == NOT_YET


def test_a_model_that_cannot_read_says_nothing_of_what_rests_on_it() -> None:
    advice = make_flat(changes={"sides": Sides(models=(BLIND,))}).recommend()
    assert advice.action == "change_model"
    assert "Chunking and reranking cannot be judged: a-model cannot read the documents and the queries." in advice.sentence
    assert NO_CHEAPER not in write_everything(advice)
    assert any("multilingual embedding model" in step for step in advice.next)
    assert not any("cross-encoder" in step for step in advice.next)


def test_a_cross_encoder_is_judged_by_its_own_reading() -> None:
    ladder = with_cross_encoder(make_flat(changes={"sides": Sides(models=(BLIND,))}))
    why = {one["rung"]: one["why"] for one in ladder.recommend().ruled_out}
    assert "annot be judged" not in why["reranking"]
    reranker = replace(BLIND, kind=RERANKER, model="a/b", systems=("cross",))
    blind = with_cross_encoder(make_flat(changes={"sides": Sides(models=(BLIND, reranker))}))
    why = {one["rung"]: one["why"] for one in blind.recommend().ruled_out}
    assert why["reranking"].startswith("Cannot be judged, since a/b cannot read")


def test_what_is_proven_all_the_same_stands() -> None:
    """Words found nothing for 25 of 40 queries, and hybrid is better: it is recommended, with a note."""
    few = replace(NO_WORDS, unmatched=25)
    advice = HandmadeLadder(changes={"sides": Sides(words=(few,))}).recommend()
    assert (advice.action, advice.system) == ("use_hybrid_search", "hybrid")
    assert "cannot be judged" not in write_everything(advice)
    assert any("25 of 40 queries" in flag for flag in advice.flags)


def test_enough_answers_are_enough_and_the_rest_is_said() -> None:
    """39 of 40 queries answered: embeddings are called enough, but not that nothing cheaper helps."""
    values = make_values()
    values = pd.DataFrame(dict.fromkeys(values.columns, [1.0] * 39 + [0.0]), index=values.index)
    flat = replace(make_flat(changes={"sides": Sides(words=(NO_WORDS,)), "answered": 0.975}), values=values)
    advice = flat.recommend()
    assert advice.action == "embeddings_enough"
    assert advice.sentence.startswith("Keep dense: embeddings are enough.")
    assert "Hybrid search cannot be judged" in advice.sentence and NO_CHEAPER not in advice.sentence


def test_tables_of_the_pairs_say_the_same() -> None:
    ladder = make_flat(changes={"sides": Sides(words=(NO_WORDS,))})
    findings = ladder.find()
    experiment = make_experiment(ladder.values)
    rows = describe_rungs(findings, experiment, primary=MEASURE)
    pairs = list_comparisons(findings.comparisons.to_dict("records"), rows)
    assert {pair["system"]: word_verdict(pair) for pair in pairs} == {
        "chunked": "no useful difference", "hybrid": "cannot be judged", "late": "no useful difference",
    }  # fmt: skip
    older = [{name: value for name, value in row.items() if name != "hindrance"} for row in rows]
    assert word_verdict(next(row for row in older if row["system"] == "hybrid")) == "no useful difference"
