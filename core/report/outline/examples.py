"""Queries as evidence: where the answer stood before and stands after, and its text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.evaluation.answers import find_holding_hits, rank_answers
from core.recommendation.assess import Assessment
from core.report.outline.blocks import Example
from core.schema import RUN_DEPTH, select_relevant, to_document_run
from core.text.phrases import shorten

_QUERY, _TITLE = 300, 120  # signs shown
_EXCERPT = 420  # signs of an answer
_LEAD = 80  # signs before the first passage that answers

Span = tuple[int, int]


def make_examples(assessment: Assessment, dataset: Dataset, query_ids: Sequence[str]) -> list[Example]:
    """The queries that the dataset still has, in order, under the baseline and the recommended system."""
    texts = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    ids = [query_id for query_id in query_ids if query_id in texts]
    names = (assessment.analysis.baseline, assessment.recommendation.system)
    runs = {name: _select(assessment.experiment.runs[name], ids) for name in names}
    judgments, evidence = _select(dataset.judgments, ids), _select(dataset.evidence, ids)
    ranks = {name: rank_answers(run, judgments, evidence) for name, run in runs.items()}
    examples = []
    for query_id in ids:
        before, after = (float(ranks[name].get(query_id, np.inf)) for name in names)
        better = names[1] if after <= before else names[0]
        own = (_select(frame, [query_id]) for frame in (runs[better], judgments, evidence))
        title, excerpt, marks = _find_answer(dataset, *own)
        worse = names[0] if better == names[1] else names[1]
        examples.append(
            Example(
                query_id=query_id,
                query=shorten(texts[query_id], width=_QUERY),
                moved=f"{names[0]}: {say_rank(before)} → {names[1]}: {say_rank(after)}",
                title=title,
                excerpt=excerpt,
                marks=marks,
                remark=_say_first(dataset, _select(runs[worse], [query_id]), worse),
            )
        )
    return examples


def say_rank(rank: float) -> str:
    """A rank in words; infinity is beyond the run."""
    return f"rank {int(rank)}" if np.isfinite(rank) else f"not among the first {RUN_DEPTH}"


def _select(frame: pd.DataFrame, query_ids: Sequence[str]) -> pd.DataFrame:
    return frame[frame["query_id"].isin(list(query_ids))]


def _find_answer(
    dataset: Dataset, run: pd.DataFrame, judgments: pd.DataFrame, evidence: pd.DataFrame
) -> tuple[str, str, tuple[Span, ...]]:
    """Title, excerpt and marked places of the first hit that holds the answer; empty if none does. One query's frames."""
    if len(evidence):
        hits = run[run["chunk_id"].isin(find_holding_hits(run, evidence)["chunk_id"])]
    else:
        relevant = set(select_relevant(judgments)["doc_id"])
        hits = run[run["chunk_id"].isin(to_document_run(run[run["doc_id"].isin(relevant)])["chunk_id"])]
    if hits.empty:
        return "", "", ()
    hit = hits.sort_values("rank", kind="stable").iloc[0]
    title, text = _read_document(dataset, str(hit["doc_id"]))
    spans = evidence.loc[evidence["doc_id"] == hit["doc_id"], ["start", "end"]].itertuples(index=False)
    inside = [(int(start), int(end)) for start, end in spans if start < hit["end"] and end > hit["start"]]
    excerpt, marks = cut_excerpt(text, (int(hit["start"]), int(hit["end"])), inside)
    return title, excerpt, marks


def cut_excerpt(text: str, chunk: Span, spans: Sequence[Span]) -> tuple[str, tuple[Span, ...]]:
    """At most some 420 signs of a chunk around the first of the spans, on one line, and where the spans stand in them."""
    start, end = chunk
    if spans:
        start = max(start, min(first for first, _ in spans) - _LEAD)
    if start > chunk[0]:
        space = text.find(" ", start, min(first for first, _ in spans))
        start = space + 1 if space >= 0 else start
    stop = min(end, start + _EXCERPT)
    if stop < end:
        space = text.rfind(" ", start, stop)
        stop = space if space > start else stop
    shown = text[start:stop].rstrip()
    lead, tail = "… " if start > chunk[0] else "", " …" if start + len(shown) < end else ""
    marks = [
        (max(first, start) - start + len(lead), min(last, start + len(shown)) - start + len(lead))
        for first, last in sorted(spans)
        if first < start + len(shown) and last > start
    ]
    return lead + "".join(" " if sign.isspace() else sign for sign in shown) + tail, tuple(marks)


def _read_document(dataset: Dataset, doc_id: str) -> tuple[str, str]:
    rows = dataset.documents[dataset.documents["doc_id"] == doc_id]
    if rows.empty:
        return doc_id, ""
    return shorten(str(rows["title"].iloc[0]).strip() or doc_id, width=_TITLE), str(rows["text"].iloc[0])


def _say_first(dataset: Dataset, run: pd.DataFrame, system: str) -> str:
    """What stands first instead in the system that has the answer further down."""
    if run.empty:
        return f"{system} finds nothing for this query."
    return f"First hit of {system}: {_read_document(dataset, str(run.iloc[0]['doc_id']))[0]}"
