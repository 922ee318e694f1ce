"""The queries of an experiment: in which order, which of them, and which systems to look at. Frames in, frames out.

Disagreement of the systems on a query has two parts, and queries are sorted by the first, then by the second:
- spread: highest minus lowest value of the measure over the systems. Missing where the query has no relevant label.
- different top ten: 1 - the mean over all pairs of systems of (documents in both top tens / longest top ten), from 0
  (all show the same ten) to 1 (no document twice). Needs no labels. Whatever is still equal: hardest first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.evaluation.per_query import find_success_measure, pivot
from core.experiment.result import Experiment
from core.schema import to_document_run
from core.systems.named import BASELINE

TOP = 10
ALL_QUERIES, FOUND_BY_ALL, FOUND_BY_NONE, FAILED_BY = "all queries", "found by all", "found by none", "failed by "

Runs = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Ratings:
    """queries: query_id, spread, different; the most disagreement first. values: queries x systems of the measure."""

    queries: pd.DataFrame
    values: pd.DataFrame


@st.cache_resource(show_spinner="Ranking the documents of each system", max_entries=4)
def open_document_runs(experiment_id: str, ready: tuple[str, ...], _experiment: Experiment) -> Runs:
    """system -> document run with start and end of the chunk that stands for the document."""
    return {name: locate_documents(_experiment.runs[name]) for name in ready}


def locate_documents(run: pd.DataFrame) -> pd.DataFrame:
    """The document view of a run (schema.DOCUMENT_RUN) with start and end of each document's best chunk."""
    if run.empty:
        return to_document_run(run).assign(start=[], end=[])
    spans = run[["chunk_id", "start", "end"]].drop_duplicates("chunk_id")
    return to_document_run(run).merge(spans, on="chunk_id", how="left")


def list_queries(ids: Sequence[str], runs: Runs, *, per_query: pd.DataFrame, changed: bool) -> list[str]:
    """The ids that the experiment ran; if the dataset changed since, without those that no run or label knows."""
    if not changed:
        return list(ids)
    known = set(per_query["query_id"]).union(*(set(run["query_id"]) for run in runs.values()))
    return [query_id for query_id in ids if query_id in known]


@st.cache_resource(show_spinner=False, max_entries=16)
def open_ratings(
    key: tuple[object, ...], _query_ids: Sequence[str], _runs: Runs, _per_query: pd.DataFrame, measure: str
) -> Ratings:
    """rate_queries(), once per key: experiment, ready systems, split, fingerprint of the dataset."""
    return rate_queries(_query_ids, _runs, per_query=_per_query, measure=measure)


def rate_queries(
    query_ids: Sequence[str], runs: Mapping[str, pd.DataFrame], *, per_query: pd.DataFrame, measure: str
) -> Ratings:
    """How much the systems disagree on each query; see the head of this file. No runs give no spread and 0 difference."""
    chosen = per_query[(per_query["measure"] == measure) & per_query["system"].isin(list(runs))]
    values = pivot(chosen) if len(chosen) else pd.DataFrame(columns=list(runs), dtype=float)
    values = values.reindex(index=list(query_ids), columns=list(runs))
    frame = pd.DataFrame(
        {
            "query_id": list(query_ids),
            "spread": (values.max(axis=1) - values.min(axis=1)).to_numpy(),
            "different": measure_difference(query_ids, runs).to_numpy(),
            "mean": values.mean(axis=1).to_numpy(),
        }
    )
    # Rounded, or a difference in the last bit of a mean would decide what comes first.
    order = frame.assign(spread=frame["spread"].round(9), different=frame["different"].round(9)).sort_values(
        ["spread", "different", "mean"], ascending=[False, False, True], kind="stable", na_position="last"
    )
    queries = frame.loc[order.index, ["query_id", "spread", "different"]].reset_index(drop=True)
    return Ratings(queries, values)


def measure_difference(query_ids: Sequence[str], runs: Mapping[str, pd.DataFrame]) -> pd.Series:
    """query_id -> 1 - mean share of documents that two systems have in common in their top tens; 0 with one system."""
    pairs = len(runs) * (len(runs) - 1) / 2
    tops = [run.loc[run["rank"] <= TOP, ["query_id", "doc_id"]].assign(system=name) for name, run in runs.items()]
    if not pairs:
        return pd.Series(0.0, index=list(query_ids))
    hits = pd.concat(tops, ignore_index=True)
    count = hits.groupby(["query_id", "doc_id"]).size()
    shared = (count * (count - 1) / 2).groupby(level="query_id").sum()
    longest = hits.groupby(["query_id", "system"]).size().groupby(level="query_id").max()
    return (1 - shared / (longest * pairs)).reindex(list(query_ids)).fillna(0.0)


def list_outcomes(names: Sequence[str]) -> list[str]:
    """Options of the filter by outcome."""
    return [ALL_QUERIES, FOUND_BY_ALL, FOUND_BY_NONE, *(f"{FAILED_BY}{name}" for name in names)]


def filter_queries(
    ids: Sequence[str],
    queries: pd.DataFrame,
    *,
    words: str = "",
    tags: Sequence[str] = (),
    outcome: str = ALL_QUERIES,
    per_query: pd.DataFrame | None = None,
) -> list[str]:
    """The ids, in their order, whose query has all the words (in text or id), one of the tags, and the outcome.

    "Found" means the answer among the first five (find_success_measure); queries without a relevant label have no outcome.
    """
    rows = queries.set_index("query_id").loc[list(ids)]
    wanted = words.casefold().split()
    kept = []
    for query_id, text, own in zip(rows.index, rows["text"], rows["tags"], strict=True):
        where = f"{query_id} {text}".casefold()
        if all(word in where for word in wanted) and (not tags or set(tags) & set(own)):
            kept.append(query_id)
    if outcome == ALL_QUERIES or per_query is None:
        return kept
    found = per_query[per_query["measure"] == find_success_measure(per_query)]
    table = pivot(found) > 0 if len(found) else pd.DataFrame(dtype=bool)
    if outcome == FOUND_BY_ALL:
        fitting = table.index[table.all(axis=1)]
    elif outcome == FOUND_BY_NONE:
        fitting = table.index[~table.any(axis=1)]
    else:
        name = outcome.removeprefix(FAILED_BY)
        fitting = table.index[~table[name]] if name in table else []
    allowed = set(fitting)
    return [query_id for query_id in kept if query_id in allowed]


def pick_systems(query_id: str, runs: Mapping[str, pd.DataFrame], values: pd.DataFrame) -> list[str]:
    """The baseline, the best of the others on this query, and whose top ten shares least with those of these two.

    Best: highest value on the query, then highest mean, passing over those with the baseline's very top ten; left out
    without labels. The baseline is "dense", else the first.
    """
    names = list(runs)
    if len(names) <= 3:
        return names
    picked = [BASELINE if BASELINE in names else names[0]]
    tops = {name: find_top(run, query_id) for name, run in runs.items()}
    own = values.loc[query_id].drop(picked)
    # A system that shows the very same ten as the baseline would waste a column.
    other = [name for name in own.index if tops[name] != tops[picked[0]]] or list(own.index)
    if own.notna().any():
        means = values.mean()
        picked.append(max(other, key=lambda name: (own[name], means[name])))
    while len(picked) < 3:
        shared = {name: sum(len(set(tops[name]) & set(tops[one])) for one in picked) for name in names if name not in picked}
        picked.append(min(shared, key=lambda name: shared[name]))
    return picked


def find_top(run: pd.DataFrame, query_id: str) -> list[str]:
    """Documents of the top ten, by rank."""
    rows = run[(run["query_id"] == query_id) & (run["rank"] <= TOP)]
    return list(rows.sort_values("rank")["doc_id"])


def read_systems(asked: str | None, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """(known, unknown) of ?systems=a,b; at most four known ones, each once."""
    parts = list(dict.fromkeys(part.strip() for part in (asked or "").split(",") if part.strip()))
    return [part for part in parts if part in names][:4], [part for part in parts if part not in names]
