"""One chart per question: which system is best, how deep to look, where two differ, whether it is worth its latency."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from core.data.dataset import Dataset
from pages.parts.results.query_tables import open_query, read_texts
from pages.shared.frame.links import Link, go
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown
from pages.shared.show import charts, tables


def show_question(view: View, dataset: Dataset, *, board: pd.DataFrame, baseline: str) -> None:
    """One chart per question; only the chosen one is computed."""
    questions: dict[str, Callable[[], None]] = {
        "Which is best?": lambda: _show_ranking(view, board, baseline),
        "How deep do you have to look?": lambda: _show_recall(view, dataset),
        "Where do two systems differ?": lambda: _show_differences(view, dataset, board, baseline),
        "Is it worth its latency?": lambda: _show_latency(view, board),
    }
    names = list(questions)
    chosen = st.segmented_control(
        "Question", names, default=names[0], required=True, key="question", bind="query-params", label_visibility="collapsed"
    )
    questions[chosen or names[0]]()


def _draw(figure: Figure, *, key: str, alt: str) -> None:
    st.plotly_chart(figure, key=key, alt=alt, config=charts.CONFIG)


def _show_ranking(view: View, board: pd.DataFrame, baseline: str) -> None:
    rows = board[board["mean"].notna()].copy()
    if len(rows) == 1:
        means = tables.average_view(view, [view.measure])
        rows["low"] = [means[name][view.measure].low for name in rows["system"]]
        rows["high"] = [means[name][view.measure].high for name in rows["system"]]
        st.caption("The dot is the mean, the bar its 95 % interval over the queries.")
    else:
        middle = float(rows.loc[rows["system"] == baseline, "mean"].iloc[0])
        rows["low"], rows["high"] = middle + rows["low"], middle + rows["high"]
        st.caption(
            f"A dot is a mean. The dotted line is {escape_markdown(baseline)}; a bar is the 95 % interval of the difference "
            "to it, paired by query, wide enough for all systems at once. Where a bar crosses the line, these queries do not "
            "tell the two apart."
        )
    listed = ", ".join(f"{row.system} {row.mean:.3f}" for row in rows.itertuples())
    _draw(
        charts.draw_ranking(rows, measure=view.measure, baseline=baseline),
        key="chart_ranking",
        alt=f"Mean {view.measure}: {listed}.",
    )


def _show_recall(view: View, dataset: Dataset) -> None:
    curve = tables.measure_recall(view, dataset)
    if curve.empty:
        st.info("The labels of these queries are no longer in the dataset, so recall cannot be drawn.")
        return
    st.caption(
        "Share of the relevant documents found among the first k. Where a curve is low at 5 and high at 50, the answer is "
        "found but ranked too low: reranking can help. Where it stays low, it is not found at all."
    )
    at_ten = curve[curve["depth"] == 10]
    listed = ", ".join(f"{row.system} {row.recall:.3f}" for row in at_ten.itertuples())
    _draw(charts.draw_recall(curve), key="chart_recall", alt=f"Recall by depth. Among the first ten: {listed}.")


def _show_differences(view: View, dataset: Dataset, board: pd.DataFrame, baseline: str) -> None:
    ready = board.loc[board["mean"].notna(), "system"].tolist()
    if len(ready) < 2:
        st.info("Two systems with results are needed to compare them query by query.")
        return
    left, right = st.columns(2)
    first = left.selectbox("System", ready, index=0 if ready[0] != baseline else 1, key="differ_first")
    others = [name for name in ready if name != first]
    second = right.selectbox(
        "Compared with", others, index=others.index(baseline) if baseline in others else 0, key="differ_second"
    )
    deltas = tables.pair_queries(view, first, second, read_texts(dataset))
    bars = charts.choose_bars(deltas)
    wins, losses = int((deltas["delta"] > 0).sum()), int((deltas["delta"] < 0).sum())
    same = len(deltas) - wins - losses
    if bars.empty:
        st.info(f"Both score the same on all {same} queries.")
        return
    cut = f" The {len(bars)} largest of {wins + losses} differences are shown." if wins + losses > len(bars) else ""
    st.caption(
        f"A bar is a query. {escape_markdown(first)} is better on {wins} of {len(deltas)}, {escape_markdown(second)} "
        f"on {losses}; on {same} they score the same.{cut} Click on a bar to open that query."
    )
    state = st.plotly_chart(
        charts.draw_differences(bars, first=first, second=second, measure=view.measure),
        key="chart_differences",
        on_select="rerun",
        selection_mode="points",
        config=charts.CONFIG,
        alt=f"Difference in {view.measure} per query: {first} better on {wins}, {second} on {losses}, equal on {same}.",
    )
    points = state["selection"]["points"]
    if points:
        open_query(bars["query_id"].iloc[int(points[0]["x"])], (first, second))


def _show_latency(view: View, board: pd.DataFrame) -> None:
    rows = board[board["mean"].notna() & board["p95"].notna()].rename(columns={"p95": "milliseconds"})
    if rows.empty:
        st.info("Latency is measured once all systems are finished.")
        return
    st.caption(
        "Up is a higher score, left is faster. The dotted line joins the systems that no faster one matches; a system below it "
        "costs time without scoring higher. Time of 95 of 100 queries, one at a time, on the machine of the run."
    )
    listed = ", ".join(f"{row.system} {row.mean:.3f} in {row.milliseconds:.1f} ms" for row in rows.itertuples())
    _draw(charts.draw_latency(rows, measure=view.measure), key="chart_latency", alt=f"{view.measure} by p95 latency: {listed}.")
    if st.button("What it costs, stage by stage", key="to_costs", icon=":material/payments:"):
        go(Link("cost_latency"))
