"""The one comparison on the test queries, once the ladder is climbed and its pairs are frozen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from core.data.dataset import Dataset
from core.data.split import Split
from core.experiment.compare import compare
from core.experiment.result import Experiment, make_experiment_id
from core.ladder.climb import Step, list_candidates
from core.ladder.ladder import Ladder
from core.ladder.variants import search_words_alone
from core.progress import ProgressEvent


def mark_sides(dataset: Dataset, split: Split) -> Dataset:
    """The dataset with a drawn split written into its queries, "tuning" or "test", so that it is compared on one side."""
    sides = dict.fromkeys(split.tuning, "tuning") | dict.fromkeys(split.test, "test")
    return dataclasses.replace(dataset, queries=dataset.queries.assign(split=dataset.queries["query_id"].map(sides).fillna("")))


def open_test(ladder: Ladder, steps: Sequence[Step], *, name: str, experiment_id: str | None) -> Experiment:
    """Runs every frozen system on the test queries, and the lexical side alone beside them. Raises Cancelled."""
    systems = [*list_candidates(ladder.baseline, steps), search_words_alone(ladder.baseline, ladder.offer)]

    def report(event: ProgressEvent) -> None:
        ladder.progress.test = max(ladder.progress.test, event.share)
        ladder.progress(event)

    ladder.progress.enter("test queries")
    experiment = compare(
        mark_sides(ladder.dataset, ladder.split),
        {system.name: system for system in systems},
        workspace=ladder.resources.workspace,
        split="test",
        name=name,
        models=ladder.resources.models,
        cancel=ladder.resources.cancel,
        on_progress=report,
        experiment_id=experiment_id or make_experiment_id(),
    )
    ladder.resources.cancel.check()
    ladder.progress.test = 1.0
    return experiment
