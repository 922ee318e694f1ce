"""All measures, labels, index and latency of all systems as tables, folded away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages.shared.frame.state import View
from pages.shared.show import tables


def show_more(view: View, measures: list[str]) -> None:
    """All measures with intervals, what the index holds, and where the time goes; computed only when opened."""
    more = st.expander("More measures", key="more_measures", on_change="rerun")
    if not more.open or view.experiment is None:
        return
    with more:
        st.caption("Mean over the queries of the split, with its own 95 % interval in brackets.")
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


def show_table(frame: pd.DataFrame, config: Mapping[str, Any] | None = None, *, alt: str) -> None:
    """A table to read, with its first column kept in sight; people sort it."""
    first = {frame.columns[0]: st.column_config.TextColumn(pinned=True)}
    st.dataframe(frame, column_config={**first, **(config or {})}, hide_index=True, placeholder="–", alt=alt)
