"""Would more labels help? The model trained on a quarter, half and all of its tuning queries. Explores, decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.evaluation.comparisons import Comparison, compare_pairs
from core.trained_model.evaluation_file import read_evaluation, write_evaluation
from core.trained_model.model_under_test import ModelUnderTest
from core.trained_model.part_training import describe_gain, read_part, train_part, write_part
from core.training.train import PreparedTraining

SHARES = (0.25, 0.5, 1.0)  # of the tuning queries


def draw_learning_curve(subject: ModelUnderTest, prepared: PreparedTraining) -> dict[str, Any]:
    """Trains on 25 and 50 % of the tuning queries too (nested), and compares each with the untrained model on test.

    Writes `learning_curve`: {points: [{share, queries, pairs, mean, delta, low, high, n, seconds}]} and what
    judge_learning_curve() says. A point that is measured is not trained again. Raises Cancelled, LadderError.
    """
    model, workspace = subject.model, subject.workspace
    learning = list(model.split["learning"])
    order = [learning[row] for row in np.random.default_rng(prepared.plan.seed).permutation(len(learning))]
    base = subject.measure(subject.start)
    known = {point["share"]: point for point in read_evaluation(model, workspace).get("curve_points", [])}
    parts: dict[float, pd.Series] = {}
    for share in SHARES:
        kept_values = read_part(subject, f"curve-{share}")
        if share in known and kept_values is not None:
            parts[share] = kept_values
            continue
        count = max(1, round(share * len(order)))
        kept = [query_id for query_id in learning if query_id in set(order[:count])]
        label = f"learning curve, {share:.0%} of the tuning queries"
        whole = share == 1.0
        values, seconds, pairs = (
            (subject.measure(subject.own), model.seconds, int(model.data["positives"]))
            if whole
            else train_part(subject, prepared, kept, prepared.material.validation, label=label, name=f"curve-{share}")
        )
        known[share] = {"share": share, "queries": count, "pairs": pairs, "seconds": seconds}
        parts[share] = values
        write_part(subject, f"curve-{share}", values)
        write_evaluation(model, workspace, curve_points=[known[one] for one in sorted(known)])
    gains, rise = compare_points(base, parts, measure=subject.ladder.primary)
    points = [{**known[share], **describe_gain(parts[share], gains[share])} for share in SHARES]
    curve = {"points": points, **judge_learning_curve(rise)}
    write_evaluation(model, workspace, learning_curve=curve)
    return curve


def compare_points(
    base: pd.Series, parts: Mapping[float, pd.Series], *, measure: str
) -> tuple[dict[float, Comparison], Comparison]:
    """(share -> its model against the untrained one; the model of all tuning queries against that of half of them).

    All are one family. base, parts: values of the untrained model and of SHARES, by query id.
    """
    table = pd.DataFrame({"untrained": base, **{f"{share:.0%}": parts[share].reindex(base.index) for share in SHARES}})
    pairs = [("untrained", f"{share:.0%}") for share in SHARES]
    *gains, rise = compare_pairs(table, [*pairs, ("50%", "100%")], measure=measure)
    return dict(zip(SHARES, gains, strict=True)), rise


def judge_learning_curve(rise: Comparison) -> dict[str, Any]:
    """Whether more labels would help, from what the second half of them added: {answer, words, delta, low, high}.

    answer: "would help" if the model of all tuning queries is better than that of half of them, be it by little, since the
    curve still rises then; "would not help" if a useful gain is ruled out; else "cannot tell".
    """
    told = f"the second half of the tuning queries changed it by {rise.describe_interval()}"
    if rise.is_better:
        small = ", though too little to matter" if rise.verdict == "better_but_small" else ""
        answer, words = "would help", f"More labels would help: {told}, and the curve still rises{small}."
    elif rise.rules_out_gain:
        answer, words = "would not help", f"More labels would not help: {told}; a useful gain would be {rise.min_gain:g}."
    else:
        answer, words = "cannot tell", f"Whether more labels would help cannot be told: {told} on {rise.n} test queries."
    return {"answer": answer, "words": words, "delta": rise.delta, "low": rise.low, "high": rise.high}
