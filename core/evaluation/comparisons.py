"""Systems compared on one measure, query by query. Pairs that are looked at together are read together, as one family.

compare_with() holds every system against the one in use. compare_leader() holds the best one against the others, over all
pairs, since nobody knew beforehand which would be the best. compare_pairs() takes any that were fixed before anything was
tested.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from core.evaluation.significance import FLIPS, detectable_difference, infer_differences, needed_queries
from core.evaluation.verdicts import HARM, SMALLEST_USEFUL_GAIN, choose_verdict, leaves_out_zero, write_sentence


@dataclass(frozen=True)
class Comparison:
    """One system against another (the baseline) on one measure, over n queries that both were asked.

    delta: mean difference, above 0 where the system is better. low, high: its 95 % interval, wide enough that those of the
    whole family hold at once. p_t, p_randomization: paired t test and random signs, of this pair alone; p_adjusted: over all,
    below .05 exactly where the interval leaves out 0. wins, ties, losses: queries; harmed: those that lost more than HARM.
    mde: smallest difference that these queries detect (power .8) in this family. queries_needed: n at which half the interval
    would be min_gain. verdict: of VERDICTS. family: pairs read together that differ at all. min_gain: smallest useful gain.
    """

    baseline: str
    system: str
    measure: str
    delta: float
    low: float
    high: float
    p_t: float
    p_randomization: float
    p_adjusted: float
    wins: int
    ties: int
    losses: int
    harmed: int
    n: int
    mde: float
    queries_needed: int
    verdict: str
    family: int
    min_gain: float

    @property
    def is_real(self) -> bool:
        """Whether there is a difference, however small."""
        return leaves_out_zero(self.low, self.high)

    @property
    def is_better(self) -> bool:
        """Whether the system is better, be it by little."""
        return self.is_real and self.delta > 0

    @property
    def rules_out_loss(self) -> bool:
        """Whether the system is not usefully worse: a loss of min_gain is outside the interval."""
        return self.low > -self.min_gain

    @property
    def rules_out_gain(self) -> bool:
        """Whether the system is not usefully better: a gain of min_gain is outside the interval."""
        return self.high < self.min_gain

    def describe(self) -> str:
        """ "hybrid-rrf is better than dense on nDCG@10: +0.051 (+0.020 to +0.082)." Plain text."""
        words = write_sentence(self.verdict, system=self.system, baseline=self.baseline, measure=self.measure, n=self.n)
        return f"{words}: {self.describe_interval()}."

    def describe_interval(self) -> str:
        """ "+0.051 (+0.020 to +0.082)" """
        return f"{self.delta:+z.3f} ({self.low:+z.3f} to {self.high:+z.3f})"


COMPARISON = [field.name for field in dataclasses.fields(Comparison) if field.name not in ("family", "min_gain")]


def compare_pairs(
    table: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    *,
    measure: str,
    min_gain: float = SMALLEST_USEFUL_GAIN,
    seed: int = 0,
    flips: int = FLIPS,
    first: int | None = None,
) -> list[Comparison]:
    """The (baseline, system) pairs as one family, in order. table: queries x systems, one measure in [0, 1].

    first: how many of the pairs to give, None for all; all of them are the family.
    """
    values, n = table.to_numpy(dtype=float), len(table)
    place = {name: column for column, name in enumerate(table.columns)}
    deltas = values[:, [place[system] for _, system in pairs]] - values[:, [place[base] for base, _ in pairs]]
    found = infer_differences(deltas, flips=flips, seed=seed)
    comparisons = []
    for column, (base, system) in enumerate(pairs[:first]):
        delta, error = deltas[:, column], float(found.error[column])
        mean, low, high = (float(numbers[column]) for numbers in (found.mean, found.low, found.high))
        comparisons.append(
            Comparison(
                baseline=base,
                system=system,
                measure=measure,
                delta=mean,
                low=low,
                high=high,
                p_t=float(found.p_t[column]),
                p_randomization=float(found.p_randomization[column]),
                p_adjusted=float(found.p_adjusted[column]),
                wins=int((delta > 0).sum()),
                ties=int((delta == 0).sum()),
                losses=int((delta < 0).sum()),
                harmed=int((delta < -HARM).sum()),
                n=n,
                mde=detectable_difference(error, critical=found.critical),
                queries_needed=needed_queries(error, n=n, critical=found.critical, half_width=min_gain),
                verdict=choose_verdict(mean, low, high, min_gain=min_gain) if n > 1 else "cannot_tell",
                family=found.size,
                min_gain=min_gain,
            )
        )
    return comparisons


def compare_table(
    table: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    *,
    measure: str,
    min_gain: float = SMALLEST_USEFUL_GAIN,
    seed: int = 0,
    flips: int = FLIPS,
) -> pd.DataFrame:
    """compare_pairs() as a frame: one row per pair, columns COMPARISON."""
    found = compare_pairs(table, pairs, measure=measure, min_gain=min_gain, seed=seed, flips=flips)
    return pd.DataFrame([dataclasses.asdict(one) for one in found], columns=COMPARISON)


def compare_with(
    table: pd.DataFrame,
    baseline: str,
    *,
    measure: str,
    min_gain: float = SMALLEST_USEFUL_GAIN,
    seed: int = 0,
    flips: int = FLIPS,
) -> dict[str, Comparison]:
    """Every other system against the baseline, which was chosen beforehand, as one family: system -> comparison, in order.

    {} if the baseline is not there.
    """
    pairs = [(baseline, str(system)) for system in table.columns if system != baseline and baseline in table]
    found = compare_pairs(table, pairs, measure=measure, min_gain=min_gain, seed=seed, flips=flips)
    return {one.system: one for one in found}


def compare_leader(
    table: pd.DataFrame, *, measure: str, min_gain: float = SMALLEST_USEFUL_GAIN, seed: int = 0, flips: int = FLIPS
) -> dict[str, Comparison]:
    """The system with the highest mean against each other one: other -> comparison, the runner-up first. {} for one system.

    Read over all pairs of systems: the leader was found by looking at all of them. Of equal means the first column leads.
    """
    means = table.mean().round(12)  # means of the same values in another order differ in the last digits
    ranked = [str(system) for system in means.sort_values(ascending=False, kind="stable").index]
    pairs = [(lower, higher) for higher, lower in combinations(ranked, 2)]  # those of the leader come first
    found = compare_pairs(table, pairs, measure=measure, min_gain=min_gain, seed=seed, flips=flips, first=len(ranked) - 1)
    return {one.baseline: one for one in found}
