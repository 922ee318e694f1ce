"""How often a lead is claimed where no system is better: python tools/false_leads.py writes the table of docs/statistics.md.

Every experiment draws systems that are equally good by construction and asks what would be said of them. Written for many
experiments at a time, so not by core.evaluation.comparisons itself; tests/science/test_false_leads.py holds the two together.
The numbers depend on --seed and --experiments alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import betaincinv, stdtrit

from core.evaluation.significance import ALPHA, bootstrap_means

SYSTEMS, QUERIES = (2, 6, 15, 30), (30, 60, 225)
EXPERIMENTS = 10_000
FLIPS = 400  # p is below .05 where at most 19 of them reach what is seen, (1 + 19) / 401
# Of the rule that the pages had before: 95 % bootstrap intervals, each for itself. The baseline is the first system.
OLD = ("old: leader over baseline", "old: leader over runner-up")
# Of the rule that they have: over the runner-up by compare_leader(), over the baseline by compare_with().
NEW = ("leader over runner-up", "leader over baseline", "either of the two", "leader over anyone", "anyone against baseline")


def draw_plain(random: np.random.Generator, n: int, k: int) -> np.ndarray:
    """Systems that know nothing of each other, with values all over [0, 1]."""
    return random.beta(0.8, 0.6, (n, k))


def draw_correlated(random: np.random.Generator, n: int, k: int) -> np.ndarray:
    """Queries are easy or hard for all systems alike."""
    return np.clip(random.random((n, 1)) + random.normal(0, 0.15, (n, k)), 0, 1)


def draw_zeros(random: np.random.Generator, n: int, k: int) -> np.ndarray:
    """nDCG with one right document: systems share its place on 85 % of the queries, so that most differences are 0."""
    places = np.append(1 / np.log2(np.arange(1, 11) + 1), 0.0)
    chances = np.append(0.75 / 2.0 ** np.arange(1, 11), 0.0)
    chances[-1] = 1 - chances.sum()
    shared = random.choice(places, (n, 1), p=chances)
    own = random.choice(places, (n, k), p=chances)
    return np.where(random.random((n, k)) < 0.85, shared, own)


KINDS: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "plain": draw_plain,
    "correlated": draw_correlated,
    "many zeros": draw_zeros,
}


def claim_before(values: np.ndarray, *, seed: int) -> dict[str, np.ndarray]:
    """OLD -> whether it is claimed, for each experiment. values: experiments x queries x systems."""
    ranked = np.argsort(-values.mean(axis=1), axis=1, kind="stable")
    leader, runner_up = (np.take_along_axis(values, ranked[:, None, [place]], axis=2)[:, :, 0] for place in (0, 1))
    (over_baseline, _), (over_runner_up, _) = (
        bootstrap_means((leader - other).T, seed=seed) for other in (values[:, :, 0], runner_up)
    )
    return dict(zip(OLD, (over_baseline > 0, over_runner_up > 0), strict=True))


def claim_now(values: np.ndarray, *, seed: int) -> dict[str, np.ndarray]:
    """NEW -> whether it is claimed, for each experiment. values: experiments x queries x systems."""
    count, n, k = values.shape
    ranked = np.argsort(-values.mean(axis=1), axis=1, kind="stable")
    values = np.take_along_axis(values, ranked[:, None, :], axis=2)  # best first, in every experiment
    baseline = np.argmin(ranked, axis=1)
    left, right = np.triu_indices(k, 1)
    deltas = values[:, :, left] - values[:, :, right]
    norms = np.sqrt(n * np.square(deltas).sum(axis=1))
    norms[norms == 0] = np.inf  # pairs that do not differ are in no family
    signs = np.random.default_rng(seed).integers(0, 2, size=(FLIPS, n), dtype=np.int8) * 2.0 - 1.0
    flipped = (signs @ values.transpose(1, 0, 2).reshape(n, count * k)).reshape(FLIPS, count, k)
    shares = np.abs(flipped[:, :, left] - flipped[:, :, right]) / norms
    seen = deltas.sum(axis=1) / norms  # at least 0: best first
    real = seen > _find_critical(shares.max(axis=2), n)[:, None]
    in_use = (left == baseline[:, None]) | (right == baseline[:, None])
    against = (seen > _find_critical(np.where(in_use, shares, 0.0).max(axis=2), n)[:, None]) & in_use
    over = [real[:, 0], (against & (left == 0)).any(axis=1) & (baseline > 0)]
    claims = [*over, over[0] | over[1], (real & (left == 0)).any(axis=1), against.any(axis=1)]
    return dict(zip(NEW, claims, strict=True))


def _find_critical(largest: np.ndarray, n: int) -> np.ndarray:
    """The share that a difference must exceed in each experiment. largest: flips x experiments."""
    allowed = int(np.sum((1 + np.arange(FLIPS)) / (1 + FLIPS) < ALPHA))
    t = stdtrit(n - 1, 1 - ALPHA / 2)
    return np.maximum(np.sort(largest, axis=0)[-allowed] + 1e-10, t / np.sqrt(t**2 + n - 1))


def count_claims(kind: str, *, systems: int, queries: int, experiments: int, seed: int) -> dict[str, int]:
    """In how many of the experiments each claim is made."""
    random = np.random.default_rng([seed, list(KINDS).index(kind), systems, queries])
    counts = dict.fromkeys((*OLD, *NEW), 0)
    batch = max(1, min(100, 10_000 // systems**2))  # bounds the memory; each batch has its own signs
    for start in range(0, experiments, batch):
        count = min(batch, experiments - start)
        values = np.stack([KINDS[kind](random, queries, systems) for _ in range(count)])
        for name, claimed in {**claim_before(values, seed=start), **claim_now(values, seed=start)}.items():
            counts[name] += int(claimed.sum())
    return counts


def find_upper(count: int, of: int) -> float:
    """One-sided 95 % upper bound of a share (Clopper, Pearson 1934)."""
    return 1.0 if count == of else float(betaincinv(count + 1, of - count, 0.95))


def list_rows(experiments: int, seed: int) -> Iterator[str]:
    """The table in Markdown, line by line."""
    yield "| data | systems | queries | " + " | ".join((*OLD, *NEW)) + " |"
    yield "|---|--:|--:|" + "--:|" * len((*OLD, *NEW))
    for kind in KINDS:
        for systems in SYSTEMS:
            for queries in QUERIES:
                counts = count_claims(kind, systems=systems, queries=queries, experiments=experiments, seed=seed)
                cells = [f"{count / experiments:.1%} (≤ {find_upper(count, experiments):.1%})" for count in counts.values()]
                yield f"| {kind} | {systems} | {queries} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=EXPERIMENTS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for row in list_rows(options.experiments, options.seed):
        print(row, flush=True)


if __name__ == "__main__":
    main()
