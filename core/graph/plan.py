"""What lies ahead before a run starts, and how fast each step answers one query."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from core.errors import Cancelled, LadderError
from core.graph.execute import Execution, distinct_nodes
from core.graph.node import Node
from core.graph.resources import Resources
from core.stages.embed import EmbedChunks, EmbedQueries, text_hash
from core.stages.rerank import LateInteraction

_SPEED_KEY = "encoding-speed"
_DEFAULT_SPEED = 25_000.0  # characters a second until this machine has been measured
_SAMPLE = 30  # queries timed per plan
_SECONDS = 8.0  # time after which no further query is timed (at least five are)


@dataclass(frozen=True)
class PlanEstimate:
    """texts: passages and queries still to encode; seconds: what that takes here; cached, steps: of the plan's nodes."""

    texts: int
    characters: int
    seconds: float
    cached: int
    steps: int


def estimate_plan(targets: Mapping[str, Node], execution: Execution) -> PlanEstimate:
    """Walks the plan without encoding anything; runs the chunkers, whose output is needed to know.

    Systems that cannot be built further (an unreachable tokenizer, say) count as nothing to encode.
    """
    needed = find_needed(targets, execution)
    texts: dict[str, str] = {}
    for node in needed:
        if isinstance(node.stage, EmbedChunks | EmbedQueries | LateInteraction):
            texts.update(_missing_texts(node, execution))
    characters = sum(len(text) for text in texts.values())
    steps = len(distinct_nodes(targets))
    speed = read_speed(execution.resources)
    return PlanEstimate(len(texts), characters, characters / speed, steps - len(needed), steps)


def find_needed(targets: Mapping[str, Node], execution: Execution) -> list[Node]:
    """The distinct nodes that would have to run: not in memory or on disk and wanted by another that has to run."""
    needed: dict[str, Node] = {}
    settled: set[str] = set()

    def visit(node: Node) -> None:
        if node.key in settled or node.key in execution.sources:
            return
        settled.add(node.key)
        if node.key in execution.memory or node.key in execution.answers:
            return
        if execution.use_disk and execution.resources.workspace.has_frame(node.key):
            return
        for parent in node.inputs:
            visit(parent)
        needed[node.key] = node

    for target in targets.values():
        visit(target)
    return list(needed.values())


def _missing_texts(node: Node, execution: Execution) -> dict[str, str]:
    """The texts that a node still has to encode, by their keys; for a reranker all it may come across."""
    stage = node.stage
    late = isinstance(stage, LateInteraction)
    try:
        frame = execution.output(node.inputs[-1 if late else 0])
    except Cancelled:
        raise
    except LadderError:
        return {}
    if isinstance(stage, EmbedChunks | LateInteraction):
        role, all_texts = "document", [text for group in frame["passages"] for text in group]
    else:
        role, all_texts = "query", frame["text"].tolist()
    by_hash = {text_hash(text, role=role, prompt=None if late else stage.prompt): text for text in all_texts}
    workspace = execution.resources.workspace
    missing = set() if late else set(workspace.vectors(stage.model, stage.revision).missing(list(by_hash)))
    if late or node.key in execution.resources.token_nodes:
        missing |= set(workspace.tokens(stage.model, stage.revision).missing(list(by_hash)))
    return {f"{stage.model}|{name}": by_hash[name] for name in missing}


def read_speed(resources: Resources) -> float:
    """Characters a second that encoding took here last time; a cautious guess before that."""
    facts = resources.workspace.read_facts(_SPEED_KEY)
    return float(facts["characters_per_second"]) if facts else _DEFAULT_SPEED


def write_speed(resources: Resources) -> None:
    """Remembers the speed of this run, if it encoded enough to tell."""
    speed = resources.usage.characters_per_second
    if speed is not None:
        resources.workspace.write_facts(_SPEED_KEY, {"characters_per_second": speed})


def count_distinct_texts(targets: Mapping[str, Node], resources: Resources) -> int:
    """Distinct texts that the plan's systems embed, whether encoded now or in an earlier run."""
    hashes = set(resources.usage.hashes)
    for node in distinct_nodes(targets):
        facts = resources.workspace.read_facts(node.key)
        hashes.update(facts["texts"] if facts else [])
    return len(hashes)


def measure_latency(
    make_targets: Callable[[str], tuple[Mapping[str, Node], Node]], queries: pd.DataFrame, warm: Execution
) -> dict[str, dict[str, Any]]:
    """Times one query at a time through every system, dense search through the index, after a warm-up.

    make_targets(fingerprint): the systems' graphs over a queries source with that fingerprint, and that source.
    Stages that systems share run once per query; a system's latency is the sum of its own stages'. A system that fails
    here (an endpoint that is gone, say) is left out.
    Returns name -> {p50, p95, p99 (milliseconds), n, stages: {stage: p50 ms}}.
    """
    resources = replace(warm.resources, through_index=True, cached=False)
    rows = np.unique(np.linspace(0, len(queries) - 1, min(_SAMPLE, len(queries))).astype(int))
    samples: dict[str, list[dict[str, float]]] = {}
    failed: set[str] = set()
    started = time.perf_counter()
    for count, row in enumerate([*rows[:2], *rows]):  # the first two are the warm-up
        resources.cancel.check()
        if count > 6 and time.perf_counter() - started > _SECONDS:
            break
        targets, source = make_targets(f"one query: {row}")
        one = Execution(
            sources={**warm.sources, source.key: queries.iloc[[row]]},
            resources=resources,
            memory=warm.memory,
            use_disk=False,
        )
        for name, target in targets.items():
            if not _answers(target, one):
                failed.add(name)
            elif count >= 2:
                stages = {n.key: n for n in target.walk() if n.key in one.timings and n.per_query}
                samples.setdefault(name, []).append(_by_stage(stages, one.timings))
    return {name: _summarise(taken) for name, taken in samples.items() if name not in failed}


def _answers(target: Node, execution: Execution) -> bool:
    try:
        execution.output(target)
    except Cancelled:
        raise
    except LadderError:
        return False
    return True


def _by_stage(nodes: Mapping[str, Node], timings: Mapping[str, float]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for key, node in nodes.items():
        name = type(node.stage).__name__
        seconds[name] = seconds.get(name, 0.0) + timings[key]
    return seconds


def _summarise(samples: list[dict[str, float]]) -> dict[str, Any]:
    totals = 1000 * np.array([sum(sample.values()) for sample in samples])
    p50, p95, p99 = (float(value) for value in np.percentile(totals, [50, 95, 99]))
    stages = {name: float(np.median([1000 * sample.get(name, 0.0) for sample in samples])) for name in samples[0]}
    return {"p50": p50, "p95": p95, "p99": p99, "n": len(samples), "stages": stages}
