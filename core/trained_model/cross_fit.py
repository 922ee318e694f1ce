"""Cross-fitting: each fold of the judged queries is measured by a model that was trained on the other folds.

Explores, decides nothing: the folds share training data, so that its error is above nominal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.errors import InputError
from core.evaluation.comparisons import compare_pairs
from core.trained_model.evaluation_file import write_evaluation
from core.trained_model.model_under_test import ModelUnderTest
from core.trained_model.part_training import describe_gain, read_part, train_part, write_part
from core.training.material import split_off_validation
from core.training.train import PreparedTraining


def cross_fit(subject: ModelUnderTest, prepared: PreparedTraining, folds: int) -> dict[str, Any]:
    """Measures every judged query by a model that has not seen it; each fold is kept as soon as it is there.

    Writes `folds`: {k, delta, low, high, n, mean, baseline_mean, parts: [{fold, n, delta}]}. Raises InputError if the queries
    do not make so many folds, Cancelled, LadderError.
    """
    ladder = subject.ladder
    judged = [query_id for query_id in prepared.material.query_rows if query_id in prepared.material.grades]
    parts = deal_folds(judged, ladder.groups, folds, seed=prepared.plan.seed)
    if min(len(part) for part in parts) < 1 or len(parts) < 2:
        raise InputError(f"the judged queries do not make {folds} folds; ask for fewer")
    base = subject.measure(subject.start, query_ids=judged)
    found: list[pd.Series] = []
    for number, part in enumerate(parts, start=1):
        name = f"fold-{folds}-{number}"
        values = read_part(subject, name)
        if values is None:
            rest = [query_id for query_id in judged if query_id not in set(part)]
            learning, validation = split_off_validation(ladder.dataset, rest, ladder.groups, seed=prepared.plan.seed)
            label = f"cross-fitting, fold {number} of {folds}"
            values, _, _ = train_part(subject, prepared, learning, validation, label=label, name=name, query_ids=part)
            write_part(subject, name, values)
        found.append(values)
    values = pd.concat(found)
    table = pd.DataFrame({"untrained": base.reindex(values.index), "trained": values})
    (gain,) = compare_pairs(table, [("untrained", "trained")], measure=ladder.primary)
    result = {
        "k": folds,
        **describe_gain(values, gain),
        "baseline_mean": float(table["untrained"].mean()),
        "parts": [
            {"fold": number, "n": len(part), "delta": float((part - base.reindex(part.index)).mean())}
            for number, part in enumerate(found, start=1)
        ],
    }
    write_evaluation(subject.model, subject.workspace, folds=result)
    return result


def deal_folds(query_ids: Sequence[str], groups: Mapping[str, int], folds: int, *, seed: int) -> list[list[str]]:
    """The queries in folds of about equal size; queries of one group stay together. Deterministic for a seed."""
    members: dict[int, list[str]] = {}
    for query_id in query_ids:
        members.setdefault(groups[query_id], []).append(query_id)
    order = [list(members)[row] for row in np.random.default_rng(seed).permutation(len(members))]
    dealt: list[list[str]] = [[] for _ in range(folds)]
    for group in sorted(order, key=lambda one: -len(members[one])):  # large groups first; equal ones in the drawn order
        min(dealt, key=len).extend(members[group])
    place = {query_id: row for row, query_id in enumerate(query_ids)}
    return [sorted(part, key=place.__getitem__) for part in dealt]
