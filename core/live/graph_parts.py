"""A system's graph, taken apart into what is kept warm and what runs for each query."""

from __future__ import annotations

from dataclasses import dataclass

from core.graph.node import Node


@dataclass(frozen=True)
class GraphParts:
    """A graph's nodes, inputs before their readers, without the sources.

    target: gives the run. corpus: what does not depend on the queries. per_query: what does. chunkers: what cuts documents,
    part of corpus. models: (model, revision) by which queries are embedded, each once.
    """

    target: Node
    corpus: tuple[Node, ...]
    per_query: tuple[Node, ...]
    chunkers: tuple[Node, ...]
    models: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, target: Node) -> GraphParts:
        """The parts of the graph that ends in this node."""
        nodes = [node for node in target.walk() if node.inputs]
        per_query = tuple(node for node in nodes if node.per_query)
        stages = [node.stage for node in per_query if node.encoded]
        return cls(
            target=target,
            corpus=tuple(node for node in nodes if not node.per_query),
            per_query=per_query,
            chunkers=tuple(node for node in nodes if node.gives == "chunks"),
            models=tuple(dict.fromkeys((stage.model, stage.revision) for stage in stages)),
        )

    @property
    def rerankers(self) -> list[Node]:
        """The nodes that may need a model or token vectors of the corpus besides their inputs."""
        return [node for node in self.per_query if node.stage.role == "rerank"]
