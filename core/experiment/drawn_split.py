"""The split of a dataset as every job draws it: embeds the queries to find those that say the same; core.data.split does the
rest."""

from __future__ import annotations

import numpy as np

from core.data.dataset import Dataset
from core.data.split import DEFAULT_SHARE, Split, group_queries, make_split
from core.graph.resources import Resources
from core.settings import DEFAULT_MODEL
from core.stages.embed import model_revision


def group_dataset(dataset: Dataset, resources: Resources) -> dict[str, int]:
    """group_queries() of the dataset's queries, by text, evidence and the default model's vectors."""
    return group_queries(dataset.queries, dataset.evidence, vectors=embed_queries(dataset.queries["text"].tolist(), resources))


def embed_queries(texts: list[str], resources: Resources) -> np.ndarray:
    """The default model's vectors of queries: the yardstick by which two say the same, whatever systems are compared."""
    return np.asarray(resources.encode(DEFAULT_MODEL, model_revision(DEFAULT_MODEL), texts, role="query", prompt=None))


def draw_split(dataset: Dataset, groups: dict[str, int], *, share: float = DEFAULT_SHARE, seed: int = 0) -> Split:
    """The dataset's own split, else one that is drawn: the same for the ladder and for training with equal share and seed."""
    return make_split(dataset.queries, dataset.evidence, groups=groups, share=share, seed=seed)
