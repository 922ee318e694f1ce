"""What lies ahead before a run starts: what has to be encoded, and how long that takes on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import Cancelled, LadderError
from core.graph.execute import Execution, distinct_nodes
from core.graph.node import Node
from core.graph.resources import Resources
from core.schema import list_passages
from core.stages.embed import EmbedChunks, EmbedQueries, text_hash
from core.stages.rerank import LateInteraction

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
        if isinstance(node.stage, EmbedChunks | EmbedQueries | LateInteraction):
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
        role, all_texts = "document", list_passages(frame)
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
    """Distinct texts that the systems embed, whether encoded now or in an earlier run."""
    hashes = set(resources.usage.hashes)
    for node in distinct_nodes(targets):
        facts = resources.workspace.read_facts(node.key)
        hashes.update(facts["texts"] if facts else [])
    return len(hashes)
