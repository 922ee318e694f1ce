"""A node of the graph: a stage with its inputs, and the key under which its output is found again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from core.errors import WiringError
from core.schema import content_hash
from core.stages.base import Stage
from core.text import words


@dataclass(frozen=True)
class Source(Stage):
    """A leaf of the graph: a frame that comes from outside, known by its fingerprint."""

    type: ClassVar[str] = "source"
    takes: ClassVar[tuple[str, ...]] = ()
    kind: str
    fingerprint: str

    @property
    def gives(self) -> str:  # type: ignore[override]
        """The kind of the frame."""
        return self.kind

    def __call__(self, *inputs: Any, resources: Any) -> Any:
        """Raises WiringError: what comes from outside is given to the execution, never computed."""
        raise WiringError(f"The source of {self.kind} was not given to execute()")


@dataclass(frozen=True, eq=False)
class Node:
    """A stage (core.stages.base) and the nodes it reads. Raises WiringError when they do not fit."""

    stage: Any
    inputs: tuple[Node, ...] = field(default=())

    def __post_init__(self) -> None:
        check_wiring(self.stage, [node.gives for node in self.inputs])
        self.stage.check_inputs(self.inputs)

    @property
    def gives(self) -> str:
        """The kind of the stage's output."""
        return str(self.stage.gives)

    @cached_property
    def key(self) -> str:
        """Hash of the stage's name, version and fields, of the keys of its inputs, and of how words are formed if it has to."""
        fields, inputs = _read_fields(self.stage), [node.key for node in self.inputs]
        form = [words.FORM] if self.stage.forms_words else []
        return content_hash([type(self.stage).__name__, self.stage.version, fields, inputs, *form])

    @cached_property
    def per_query(self) -> bool:
        """True if the node depends on the queries; the others belong to the corpus and can be kept warm."""
        if isinstance(self.stage, Source):
            return self.stage.kind == "queries"
        return any(node.per_query for node in self.inputs)

    @cached_property
    def origin(self) -> tuple[str, frozenset[str]]:
        """(fingerprint of the corpus, "MODEL|REVISION" of each model) that the output depends on; "" if it is the queries'."""
        corpus, models = "", set()
        for node in self.walk():
            if isinstance(node.stage, Source):
                corpus = node.stage.fingerprint if node.stage.kind == "documents" else corpus
            elif getattr(node.stage, "model", ""):
                models.add(f"{node.stage.model}|{node.stage.revision}")
        return corpus, frozenset(models)

    @property
    def encoded(self) -> tuple[Node, ...]:
        """The inputs whose texts the stage has a model encode."""
        return tuple(node for node in self.inputs if node.gives in self.stage.encodes)

    def walk(self) -> Iterator[Node]:
        """The node's ancestors and the node itself, each distinct key once, inputs before their readers."""
        seen: set[str] = set()
        yield from self._walk(seen)

    def find_first(self, kind: type | str) -> Node | None:
        """The first node of walk() whose stage is of this class, or that gives this kind ("chunks"); None if there is none."""
        for node in self.walk():
            if node.gives == kind if isinstance(kind, str) else isinstance(node.stage, kind):
                return node
        return None

    def get_first(self, kind: type | str) -> Node:
        """find_first() where there has to be one; raises WiringError if there is none."""
        node = self.find_first(kind)
        if node is None:
            raise WiringError(f"the graph has no {kind if isinstance(kind, str) else kind.__name__}")
        return node

    def _walk(self, seen: set[str]) -> Iterator[Node]:
        if self.key in seen:
            return
        seen.add(self.key)
        for node in self.inputs:
            yield from node._walk(seen)
        yield self


def _read_fields(stage: Any) -> dict[str, Any]:
    """The stage's fields by name, without later ones that are at their default."""
    unset = {
        field.name
        for field in dataclasses.fields(stage)
        if field.metadata.get("later") and getattr(stage, field.name) == field.default
    }
    return {name: value for name, value in dataclasses.asdict(stage).items() if name not in unset}


def check_wiring(stage: Stage, given: list[str]) -> None:
    """Raises WiringError unless the kinds `given` match what the stage takes."""
    rest = list(given)
    for wanted in stage.takes:
        kind = wanted.rstrip("?*")
        if wanted.endswith("*"):
            while rest and rest[0] == kind:
                rest.pop(0)
        elif rest and rest[0] == kind:
            rest.pop(0)
        elif not wanted.endswith("?"):
            raise WiringError(f"{type(stage).__name__} takes {', '.join(stage.takes)}; it was given {given or 'nothing'}")
    if rest:
        raise WiringError(f"{type(stage).__name__} takes {', '.join(stage.takes) or 'nothing'}; it was given {given}")
