"""What filtering by a metadata field could gain at best, if every query knew its answer's value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.diagnosis.metadata import find_stating
from core.diagnosis.perfect_reranking import rank_again
from core.evaluation.per_query import measure_one
from core.schema import select_relevant
from core.text.conditions import name_type

if TYPE_CHECKING:
    from scipy import sparse

SHUFFLES = 10  # of a field's values among the documents, for the chance level of the perfect filter
MOST_DISTINCT = 1 / 3  # of the documents; with more values a field names its documents rather than kinds of them
LEAST_COVERED = 0.5  # of the documents must have the field


def make_filter(run: pd.DataFrame, dataset: Dataset, field: str) -> Callable[[int | None], pd.DataFrame]:
    """The perfect filter by a field as a function of a seed, with everything else prepared once.

    Given None it returns the run without the documents that share no value of the field with a relevant document of their
    query; given a seed, the same with the field's values shuffled among the documents. Queries none of whose relevant documents
    has the field keep all hits. Only what the run holds is filtered: a search that filters before ranking would reach deeper.
    """
    from scipy import sparse

    documents = dataset.indexed_documents
    tags = _tag_documents(documents["metadata"].tolist(), field)
    place = {doc_id: row for row, doc_id in enumerate(documents["doc_id"])}
    queries, names = pd.factorize(run["query_id"])
    row_of = {query_id: row for row, query_id in enumerate(names)}
    judgments = select_relevant(dataset.judgments)
    relevant = judgments[judgments["query_id"].isin(set(row_of)) & judgments["doc_id"].isin(set(place))]
    pairs = (relevant["query_id"].map(row_of).to_numpy(dtype=int), relevant["doc_id"].map(place).to_numpy(dtype=int))
    answers = sparse.csr_matrix((np.ones(len(relevant)), pairs), shape=(len(names), len(documents)))
    hits = np.array([place[doc_id] for doc_id in run["doc_id"]], dtype=int)

    def apply(seed: int | None) -> pd.DataFrame:
        dealt = tags if seed is None else tags[np.random.default_rng(seed).permutation(len(documents))]
        wanted = (answers @ dealt).tocsr()
        shares = np.asarray(wanted[queries].multiply(dealt[hits]).sum(axis=1)).ravel() > 0
        free = np.diff(wanted.indptr)[queries] == 0
        return rank_again(run[shares | free])

    return apply


def bound_filter(
    dataset: Dataset, run: pd.DataFrame, *, field: str, gain_of: Callable[[pd.DataFrame], pd.Series], seed: int = 0
) -> tuple[float, float]:
    """(oracle, chance) of the perfect filter by a field, as mean gains. gain_of: gain by query id of a changed run.

    The oracle reads the value to filter by off the answer. Relevant documents then always pass, so throwing others away can
    only help, and values dealt out to the documents at random would help as well: the mean gain with the field's values
    shuffled is the chance level. It counts only for queries that do not say the value. Where the query's own filter or text
    does, and an answer passes, nothing had to be read off the labels, and its gain stands as it is: chance is at most what
    the other queries gain.
    """
    filtered = make_filter(run, dataset, field)
    gains = gain_of(filtered(None))
    if not len(gains):
        return 0.0, 0.0
    looked_up = ~gains.index.isin(find_stating(dataset, field))
    shuffled = [gain_of(filtered(seed + number))[looked_up].sum() for number in range(SHUFFLES)]
    return float(gains.mean()), float(min(np.mean(shuffled), gains[looked_up].sum()) / len(gains))


def _tag_documents(metadata: Sequence[Mapping[str, object]], field: str) -> sparse.csr_matrix:
    """Which document has which value of the field: sparse, documents x values."""
    from scipy import sparse

    codes: dict[tuple[str, object], int] = {}
    rows, columns = [], []
    for row, entry in enumerate(metadata):
        for value in _scalars(entry.get(field)):
            rows.append(row)
            columns.append(codes.setdefault((name_type(value), value), len(codes)))
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(metadata), len(codes)))


def _scalars(value: object) -> list[str | int | float]:
    items = value if isinstance(value, list | tuple) else [value]
    return [item for item in items if isinstance(item, str | int | float)]


def list_filter_fields(dataset: Dataset) -> list[str]:
    """Fields that tell kinds of documents apart: at least two values, at most a third as many as documents, and at least half
    of the documents have the field."""
    metadata = dataset.indexed_documents["metadata"].tolist()
    names = dict.fromkeys(name for entry in metadata for name in entry)
    tags = {name: _tag_documents(metadata, name) for name in names}
    return [
        name
        for name, made in tags.items()
        if 2 <= made.shape[1] <= MOST_DISTINCT * len(metadata)
        and np.count_nonzero(np.diff(made.indptr)) >= LEAST_COVERED * len(metadata)
    ]


def choose_filter_field(
    dataset: Dataset, run: pd.DataFrame, *, query_ids: Sequence[str], measure: str, seed: int = 0
) -> str | None:
    """The field whose perfect filter gains most beyond chance on these (tuning) queries; None without a field to filter by."""
    chosen = set(query_ids)
    judgments, evidence, hits = (frame[frame["query_id"].isin(chosen)] for frame in (dataset.judgments, dataset.evidence, run))
    base = measure_one(rank_again(hits), judgments, evidence, measure)
    excess: dict[str, float] = {}
    for field in list_filter_fields(dataset):
        oracle, chance = bound_filter(
            dataset, hits, field=field, gain_of=lambda one: measure_one(one, judgments, evidence, measure) - base, seed=seed
        )
        excess[field] = oracle - chance
    return max(excess, key=lambda field: excess[field]) if excess else None
