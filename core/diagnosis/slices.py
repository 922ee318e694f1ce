"""Kinds of queries, found from the data, and how well the systems do on each."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from core.data.dataset import Dataset
from core.data.languages import make_analyzer
from core.diagnosis.shared_terms import count_documents, find_identifiers, find_rare_terms
from core.errors import StageError
from core.evaluation.per_query import pivot
from core.evaluation.significance import bootstrap_means
from core.schema import select_relevant
from core.text.words import Analyzer, count_words

LONG = 20  # words from which a query is long
LOW_OVERLAP = 0.25  # share of a query's words in its answer up to which the overlap is low
SMALL = 5  # a slice of fewer queries says nothing about its kind
TAG = "tag: "
SLICE_WORDS = {
    "identifiers and codes": "The query names a code, part number, version, file or setting, such as KH-4012, 3.1 or hub.yaml.",
    "rare terms": "The query has a word that stands in hardly any document (at most 1 %, or two documents).",
    "filterable": "The query comes with a filter, such as the version of the product it is about.",
    "long or multi-part": f"The query has {LONG} or more words, or asks for two or more things.",
    "low word overlap": "At most a quarter of the query's words stand in its answer: it is asked in other words.",
}
SLICES = ["query_id", "slice"]
SLICE_MEASURES = ["slice", "system", "n", "mean", "low", "high", "small"]

_LINE_START = re.compile(r"\n\s+")  # else each line of a run of empty ones would be tried as a beginning
# A question part begins with one of these words, at the beginning of a clause.
_QUESTION_PART = re.compile(
    r"(?:^|[.,;:?!(/\n–-]|\b(?:and|or|but|then|also|plus)\b)\s*"
    r"(?:(?:and|or|but|then|also|so|for|from|in|on|at|to|with|by)\s+){0,2}"
    r"(?:how|what|which|who|whose|whom|when|where|why|is|are|was|were|do|does|did|can|could|will|would|should|may|must|has|have)\b",
    re.IGNORECASE,
)


def describe_slice(name: str) -> str:
    """A slice in plain words; SLICE_WORDS, and for a tag whose it is."""
    return SLICE_WORDS.get(name) or f'The query carries your tag "{name.removeprefix(TAG)}".'


def find_slices(dataset: Dataset, *, frequencies: Mapping[str, int] | None = None) -> pd.DataFrame:
    """SLICES: a row for every slice that a query belongs to, by slice (SLICE_WORDS, then tags), then in the dataset's order.

    frequencies: shared_terms.count_documents() of the dataset's indexed documents and analyzer, where the caller has it.
    - identifiers and codes, rare terms: see shared_terms.find_identifiers() and find_rare_terms().
    - filterable: the query has a filter.
    - long or multi-part: 20 or more words, or two or more clauses that open with a question word or an auxiliary ("how …, and
      does it …").
    - low word overlap: at most a quarter of the query's distinct content terms (stems, no stop words) stand in its evidence,
      all spans together; without evidence, in the relevant document that shares most, since many documents together hold any
      word. Queries without an answer in the corpus or without content terms are left out.
    - "tag: X": the query carries the tag X; tags in alphabetical order.
    """
    documents = dataset.indexed_documents
    analyzer = make_analyzer(dataset)
    counts = count_documents(documents, analyzer) if frequencies is None else frequencies
    rare = functools.partial(find_rare_terms, frequencies=counts, documents=len(documents), analyzer=analyzer)
    queries = dataset.queries
    texts = dict(zip(queries["query_id"], queries["text"], strict=True))
    filters = dict(zip(queries["query_id"], queries["filter"], strict=True))
    overlap = _measure_overlap(dataset, documents, analyzer)
    members = {
        "identifiers and codes": [name for name, text in texts.items() if find_identifiers(text)],
        "rare terms": [name for name, text in texts.items() if rare(text)],
        "filterable": [name for name, conditions in filters.items() if conditions],
        "long or multi-part": [name for name, text in texts.items() if _is_long(text) or count_question_parts(text) > 1],
        "low word overlap": [name for name in texts if overlap.get(name, 1.0) <= LOW_OVERLAP],
    }
    tags = dict(zip(queries["query_id"], map(set, queries["tags"]), strict=True))
    for tag in sorted(set().union(*tags.values())):
        members[TAG + tag] = [name for name, own in tags.items() if tag in own]
    return pd.DataFrame([(query_id, name) for name, ids in members.items() for query_id in ids], columns=SLICES)


def measure_slices(per_query: pd.DataFrame, slices: pd.DataFrame, *, measure: str, systems: Sequence[str]) -> pd.DataFrame:
    """SLICE_MEASURES: mean of a measure with its 95 % bootstrap interval for every slice and system, in order.

    per_query: schema.PER_QUERY of the queries to report. slices: from find_slices(). n: measured queries of the slice;
    small: n is below 5, so mean and interval say little. Slices without a measured query have no rows.
    Raises StageError if a system has no values of the measure.
    """
    values = per_query[(per_query["measure"] == measure) & per_query["system"].isin(systems)]
    missing = [system for system in systems if system not in set(values["system"])]
    if missing:
        raise StageError(f"slices: expected values of {measure} for {', '.join(systems)}, found none for {', '.join(missing)}")
    if not len(values) or slices.empty:
        return pd.DataFrame([], columns=SLICE_MEASURES)
    table = pivot(values)[list(systems)]
    rows = []
    for name, group in slices.groupby("slice", sort=False):
        own = table[table.index.isin(group["query_id"])].to_numpy()
        if not len(own):
            continue
        columns = zip(systems, own.mean(axis=0), *bootstrap_means(own), strict=True)
        rows += [(name, system, len(own), *map(float, numbers), len(own) < SMALL) for system, *numbers in columns]
    return pd.DataFrame(rows, columns=SLICE_MEASURES)


def count_question_parts(text: str) -> int:
    """How many clauses of a text open with a question word or an auxiliary verb; 0 for a text that asks nothing."""
    return len(_QUESTION_PART.findall(_LINE_START.sub("\n", text)))


def _is_long(text: str) -> bool:
    return count_words(text) >= LONG


def _measure_overlap(dataset: Dataset, documents: pd.DataFrame, analyzer: Analyzer) -> dict[str, float]:
    """query_id -> share of its content terms that its answer holds; see find_slices() for what is left out."""
    texts = dict(zip(documents["doc_id"], documents["text"], strict=True))
    titles = dict(zip(documents["doc_id"], documents["title"], strict=True))
    evidence = dataset.evidence[dataset.evidence["doc_id"].isin(texts.keys())]
    answers: dict[str, list[set[str]]] = {}
    for query_id, doc_id, start, end in evidence[["query_id", "doc_id", "start", "end"]].itertuples(index=False):
        held = answers.setdefault(query_id, [set()])
        held[0].update(analyzer.collect(texts[doc_id][start:end]))
    known: dict[str, set[str]] = {}
    relevant = select_relevant(dataset.judgments)
    relevant = relevant[relevant["doc_id"].isin(texts.keys())]
    for query_id, doc_id in relevant.loc[~relevant["query_id"].isin(evidence["query_id"]), ["query_id", "doc_id"]].to_numpy():
        if doc_id not in known:
            known[doc_id] = analyzer.collect(f"{titles[doc_id]}\n{texts[doc_id]}")
        answers.setdefault(query_id, []).append(known[doc_id])
    shares = {}
    for query_id, text in zip(dataset.queries["query_id"], dataset.queries["text"], strict=True):
        terms = analyzer.collect(text)
        if terms and query_id in answers:
            shares[query_id] = max(len(terms & held) for held in answers[query_id]) / len(terms)
    return shares
