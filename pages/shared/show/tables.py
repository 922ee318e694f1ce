"""Tables of results: what an experiment's frames come to, as frames to show. Statistics are cached by experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.evaluation.comparisons import Comparison, compare_leader, compare_with
from core.evaluation.measures import MEASURES, explain_measure
from core.evaluation.per_query import (
    MeanValue,
    average,
    count_hits,
    find_success_measure,
    pivot,
    recall_curve,
)
from core.evaluation.verdicts import INTERVAL_WORDS
from core.experiment.result import Experiment
from core.schema import to_document_run
from core.stages.registry import list_steps
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown
from pages.shared.show.stage_words import name_step

DEPTHS = (1, 2, 3, 5, 10, 20, 50, 100)
JUDGED_GAP = 0.05  # shares of labelled hits that differ by more than this make a comparison doubtful
SHARED_DEPTH = 10
NO_RESULT, WAITING = "no result", "waiting"


def stamp(view: View) -> str:
    """Names for caches what is looked at: experiment, how far it is, split."""
    experiment = view.experiment
    return f"{experiment.id}/{experiment.status}/{len(experiment.ready)}/{view.split}" if experiment else ""


@st.cache_data(show_spinner="Averaging", max_entries=32)
def _average(stamp: str, measures: tuple[str, ...], _per_query: pd.DataFrame) -> dict[str, dict[str, MeanValue]]:
    return average(_per_query[_per_query["measure"].isin(measures)])


@st.cache_data(show_spinner=False, max_entries=64)
def _compare_with(stamp: str, measure: str, baseline: str, _per_query: pd.DataFrame) -> dict[str, Comparison]:
    return compare_with(pivot(_per_query[_per_query["measure"] == measure]), baseline, measure=measure)


@st.cache_data(show_spinner="Comparing all pairs", max_entries=32)
def _compare_leader(stamp: str, measure: str, _per_query: pd.DataFrame, _systems: Sequence[str]) -> dict[str, Comparison]:
    table = pivot(_per_query[_per_query["measure"] == measure])
    return compare_leader(table[[name for name in _systems if name in table]], measure=measure)


@st.cache_data(show_spinner="Measuring recall at every depth", max_entries=16)
def _recall(stamp: str, fingerprint: str, _judgments: pd.DataFrame, _runs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return recall_curve(_judgments, _runs, depths=DEPTHS)


@st.cache_data(show_spinner="Comparing the hits", max_entries=8)
def _shared(stamp: str, _runs: Mapping[str, pd.DataFrame], _query_ids: Sequence[str]) -> pd.DataFrame:
    return share_hits(_runs, _query_ids)


def average_view(view: View, measures: Sequence[str]) -> dict[str, dict[str, MeanValue]]:
    """system -> measure -> mean with its 95 % interval, over the view's split."""
    experiment = view.experiment
    if experiment is not None and view.split == experiment.split_used:
        known = {system.name: system.measures for system in experiment.systems if system.measures}
        return {
            name: {measure: MeanValue(**values[measure]) for measure in measures if measure in values}
            for name, values in known.items()
        }
    return _average(stamp(view), tuple(measures), view.per_query)


def compare_view(view: View, baseline: str) -> dict[str, Comparison]:
    """Every other system against the baseline on the view's measure, see compare_with()."""
    return _compare_with(stamp(view), view.measure, baseline, view.per_query)


def compare_view_leader(view: View) -> dict[str, Comparison]:
    """The best system on the view's measure against every other one, the runner-up first, see compare_leader()."""
    return _compare_leader(stamp(view), view.measure, view.per_query, view.experiment.ready if view.experiment else ())


def measure_recall(view: View, dataset: Dataset) -> pd.DataFrame:
    """system, depth, recall over the view's queries, as labelled now."""
    judgments = dataset.judgments[dataset.judgments["query_id"].isin(view.query_ids)]
    return _recall(stamp(view), dataset.fingerprint, judgments, view.experiment.runs if view.experiment else {})


def measure_shared(view: View) -> pd.DataFrame:
    """query_id, first, second, shared for every pair of systems over the view's queries; see share_hits()."""
    return _shared(stamp(view), view.experiment.runs if view.experiment else {}, view.query_ids)


def share_hits(runs: Mapping[str, pd.DataFrame], query_ids: Sequence[str], *, depth: int = SHARED_DEPTH) -> pd.DataFrame:
    """How much two systems agree on a query: documents in both first `depth` / documents in the longer of the two lists.

    runs: system -> schema.RUN. Returns query_id, first, second, shared in [0, 1]; two empty lists agree (1).
    """
    top: dict[str, dict[str, set[str]]] = {}
    for system, run in runs.items():
        hits = to_document_run(run, depth=depth)
        top[system] = {str(query): set(group) for query, group in hits.groupby("query_id")["doc_id"]}
    rows = []
    for first, second in combinations(runs, 2):
        for query_id in query_ids:
            one, other = top[first].get(query_id, set()), top[second].get(query_id, set())
            longer = max(len(one), len(other))
            rows.append((query_id, first, second, len(one & other) / longer if longer else 1.0))
    return pd.DataFrame(rows, columns=["query_id", "first", "second", "shared"])


def make_agreement(shared: pd.DataFrame, systems: Sequence[str]) -> pd.DataFrame:
    """Systems x systems: the mean share of hits that two systems have in common. shared: from share_hits()."""
    means = shared.groupby(["first", "second"], sort=False)["shared"].mean()
    table = pd.DataFrame(1.0, index=list(systems), columns=list(systems))
    for (first, second), value in means.items():
        table.loc[first, second] = table.loc[second, first] = value
    return table.rename_axis("System").reset_index()


def make_leaderboard(view: View, *, baseline: str, waiting: Sequence[str] = ()) -> pd.DataFrame:
    """One row per system, best on the view's measure first, those without a result last.

    Columns: system, state ("", "no result" or "waiting"), hit (find_success_measure), mean, delta, low, high, p95 (ms), n.
    """
    experiment = view.experiment
    systems = experiment.systems if experiment else ()
    success = find_success_measure(view.per_query)
    means = average_view(view, [success, view.measure])
    deltas = compare_view(view, baseline) if baseline else {}
    rows: list[dict[str, Any]] = []
    for system in systems:
        row: dict[str, Any] = {"system": system.name, "state": NO_RESULT if system.error else ""}
        own, delta = means.get(system.name, {}), deltas.get(system.name)
        if success in own:
            row["hit"] = own[success].mean
        if view.measure in own:
            row |= {"mean": own[view.measure].mean, "n": own[view.measure].n}
        if delta is not None:
            row |= {"delta": delta.delta, "low": delta.low, "high": delta.high}
        elif system.name == baseline:
            row |= dict.fromkeys(("delta", "low", "high"), 0.0)
        if system.latency_ms:
            row["p95"] = system.latency_ms["p95"]
        rows.append(row)
    rows += [{"system": name, "state": WAITING} for name in waiting]
    columns = ["system", "state", "hit", "mean", "delta", "low", "high", "p95", "n"]
    frame = pd.DataFrame(rows, columns=columns)
    frame[columns[2:]] = frame[columns[2:]].astype(float)
    return frame.sort_values("mean", ascending=False, kind="stable", na_position="last").reset_index(drop=True)


def show_leaderboard(board: pd.DataFrame, *, measure: str, success: str, baseline: str, key: str) -> str | None:
    """Draws the leaderboard; returns the system whose row is selected, if any. success: what its column `hit` holds."""
    shown = board.drop(columns="state")
    shown["system"] = [
        f"{name} ({state})" if state else name for name, state in zip(board["system"], board["state"], strict=True)
    ]
    if measure == success:
        shown = shown.drop(columns="mean")
    number = st.column_config.NumberColumn
    name = escape_markdown(baseline)
    interval = (
        f"95 % interval of the difference to {name}, paired by query, wide enough for all systems at once. If it contains 0, "
        "the queries do not tell the two apart."
    )
    words = {
        "system": "Select a row to see its queries.",
        "hit": MEASURES[success].plain_name,
        "mean": explain_measure(measure),
        "delta": f"Mean {escape_markdown(measure)} minus that of {name}, over the same queries.",
        "low": interval,
        "high": interval,
        "p95": "95 of 100 queries are answered within this time, one at a time, on the machine of the run.",
        "n": "Queries measured: those with a relevant label.",
    }
    config = {
        "system": st.column_config.TextColumn("System", pinned=True, help=words["system"]),
        "hit": number(success, format="%.3f", help=words["hit"]),
        "mean": number(measure, format="%.3f", help=words["mean"]),
        "delta": number("Difference", format="%+.3f", help=words["delta"]),
        "low": number("Low", format="%+.3f", help=words["low"]),
        "high": number("High", format="%+.3f", help=words["high"]),
        "p95": number("p95 ms", format="%.1f", help=words["p95"]),
        "n": number("n", format="%d", help=words["n"]),
    }
    best = board.iloc[0]
    alt = f"Leaderboard of {len(board)} systems on {measure}; first is {best['system']} with {best['mean']:.3f}."
    state = st.dataframe(
        shown,
        column_config=config,
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        placeholder="–",
        alt=alt,
    )
    chosen = [row for row in state["selection"]["rows"] if row < len(board) and not board["state"].iloc[row]]
    return str(board["system"].iloc[chosen[0]]) if chosen else None


def pair_queries(view: View, first: str, second: str, texts: Mapping[str, str]) -> pd.DataFrame:
    """query_id, text, first, second, delta (first - second) on the view's measure, hit (answer among first's five)."""
    frame = view.per_query
    table = pivot(frame[frame["measure"] == view.measure])
    success = frame["measure"] == find_success_measure(frame)
    hits = frame[success & (frame["system"] == first)].set_index("query_id")["value"] > 0
    ids = table.index.astype(str)
    return pd.DataFrame(
        {
            "query_id": ids,
            "text": [texts.get(query_id, query_id) for query_id in ids],
            "first": table[first].to_numpy(),
            "second": table[second].to_numpy(),
            "delta": (table[first] - table[second]).to_numpy(),
            "hit": hits.reindex(ids, fill_value=False).to_numpy(),
        }
    )


def describe_best(view: View, *, leader: str, baseline: str) -> str:
    """ "The answer is among the first five for 52 of 60 queries with hybrid-rrf; with dense for 44." Plain text.

    Speaks of the system with most such queries, which need not be the leader on the chosen measure; the leader if it ties.
    """
    counts = {name: count_hits(view.per_query, system=name) for name in view.per_query["system"].drop_duplicates()}
    best = max(counts, key=lambda name: (counts[name][0], name == leader, name == baseline))
    hits, count = counts[best]
    sentence = f"The answer is among the first five for {hits} of {count} queries with {best}"
    if best == baseline:
        return f"{sentence}."
    others = counts[baseline][0]
    return f"{sentence}, as with {baseline}." if others == hits else f"{sentence}; with {baseline} for {others}."


def describe_filtered(experiment: Experiment, dataset: Dataset, view: View) -> str:
    """Says what filtered systems are given, or read off the query, that the others are not; else empty. Plain text."""
    asked = dataset.queries[dataset.queries["query_id"].isin(view.query_ids)]
    count = sum(bool(conditions) for conditions in asked["filter"])
    ready = [system for system in experiment.systems if system.name in experiment.ready]
    given = [system.name for system in ready if system.spec.get("filter")]
    reading = {system.name: tuple(system.spec["infer_filters"]) for system in ready if system.spec.get("infer_filters")}
    sentences = []
    if given and count:
        verb = "searches" if len(given) == 1 else "search"
        sentences.append(
            f"{', '.join(given)} {verb} only what matches the query's own filter, which {count} of {len(asked)} queries carry; "
            "the other systems are not told it."
        )
    for fields in dict.fromkeys(reading.values()):
        names = [name for name, own in reading.items() if own == fields]
        verb = "reads" if len(names) == 1 else "read"
        whose = "queries without one" if all(name in given for name in names) else "the query"
        sentences.append(f"{', '.join(names)} {verb} a filter off the text of {whose}, where it names a {' or '.join(fields)}.")
    return " ".join(sentences)


def describe_difference(view: View, *, leader: str, baseline: str) -> str:
    """What the leader reaches, and whether it is better than the baseline and than the runner-up. Plain text."""
    mean = average_view(view, [view.measure])[leader][view.measure].mean
    lead = compare_view_leader(view)
    if not lead:
        return f"Its {view.measure} is {mean:.3f}."
    runner_up = next(iter(lead))
    told = [f"{leader} scores highest on {view.measure}: {mean:.3f}."]
    if leader != baseline:
        told.append(compare_view(view, baseline)[leader].describe())
    if runner_up != baseline or leader == baseline:
        told.append(lead[runner_up].describe())
    return " ".join([*told, INTERVAL_WORDS])


def describe_queries(view: View, dataset: Dataset) -> str:
    """Which split, how many queries are measured, how many are left out and why; what no system may find. Plain text."""
    own = len(dataset.left_out.keys() & set(view.query_ids))
    told = f" {own:,} of them are documents of the corpus themselves, which are left out of what is found." if own else ""
    return _describe_measured(view, dataset) + told


def _describe_measured(view: View, dataset: Dataset) -> str:
    ids = view.query_ids
    measured = set(view.per_query.loc[view.per_query["measure"] == view.measure, "query_id"])
    left = [query_id for query_id in ids if query_id not in measured]
    start = f"Split {view.split}: {len(measured)} of {len(ids)} queries are measured"
    if not left:
        return start + "; none is left out."
    if view.measure.startswith("evidence"):
        return f"{start}; {len(left)} have no evidence and are left out."
    judged = set(dataset.judgments["query_id"])
    without = sum(query_id in judged for query_id in left)
    reasons = [f"{without} judged without a relevant document"] * bool(without)
    reasons += [f"{len(left) - without} unjudged"] * bool(len(left) - without)
    return f"{start}; {len(left)} left out ({', '.join(reasons)})."


def describe_judged(experiment: Experiment) -> str | None:
    """A warning if hits of some systems are labelled much more often than those of others. Plain text."""
    known = {system.name: system.judged_at_10 for system in experiment.systems if system.judged_at_10 is not None}
    if len(known) < 2:
        return None
    most, least = max(known, key=lambda name: known[name]), min(known, key=lambda name: known[name])
    if known[most] - known[least] <= JUDGED_GAP:
        return None
    return (
        f"Labels cover the systems unevenly: of the first ten hits {known[most]:.0%} are judged for {most}, "
        f"but {known[least]:.0%} for {least}. Unjudged hits count as not relevant, so {least} may be better than it looks."
    )


def make_measure_table(view: View, measures: Sequence[str]) -> pd.DataFrame:
    """Measures x systems: "0.412 (0.381 to 0.444)", then what the measure says and where it is defined."""
    means = average_view(view, measures)
    rows = []
    for measure in measures:
        cells = {name: _spell(values.get(measure)) for name, values in means.items()}
        source = MEASURES[measure].source if measure in MEASURES else ""
        rows.append({"Measure": measure, **cells, "What it says": explain_measure(measure), "Source": source})
    return pd.DataFrame(rows)


def _spell(value: MeanValue | None) -> str:
    return f"{value.mean:.3f} ({value.low:.3f} to {value.high:.3f})" if value else ""


def make_facts(experiment: Experiment) -> pd.DataFrame:
    """System, judged@10, chunks, shares cut off, index loss (all shares in percent) and latency in ms."""
    rows = []
    for system in experiment.systems:
        index, latency = system.index, system.latency_ms or {}
        rows.append(
            {
                "System": system.name,
                "Judged@10 %": _percent(system.judged_at_10),
                "Chunks": index.get("chunks"),
                "Chunks cut %": _percent(index.get("truncated_passages")),
                "Tokens cut %": _percent(index.get("truncated_tokens")),
                "Index loss %": _percent(index.get("index_loss")),
                **{f"{name} ms": latency.get(name) for name in ("p50", "p95", "p99")},
            }
        )
    frame = pd.DataFrame(rows).set_index("System").astype(float)
    return frame.reset_index()


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


FACT_WORDS = {
    "Judged@10 %": "share of the first ten hits that carry any label; empty if only relevant documents were labelled",
    "Chunks": "pieces of text that are indexed",
    "Chunks cut %": "share of the indexed texts that are longer than the model reads",
    "Tokens cut %": "share of all tokens that the model does not read",
    "Index loss %": "share of the true first hundred that the approximate index misses; quality is measured with exact search",
    "p50 ms": "half of the queries are answered within this time",
    "p95 ms": "95 of 100 queries are answered within this time",
    "p99 ms": "99 of 100 queries are answered within this time",
}


def make_stages(experiment: Experiment) -> pd.DataFrame:
    """System and the median milliseconds of each stage that a query passes, in the order of the stages."""
    stages: dict[str, dict[str, float]] = {}
    for system in experiment.systems:
        for name, value in (system.latency_ms or {}).get("stages", {}).items():
            words = name_step(name)
            own = stages.setdefault(system.name, {})
            own[words] = own.get(words, 0.0) + value
    order = list_steps()
    frame = pd.DataFrame.from_dict(stages, orient="index")
    columns = sorted(frame.columns, key=lambda name: order.index(name) if name in order else len(order))
    return frame[columns].rename_axis("System").reset_index()
