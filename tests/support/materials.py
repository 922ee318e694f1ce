"""Training material over a few documents written in a test, with the fake models: keywords are the axes of the vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.data.dataset import Dataset
from core.data.split import Split
from core.experiment.drawn_split import group_dataset
from core.schema import EVIDENCE, JUDGMENTS
from core.stages.chunk import Recursive
from core.systems.system import Dense, System
from core.training.material import Material
from tests.support.models import make_documents, make_queries, make_resources

SYSTEM = System("small", chunk=Recursive(size=6, overlap=0), dense=Dense())  # a chunk is at most six words


def make_labelled(
    texts: Mapping[str, str],
    queries: Mapping[str, str],
    grades: Mapping[str, Mapping[str, int]],
    *,
    quotes: Sequence[tuple[str, str, str]] = (),
) -> Dataset:
    """grades: query -> document -> relevance. quotes: (query, document, words of it that are the evidence)."""
    spans = [(query, doc, texts[doc].index(words), texts[doc].index(words) + len(words)) for query, doc, words in quotes]
    return Dataset(
        name="small",
        documents=make_documents(dict(texts)),
        queries=make_queries(dict(queries)),
        judgments=pd.DataFrame(
            [(query, doc, grade) for query, given in grades.items() for doc, grade in given.items()], columns=JUDGMENTS
        ),
        evidence=pd.DataFrame(spans, columns=EVIDENCE),
    )


def make_material(
    folder: Path, dataset: Dataset, *, test: Sequence[str] = (), system: System = SYSTEM, **options: Any
) -> Material:
    """Material in which these queries test and all others tune."""
    ids = dataset.queries["query_id"].tolist()
    resources = make_resources(folder)
    split = Split(tuple(name for name in ids if name not in test), tuple(test), len(ids))
    return Material(dataset, system, split, group_dataset(dataset, resources), resources, **options)
