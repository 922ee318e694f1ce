"""What is measured: the names of the measures, and the document measures, by ir_measures. The only door to it."""

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


def measure_judged(judgments: pd.DataFrame, run: pd.DataFrame) -> float | None:
    """Mean share of the first ten documents that carry any label (Judged@10); None if only positives were judged.

    Queries without results are left out: they have no hit that could be unjudged.
    """
    if judgments.empty or (judgments["relevance"] >= 1).all():
        return None
    frame = measure_documents(judgments, run, measures=[JUDGED])
    frame = frame[frame["query_id"].isin(run["query_id"])]
    return float(np.mean(frame["value"])) if len(frame) else None
