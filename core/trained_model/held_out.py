"""Is a trained model worth it? Compared on the test queries with the untrained one and with the best cheap rung.

The pairs are frozen before test is opened: what was trained against what it started from, and the best cheap system of the
ladder (climbed on the same tuning queries) against the same with the trained model in it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from core.errors import InputError, LadderError
from core.evaluation.comparisons import compare_table
from core.evaluation.per_query import pivot
from core.evaluation.verdicts import SMALLEST_USEFUL_GAIN
from core.experiment.compare import compare
from core.experiment.result import Experiment, describe_dataset
from core.ladder.names import name_variant
from core.ladder.rungs import list_cheap_rungs
from core.ladder.test_run import mark_sides
from core.records import as_records
from core.schema import list_passages
from core.systems.system import System, strip_name
from core.systems.trained_systems import apply_model, make_trained_systems
from core.trained_model.evaluation_file import write_evaluation
from core.trained_model.model_under_test import ModelUnderTest
from core.training.adoption import measure_adoption

WORSE = 1e-9  # a query that loses more than this got worse


def compare_with_untrained(subject: ModelUnderTest) -> Experiment:
    """The held-out comparison: opens the test queries for the start system and the trained ones.

    Writes `comparisons`, `regressions` and `adoption`; returns the experiment, for the history. Raises LadderError if one of
    the systems cannot run, Cancelled.
    """
    return _compare(subject, cheap=None)


def compare_with_cheap(subject: ModelUnderTest) -> Experiment:
    """compare_with_untrained(), with the best cheap rung beside it."""
    ladder = subject.ladder
    ladder.progress.enter("the cheap rungs, on the same tuning queries")
    steps = ladder.climb(ladder.split, rungs=list_cheap_rungs())
    kept = [step.chosen for step in steps if step.kept and step.chosen is not None]
    return _compare(subject, cheap=kept[-1] if kept else ladder.baseline)


def _compare(subject: ModelUnderTest, *, cheap: System | None) -> Experiment:
    trained = subject.own
    pairs = [("untrained", subject.start, trained)]
    if cheap is not None:
        stacked = _stack(subject, cheap, trained)
        if stacked is not None:
            pairs.append(("best_cheap", cheap, stacked))
    own = list(make_trained_systems([subject.model]).values())
    systems = {system.name: system for _, base, made in pairs for system in (base, made)}
    systems |= {system.name: system for system in own if system.name not in systems}
    experiment = _open_test(subject, systems)
    _write_comparisons(subject, pairs, experiment)
    return experiment


def _stack(subject: ModelUnderTest, cheap: System, trained: System) -> System | None:
    """The best cheap system with the model in it (the trained one itself, if it is the same); None if they do not fit."""
    try:
        stacked = name_variant(apply_model(subject.model, cheap))
    except InputError:
        return None
    return trained if strip_name(stacked) == strip_name(trained) else stacked


def _open_test(subject: ModelUnderTest, systems: Mapping[str, System]) -> Experiment:
    experiment = compare(
        mark_sides(subject.ladder.dataset, subject.ladder.split),
        systems,
        workspace=subject.workspace,
        split="test",
        name=f"{subject.dataset.name}: {subject.model.id} on the test queries",
        models=subject.models,
        cancel=subject.cancel,
        on_progress=subject.on_progress,
    )
    subject.cancel.check()
    # Of the data as they are: the ladder's are without unjudged queries and carry its split.
    return dataclasses.replace(experiment, dataset=describe_dataset(subject.dataset))


def _write_comparisons(subject: ModelUnderTest, pairs: Sequence[tuple[str, System, System]], experiment: Experiment) -> None:
    primary = subject.ladder.primary
    failed = {system.name: system.error for system in experiment.systems if system.error}
    for _, base, made in pairs:
        for name in (base.name, made.name):
            if name in failed:
                raise LadderError(f"{name} could not be measured on the test queries. {failed[name]}")
    frame = experiment.per_query
    values = pivot(frame[frame["measure"] == primary]).sort_index()
    table = compare_table(
        values, [(base.name, made.name) for _, base, made in pairs], measure=primary, min_gain=SMALLEST_USEFUL_GAIN
    )
    rows = [
        {"against": role, **row, "baseline_mean": float(values[base.name].mean()), "mean": float(values[made.name].mean())}
        for (role, base, made), row in zip(pairs, as_records(table), strict=True)
    ]
    _, base, made = pairs[0]
    adoption = measure_adoption(subject.model, subject.ladder.resources, passages=_list_passages(subject, made))
    medians = {system.name: float(system.latency_ms["p50"]) for system in experiment.systems if system.latency_ms}
    texts = dict(zip(subject.dataset.queries["query_id"], subject.dataset.queries["text"], strict=True))
    write_evaluation(
        subject.model,
        subject.workspace,
        measure=primary,
        experiment=experiment.id,
        comparisons=rows,
        regressions=list_regressions(values, base=base.name, made=made.name, texts=texts),
        adoption={
            **adoption.to_json(),
            "base_ms": medians.get(base.name),
            "own_ms": medians.get(made.name),
            "encode_seconds": experiment.timings["encode_seconds"],
        },
    )


def _list_passages(subject: ModelUnderTest, system: System) -> list[str]:
    """The texts that a system indexes; none of one that has no chunks."""
    runs = subject.ladder.measurer.system_runs
    chunks = runs.add(system).find_first("chunks")
    return list_passages(runs.execution.output(chunks)) if chunks is not None else []


def list_regressions(values: pd.DataFrame, *, base: str, made: str, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """The test queries that the trained system answers worse, worst first: query_id, text, before, after, delta.

    values: test queries x systems. base, made: names of the untrained and the trained system. texts: of queries, by id.
    """
    delta = (values[made] - values[base]).sort_values(kind="stable")
    return [
        {
            "query_id": str(query_id),
            "text": texts.get(str(query_id), ""),
            "before": float(values.loc[query_id, base]),
            "after": float(values.loc[query_id, made]),
            "delta": float(change),
        }
        for query_id, change in delta.items()
        if change < -WORSE
    ]
