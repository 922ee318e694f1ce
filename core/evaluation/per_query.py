"""From runs and labels to per-query values and means with intervals. Sees frames only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.evaluation.answers import SUCCESS
from core.evaluation.measures import list_measures, measure_documents, measure_run
from core.evaluation.significance import bootstrap_means
from core.schema import PER_QUERY, empty, to_document_run


@dataclass(frozen=True)
class MeanValue:
    """A mean over n queries with its own 95 % interval, which says nothing of how it compares with other means."""

    mean: float
    low: float
    high: float
    n: int


def evaluate_runs(runs: Mapping[str, pd.DataFrame], *, judgments: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """Every measure for every system and judged query: schema.PER_QUERY, in the order of `runs`.

    runs: system -> schema.RUN; where there is evidence also start, end and tokens of each hit's chunk.
    """
    measures = list_measures(has_evidence=len(evidence) > 0)
    frames = []
    for system, run in runs.items():
        frame = measure_run(run, judgments, evidence, measures=measures)
        if len(frame):
            frames.append(frame.assign(system=system))
    return pd.concat(frames, ignore_index=True)[PER_QUERY] if frames else empty(PER_QUERY)


def measure_one(run: pd.DataFrame, judgments: pd.DataFrame, evidence: pd.DataFrame, measure: str) -> pd.Series:
    """One measure of one run by query id, for the queries it measures. run: as in evaluate_runs()."""
    frame = measure_run(run, judgments, evidence, measures=[measure])
    return pd.Series(frame["value"].to_numpy(dtype=float), index=frame["query_id"].to_numpy(dtype=object))


def average(per_query: pd.DataFrame, *, seed: int = 0) -> dict[str, dict[str, MeanValue]]:
    """system -> measure -> mean with interval. The same resampled queries serve all systems of a measure."""
    means: dict[str, dict[str, MeanValue]] = {system: {} for system in per_query["system"].drop_duplicates()}
    for measure, group in per_query.groupby("measure", sort=False):
        table = pivot(group)
        low, high = bootstrap_means(table.to_numpy(dtype=float), seed=seed)
        for column, system in enumerate(table.columns):
            mean = float(table[system].mean())
            means[system][str(measure)] = MeanValue(mean, float(low[column]), float(high[column]), len(table))
    return means


def pivot(per_query: pd.DataFrame) -> pd.DataFrame:
    """One measure's values (schema.PER_QUERY) as queries x systems, both in order of first appearance."""
    # pivot_table would average a query that stands there twice; pivot refuses it.
    table = per_query.pivot(index="query_id", columns="system", values="value")  # noqa: PD010
    return table.loc[per_query["query_id"].drop_duplicates(), per_query["system"].drop_duplicates()].astype(float)


def find_success_measure(per_query: pd.DataFrame) -> str:
    """What "the answer is among the first five" is measured by: by evidence where that was measured, else Success@5."""
    return SUCCESS if (per_query["measure"] == SUCCESS).any() else "Success@5"


def count_hits(per_query: pd.DataFrame, *, system: str, measure: str = "") -> tuple[int, int]:
    """(queries with a hit, queries measured): "the answer is among the first five for 52 of 60 queries".

    measure: a success measure; "" takes find_success_measure().
    """
    measure = measure or find_success_measure(per_query)
    values = per_query.loc[(per_query["system"] == system) & (per_query["measure"] == measure), "value"]
    return int(np.sum(values > 0)), len(values)


def recall_curve(judgments: pd.DataFrame, runs: Mapping[str, pd.DataFrame], *, depths: tuple[int, ...]) -> pd.DataFrame:
    """system, depth, recall (mean over queries with a relevant label), measured by ir_measures at each depth."""
    names = {f"R@{depth}": depth for depth in depths}
    rows = []
    for system, run in runs.items():
        frame = measure_documents(judgments, to_document_run(run), measures=names)
        for measure, group in frame.groupby("measure", sort=False):
            rows.append((system, names[str(measure)], float(group["value"].mean())))
    return pd.DataFrame(rows, columns=["system", "depth", "recall"])
