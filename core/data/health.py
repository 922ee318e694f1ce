"""What is in a dataset and what may be wrong with it, in numbers for the page Data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import Any

from core.data.copies import describe_copies, find_unjudged_copies
from core.data.dataset import Dataset
from core.data.languages import detect_languages
from core.schema import select_relevant
from core.text.words import count_words


@dataclass(frozen=True)
class FieldHealth:
    """One metadata field. filled: share of documents in [0, 1] that have a value; distinct: number of values."""

    name: str
    filled: float
    distinct: int


@dataclass(frozen=True)
class Health:
    """Counts over a whole dataset; every count is 0 and every length 0 if there is nothing to count.

    duplicate_texts: documents whose text (not empty) an earlier document already has. Words are of the documents'
    texts. queries_with_relevant have a relevant document.
    unjudged_copies: a sentence about documents that repeat a relevant one, "" if there are none.
    queries_only_missing: queries with relevant documents of which none is in the corpus: no system can find them.
    languages: codes with their shares of the documents, see detect_languages().
    """

    documents: int
    empty_documents: int
    duplicate_texts: int
    median_words: float
    max_words: int
    queries: int
    judgments: int
    queries_with_relevant: int
    queries_only_missing: int
    queries_with_filter: int
    queries_with_evidence: int
    unjudged_copies: str = ""
    fields: tuple[FieldHealth, ...] = ()
    languages: tuple[tuple[str, float], ...] = ()


def summarise_health(dataset: Dataset) -> Health:
    """Counts what the Data page shows. Fields are ordered by name."""
    texts: list[str] = dataset.documents["text"].tolist()
    words = [count_words(text) for text in texts]
    filled = [text.strip() for text in texts if text.strip()]
    doc_ids = set(dataset.documents["doc_id"])
    relevant: dict[str, bool] = {}  # query id -> whether one of its relevant documents is in the corpus
    for query_id, doc_id in select_relevant(dataset.judgments)[["query_id", "doc_id"]].itertuples(index=False):
        relevant[query_id] = relevant.get(query_id, False) or doc_id in doc_ids
    return Health(
        documents=len(texts),
        empty_documents=len(texts) - len(dataset.indexed_documents),
        duplicate_texts=len(filled) - len(set(filled)),
        median_words=float(median(words)) if words else 0.0,
        max_words=max(words, default=0),
        queries=len(dataset.queries),
        judgments=len(dataset.judgments),
        queries_with_relevant=len(relevant),
        queries_only_missing=sum(not present for present in relevant.values()),
        queries_with_filter=sum(bool(conditions) for conditions in dataset.queries["filter"]),
        unjudged_copies=describe_copies(find_unjudged_copies(dataset)),
        queries_with_evidence=int(dataset.evidence["query_id"].nunique()),
        fields=_summarise_fields(dataset),
        languages=tuple(detect_languages(dataset).items()) if len(dataset.indexed_documents) else (),
    )


def _summarise_fields(dataset: Dataset) -> tuple[FieldHealth, ...]:
    filled: Counter[str] = Counter()
    values: dict[str, set[str]] = {}
    for metadata in dataset.documents["metadata"]:
        for name, value in metadata.items():
            if _is_filled(value):
                filled[name] += 1
                items = value if isinstance(value, list) else [value]
                values.setdefault(name, set()).update(repr(item) for item in items)
    total = len(dataset.documents)
    return tuple(FieldHealth(name, filled[name] / total, len(values[name])) for name in sorted(filled))


def _is_filled(value: Any) -> bool:
    return value is not None and value not in ("", [])
