"""Would more labels help? The model trained on a quarter, half and all of its tuning queries. Explores, decides nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.evaluation.verdicts import SMALLEST_USEFUL_GAIN
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
    points: list[dict[str, Any]] = []
    for share in SHARES:
        count = max(1, round(share * len(order)))
        if share not in known:
            kept = [query_id for query_id in learning if query_id in set(order[:count])]
            label = f"learning curve, {share:.0%} of the tuning queries"
            whole = share == 1.0
            values, seconds, pairs = (
                (subject.measure(subject.own), model.seconds, int(model.data["positives"]))
                if whole
                else train_part(subject, prepared, kept, prepared.material.validation, label=label, name=f"curve-{share}")
            )
            known[share] = {"share": share, "queries": count, "pairs": pairs, **describe_gain(values, base), "seconds": seconds}
            write_part(subject, f"curve-{share}", values)
            write_evaluation(model, workspace, curve_points=[known[one] for one in sorted(known)])
        points.append(known[share])
    half, full = (read_part(subject, f"curve-{share}") for share in SHARES[1:])
    curve = {"points": points, **judge_learning_curve(half, full)}
    write_evaluation(model, workspace, learning_curve=curve)
    return curve


def judge_learning_curve(half: pd.Series, full: pd.Series, *, min_gain: float = SMALLEST_USEFUL_GAIN) -> dict[str, Any]:
    """Whether more labels would help, from what the second half of them added: {answer, words, delta, low, high}.

    answer: "would help" if the 95 % interval of full - half is above 0, "would not help" if all of it is below min_gain, else
    "cannot tell".
    """
    change = describe_gain(full, half)
    interval = f"{change['low']:+.3f} to {change['high']:+.3f}"
    told = f"the second half of the tuning queries changed it by {change['delta']:+.3f} ({interval})"
    if change["low"] > 0:
        answer, words = "would help", f"More labels would help: {told}, and the curve still rises."
    elif change["high"] < min_gain:
        answer, words = "would not help", f"More labels would not help: {told}; a useful gain would be {min_gain:g}."
    else:
        # Not the verdicts' rule: any rise above 0 says that the curve still rises, however small, and one pair needs no
        # correction.
        answer, words = "cannot tell", f"Whether more labels would help cannot be told: {told} on {change['n']} test queries."
    return {"answer": answer, "words": words, "delta": change["delta"], "low": change["low"], "high": change["high"]}
