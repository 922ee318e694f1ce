"""How long each step takes to answer one query, and which timed steps systems share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from core.errors import Cancelled, LadderError
from core.graph.execute import Execution
from core.graph.node import Node
from core.progress import ignore_progress
from core.settings import describe_machine

WARM_UP = 2  # queries that are answered first and not counted
_LEAST = 5  # queries timed however long they take
_PERCENTILES = (50, 95, 99)


def measure_latency(
    targets: Mapping[str, Node],
    queries: pd.DataFrame,
    *,
    source: Node,
    warm: Execution,
    most: int = 30,
    seconds: float = 8.0,
    rehearse: bool = False,
) -> dict[str, dict[str, Any]]:
    """Times one query at a time through every system, dense search through the index, after a warm-up.

    targets: the systems' graphs over `source`, the node of the queries; warm: has the corpus side in memory, or builds it in
    the warm-up. At most `most` queries, spread evenly over the frame; once `seconds` have passed no further one (five are).
    rehearse: answers each query once just before it is timed, so that no system finds in memory what another had to read.
    Stages that systems share run once per query; a system's latency is the sum of its own stages'. A system that fails
    here (an endpoint that is gone, say) is left out.
    Returns name -> {p50, p95, p99 (milliseconds), n (queries timed), stages: {stage: p50 ms}, nodes: {key: {stage, p50, p95,
    p99}}, machine: describe_machine()}. A key is that of the node in `targets`: equal keys are one step, timed once.
    """
    # What a stage reports would be written somewhere within its time.
    resources = replace(warm.resources, through_index=True, cached=False, on_progress=ignore_progress)
    rows = choose_rows(len(queries), most=most)
    samples: dict[str, list[dict[str, float]]] = {}
    failed: set[str] = set()
    started = time.perf_counter()
    for count, row in enumerate([*rows[:WARM_UP], *rows]):
        warm.resources.report("timing one query at a time", count, WARM_UP + len(rows))
        if count >= WARM_UP + _LEAST and time.perf_counter() - started > seconds:
            break
        # Another execution for every query: what depends on the query is forgotten, what belongs to the corpus stays warm.
        sources = {**warm.sources, source.key: queries.iloc[[row]]}
        one, rehearsal = (Execution(sources, resources, memory=warm.memory, use_disk=False) for _ in range(2))
        for target in targets.values() if rehearse else ():
            _answers(target, rehearsal)
        for name, target in targets.items():
            if not _answers(target, one):
                failed.add(name)
            elif count >= WARM_UP:
                samples.setdefault(name, []).append(_read_timings(target, one))
    timed = {name: taken for name, taken in samples.items() if name not in failed}
    machine = describe_machine()
    return {name: {**_summarise(taken, targets[name]), "machine": machine} for name, taken in timed.items()}


def choose_rows(count: int, *, most: int) -> list[int]:
    """At most `most` row numbers of `count`, spread evenly from the first to the last."""
    return [int(row) for row in np.unique(np.linspace(0, count - 1, min(most, count)).astype(int))]


def find_shared(latencies: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """node key -> names of the two or more systems that share this timed step, in the order given.

    latencies: as measure_latency() gives them. What was timed before nodes were kept shares nothing that is known.
    """
    names: dict[str, list[str]] = {}
    for name, facts in latencies.items():
        for key in facts.get("nodes", {}):
            names.setdefault(key, []).append(name)
    return {key: sharing for key, sharing in names.items() if len(sharing) > 1}


def _answers(target: Node, execution: Execution) -> bool:
    try:
        execution.output(target)
    except Cancelled:
        raise
    except LadderError:
        return False
    return True


def _read_timings(target: Node, execution: Execution) -> dict[str, float]:
    """Seconds of each step that the query passed, by node key."""
    timings = execution.timings
    return {node.key: timings[node.key] for node in target.walk() if node.per_query and node.key in timings}


def _summarise(samples: list[dict[str, float]], target: Node) -> dict[str, Any]:
    stage_of = {node.key: type(node.stage).__name__ for node in target.walk()}
    keys = list(samples[0])
    times = 1000 * np.array([[sample[key] for key in keys] for sample in samples]).reshape(len(samples), len(keys))
    stages: dict[str, np.ndarray] = {}
    for column, key in enumerate(keys):
        stages[stage_of[key]] = stages.get(stage_of[key], 0.0) + times[:, column]
    return {
        **_find_percentiles(times.sum(axis=1)),
        "n": len(samples),
        "stages": {name: float(np.median(values)) for name, values in stages.items()},
        "nodes": {key: {"stage": stage_of[key], **_find_percentiles(times[:, i])} for i, key in enumerate(keys)},
    }


def _find_percentiles(times: np.ndarray) -> dict[str, float]:
    found = np.percentile(times, _PERCENTILES)
    return {f"p{name}": float(value) for name, value in zip(_PERCENTILES, found, strict=True)}
