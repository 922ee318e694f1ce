"""The page Results where no query has a label: how much the systems agree, and how to add labels."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.data.write import qrels_template
from pages.parts.results.measure_tables import show_table
from pages.parts.results.query_tables import open_query, pick_query, read_texts
from pages.shared.frame.state import View
from pages.shared.frame.text import shorten
from pages.shared.show import tables

_FEWEST_SHARED = 20


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
    texts = read_texts(dataset)
    rows = pd.DataFrame({"query_id": least.index, "text": [texts.get(i, i) for i in least.index], "shared": least.to_numpy()})
    column = st.column_config.NumberColumn("Shared %", format="%.0f", help="Mean over all pairs of systems.")
    picked = pick_query(rows, {"shared": column}, key="least_shared", alt="Queries on which the systems agree least.")
    if picked is not None:
        open_query(picked, tuple(ready[:4]))
