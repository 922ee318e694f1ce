"""What a comparison of systems results in: an experiment, its JSON and its TREC runs."""

from __future__ import annotations

import dataclasses
import datetime
import re
import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NotRequired, TypedDict

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.diagnosis.sides import Sides
from core.schema import PER_QUERY, empty, to_document_run

_WHITE_SPACE = re.compile(r"\s")


class MeasuredMean(TypedDict):
    """A mean over n queries with its 95 % interval, low to high."""

    mean: float
    low: float
    high: float
    n: int


class DatasetSummary(TypedDict):
    """What describe_dataset() tells of a dataset: its name, counts and fingerprints.

    left_out: queries that are documents themselves, which are left out of what is found for them; absent if none is.
    relevant_from: the grade from which on documents count as relevant; absent if it is 1.
    """

    name: str
    documents: int
    queries: int
    judgments: int
    evidence: int
    fingerprint: str
    corpus_fingerprint: str
    left_out: NotRequired[int]
    relevant_from: NotRequired[float]


@dataclass(frozen=True)
class SystemResult:
    """What is known of one system after a run; `error` says why the rest is empty.

    measures: by name. latency_ms: as measure_latency() gives it, or None; in older experiments without
    nodes and machine. judged_at_10: None = n/a.
    index: {chunks, truncated_passages, truncated_tokens (shares), index_loss (1 - recall@100 of the index) or None}, or
    {error} if that could not be found out.
    """

    name: str
    spec: dict[str, Any]
    error: str | None = None
    measures: dict[str, MeasuredMean] = field(default_factory=dict)
    latency_ms: dict[str, Any] | None = None
    judged_at_10: float | None = None
    index: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """The result of compare(). runs: system -> schema.RUN with start and end of each hit's chunk. status: "done",
    "cancelled" or "running" (partial). per_query: schema.PER_QUERY. query_ids: the queries asked, in the dataset's order
    (a ladder draws its own split, which the dataset does not know). sides: whether word matching and the models could work on
    these data; empty while it runs, and in older experiments."""

    id: str
    name: str
    created: str
    dataset: DatasetSummary
    split_used: str
    systems: tuple[SystemResult, ...]
    timings: dict[str, Any]
    per_query: pd.DataFrame = field(default_factory=partial(empty, PER_QUERY))
    runs: dict[str, pd.DataFrame] = field(default_factory=dict)
    status: str = "done"
    note: str = ""
    query_ids: tuple[str, ...] = ()
    sides: Sides = field(default_factory=Sides)

    def to_json(self) -> dict[str, Any]:
        """The JSON of `compare --json`: everything but the runs and the per-query values."""
        apart = ("per_query", "runs", "systems", "sides")
        kept = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in apart}
        sides = dataclasses.asdict(self.sides)
        return {**kept, "systems": [dataclasses.asdict(system) for system in self.systems], "sides": sides}

    @property
    def ready(self) -> list[str]:
        """Names of the systems that have a run, in order."""
        return [system.name for system in self.systems if system.error is None and system.name in self.runs]


def describe_dataset(dataset: Dataset) -> DatasetSummary:
    """name, counts and fingerprints, as they stand in JSON."""
    summary: DatasetSummary = {
        "name": dataset.name,
        "documents": len(dataset.documents),
        "queries": len(dataset.queries),
        "judgments": len(dataset.judgments),
        "evidence": len(dataset.evidence),
        "fingerprint": dataset.fingerprint,
        "corpus_fingerprint": dataset.corpus_fingerprint,
    }
    if dataset.left_out:
        summary["left_out"] = len(dataset.left_out)
    if dataset.relevant_from != 1:
        summary["relevant_from"] = dataset.relevant_from
    return summary


def make_experiment_id() -> str:
    """Sortable by time, unique without coordination: 20260131-235959-1a2b."""
    now = datetime.datetime.now(datetime.UTC)
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def to_trec(run: pd.DataFrame, *, tag: str) -> str:
    """A TREC run file of the document view: query-id Q0 doc-id rank score tag, score = -rank.

    The format separates fields by white space, so white space in an id is written as %20, as in an address.
    """
    documents = to_document_run(run)
    queries, names = documents["query_id"].tolist(), documents["doc_id"].tolist()
    written = {name: _WHITE_SPACE.sub("%20", name) for name in {*queries, *names}}
    rows = zip(queries, names, documents["rank"].astype(np.int64).tolist(), strict=True)
    return "".join(f"{written[query]}\tQ0\t{written[doc]}\t{rank}\t{-rank}\t{tag}\n" for query, doc, rank in rows)
