"""The scenario: how much there is to search, how often it is asked, where it runs, and whose prices are paid."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.costs.prices import CPU, EMBEDDING, GPU, PERSON, RERANK_SEARCH, RERANK_TOKENS, PriceTable
from core.data.dataset import Dataset
from core.errors import InputError, check_range
from core.graph.resources import Models, Resources
from core.records import Content, RecordFile
from core.schema import content_hash
from core.settings import DEFAULT_MODEL
from core.storage.names import place_entry
from core.workspace import Workspace

OWN, API, MIXED = DEPLOYMENTS = ("own", "api", "mixed")

_LIMITS: dict[str, tuple[float, float | None]] = {
    "documents": (0, None), "tokens_per_document": (0, 1e8), "tokens_per_query": (0, 1e6), "growth_per_month": (0, 1),
    "changed_per_week": (0, 10), "queries_per_month": (0, 1e12), "vcpus": (1, 1024), "peak_factor": (1, 1000),
    "dimensions": (0, 100_000), "label_hours": (0, 1e6), "upkeep_hours_per_month": (0, 1e5),
    "trained_upkeep_hours_per_month": (0, 1e5), "retrainings_per_year": (0, 366), "experiments": (1, 10_000),
    "gpu_speedup": (0.01, 10_000), "months": (1, 600),
}  # fmt: skip
_WHOLE = ("dimensions", "vcpus", "experiments", "months")


@dataclass(frozen=True)
class Scenario:
    """What the user expects, for one system or for all.

    documents: at the beginning. tokens_per_document: of title and text. tokens_per_query. growth_per_month: new documents
    as a share of those there are (0.02 = 2 %). changed_per_week: documents that change, as a share. queries_per_month.

    deployment: "own": everything on one's own machines; "api": embeddings, vector store and reranking are bought; "mixed":
    embeddings and reranking are bought, index and search run on an own machine. A model that was trained here cannot be
    bought: it runs on an own machine whatever the deployment.

    embedding, rerank, cpu, gpu, labelling, upkeep: ids of price rows. vector_store: the part of an id before the last "-",
    such as pinecone. gpu: "" to train on CPU cores. dimensions: of bought vectors; 0 for the model's usual number where it is
    known, else the measured system's.

    vcpus: of one machine, the least that is rented. peak_factor: the busiest hour's queries over the average hour's.
    label_hours: of people, for training data, once. upkeep_hours_per_month: of people, for any system; and
    trained_upkeep_hours_per_month on top of that for one with a trained model (watching it, new labels, new trainings).
    retrainings_per_year: after the first. experiments: trainings until one is kept. gpu_speedup: how many times faster the
    GPU trains than this machine did; 1 until it was measured. months: of the first year.
    """

    documents: int | float = 1_000
    tokens_per_document: float = 200.0
    tokens_per_query: float = 12.0
    growth_per_month: float = 0.02
    changed_per_week: float = 0.01
    queries_per_month: int | float = 10_000
    deployment: str = OWN
    embedding: str = "openai-3-small"
    rerank: str = "cohere-rerank-3.5"
    vector_store: str = "pinecone"
    cpu: str = "cpu"
    gpu: str = ""
    labelling: str = "labelling"
    upkeep: str = "upkeep"
    dimensions: int = 0
    vcpus: int = 2
    peak_factor: float = 5.0
    label_hours: float = 16.0
    upkeep_hours_per_month: float = 2.0
    trained_upkeep_hours_per_month: float = 2.0
    retrainings_per_year: float = 2.0
    experiments: int = 5
    gpu_speedup: float = 1.0
    months: int = 12

    def __post_init__(self) -> None:
        if self.deployment not in DEPLOYMENTS:
            raise InputError(f"the deployment is {self.deployment!r}; it can be {', '.join(DEPLOYMENTS)}")
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise InputError(f"{name} is {value!r}; it must be a number")
            check_range(name, value, low=low, high=high)
        for name in _WHOLE:
            value = getattr(self, name)
            if value != int(value):
                raise InputError(f"{name} is {value:g}; it must be a whole number")
            object.__setattr__(self, name, int(value))  # 384.0 is meant as 384, and kept as that

    def check_prices(self, prices: PriceTable) -> None:
        """Raises InputError if a price that it names is not in the table, or is a price of something else."""
        prices.pick(self.embedding, EMBEDDING)
        prices.pick(self.rerank, RERANK_SEARCH, RERANK_TOKENS)
        prices.pick(self.cpu, CPU)
        prices.pick(self.labelling, PERSON)
        prices.pick(self.upkeep, PERSON)
        prices.store(self.vector_store)
        if self.gpu:
            prices.pick(self.gpu, GPU)


def _write_whole(content: Content) -> Content:
    """Whole numbers could be written as 384.0."""
    return {name: int(value) if name in _WHOLE else value for name, value in content.items()}


_FILES = RecordFile(Scenario, upgrades=[_write_whole], cure="delete it to begin with the default scenario")


def make_scenario(dataset: Dataset, workspace: Workspace, *, models: Models | None = None, **changes: Any) -> Scenario:
    """The default scenario for a dataset: as many documents as it has, tokens per document and query as counted by the default
    model's tokenizer. changes: fields of Scenario; None leaves a field as it is."""
    resources = Resources.open(workspace, models=models)
    measured: dict[str, Any] = {"documents": len(dataset.indexed_documents)}
    measured["tokens_per_document"] = measure_documents(dataset, resources)["tokens"]
    if len(dataset.queries):
        measured["tokens_per_query"] = measure_queries(dataset, resources)
    known = {part.name for part in dataclasses.fields(Scenario)}
    for name in changes:
        if name not in known:
            raise InputError(f"a scenario has no {name!r}; it has {', '.join(sorted(known))}")
    return Scenario(**{**measured, **{name: value for name, value in changes.items() if value is not None}})


def read_scenario(dataset: Dataset, workspace: Workspace, *, models: Models | None = None, **changes: Any) -> Scenario:
    """What the user expects of a dataset: as it was saved, else make_scenario(). changes: as there."""
    try:
        kept = _FILES.read(_kept_file(dataset.name, workspace))
    except FileNotFoundError:
        return make_scenario(dataset, workspace, models=models, **changes)
    return dataclasses.replace(kept, **{name: value for name, value in changes.items() if value is not None})


def save_scenario(scenario: Scenario, dataset: str, workspace: Workspace) -> None:
    """Keeps what the user expects of a dataset, for the pages and the recommendation."""
    _FILES.write(_kept_file(dataset, workspace), scenario)


def forget_scenario(dataset: str, workspace: Workspace) -> None:
    """Back to the default."""
    _kept_file(dataset, workspace).unlink(missing_ok=True)


def _kept_file(dataset: str, workspace: Workspace) -> Path:
    return place_entry(workspace.path("scenarios", "x").parent, f"{dataset}.json")


def measure_documents(dataset: Dataset, resources: Resources) -> dict[str, float]:
    """Means over the documents that can be found: {tokens, characters} of title and text; zeros if there are none."""
    documents = dataset.indexed_documents
    key = content_hash(["tokens of documents", DEFAULT_MODEL, dataset.corpus_fingerprint])
    return _remember(key, resources, lambda: _join_titles(documents["title"].tolist(), documents["text"].tolist()))


def measure_queries(dataset: Dataset, resources: Resources) -> float:
    """Mean tokens of a query; 0 if there are none."""
    texts = dataset.queries["text"].tolist()
    key = content_hash(["tokens of queries", DEFAULT_MODEL, texts])
    return _remember(key, resources, lambda: texts)["tokens"]


def _join_titles(titles: list[str], texts: list[str]) -> list[str]:
    return [f"{title}\n{text}".strip() for title, text in zip(titles, texts, strict=True)]


def _remember(key: str, resources: Resources, list_texts: Callable[[], list[str]]) -> dict[str, float]:
    """Mean tokens and characters of the texts, counted once and kept in the workspace."""
    facts = resources.workspace.read_facts(key)
    if facts is None:
        texts = list_texts()
        counts = resources.tokenizer(DEFAULT_MODEL).count(texts)
        facts = {"tokens": sum(counts) / max(1, len(texts)), "characters": sum(map(len, texts)) / max(1, len(texts))}
        resources.workspace.write_facts(key, facts)
    return facts
