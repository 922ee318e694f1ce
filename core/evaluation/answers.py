"""Where each query's answer stands in a run: by evidence spans where the query has some, else by judged documents."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.schema import select_relevant, to_document_run

COVERED = 0.5  # share of an evidence span that a hit's chunk must hold to count as the answer
SUCCESS = "answer_success@5"
FIRST = 5


def find_answerable(judgments: pd.DataFrame) -> list[str]:
    """Ids of the queries with at least one relevant label, in order of first appearance."""
    return select_relevant(judgments)["query_id"].drop_duplicates().tolist()


def rank_answers(run: pd.DataFrame, judgments: pd.DataFrame, evidence: pd.DataFrame) -> pd.Series:
    """Rank of the first hit that holds the answer, for every query with a relevant label; inf where none does.

    run: schema.RUN with start and end of each hit's chunk. A query with evidence counts its chunks' ranks, and a chunk holds
    the answer if it covers at least half of a span; a query without counts documents. Index query_id, float.
    """
    answerable = find_answerable(judgments)
    ranks = pd.Series(np.inf, index=pd.Index(answerable, dtype=object), dtype=float)
    found = pd.concat(
        [_rank_spans(run, evidence), _rank_documents(run, judgments, skip=set(evidence["query_id"]))], ignore_index=True
    )
    if len(found):
        best = found.groupby("query_id")["rank"].min()
        known = ranks.index.intersection(best.index)
        ranks.loc[known] = best.loc[known].astype(float)
    return ranks


def find_holding_hits(run: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """The rows of a run whose chunk covers at least half of an evidence span: query_id, chunk_id, doc_id, rank."""
    columns = ["query_id", "chunk_id", "doc_id", "rank"]
    if run.empty or evidence.empty:
        return run.reindex(columns=columns).iloc[:0]
    pairs = run[[*columns, "start", "end"]].merge(
        evidence.rename(columns={"start": "from", "end": "to"}), on=["query_id", "doc_id"]
    )
    shared = np.minimum(pairs["end"], pairs["to"]) - np.maximum(pairs["start"], pairs["from"])
    holds = shared >= COVERED * (pairs["to"] - pairs["from"])
    return pairs.loc[holds & (shared > 0), columns].drop_duplicates(["query_id", "chunk_id"]).reset_index(drop=True)


def measure_success(ranks: pd.Series) -> pd.DataFrame:
    """query_id, measure, value: 1 where the answer is among the first five hits."""
    return pd.DataFrame({"query_id": ranks.index, "measure": SUCCESS, "value": (ranks.to_numpy() <= FIRST).astype(float)})


def _rank_spans(run: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    return find_holding_hits(run, evidence)[["query_id", "rank"]]


def _rank_documents(run: pd.DataFrame, judgments: pd.DataFrame, *, skip: set[str]) -> pd.DataFrame:
    relevant = select_relevant(judgments)
    relevant = relevant[~relevant["query_id"].isin(skip)]
    hits = run[run["query_id"].isin(relevant["query_id"])]
    documents = to_document_run(hits)[["query_id", "doc_id", "rank"]]
    return documents.merge(relevant[["query_id", "doc_id"]], on=["query_id", "doc_id"])[["query_id", "rank"]]
