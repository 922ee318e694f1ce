"""How long a training will take here, before anything is collected for it."""

from __future__ import annotations

from core.data.dataset import Dataset
from core.graph.estimate import read_speed
from core.graph.resources import Resources
from core.schema import select_relevant
from core.systems.trained import ADAPTER, RERANKER
from core.training.request import VALIDATION_SHARE, TrainingPlan

_ADAPTER_SECONDS = 10.0
_LEAST_SECONDS = 20.0  # of a comparison: many small runs, and their latency
_READ = 512  # tokens that a reranker reads at most
_STEP = 7.0  # a training step against encoding the same texts: forward, backward, and the optimiser over all weights
_SIGNS = 4.5  # characters a token, in English


def count_pairs(dataset: Dataset, plan: TrainingPlan) -> tuple[int, int]:
    """(queries, pairs of query and relevant document) that about will be learned from."""
    relevant = select_relevant(dataset.judgments)
    relevant = relevant[relevant["doc_id"].isin(set(dataset.indexed_documents["doc_id"]))]
    sides = dict(zip(dataset.queries["query_id"], dataset.queries["split"], strict=True))
    given = any(sides.values())
    if given:
        relevant = relevant[relevant["query_id"].map(sides) == "tuning"]
    share = (1.0 if given else plan.share) * (1.0 - VALIDATION_SHARE)
    return round(relevant["query_id"].nunique() * share), round(len(relevant) * share)


def estimate_comparison(dataset: Dataset, plan: TrainingPlan, resources: Resources) -> float:
    """Seconds of the comparison afterwards, if the cheap rungs are known already: an embedding model embeds the corpus anew, a
    reranker reads the first hits of every query."""
    lengths = dataset.documents["text"].str.len()
    signs = float(lengths.sum()) if plan.kind != ADAPTER else 0.0
    if plan.kind == RERANKER:
        signs = len(dataset.queries) * plan.depth * min(float(lengths.mean()) if len(lengths) else 0.0, _READ * _SIGNS)
    return _LEAST_SECONDS + signs / read_speed(resources)


def estimate_training(dataset: Dataset, plan: TrainingPlan, resources: Resources) -> float:
    """Seconds, from the speed of encoding on this machine; without what has to be embedded first, or compared afterwards."""
    if plan.kind == ADAPTER:
        return _ADAPTER_SECONDS
    _, pairs = count_pairs(dataset, plan)
    lengths = dataset.documents["text"].str.len()
    passage = min(float(lengths.mean()) if len(lengths) else 0.0, plan.max_tokens * _SIGNS)
    asked = float(dataset.queries["text"].str.len().mean()) if len(dataset.queries) else 0.0
    row = asked + passage * (1 + plan.negatives)
    if plan.kind == RERANKER:
        row = (asked + passage) * (1 + plan.negatives)
    return pairs * row * plan.epochs * _STEP / read_speed(resources)
