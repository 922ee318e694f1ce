"""Runs the graphs of many systems: each distinct node once, in memory or from the disk cache, one failure at a time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from core.errors import Cancelled, LadderError, StageError
from core.graph.node import Node, Source
from core.graph.resources import Resources
from core.progress import ProgressEvent
from core.schema import check_chunks, check_run
from core.settings import ENDPOINT_PREFIX
from core.stages.index_dense import DenseIndex
from core.storage.disk import explain_disk

_CHECKS: dict[str, Callable[..., pd.DataFrame]] = {"chunks": check_chunks, "run": check_run}
_KEPT_ON_DISK = frozenset(_CHECKS)  # kinds that are frames; vectors have a cache of their own


@dataclass(frozen=True)
class Outcome:
    """What became of one system: its run, or the sentence that says why there is none."""

    run: pd.DataFrame | None
    error: str | None = None


@dataclass
class Execution:
    """One execution over given sources.

    memory: outputs of corpus nodes, which another execution may share to answer at once; answers: outputs of nodes that
    depend on the queries. timings: key -> seconds of the stage's own call. ran, loaded: keys executed and read from disk.
    token_nodes: keys of the nodes whose token vectors another stage will read, see TokenNodes.
    """

    sources: Mapping[str, Any]
    resources: Resources
    memory: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    ran: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    failed: dict[str, LadderError] = field(default_factory=dict)
    use_disk: bool = True
    token_nodes: Set[str] = frozenset()

    def output(self, node: Node) -> Any:
        """The node's output; inputs are computed only if it is neither in memory nor on disk."""
        kept = self.answers if node.per_query else self.memory
        if node.key in kept:
            return kept[node.key]
        if node.key in self.failed:
            raise self.failed[node.key]
        if node.key in self.sources:
            return self.sources[node.key]
        found = self._read(node)
        if found is None:
            found = self._run(node)
        kept[node.key] = found
        return found

    def find_texts(self, node: Node, *, again: bool) -> list[str]:
        """Names of the texts that a node has a model encode, [] for other nodes. again: where they are not known any more (its
        file was damaged), it is run again."""
        facts = self.resources.workspace.read_facts(node.key)
        if facts is None and again and node.encoded and node.key not in self.ran | self.failed.keys():
            self._run(node)
            facts = self.resources.workspace.read_facts(node.key)
        return facts["texts"] if facts else []

    def _read(self, node: Node) -> Any:
        if not self.use_disk or node.gives not in _KEPT_ON_DISK or isinstance(node.stage, Source):
            return None
        frame = self.resources.workspace.read_frame(node.key)
        if frame is not None:
            self.loaded.add(node.key)
            self._note(node, f"cache/nodes/{node.key}.parquet")
        return frame

    def _run(self, node: Node) -> Any:
        inputs = [self.output(parent) for parent in node.inputs]
        self.resources.cancel.check()
        resources = self.resources
        if node.key in self.token_nodes:
            resources = dataclasses.replace(resources, keep_tokens=True)
        usage = self.resources.usage
        before, usage.hashes = usage.hashes, set()
        started = time.perf_counter()
        check = _CHECKS.get(node.gives)
        try:
            made = node.stage(*inputs, resources=resources)
            if check is not None:
                made = check(made, what=f"{type(node.stage).__name__}'s output ({node.gives})")
        except Cancelled:
            raise
        except LadderError as error:
            self.failed[node.key] = error
            raise
        except OSError as error:
            if explain_disk(error) is not None:  # the next system would fail as this one does
                raise
            self.failed[node.key] = StageError(f"{type(node.stage).__name__} failed: {type(error).__name__}: {error}")
            raise self.failed[node.key] from error
        except Exception as error:  # a stage must not stop the other systems, whatever breaks in it
            self.failed[node.key] = StageError(f"{type(node.stage).__name__} failed: {type(error).__name__}: {error}")
            raise self.failed[node.key] from error
        finally:
            asked, usage.hashes = usage.hashes, before | usage.hashes
        if asked and self.use_disk:
            self.resources.workspace.write_facts(node.key, {"texts": sorted(asked)})
            self._note(node, f"cache/nodes/{node.key}.json")
        self.timings[node.key] = time.perf_counter() - started
        self.ran.add(node.key)
        if check is not None and self.use_disk:
            self.resources.workspace.write_frame(node.key, made)
            self._note(node, f"cache/nodes/{node.key}.parquet")
        if isinstance(made, DenseIndex) and self.use_disk:
            self._note(node, f"indexes/{made.folder.name}")
        return made

    def _note(self, node: Node, name: str) -> None:
        """Puts down for which corpus and by which models something on disk was made, so that it can go when they have gone."""
        corpus, models = node.origin
        if corpus:
            self.resources.workspace.made_for(corpus).note(name, models)


def execute(
    targets: Mapping[str, Node],
    execution: Execution,
    *,
    on_system: Callable[[str, Outcome], None] | None = None,
) -> dict[str, Outcome]:
    """Runs the systems' graphs; returns name -> Outcome in the order of `targets`.

    Systems without vectors go first, so that there is something to look at early. A failing system becomes an Outcome
    with an error; the others go on. Cancelled passes through; what was finished was handed to `on_system` and is on disk.
    """
    order = sorted(targets, key=lambda name: targets[name].find_first("vectors") is not None)
    outcomes: dict[str, Outcome] = {}
    for name in order:
        try:
            outcome = Outcome(run=execution.output(targets[name]))
        except Cancelled:
            raise
        except LadderError as error:
            outcome = Outcome(run=None, error=str(error))
        outcomes[name] = outcome
        if on_system is not None:
            on_system(name, outcome)
        execution.resources.on_progress(ProgressEvent(label=f"{name} is ready", system=name))
    return {name: outcomes[name] for name in targets}


class TokenNodes:
    """Keys of the embedding nodes whose token vectors another stage of the graphs will read; add() them one after another.

    Encoding them once for both uses saves a second pass. An endpoint gives no token vectors, and a prompt of the user's own
    changes them: those are left to the stage that reads them.
    """

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self._seen: set[str] = set()
        self._read: set[tuple[str, str]] = set()  # (model, key of the texts)
        self._embedding: dict[tuple[str, str], list[str]] = {}  # the same -> keys of the nodes that embed these texts

    def add(self, target: Node) -> None:
        """Takes a graph in, given by its last node."""
        for node in target.walk():
            if node.key in self._seen:
                continue
            self._seen.add(node.key)
            for source in node.encoded:
                texts = (node.stage.model, source.key)
                if node.stage.token_vectors:
                    self._read.add(texts)
                    self.keys.update(self._embedding.get(texts, ()))
                elif node.stage.prompt is None and not node.stage.model.startswith(ENDPOINT_PREFIX):
                    self._embedding.setdefault(texts, []).append(node.key)
                    if texts in self._read:
                        self.keys.add(node.key)


def find_token_nodes(targets: Iterable[Node]) -> set[str]:
    """The keys of TokenNodes for these graphs."""
    found = TokenNodes()
    for target in targets:
        found.add(target)
    return found.keys


def distinct_nodes(targets: Mapping[str, Node]) -> list[Node]:
    """Every distinct node of the systems' graphs but the sources, inputs before readers."""
    seen: dict[str, Node] = {}
    for node in targets.values():
        for part in node.walk():
            seen.setdefault(part.key, part)
    return [node for node in seen.values() if not isinstance(node.stage, Source)]
