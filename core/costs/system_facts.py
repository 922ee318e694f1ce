"""What the cost model must know of a system, read from an experiment and what the workspace has kept of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from core.costs.scenario import measure_documents
from core.data.dataset import Dataset
from core.errors import InputError, LadderError, NotInWorkspace
from core.experiment.result import Experiment, SystemResult
from core.graph.estimate import read_speed
from core.graph.execute import Execution
from core.graph.node import Node
from core.graph.resources import Models, Resources
from core.schema import content_hash, list_passages
from core.settings import DEFAULT_DIMENSIONS, DEFAULT_MODEL, TRAINED_PREFIX, get_threads
from core.stages.chunk import WholeDocument
from core.stages.embed import EmbedChunks, EmbedQueries, text_hash
from core.stages.index_lexical import IndexBm25
from core.stages.registry import STAGES
from core.stages.rerank import HitPassages
from core.stages.retrieve import RetrieveDense
from core.systems.build import build, make_sources
from core.systems.system import System
from core.systems.trained import ADAPTER, EMBEDDING, RERANKER, load_model
from core.systems.yaml_files import from_spec
from core.workspace import Workspace

_BYTES_PER_TOKEN = 4.5  # in English, where nothing was indexed to measure it
_CHANGED = "The documents have changed since this experiment: sizes are those of today, quality and latency those of then"


@dataclass(frozen=True)
class SystemFacts:
    """One system, as it was measured here.

    passages_per_document, indexed_tokens_per_document: what is indexed; overlap, windows and titles make more tokens of a
    document than the tokens_per_document it has. cut: longer documents give more passages. bytes_per_token: of the text
    (UTF-8). dimensions: of a vector. dense, lexical: its sides. rerank_depth: hits that are reranked per query, 0 for none;
    rerank_tokens: of one such hit.
    p50_ms, p95_ms: of a query, one at a time; None if latency was not measured. encode_ms, search_ms, rerank_ms: the median
    parts of it for the query's vector, the search of the dense index, and the reranking.
    tokens_per_second: that this machine embeds, on so many cores. trained: kinds of the trained models in it;
    training_seconds: of all their trainings, None if a model was removed since. assumed: sentences about what was not measured.
    imagined: the trained model is not there, what it would cost is asked (see imagine_trained).
    """

    system: str
    passages_per_document: float = 1.0
    cut: bool = True
    tokens_per_document: float = 0.0
    indexed_tokens_per_document: float = 0.0
    bytes_per_token: float = _BYTES_PER_TOKEN
    dimensions: int = 0
    dense: bool = False
    lexical: bool = False
    rerank_depth: int = 0
    rerank_tokens: float = 0.0
    p50_ms: float | None = None
    p95_ms: float | None = None
    encode_ms: float = 0.0
    search_ms: float = 0.0
    rerank_ms: float = 0.0
    tokens_per_second: float = 5_000.0
    cores: int = 1
    trained: tuple[str, ...] = ()
    training_seconds: float | None = 0.0
    assumed: tuple[str, ...] = ()
    imagined: bool = False

    @property
    def overlap(self) -> float:
        """Tokens indexed for each token of the documents; 1 where nothing is known."""
        known = self.tokens_per_document > 0 and self.indexed_tokens_per_document > 0
        return self.indexed_tokens_per_document / self.tokens_per_document if known else 1.0


def read_facts(
    experiment: Experiment, dataset: Dataset, workspace: Workspace, *, models: Models | None = None
) -> dict[str, SystemFacts]:
    """Facts of every system of the experiment that has a run, by name.

    Chunks come from the cache, or are cut again, which takes no model; tokens are the default model's, counted once and kept.
    What cannot be found out (a removed model's vectors, say) is said in `assumed`, and raises nothing.
    """
    reader = _Reader(experiment, dataset, Resources.open(workspace, models=models))
    return {result.name: reader.read(result) for result in experiment.systems if result.name in experiment.ready}


class _Reader:
    """Reads the systems of one experiment over one dataset."""

    def __init__(self, experiment: Experiment, dataset: Dataset, resources: Resources) -> None:
        self._experiment = experiment
        self._resources = resources
        self._source, self._asked = make_sources(dataset.corpus_fingerprint, "")
        self._changed = experiment.dataset.get("corpus_fingerprint") != dataset.corpus_fingerprint
        self._documents = dataset.indexed_documents
        self._execution = Execution(sources={self._source.key: self._documents}, resources=resources)
        self._per_document = measure_documents(dataset, resources)

    def read(self, result: SystemResult) -> SystemFacts:
        system = from_spec(result.spec)
        assumed = [_CHANGED] if self._changed else []
        indexed = self._read_indexed(system, assumed)
        trained, seconds = read_training(system, self._resources.workspace, assumed)
        tokens, characters = self._per_document["tokens"], self._per_document["characters"]
        per_token = characters / tokens if tokens else _BYTES_PER_TOKEN
        return SystemFacts(
            system=result.name,
            tokens_per_document=tokens,
            dense=system.dense is not None,
            lexical=system.lexical is not None,
            tokens_per_second=read_speed(self._resources) / per_token,
            cores=get_threads(),
            trained=trained,
            training_seconds=seconds,
            **indexed,
            **_read_latency(result, assumed),
            assumed=tuple(assumed),
        )

    def _read_indexed(self, system: System, assumed: list[str]) -> dict[str, Any]:
        """Passages, tokens, dimensions and what is reranked."""
        try:
            target = build(system, documents=self._source, queries=self._asked)
            embed = target.find_first(EmbedChunks)
            node = (embed or target.get_first(IndexBm25)).inputs[0]
            counts = self._count(node)
            return {
                "cut": not isinstance(node.stage, WholeDocument),
                "passages_per_document": counts["passages"] / max(1, len(self._documents)),
                "indexed_tokens_per_document": counts["tokens"] / max(1, len(self._documents)),
                "bytes_per_token": counts["bytes"] / counts["tokens"] if counts["tokens"] else _BYTES_PER_TOKEN,
                "dimensions": self._find_dimensions(embed, assumed) if embed is not None else 0,
                **self._read_reranked(system, target),
            }
        except LadderError as error:
            assumed.append(f"What is indexed could not be read again, one passage a document is assumed ({error})")
            tokens = self._per_document["tokens"]
            depth = system.rerank.depth if system.rerank is not None else 0
            return {
                "indexed_tokens_per_document": tokens,
                "dimensions": DEFAULT_DIMENSIONS if system.dense is not None else 0,
                "rerank_depth": depth,
                "rerank_tokens": tokens if depth else 0.0,
            }

    def _count(self, node: Node) -> dict[str, float]:
        """{passages, tokens, bytes} of all that a node of chunks holds."""
        key = content_hash(["tokens of passages", DEFAULT_MODEL, node.key])
        facts = self._resources.workspace.read_facts(key)
        if facts is None:
            passages = list_passages(self._execution.output(node))
            facts = {
                "passages": len(passages),
                "tokens": sum(self._resources.tokenizer(DEFAULT_MODEL).count(passages)),
                "bytes": sum(len(text.encode("utf-8", "surrogatepass")) for text in passages),
            }
            self._resources.workspace.write_facts(key, facts)
        return facts

    def _find_dimensions(self, embed: Node, assumed: list[str]) -> int:
        """Of a vector in the cache; else of the trained model; else of the bundled one, which is then said."""
        workspace, stage = self._resources.workspace, embed.stage
        chunks = self._execution.output(embed.inputs[0])
        passages = list_passages(chunks)
        if passages:
            name = text_hash(passages[0], role="document", prompt=stage.prompt)
            found = workspace.vectors(stage.model, stage.revision).read([name]).get(name)
            if found is not None:
                return len(found)
        if stage.model.startswith(TRAINED_PREFIX):
            with contextlib.suppress(NotInWorkspace, InputError):
                dimensions = load_model(stage.model, workspace).metrics.get("dimensions")
                if dimensions:
                    return int(dimensions)
        if stage.model != DEFAULT_MODEL:
            assumed.append(f"No vector of {stage.model} is in the workspace; {DEFAULT_DIMENSIONS} dimensions are assumed")
        return DEFAULT_DIMENSIONS

    def _read_reranked(self, system: System, target: Node) -> dict[str, Any]:
        """Hits per query and tokens of one, as they were in the experiment's run."""
        if system.rerank is None:
            return {}
        chunks = self._execution.output(target.inputs[-1])
        run = self._experiment.runs[system.name]
        head = run[run["rank"] <= system.rerank.depth][["chunk_id", "doc_id"]]
        key = content_hash(["tokens of hits", DEFAULT_MODEL, target.inputs[-1].key, head.to_numpy().tolist()])
        facts = self._resources.workspace.read_facts(key)
        if facts is None:
            passages = HitPassages(chunks)
            times = head.value_counts()
            texts = ["\n".join(passages.find(chunk_id, doc_id)) for chunk_id, doc_id in times.index]
            counts = self._resources.tokenizer(DEFAULT_MODEL).count(texts)
            total = sum(count * number for count, number in zip(counts, times.tolist(), strict=True))
            facts = {"tokens": total / max(1, len(head))}
            self._resources.workspace.write_facts(key, facts)
        return {"rerank_depth": int(system.rerank.depth), "rerank_tokens": float(facts["tokens"])}


def read_training(system: System, workspace: Workspace, assumed: list[str]) -> tuple[tuple[str, ...], float | None]:
    """(kinds of the trained models in a system, seconds that their trainings took or None if one was removed)."""
    named = {
        EMBEDDING: system.dense.model if system.dense is not None else None,
        ADAPTER: system.dense.adapter if system.dense is not None else None,
        RERANKER: getattr(system.rerank, "model", None),
    }
    references = {kind: name for kind, name in named.items() if name and name.startswith(TRAINED_PREFIX)}
    seconds: float | None = 0.0
    for name in references.values():
        try:
            taken = load_model(name, workspace).seconds
            seconds = None if seconds is None else seconds + taken
        except (NotInWorkspace, InputError):
            seconds = None
            assumed.append(f"{name.removeprefix(TRAINED_PREFIX)} is not in the workspace any more: its training is not counted")
    return tuple(references), seconds


def _read_latency(result: SystemResult, assumed: list[str]) -> dict[str, Any]:
    if not result.latency_ms:
        assumed.append("Latency was not measured: the smallest machine is assumed to be enough")
        return {}
    stages = result.latency_ms["stages"]
    rerankers = {name for name, stage in STAGES.items() if stage.role == "rerank"}
    return {
        "p50_ms": float(result.latency_ms["p50"]),
        "p95_ms": float(result.latency_ms["p95"]),
        "encode_ms": float(stages.get(EmbedQueries.__name__, 0.0)),
        "search_ms": float(stages.get(RetrieveDense.__name__, 0.0)),
        "rerank_ms": float(sum(ms for name, ms in stages.items() if name in rerankers)),
    }
