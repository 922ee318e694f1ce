"""The parts of the page Results below the leaderboard: one chart per question, and the queries behind a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from core.data.dataset import Dataset
from core.data.write import qrels_template
from pages.shared.frame.links import Link, go
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown, shorten
from pages.shared.show import charts, tables

_TABLE_ROWS = 8  # rows of a table of queries before it scrolls
_FEWEST_SHARED = 20


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
            "to it, paired by query. Where a bar crosses the line, these queries do not tell the two apart."
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
    deltas = tables.pair_queries(view, first, second, _read_texts(dataset))
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
        _open_query(bars["query_id"].iloc[int(points[0]["x"])], (first, second))


def _show_latency(view: View, board: pd.DataFrame) -> None:
    rows = board[board["mean"].notna() & board["p95"].notna()].rename(columns={"p95": "milliseconds"})
    if rows.empty:
        st.info("Latency is measured once all systems are finished.")
        return
    st.caption(
        "Up is better, left is faster. The dotted line joins the systems that no faster one matches; a system below the line "
        "costs time without being better. Time of 95 of 100 queries, one at a time, on the machine of the run."
    )
    listed = ", ".join(f"{row.system} {row.mean:.3f} in {row.milliseconds:.1f} ms" for row in rows.itertuples())
    _draw(charts.draw_latency(rows, measure=view.measure), key="chart_latency", alt=f"{view.measure} by p95 latency: {listed}.")
    if st.button("What it costs, stage by stage", key="to_costs", icon=":material/payments:"):
        go(Link("cost_latency"))


def _read_texts(dataset: Dataset) -> dict[str, str]:
    return dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))


def _open_query(query_id: str, systems: tuple[str, ...]) -> None:
    go(Link("queries", query=query_id, systems=systems))


def show_queries_of(view: View, dataset: Dataset, *, system: str, other: str | None) -> None:
    """The queries behind a row of the leaderboard: where the system fails, and where it beats or trails the other."""
    pairs = tables.pair_queries(view, system, other or system, _read_texts(dataset))
    kinds = {f"Fails ({int((~pairs['hit']).sum())})": pairs[~pairs["hit"]].sort_values("first", kind="stable")}
    if other:
        ahead, behind = pairs[pairs["delta"] > 0], pairs[pairs["delta"] < 0]
        name = shorten(other, width=26)
        kinds[f"Better than {name} ({len(ahead)})"] = ahead.sort_values("delta", ascending=False, kind="stable")
        kinds[f"Worse than {name} ({len(behind)})"] = behind.sort_values("delta", kind="stable")
    kinds[f"All ({len(pairs)})"] = pairs.sort_values("first", kind="stable")
    with st.container(border=True):
        st.markdown(f"**Queries of {escape_markdown(system)}.** Select one to open it.")
        names = list(kinds)
        chosen = st.segmented_control(
            "Which queries", names, default=names[0], required=True, key=f"kinds_{system}_{other}", format_func=escape_markdown,
            label_visibility="collapsed", help="Fails: no relevant document among the first five.",
        )  # fmt: skip
        rows = kinds[chosen or names[0]].reset_index(drop=True)
        if rows.empty:
            st.caption("There is no such query.")
            return
        shown = rows[["query_id", "text", "first", "second"]] if other else rows[["query_id", "text", "first"]]
        number = st.column_config.NumberColumn
        picked = _pick_query(
            shown,
            {
                "first": number(shorten(system, width=26), format="%.3f", help=view.measure),
                "second": number(shorten(other or "", width=26), format="%.3f", help=view.measure),
            },
            key=f"queries_{chosen}",
            alt=f"Queries of {system}: {chosen}.",
        )
    if picked is not None:
        _open_query(picked, tuple(filter(None, (system, other))))


def _pick_query(rows: pd.DataFrame, columns: Mapping[str, object], *, key: str, alt: str) -> str | None:
    config = {
        "query_id": st.column_config.TextColumn("Query", width="small"),
        "text": st.column_config.TextColumn("Text", width="large"),
    }
    height = 36 * (min(len(rows), _TABLE_ROWS) + 1)
    state = st.dataframe(
        rows, column_config={**config, **columns}, hide_index=True, height=height, key=key, on_select="rerun",
        selection_mode="single-row", alt=alt,
    )  # fmt: skip
    chosen = [row for row in state["selection"]["rows"] if row < len(rows)]
    return str(rows["query_id"].iloc[chosen[0]]) if chosen else None


def show_more(view: View, measures: list[str]) -> None:
    """All measures with intervals, what the index holds, and where the time goes; computed only when opened."""
    more = st.expander("More measures", key="more_measures", on_change="rerun")
    if not more.open or view.experiment is None:
        return
    with more:
        st.caption("Mean over the queries of the split, with its 95 % interval in brackets.")
        show_table(tables.make_measure_table(view, measures), alt="All measures of all systems with 95 % intervals.")
        st.caption("Labels, index and latency")
        facts = tables.make_facts(view.experiment)
        words = tables.FACT_WORDS
        formats = {name: "%d" if name == "Chunks" else "%.1f" for name in words}
        config = {name: st.column_config.NumberColumn(format=formats[name], help=words[name]) for name in words}
        show_table(
            facts, config, alt="Judged hits, chunks, text that the model does not read, index loss and latency of all systems."
        )
        stages = tables.make_stages(view.experiment)
        if len(stages):
            st.caption("Median milliseconds that a query spends in each stage")
            config = {name: st.column_config.NumberColumn(format="%.1f") for name in stages.columns if name != "System"}
            show_table(stages, config, alt="Median milliseconds per stage of all systems.")


def show_table(frame: pd.DataFrame, config: Mapping[str, object] | None = None, *, alt: str) -> None:
    """A table to read, with its first column kept in sight; people sort it and take it as CSV."""
    first = {frame.columns[0]: st.column_config.TextColumn(pinned=True)}
    st.dataframe(frame, column_config={**first, **(config or {})}, hide_index=True, placeholder="–", alt=alt)


def show_unlabelled(view: View, dataset: Dataset) -> None:
    """What can be said without labels: how much the systems agree, where they do not, and how to add labels."""
    if dataset.has_labels:
        st.info(
            f"None of the {len(view.query_ids)} queries of the split {view.split} has a relevant label. Choose another split."
        )
    else:
        st.info("No labels yet: compare hits by eye; add qrels or evidence to measure.")
        st.download_button(
            "Download a template for qrels.tsv",
            qrels_template(dataset),
            file_name="qrels.tsv",
            mime="text/tab-separated-values",
            icon=":material/download:",
            help="One example line per query. Replace DOCUMENT_ID by a document that answers it; one line for each.",
        )
    ready = view.experiment.ready if view.experiment else []
    if len(ready) < 2:
        st.caption("With two or more systems, this page also says how much they agree.")
        return
    shared = tables.measure_shared(view)
    st.subheader("How much do the systems agree?")
    st.caption("Share of the first ten documents that two systems have in common, averaged over the queries, in percent.")
    agreement = tables.make_agreement(shared, ready)
    agreement[ready] *= 100
    config = {name: st.column_config.NumberColumn(shorten(name, width=26), format="%.0f") for name in ready}
    show_table(agreement, config, alt="Share of the first ten documents that each two systems have in common, in percent.")
    st.subheader("Where do they disagree most?")
    st.caption("Labels tell most on these queries. Select one to see its hits side by side.")
    least = (100 * shared.groupby("query_id", sort=False)["shared"].mean()).sort_values(kind="stable").head(_FEWEST_SHARED)
    texts = _read_texts(dataset)
    rows = pd.DataFrame({"query_id": least.index, "text": [texts.get(i, i) for i in least.index], "shared": least.to_numpy()})
    column = st.column_config.NumberColumn("Shared %", format="%.0f", help="Mean over all pairs of systems.")
    picked = _pick_query(rows, {"shared": column}, key="least_shared", alt="Queries on which the systems agree least.")
    if picked is not None:
        _open_query(picked, tuple(ready[:4]))
