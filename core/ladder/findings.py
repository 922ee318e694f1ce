"""What the choice reads of a ladder that was climbed on one split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.data.split import Split
from core.diagnosis.sides import NOTHING_KNOWN, Sides
from core.evaluation.answers import FIRST
from core.evaluation.significance import FLIPS
from core.ladder.choose import Findings
from core.ladder.climb import Step, judge, list_candidates, tabulate, tried_cross_encoder
from core.ladder.ladder import Ladder


def collect_findings(
    ladder: Ladder,
    split: Split,
    steps: Sequence[Step],
    *,
    latencies: Mapping[str, float],
    monthly: Mapping[str, float],
    sides: Sides = NOTHING_KNOWN,
    flips: int = FLIPS,
) -> Findings:
    """What the choice reads of a ladder on one split. The frozen pairs are judged here, all at once.

    sides: measured on the main split, and the same on all, since no split changes what words and models can do.
    """
    candidates = list_candidates(ladder.baseline, steps)
    values = tabulate(candidates, ladder.measurer.values, query_ids=split.test)
    targets: dict[str, float] = {}
    if ladder.goals.target is not None:
        means = tabulate(candidates, ladder.measurer.targets, query_ids=split.test).mean()
        targets = {str(name): float(mean) for name, mean in means.items() if np.isfinite(mean)}
    ranks = ladder.measurer.ranks(ladder.baseline)
    answered = 0.0 if ranks is None else float((ranks.reindex(values.index) <= FIRST).mean())
    return Findings(
        baseline=ladder.baseline,
        steps=tuple(steps),
        comparisons=judge(
            steps, values, measure=ladder.primary, min_gain=ladder.goals.min_gain, seed=ladder.goals.seed, flips=flips
        ),
        values=values,
        goals=ladder.goals,
        latencies=latencies,
        monthly=monthly,
        target_means=targets,
        missing=ladder.missing,
        labels_fit=ladder.labels_fit,
        cross_encoder=tried_cross_encoder(steps),
        sides=sides,
        answered=answered if len(values) else 0.0,
        tuning=len(tabulate([ladder.baseline], ladder.measurer.values, query_ids=split.tuning)),
    )
