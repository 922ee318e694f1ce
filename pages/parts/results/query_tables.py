"""Tables of queries on the page Results, a row of which opens the query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from pages.shared.frame.links import Link, go
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown, shorten
from pages.shared.show import tables

_TABLE_ROWS = 8  # rows of a table of queries before it scrolls


def read_texts(dataset: Dataset) -> dict[str, str]:
    """query_id -> text of all queries of the dataset."""
    return dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))


def open_query(query_id: str, systems: tuple[str, ...]) -> None:
    """On to a query on the page Queries, with these systems side by side."""
    go(Link("queries", query=query_id, systems=systems))


def show_queries_of(view: View, dataset: Dataset, *, system: str, other: str | None) -> None:
    """The queries behind a row of the leaderboard: where the system fails, and where it beats or trails the other."""
    pairs = tables.pair_queries(view, system, other or system, read_texts(dataset))
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
        picked = pick_query(
            shown,
            {
                "first": number(shorten(system, width=26), format="%.3f", help=view.measure),
                "second": number(shorten(other or "", width=26), format="%.3f", help=view.measure),
            },
            key=f"queries_{chosen}",
            alt=f"Queries of {system}: {chosen}.",
        )
    if picked is not None:
        open_query(picked, tuple(filter(None, (system, other))))


def pick_query(rows: pd.DataFrame, columns: Mapping[str, Any], *, key: str, alt: str) -> str | None:
    """A table of queries; the id of the row that is selected, or None."""
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
