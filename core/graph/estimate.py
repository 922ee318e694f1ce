"""What lies ahead before a run starts: what has to be encoded, and how long that takes on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.errors import Cancelled, LadderError
from core.graph.execute import Execution, distinct_nodes
from core.graph.node import Node
from core.graph.resources import Resources
from core.stages.embed import list_texts, text_hash

_SPEED_KEY = "encoding-speed"
_DEFAULT_SPEED = 25_000.0  # characters a second until this machine has been measured


@dataclass(frozen=True)
class WorkEstimate:
    """texts: passages and queries still to encode; seconds: what that takes here; cached, steps: of the graphs' nodes."""

    texts: int
    characters: int
    seconds: float
    cached: int
    steps: int


def estimate_work(targets: Mapping[str, Node], execution: Execution) -> WorkEstimate:
    """Walks the systems' graphs without encoding anything; runs the chunkers, whose output is needed to know.

    Systems that cannot be built further (an unreachable tokenizer, say) count as nothing to encode.
    """
    needed = find_needed(targets, execution)
    texts: dict[str, str] = {}
    for node in needed:
        texts.update(_missing_texts(node, execution))
    characters = sum(len(text) for text in texts.values())
    steps = len(distinct_nodes(targets))
    speed = read_speed(execution.resources)
    return WorkEstimate(len(texts), characters, characters / speed, steps - len(needed), steps)


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
    missing: dict[str, str] = {}
    for source in node.encoded:
        try:
            missing.update(find_unencoded(node, source, execution))
        except Cancelled:
            raise
        except LadderError:
            continue
    return missing


def find_unencoded(node: Node, source: Node, execution: Execution) -> dict[str, str]:
    """The texts of `source` that a node still has to encode, by their keys; for a reranker all it may come across.

    source: of node.encoded; it is run if it has to be, and its error is raised.
    """
    stage, workspace = node.stage, execution.resources.workspace
    role, texts = list_texts(execution.output(source), source.gives)
    by_hash = {text_hash(text, role=role, prompt=getattr(stage, "prompt", None)): text for text in texts}
    caches = [] if stage.token_vectors else [workspace.vectors(stage.model, stage.revision)]
    if stage.token_vectors or node.key in execution.token_nodes:
        caches.append(workspace.tokens(stage.model, stage.revision))
    absent = {name for cache in caches for name in cache.missing(list(by_hash))}
    return {f"{stage.model}|{name}": by_hash[name] for name in absent}


def read_speed(resources: Resources) -> float:
    """Characters a second that encoding took here last time; a cautious guess before that."""
    facts = resources.workspace.read_facts(_SPEED_KEY)
    return float(facts["characters_per_second"]) if facts else _DEFAULT_SPEED


def write_speed(resources: Resources) -> None:
    """Remembers the speed of this run, if it encoded enough to tell."""
    speed = resources.usage.characters_per_second
    if speed is not None:
        resources.workspace.write_facts(_SPEED_KEY, {"characters_per_second": speed})


def count_distinct_texts(targets: Mapping[str, Node], execution: Execution, *, finished: Iterable[str]) -> int:
    """Distinct texts that the systems embed, whether encoded now or in an earlier run.

    finished: names of those that have their run; of the others what is known counts, and nothing is encoded for counting.
    """
    hashes = set(execution.resources.usage.hashes)
    done = {node.key for node in distinct_nodes({name: targets[name] for name in finished})}
    for node in distinct_nodes(targets):
        with contextlib.suppress(LadderError):  # one that cannot run encodes nothing
            hashes.update(execution.find_texts(node, again=node.key in done))
    return len(hashes)
