"""A run in the best order that its first 100 hits allow."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.evaluation.spans import Span, count_overlap, merge_spans
from core.schema import RUN_DEPTH, to_document_run


def rerank_perfectly(run: pd.DataFrame, judgments: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """The run with the hits that hold the answer first, as far as they are among its first 100; the others keep their order.

    A query with evidence: of the first 100 chunks always the one that adds most characters of evidence, until none adds any
    (needs start and end of each hit). Others: the hits of the first 100 documents, higher relevance first. For document
    measures give no evidence. Columns as given; score = -rank.
    """
    if run.empty:
        return run
    first = to_document_run(run)[["query_id", "doc_id"]]
    labels = judgments[~judgments["query_id"].isin(set(evidence["query_id"]))].merge(first, on=["query_id", "doc_id"])
    known = labels.set_index(["query_id", "doc_id"])["relevance"].to_dict()
    gains = np.array([known.get(pair, 0) for pair in zip(run["query_id"], run["doc_id"], strict=True)], dtype=float)
    # Evidence: the hit to come first gets the highest number; within a query only one of the two kinds is used.
    places = run.groupby("query_id", sort=False).indices
    for query_id, spans in evidence[evidence["query_id"].isin(places.keys())].groupby("query_id", sort=False):
        rows = places[query_id]
        rows = rows[run["rank"].to_numpy()[rows] <= RUN_DEPTH]
        hits = run.iloc[rows]
        order = _choose_covering(_list_spans(spans), _list_spans(hits))
        gains[rows[order]] = np.arange(len(order), 0, -1)
    queries = pd.factorize(run["query_id"])[0]
    return rank_again(run.iloc[np.lexsort((run["rank"].to_numpy(), -gains, queries))])


def _list_spans(frame: pd.DataFrame) -> list[tuple[str, Span]]:
    columns = (frame[name].tolist() for name in ("doc_id", "start", "end"))
    return [(doc_id, (int(start), int(end))) for doc_id, start, end in zip(*columns, strict=True)]


def _choose_covering(wanted: list[tuple[str, Span]], hits: list[tuple[str, Span]]) -> list[int]:
    """Places of hits, each the one that adds most characters of the wanted spans to those before it; equals by rank."""
    by_document = {doc: merge_spans([span for other, span in wanted if other == doc]) for doc, _ in wanted}
    covered: dict[str, list[Span]] = {doc: [] for doc in by_document}
    left = [place for place, (doc, _) in enumerate(hits) if doc in by_document]
    chosen: list[int] = []

    def added(place: int) -> int:
        doc, span = hits[place]
        return count_overlap(by_document[doc], merge_spans([*covered[doc], span])) - count_overlap(
            by_document[doc], covered[doc]
        )

    while left:
        best = max(left, key=added)
        if added(best) <= 0:
            break
        doc, span = hits[best]
        covered[doc] = merge_spans([*covered[doc], span])
        left.remove(best)
        chosen.append(best)
    return chosen


def rank_again(run: pd.DataFrame) -> pd.DataFrame:
    """The rows of a run, in the order they are in, with ranks from 1 and score = -rank."""
    ranks = run.groupby("query_id", sort=False).cumcount().to_numpy() + 1
    return run.assign(score=-ranks.astype(float), rank=ranks).reset_index(drop=True)
