"""Evidence, counted in characters: how much of what answers a query stands in the chunks that were found."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

EVIDENCE_DEPTH = 5
CONTEXT_TOKENS = 1000  # tokens of context at which chunkings are compared
CONTEXT_RECALL = f"evidence_recall@{CONTEXT_TOKENS}tokens"
Span = tuple[int, int]


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


def measure_context(evidence: pd.DataFrame, run: pd.DataFrame, *, budget: int = CONTEXT_TOKENS) -> pd.DataFrame:
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
        covered = count_overlap(evidence, merge_spans([span for doc, span in hits if doc == doc_id]))
        found += covered
        missed += count_characters(evidence) - covered
    sought = sum(end - start for _, (start, end) in wanted)
    retrieved = sum(end - start for _, (start, end) in hits)
    return {
        "evidence_recall": found / sought if sought else 0.0,
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


def count_characters(spans: Iterable[Span]) -> int:
    """Characters in spans that do not overlap."""
    return sum(end - start for start, end in spans)


def count_overlap(first: list[Span], second: list[Span]) -> int:
    """Characters that stand in both of two lists of merged spans."""
    return sum(max(0, min(a_end, b_end) - max(a_start, b_start)) for a_start, a_end in first for b_start, b_end in second)
