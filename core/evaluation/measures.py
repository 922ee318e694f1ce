"""What is measured: ir_measures' own document measures, and evidence counted in characters. The only door to ir_measures."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from core.errors import InputError

PRIMARY = "nDCG@10"
DOCUMENT_MEASURES = (
    "nDCG@10", "Success@1", "Success@5", "R@5", "R@10", "R@100", "P@5", "P@10", "RR@10", "AP",
)  # fmt: skip
CONTEXT_RECALL = "evidence_recall@1000tokens"
EVIDENCE_MEASURES = (
    "evidence_recall@5", "evidence_precision@5", "evidence_iou@5", CONTEXT_RECALL, "answer_success@5",
)  # fmt: skip
JUDGED = "Judged@10"
EVIDENCE_DEPTH = 5
CONTEXT = 1000  # tokens of context at which chunkings are compared

Span = tuple[int, int]


def measure_documents(
    judgments: pd.DataFrame, run: pd.DataFrame, *, measures: Iterable[str] = DOCUMENT_MEASURES
) -> pd.DataFrame:
    """query_id, measure, value for every query with at least one relevant label; without results it scores 0.

    judgments: schema.JUDGMENTS (relevant means relevance >= 1). run: schema.DOCUMENT_RUN; only its ranks are read
    (score = -rank), so ties were settled by schema.rank_run. Raises InputError for a measure ir_measures does not know.
    """
    import ir_measures

    names = list(measures)
    answerable = find_answerable(judgments)
    if not len(answerable) or not names:
        return pd.DataFrame({"query_id": [], "measure": [], "value": []})
    try:
        parsed = {name: ir_measures.parse_measure(name) for name in names}
    except (NameError, ValueError) as error:
        raise InputError(f"ir_measures does not know one of the measures {names} ({error})") from error
    qrels = judgments[judgments["query_id"].isin(answerable)][["query_id", "doc_id", "relevance"]]
    hits = run[run["query_id"].isin(answerable)]
    hits = pd.DataFrame({"query_id": hits["query_id"], "doc_id": hits["doc_id"], "score": -hits["rank"].astype(float)})
    values = {(name, query_id): 0.0 for name in names for query_id in answerable}
    by_parsed = {str(measure): name for name, measure in parsed.items()}
    if len(hits):
        for metric in ir_measures.iter_calc(list(parsed.values()), qrels, hits):
            values[(by_parsed[str(metric.measure)], metric.query_id)] = float(metric.value)
    rows = [(query_id, name, value) for (name, query_id), value in values.items()]
    return pd.DataFrame(rows, columns=["query_id", "measure", "value"])


def find_answerable(judgments: pd.DataFrame) -> list[str]:
    """Ids of the queries with at least one relevant label, in order of first appearance."""
    return judgments.loc[judgments["relevance"] >= 1, "query_id"].drop_duplicates().tolist()


def measure_evidence(evidence: pd.DataFrame, run: pd.DataFrame, *, depth: int = EVIDENCE_DEPTH) -> pd.DataFrame:
    """Recall, precision and IoU of the evidence in characters over the first `depth` chunks; query_id, measure, value.

    evidence: schema.EVIDENCE. run: schema.RUN with start and end of each hit's chunk.
    Definitions of the Chroma report (Smith, Troynikov 2024): found = characters of the evidence covered by a retrieved
    chunk, each counted once; recall = found / characters of the evidence; precision = found / characters of the retrieved
    chunks, where overlapping chunks all count; IoU = found / (characters retrieved + evidence missed).
    A query without results scores 0.
    """
    hits = _spans_of(run[run["rank"] <= depth])
    rows: list[tuple[str, str, float]] = []
    for query_id, wanted in _spans_of(evidence).items():
        values = score_spans(wanted, hits.get(query_id, []))
        rows.extend((query_id, f"{name}@{depth}", value) for name, value in values.items())
    return pd.DataFrame(rows, columns=["query_id", "measure", "value"])


def _spans_of(frame: pd.DataFrame) -> dict[str, list[tuple[str, Span]]]:
    """query id -> (document, span) of its rows, in order."""
    spans: dict[str, list[tuple[str, Span]]] = {}
    for query_id, doc_id, start, end in zip(*(frame[name] for name in ("query_id", "doc_id", "start", "end")), strict=True):
        spans.setdefault(query_id, []).append((doc_id, (int(start), int(end))))
    return spans


def measure_context(evidence: pd.DataFrame, run: pd.DataFrame, *, budget: int = CONTEXT) -> pd.DataFrame:
    """Recall of the evidence in characters within the first `budget` tokens of hits; query_id, measure, value.

    evidence: schema.EVIDENCE. run: schema.RUN with start, end and tokens of each hit's chunk. Hits are taken in rank order
    until the budget is full; of the hit that crosses it the beginning counts, in proportion. Every system fills the same
    context, so that large chunks have no advantage over small ones. A query without results scores 0.
    """
    wanted = _spans_of(evidence)
    hits: dict[str, list[tuple[str, Span]]] = {}
    used: dict[str, int] = {}
    columns = [run[name].to_numpy() for name in ("query_id", "doc_id", "start", "end", "tokens")]
    for query_id, doc_id, start, end, tokens in zip(*columns, strict=True):
        left = budget - used.get(query_id, 0)
        if left <= 0 or query_id not in wanted:
            continue
        used[query_id] = used.get(query_id, 0) + int(tokens)
        stop = end if tokens <= left else start + (end - start) * left // tokens
        hits.setdefault(query_id, []).append((doc_id, (int(start), int(stop))))
    rows = [
        (query_id, CONTEXT_RECALL, score_spans(spans, hits.get(query_id, []))["evidence_recall"])
        for query_id, spans in wanted.items()
    ]
    return pd.DataFrame(rows, columns=["query_id", "measure", "value"])


def score_spans(wanted: list[tuple[str, Span]], hits: list[tuple[str, Span]]) -> dict[str, float]:
    """evidence_recall, evidence_precision and evidence_iou of one query; see measure_evidence()."""
    found = 0
    missed = 0
    for doc_id in {doc for doc, _ in wanted}:
        evidence = merge_spans([span for doc, span in wanted if doc == doc_id])
        covered = overlap(evidence, merge_spans([span for doc, span in hits if doc == doc_id]))
        found += covered
        missed += length(evidence) - covered
    asked = sum(end - start for _, (start, end) in wanted)
    retrieved = sum(end - start for _, (start, end) in hits)
    return {
        "evidence_recall": found / asked if asked else 0.0,
        "evidence_precision": found / retrieved if retrieved else 0.0,
        "evidence_iou": found / (retrieved + missed) if retrieved + missed else 0.0,
    }


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """The same characters as sorted spans that do not touch."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif end > start:
            merged.append((start, end))
    return merged


def length(spans: Iterable[Span]) -> int:
    """Characters in spans that do not overlap."""
    return sum(end - start for start, end in spans)


def overlap(first: list[Span], second: list[Span]) -> int:
    """Characters that stand in both of two lists of merged spans."""
    return sum(max(0, min(a_end, b_end) - max(a_start, b_start)) for a_start, a_end in first for b_start, b_end in second)


def measure_judged(judgments: pd.DataFrame, run: pd.DataFrame) -> float | None:
    """Mean share of the first ten documents that carry any label (Judged@10); None if only positives were judged.

    Queries without results are left out: they have no hit that could be unjudged.
    """
    if judgments.empty or (judgments["relevance"] >= 1).all():
        return None
    frame = measure_documents(judgments, run, measures=[JUDGED])
    frame = frame[frame["query_id"].isin(run["query_id"])]
    return float(np.mean(frame["value"])) if len(frame) else None
