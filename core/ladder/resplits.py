"""How much the verdict owes to chance: the ladder climbed again over many splits, and the queries that decide it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.data.dataset import Dataset
from core.data.split import DEFAULT_SHARE, Split, make_split
from core.diagnosis.sides import NOTHING_KNOWN, Sides
from core.evaluation.significance import ALPHA, paired_t
from core.ladder.choose import Choice, Findings, choose
from core.ladder.climb import Step
from core.ladder.findings import collect_findings
from core.ladder.ladder import Ladder
from core.ladder.rungs.rung import Rung
from core.ladder.variants import propose_variants
from core.systems.system import System

RESPLITS = 100
_FLIPS = 1_000  # enough to tell .05 / 6 from more


@dataclass(frozen=True)
class Stability:
    """actions, systems: share of the re-splits in which each won, most frequent first. resplits: how many were drawn.

    deciding: the queries without which the difference between the recommended system and the baseline would not be
    significant any more, fewest first; empty if it is not significant anyway, or stays so without a fifth of the queries.
    """

    resplits: int
    actions: dict[str, float]
    systems: dict[str, float]
    deciding: tuple[str, ...] = ()


def resplit(
    ladder: Ladder,
    steps: Sequence[Step],
    *,
    latencies: Mapping[str, float],
    monthly: Mapping[str, float],
    gap: Mapping[str, float],
    sides: Sides = NOTHING_KNOWN,
) -> tuple[dict[str, float], dict[str, float]]:
    """Shares of actions and systems over re-splits; on each the ladder is climbed and judged anew.

    steps: the main ones. sides, gap: those of the main split.
    """
    ladder.progress.enter("how stable is the verdict")

    read = {(step.rung, step.incumbent.chunk) for step in steps}

    def propose(rung: Rung, incumbent: System) -> list[System]:
        # Over another chunking a reranker would have to read the corpus anew, for a few splits in a hundred.
        # Trained models have learned from queries that other splits test on.
        skipped = rung.is_trained or (rung.reads_chunks and (rung, incumbent.chunk) not in read)
        return [] if skipped else propose_variants(rung, incumbent, ladder.offer)

    main = {step.rung: step.chosen.name for step in steps if step.chosen is not None}

    def decide(split: Split, flips: int) -> Findings:
        climbed = ladder.climb(split, propose=propose)
        # A system that only this split chose was not timed: it is as slow, and as dear, as the main ladder's on its rung.
        alike = {step.chosen.name: main.get(step.rung, "") for step in climbed if step.chosen is not None}
        fast, cheap = _guess(latencies, alike), _guess(monthly, alike)
        found = collect_findings(ladder, split, climbed, latencies=fast, monthly=cheap, sides=sides, flips=flips)
        return dataclasses.replace(found, ranked_low=gap["ranked_low"], not_found=gap["not_among_100"])

    def report(done: int) -> None:
        ladder.progress.resplits = done / RESPLITS
        ladder.resources.report(f"split {done} of {RESPLITS}")

    share = ladder.trained[0].split["share"] if ladder.trained else DEFAULT_SHARE
    errors = ladder.measurer.errors

    def measure() -> dict[str, Any]:
        actions, systems = measure_stability(ladder.dataset, ladder.groups, decide, share=share, on_step=report)
        return {"actions": actions, "systems": systems, "errors": errors}

    # Of a system that only some split chooses the key is not known before: it is one of those that the offer makes.
    climbed = [
        [step.rung.name, ladder.measurer.key(step.incumbent), step.chosen, step.variants, step.means, step.kept]
        for step in steps
    ]
    inputs = [ladder.dataset.fingerprint, ladder.offer, ladder.goals, climbed, latencies, monthly, sides, gap, share, errors]
    found = ladder.resources.workspace.find_or_make("re-splits", inputs, measure)
    errors.update(found["errors"])
    return found["actions"], found["systems"]


def _guess(known: Mapping[str, float], alike: Mapping[str, str]) -> dict[str, float]:
    """The numbers that are known, and for other systems those of the one they are like. alike: name -> name."""
    return {**{name: known[other] for name, other in alike.items() if other in known}, **known}


def measure_stability(
    dataset: Dataset,
    groups: dict[str, int],
    decide: Callable[[Split, int], Findings],
    *,
    share: float,
    resplits: int = RESPLITS,
    on_step: Callable[[int], None] = lambda done: None,
) -> tuple[dict[str, float], dict[str, float]]:
    """Shares of actions and systems over seeded re-splits. decide(split, flips): the findings of the ladder on that split."""
    actions: Counter[str] = Counter()
    systems: Counter[str] = Counter()
    for seed in range(1, resplits + 1):
        split = make_split(dataset.queries, dataset.evidence, groups=groups, share=share, seed=seed, redraw=True)
        choice: Choice = choose(decide(split, _FLIPS))
        actions[choice.action] += 1
        systems[choice.system] += 1
        on_step(seed)
    return _to_shares(actions, resplits), _to_shares(systems, resplits)


def _to_shares(counts: Counter[str], total: int) -> dict[str, float]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {name: count / total for name, count in ordered}


def find_deciding(values: pd.DataFrame, *, baseline: str, system: str) -> list[str]:
    """The fewest queries, largest differences first, without which system and baseline differ no more (paired t, p >= .05).

    values: queries x systems. Empty if they do not differ in the first place or still do without a fifth of the queries.
    """
    if system == baseline or len(values) < 3:
        return []
    delta = values[system] - values[baseline]
    delta = delta * (1.0 if delta.mean() >= 0 else -1.0)
    order = delta.sort_values(ascending=False, kind="stable")
    if paired_t(delta.to_numpy(dtype=float)[:, None])[0] >= ALPHA:
        return []
    for count in range(1, max(len(order) // 5, 1) + 1):
        rest = order.iloc[count:].to_numpy(dtype=float)
        if rest.mean() <= 0 or paired_t(rest[:, None])[0] >= ALPHA:
            return [str(query_id) for query_id in order.index[:count]]
    return []
