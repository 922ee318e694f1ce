"""Whether the labels can carry a verdict at all: are the answers in the corpus, and does any system fit the labels?"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from core.data.dataset import Dataset
from core.evaluation.labels import measure_label_fit
from core.evaluation.significance import infer_differences
from core.schema import select_relevant

_FIT = 0.01  # p of the label checks below which labels are no chance


def share_missing(dataset: Dataset) -> float:
    """Share of the judged queries that have no relevant document in the corpus, 0 to 1."""
    here = set(dataset.indexed_documents["doc_id"])
    relevant = select_relevant(dataset.judgments)
    found = set(relevant.loc[relevant["doc_id"].isin(here), "query_id"])
    return 1.0 - len(found) / max(len(dataset.queries), 1)


def fit_labels(dataset: Dataset, runs: Mapping[str, pd.DataFrame], *, seed: int) -> bool:
    """Whether any system fits the labels better than labels dealt at random; over all queries. runs: system -> its run."""
    here = set(dataset.indexed_documents["doc_id"])
    judgments = dataset.judgments[dataset.judgments["doc_id"].isin(here)]
    return min(measure_label_fit(runs, judgments, seed=seed).values()) < _FIT


def fit_by_fix(values: pd.DataFrame, baseline: str, *, seed: int) -> bool:
    """Whether any other system beats the baseline by more than labels dealt at random would let it.

    Where neither embeddings nor word matching know the words of the queries, what teaches them these words (a glossary, say)
    still fits the labels. values: queries x systems. All systems are one family, so that many tries earn nothing.
    """
    others = values.drop(columns=baseline)
    if others.empty:
        return False
    found = infer_differences(others.sub(values[baseline], axis=0).to_numpy(dtype=float), seed=seed)
    return bool(((found.p_adjusted < _FIT) & (found.mean > 0)).any())
