"""The metadata advisor: which fields separate answers from other hits, and which filters could be read off the queries.

A filter that throws an answer away does more harm than one that is missing, so answers lost are counted before a field is
recommended. Reads a run, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.schema import select_relevant, to_document_run
from core.text.conditions import match_filter
from core.text.named_values import Spellings, collect_spellings, infer_filter, spell_value

ADVICE = ["field", "coverage", "distinct", "separation", "named", "kept", "thrown_away", "recommended"]
PROPOSALS = ["query_id", "filter", "keeps"]
LEAST_NAMED = 3  # queries with an answer that must name a value before a field can be recommended
MOST_LOST = 0.02  # of their answers may be thrown away
FIRST_HITS = 10  # documents per query that separation looks at
Metadata = Mapping[str, Any]


def advise_metadata(dataset: Dataset, run: pd.DataFrame, *, query_ids: Sequence[str]) -> pd.DataFrame:
    """One row per metadata field that tells documents apart, in the order in which the documents name them; columns ADVICE.

    run: schema.RUN of an unfiltered system. query_ids: the queries to learn from (tuning). Per field:
    coverage: share of the documents that have it. distinct: values that it has.
    separation: among the first ten documents of the queries that ask for a value (by their own filter, else by naming it),
    the share of relevant ones that match, minus the share of the others; hits without a label count as others. From -1 to 1;
    NaN if one of the two kinds does not occur.
    named: queries without a filter whose text names a value (see core.stages.filter.infer_filter). kept: those of them with a
    relevant document that passes; thrown_away: those whose relevant documents are all left out. The rest have no answer in
    the corpus, or no labels.
    recommended: at least 3 queries with an answer name a value (kept + thrown_away), and of those at most 2 % lose all their
    answers, so with fewer than 50 none may. Recommended fields hold that together too, as one filter: they are taken in the
    order of separation, and one that breaks it is left out.
    """
    documents = dataset.indexed_documents
    metadata = dict(zip(documents["doc_id"], documents["metadata"], strict=True))
    chosen = set(query_ids)
    queries = dataset.queries[dataset.queries["query_id"].isin(chosen)]
    relevant = _find_relevant(dataset, metadata)
    fields = _count_values(metadata.values())
    spellings = collect_spellings(metadata.values(), fields)
    first = to_document_run(run[run["query_id"].isin(chosen)], depth=FIRST_HITS)
    hits = {str(query_id): group["doc_id"].tolist() for query_id, group in first.groupby("query_id", sort=False)}
    rows = []
    for name, (covered, distinct) in fields.items():
        values = {name: spellings[name]}
        named, kept, lost = _count_kept(_propose(queries, values, relevant, metadata))
        separation = _measure_separation(queries, values, hits, relevant, metadata)
        safe = _is_safe(kept, lost)
        rows.append((name, covered / max(len(documents), 1), distinct, separation, named, kept, lost, safe))
    advice = pd.DataFrame(rows, columns=ADVICE)
    order = advice[advice["recommended"].astype(bool)].sort_values("separation", ascending=False, kind="stable")["field"]
    together: list[str] = []
    for name in order:
        values = {field: spellings[field] for field in [*together, name]}
        if _is_safe(*_count_kept(_propose(queries, values, relevant, metadata))[1:]):
            together.append(name)
    return advice.assign(recommended=advice["field"].isin(together).astype(bool))


def _is_safe(kept: int, lost: int) -> bool:
    return kept + lost >= LEAST_NAMED and lost <= MOST_LOST * (kept + lost)


def propose_filters(dataset: Dataset, fields: Sequence[str]) -> pd.DataFrame:
    """The filter that each query without one names in its text, for those that name a value; columns PROPOSALS.

    keeps: whether a relevant document passes it, None if the query has no relevant document in the corpus.
    """
    documents = dataset.indexed_documents
    metadata = dict(zip(documents["doc_id"], documents["metadata"], strict=True))
    spellings = collect_spellings(metadata.values(), fields)
    return _propose(dataset.queries, spellings, _find_relevant(dataset, metadata), metadata)


def find_lost_answers(dataset: Dataset, query_ids: Sequence[str]) -> list[str]:
    """The ones of these queries whose own filter leaves out every relevant document of theirs, in the dataset's order."""
    documents = dataset.indexed_documents
    metadata = dict(zip(documents["doc_id"], documents["metadata"], strict=True))
    relevant = _find_relevant(dataset, metadata)
    chosen = set(query_ids)
    return [
        query_id
        for query_id, wanted in zip(dataset.queries["query_id"], dataset.queries["filter"], strict=True)
        if query_id in chosen and wanted and _keeps(wanted, relevant.get(query_id, []), metadata) is False
    ]


def find_stating(dataset: Dataset, field: str) -> set[str]:
    """The queries that say which value of the field they want, by their own filter, else by naming it in their text, and
    rightly: a relevant document in the corpus has it."""
    documents = dataset.indexed_documents
    metadata = dict(zip(documents["doc_id"], documents["metadata"], strict=True))
    values = collect_spellings(metadata.values(), [field])
    relevant = _find_relevant(dataset, metadata)
    rows = zip(dataset.queries["query_id"], dataset.queries["text"], dataset.queries["filter"], strict=True)
    wanted = {query_id: _find_conditions(text, own, values) for query_id, text, own in rows}
    return {
        query_id
        for query_id, conditions in wanted.items()
        if conditions and _keeps(conditions, relevant.get(query_id, []), metadata)
    }


def _find_conditions(text: str, own: Metadata | None, values: Mapping[str, Spellings]) -> dict[str, Any]:
    """What a query asks of the fields in `values`: by its own filter if it has one, else by naming values."""
    return {name: own[name] for name in values if name in own} if own else infer_filter(text, values)


def _find_relevant(dataset: Dataset, metadata: Mapping[str, Metadata]) -> dict[str, list[str]]:
    """query id -> its relevant documents that are in the corpus."""
    relevant = select_relevant(dataset.judgments)
    rows = relevant[relevant["doc_id"].isin(set(metadata))]
    found: dict[str, list[str]] = {}
    for query_id, doc_id in zip(rows["query_id"], rows["doc_id"], strict=True):
        found.setdefault(query_id, []).append(doc_id)
    return found


def _count_values(metadata: Iterable[Metadata]) -> dict[str, tuple[int, int]]:
    """field -> (documents that have it, distinct values), without fields that are the same everywhere."""
    covered: dict[str, int] = {}
    values: dict[str, set[tuple[str, Any]]] = {}
    entries = list(metadata)
    for entry in entries:
        for name, value in entry.items():
            items = value if isinstance(value, list | tuple) else [value]
            known = {(type(item).__name__, item) for item in items if isinstance(item, bool) or spell_value(item) is not None}
            covered[name] = covered.get(name, 0) + bool(known)
            values.setdefault(name, set()).update(known)
    return {
        name: (count, len(values[name]))
        for name, count in covered.items()
        if len(values[name]) > 1 or (values[name] and count < len(entries))
    }


def _propose(
    queries: pd.DataFrame,
    values: Mapping[str, Spellings],
    relevant: Mapping[str, list[str]],
    metadata: Mapping[str, Metadata],
) -> pd.DataFrame:
    rows = []
    for query_id, text, own in zip(queries["query_id"], queries["text"], queries["filter"], strict=True):
        conditions = {} if own else infer_filter(text, values)
        if conditions:
            rows.append((query_id, conditions, _keeps(conditions, relevant.get(query_id, []), metadata)))
    return pd.DataFrame(rows, columns=PROPOSALS, dtype=object)


def _keeps(conditions: Metadata, relevant: Sequence[str], metadata: Mapping[str, Metadata]) -> bool | None:
    """Whether a relevant document passes; None without one."""
    return any(match_filter(metadata[doc_id], conditions) for doc_id in relevant) if relevant else None


def _count_kept(proposals: pd.DataFrame) -> tuple[int, int, int]:
    """(queries with a proposal, those that keep an answer, those that lose all)."""
    keeps = proposals["keeps"].tolist()
    return len(keeps), sum(value is True for value in keeps), sum(value is False for value in keeps)


def _measure_separation(
    queries: pd.DataFrame,
    values: Mapping[str, Spellings],
    hits: Mapping[str, list[str]],
    relevant: Mapping[str, list[str]],
    metadata: Mapping[str, Metadata],
) -> float:
    """See advise_metadata(); `values` holds the one field."""
    matches: dict[bool, list[bool]] = {True: [], False: []}
    for query_id, text, own in zip(queries["query_id"], queries["text"], queries["filter"], strict=True):
        conditions = _find_conditions(text, own, values)
        answers = set(relevant.get(query_id, ()))
        if conditions and answers:
            for doc_id in hits.get(query_id, ()):
                matches[doc_id in answers].append(match_filter(metadata[doc_id], conditions))
    if not matches[True] or not matches[False]:
        return float("nan")
    return float(np.mean(matches[True]) - np.mean(matches[False]))
