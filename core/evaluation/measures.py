"""What is measured: an object for each measure, and the document measures, by ir_measures. The only door to it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.data.grades import to_whole_grades
from core.errors import InputError
from core.evaluation.answers import SUCCESS, find_answerable, measure_success, rank_answers
from core.evaluation.spans import CONTEXT_RECALL, CONTEXT_TOKENS, measure_context, measure_evidence
from core.schema import is_relevant, to_document_run

PRIMARY = "nDCG@10"
JUDGED = "Judged@10"
VERSION = 1  # to be raised when a measure gives other numbers than before: values that are kept are kept under it
Compute = Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Measure:
    """A number for a query and what a system found for it; more is better, which is what every comparison reads it as.

    name: as it stands in files and on the command line. plain_name: the same for people, a phrase that completes "the mean
    is the ...". meaning: a sentence or two for somebody who has never heard of it. source: where it is defined.
    compute: (run, judgments, evidence) -> query_id, measure, value, for the runs of per_query.evaluate_runs(): a row
    for every query that it measures, also for one without results. One function may give several measures, which are then
    counted once. None: ir_measures knows it by its name.
    needs_evidence: measured only where queries have evidence. can_choose: a ladder may choose by it, since a perfect ranking
    gives 1, whatever the number of relevant documents: headroom is counted to there. in_short: in the command line's table.
    range: the least and the highest value.
    """

    name: str
    plain_name: str
    meaning: str
    source: str
    compute: Compute | None = None
    needs_evidence: bool = False
    can_choose: bool = False
    in_short: bool = False
    range: tuple[float, float] = (0.0, 1.0)


def _measure_spans(run: pd.DataFrame, judgments: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    return measure_evidence(evidence, run)


def _measure_context(run: pd.DataFrame, judgments: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    return measure_context(evidence, run)


def _measure_success(run: pd.DataFrame, judgments: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    return measure_success(rank_answers(run, judgments, evidence))


_TREC = "trec_eval, NIST; https://ir-measur.es/en/latest/measures.html"
_PRECISION = "van Rijsbergen: Information Retrieval, 1979"
_CHROMA = "Smith, Troynikov: Evaluating Chunking Strategies for Retrieval, Chroma 2024"

# In the order in which they are measured and shown.
MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            PRIMARY,
            "how well the first ten hits are ordered",
            "How high the labelled documents stand among the first ten hits: 1 when all of them are at the top, 0 when none is "
            "there; a document further down counts less.",
            "Järvelin, Kekäläinen: Cumulated gain-based evaluation of IR techniques, TOIS 2002",
            can_choose=True,
            in_short=True,
        ),
        Measure(
            "Success@1",
            "share of queries whose very first hit is relevant",
            "1 for a query whose first hit is a relevant document, else 0.",
            _TREC,
            can_choose=True,
        ),
        Measure(
            "Success@5",
            "share of queries with a relevant hit among the first five",
            "1 for a query with a relevant document among its first five, else 0.",
            _TREC,
            can_choose=True,
            in_short=True,
        ),
        Measure(
            "R@5",
            "share of the relevant documents that are among the first five",
            "The share of a query's relevant documents that are among its first five.",
            _TREC,
        ),
        Measure(
            "R@10",
            "share of the relevant documents that are among the first ten",
            "The share of a query's relevant documents that are among its first ten.",
            _TREC,
        ),
        Measure(
            "R@100",
            "share of the relevant documents that are among the first hundred",
            "The share of a query's relevant documents that are among its first hundred.",
            _TREC,
            can_choose=True,
            in_short=True,
        ),
        Measure(
            "P@5",
            "share of the first five hits that are relevant",
            "The share of a query's first five documents that are relevant.",
            _PRECISION,
        ),
        Measure(
            "P@10",
            "share of the first ten hits that are relevant",
            "The share of a query's first ten documents that are relevant.",
            _PRECISION,
        ),
        Measure(
            "RR@10",
            "1 / rank of the first relevant hit, 0 if it is not among the first ten",
            "1 divided by the rank of the first relevant document: 1 at rank one, 0.5 at rank two; 0 beyond rank ten.",
            "Kantor, Voorhees: The TREC-5 Confusion Track, Information Retrieval 2000",
            can_choose=True,
        ),
        Measure(
            "AP",
            "average precision, whose mean is called MAP",
            "The mean, over a query's relevant documents, of the share of relevant ones down to each: high if all stand early.",
            "Harman: Evaluation issues in information retrieval, IPM 1992",
            can_choose=True,
            in_short=True,
        ),
        Measure(
            "evidence_recall@5",
            "share of the answer's characters that stand in the first five chunks",
            "The share of the passages that answer the query, in characters, which the first five hits hold.",
            _CHROMA,
            _measure_spans,
            needs_evidence=True,
            in_short=True,
        ),
        Measure(
            "evidence_precision@5",
            "share of the first five chunks' characters that belong to the answer",
            "The share of the first five hits' characters that answer the query; small for large chunks.",
            _CHROMA,
            _measure_spans,
            needs_evidence=True,
        ),
        Measure(
            "evidence_iou@5",
            "answer found / (text retrieved + answer missed), in characters",
            "Both in one: the characters that answer and were found, of all that were found or should have been.",
            _CHROMA,
            _measure_spans,
            needs_evidence=True,
        ),
        Measure(
            CONTEXT_RECALL,
            f"share of the answer's characters within the first {CONTEXT_TOKENS:,} tokens (about 750 words) of hits",
            f"Hits are taken from the top until they come to {CONTEXT_TOKENS:,} tokens, about as much as is handed to a "
            "language model. The measure is the share of the passages that answer the query which are then in hand: 1 all of "
            "them, 0 none. It is fair to small and large chunks alike.",
            f"{_CHROMA}; here within a number of tokens instead of chunks",
            _measure_context,
            needs_evidence=True,
            can_choose=True,
        ),
        Measure(
            SUCCESS,
            "share of queries with a hit among the first five that holds at least half of an answer passage",
            "1 for a query whose answer is among its first five hits, else 0.",
            "Success@5 of answers instead of documents: core.evaluation.answers",
            _measure_success,
            needs_evidence=True,
        ),
    )
}


def list_measures(*, has_evidence: bool = True) -> list[str]:
    """The names of all measures, without evidence those that need none."""
    return [name for name, measure in MEASURES.items() if has_evidence or not measure.needs_evidence]


def list_choosing(*, has_evidence: bool = True) -> list[str]:
    """The names of the measures that a ladder may choose by."""
    return [name for name in list_measures(has_evidence=has_evidence) if MEASURES[name].can_choose]


def explain_measure(name: str) -> str:
    """The measure's meaning; "" for one that is not known here any more, which an old result may hold."""
    return MEASURES[name].meaning if name in MEASURES else ""


def measure_run(run: pd.DataFrame, judgments: pd.DataFrame, evidence: pd.DataFrame, *, measures: Iterable[str]) -> pd.DataFrame:
    """query_id, measure, value of one run, for the queries that each measure measures. run: as in per_query.evaluate_runs().

    measures: names of MEASURES, or others that ir_measures knows.
    """
    names = list(measures)
    own = {name: measure.compute for name, measure in MEASURES.items() if name in names and measure.compute}
    parts = []
    if len(own) < len(names):
        document_run = to_document_run(run)
        parts.append(measure_documents(judgments, document_run, measures=[name for name in names if name not in own]))
    for compute in dict.fromkeys(own.values()):
        values = compute(run, judgments, evidence)
        parts.append(values[values["measure"].isin(names)])
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"query_id": [], "measure": [], "value": []})


def measure_documents(judgments: pd.DataFrame, run: pd.DataFrame, *, measures: Iterable[str]) -> pd.DataFrame:
    """query_id, measure, value for every query with at least one relevant label; without results it scores 0.

    judgments: schema.JUDGMENTS. run: schema.DOCUMENT_RUN; only its ranks are read (score = -rank), so ties were settled by
    schema.rank_run. Raises InputError for a measure ir_measures does not know.
    """
    labels = _prepare(_Same(judgments), tuple(measures))
    values = {(name, query_id): 0.0 for name in labels.names.values() for query_id in labels.answerable}
    hits: dict[str, dict[str, float]] = {query_id: {} for query_id in labels.answerable}
    for query_id, doc_id, rank in zip(*(run[name].tolist() for name in ("query_id", "doc_id", "rank")), strict=True):
        if query_id in hits:
            hits[query_id][doc_id] = -float(rank)
    found = {query_id: scores for query_id, scores in hits.items() if scores}
    if found and labels.evaluator is not None:
        for metric in labels.evaluator.iter_calc(found):
            values[(labels.names[str(metric.measure)], metric.query_id)] = float(metric.value)
    rows = [(query_id, name, value) for (name, query_id), value in values.items()]
    return pd.DataFrame(rows, columns=["query_id", "measure", "value"])


class _Same:
    """A frame as a key: equal to itself alone. Frames are never changed, so that one stands for its content."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.frame is other.frame

    def __hash__(self) -> int:
        return id(self.frame)


@dataclass(frozen=True)
class _Labels:
    """Labels as ir_measures reads them. answerable: queries with a relevant label. names: its name of a measure -> ours.
    evaluator: None where there is nothing to measure."""

    answerable: list[str]
    names: dict[str, str]
    evaluator: Any


@functools.lru_cache(maxsize=8)
def _prepare(judgments: _Same, measures: tuple[str, ...]) -> _Labels:
    """The labels in the form that ir_measures needs, once for all runs that are measured by them."""
    import ir_measures

    frame = judgments.frame
    answerable = find_answerable(frame)
    if not answerable or not measures:
        return _Labels(answerable, {}, None)
    try:
        parsed = {name: ir_measures.parse_measure(name) for name in measures}
    except (NameError, ValueError) as error:
        raise InputError(f"ir_measures does not know one of the measures {list(measures)} ({error})") from error
    qrels: dict[str, dict[str, int]] = {query_id: {} for query_id in answerable}
    grades, least = to_whole_grades(frame["relevance"].to_numpy(), is_relevant(frame).to_numpy(dtype=bool))
    for query_id, doc_id, grade in zip(frame["query_id"].tolist(), frame["doc_id"].tolist(), grades.tolist(), strict=True):
        if query_id in qrels:
            qrels[query_id][doc_id] = grade
    if least != 1:
        parsed = {
            name: measure(rel=least) if "rel" in measure.SUPPORTED_PARAMS else measure for name, measure in parsed.items()
        }
    names = {str(measure): name for name, measure in parsed.items()}
    return _Labels(answerable, names, ir_measures.evaluator(list(parsed.values()), qrels))


def measure_judged(judgments: pd.DataFrame, run: pd.DataFrame) -> float | None:
    """Mean share of the first ten documents that carry any label (Judged@10); None if only positives were judged.

    Queries without results are left out: they have no hit that could be unjudged.
    """
    if judgments.empty or is_relevant(judgments).all():
        return None
    frame = measure_documents(judgments, run, measures=[JUDGED])
    frame = frame[frame["query_id"].isin(set(run["query_id"]))]
    return float(np.mean(frame["value"])) if len(frame) else None
