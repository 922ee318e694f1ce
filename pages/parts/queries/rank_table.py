"""Which document stands where in which system, for one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.schema import RUN_DEPTH
from core.text.conditions import match_filter
from pages.shared.frame.text import escape_markdown
from pages.shared.show.cards import find_labels
from pages.shared.show.colours import LABELS

TOP = 10
LABEL, NOTE, DOCUMENT, ID = "Label", "Why missing", "Document", "Document id"
_ROWS_SHOWN = 14
_ROW, _HEAD = 35, 38  # pixels


def rank_documents(query_id: str, runs: Mapping[str, pd.DataFrame], *, dataset: Dataset) -> pd.DataFrame:
    """doc_id, label, title, note, then one column of ranks per system (missing: not in the first hundred).

    Rows: every document in some system's top ten, and every relevant one wherever it is. Order: relevant first, then by
    the best rank, then by the mean rank. note: why a relevant document cannot be found ("not in the corpus", "empty, not
    indexed", "left out by the query's filter"), else "". label is "" if the dataset has no labels at all.
    """
    ranks = pd.DataFrame({name: _rank_of(run, query_id) for name, run in runs.items()}, dtype="Float64")
    labels = find_labels(dataset, query_id)
    relevant = [doc for doc, label in labels.items() if label == "relevant"]
    shown = list(ranks.index[(ranks <= TOP).any(axis=1)])
    ids = list(dict.fromkeys([*shown, *relevant]))
    ranks = ranks.reindex(ids).astype("Int64")
    rows = dataset.documents[dataset.documents["doc_id"].isin(ids)].set_index("doc_id")
    notes = {doc: _explain_absence(doc, rows, dataset=dataset, query_id=query_id) for doc in relevant}
    unlabelled = "unjudged" if dataset.has_labels else ""
    frame = pd.DataFrame(
        {
            "doc_id": ids,
            "label": [labels.get(doc, unlabelled) for doc in ids],
            "title": [rows["title"].get(doc, "") or "" for doc in ids],
            "note": [notes.get(doc, "") for doc in ids],
        }
    )
    filled = ranks.fillna(RUN_DEPTH + 1).reset_index(drop=True)
    order = frame.assign(first=(frame["label"] != "relevant"), best=filled.min(axis=1), mean=filled.mean(axis=1)).sort_values(
        ["first", "best", "mean", "doc_id"], kind="stable"
    )
    return pd.concat([frame, ranks.reset_index(drop=True)], axis=1).loc[order.index].reset_index(drop=True)


def _rank_of(run: pd.DataFrame, query_id: str) -> pd.Series:
    rows = run[run["query_id"] == query_id]
    return pd.Series(rows["rank"].to_numpy(dtype=float), index=rows["doc_id"].to_numpy(dtype=object))


def _explain_absence(doc_id: str, rows: pd.DataFrame, *, dataset: Dataset, query_id: str) -> str:
    if doc_id not in rows.index:
        return "not in the corpus"
    row = rows.loc[doc_id]
    if not (row["title"].strip() or row["text"].strip()):
        return "empty, not indexed"
    conditions = dataset.queries.set_index("query_id")["filter"].get(query_id)
    if conditions and not match_filter(row["metadata"], conditions):
        return "left out by the query's filter"
    return ""


def show_rank_table(table: pd.DataFrame, systems: Sequence[str], *, failed: Sequence[str], key: str) -> str | None:
    """Draws the table; returns the id of the document whose row is selected."""
    shown = pd.DataFrame(index=table.index)
    if table["label"].any():
        shown[LABEL] = [_say(label) for label in table["label"]]
    shown[DOCUMENT] = [title.strip() or doc for title, doc in zip(table["title"], table["doc_id"], strict=True)]
    if table["note"].any():
        shown[NOTE] = table["note"]
    config: dict[str, Any] = {
        LABEL: st.column_config.TextColumn(width=120, help="What the labels say of the document. Unjudged: nobody looked."),
        DOCUMENT: st.column_config.TextColumn(width=280),
        NOTE: st.column_config.TextColumn(help="Why systems cannot find this relevant document."),
        ID: st.column_config.TextColumn(help="The document's id in the corpus."),
    }
    for name in systems:
        column = name if name not in (LABEL, NOTE, DOCUMENT, ID) else f"{name} (system)"
        shown[column] = table[name]
        help = f"Rank in {escape_markdown(name)}; – means that it is not among the first {RUN_DEPTH}."
        config[column] = st.column_config.NumberColumn(format="%d", help=help)
    for name in failed:
        column = f"{name} (failed)"
        shown[column] = pd.Series(pd.NA, index=shown.index, dtype="Int64")
        config[column] = st.column_config.NumberColumn(help="This system has no results; the reason is below the table.")
    shown[ID] = table["doc_id"]
    event: Any = st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        column_config=config,
        height=_HEAD + _ROW * min(max(len(shown), 1), _ROWS_SHOWN),
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        alt=describe_table(table, systems),
    )
    rows = event.selection.rows
    return str(table["doc_id"].iloc[rows[0]]) if rows and rows[0] < len(table) else None


def describe_table(table: pd.DataFrame, systems: Sequence[str]) -> str:
    """The table in a sentence, for those who cannot see it."""
    relevant = table[table["label"] == "relevant"]
    parts = [f"{name}: {int((relevant[name] <= TOP).sum())}" for name in systems]
    return f"Ranks of {len(table)} documents. Of {len(relevant)} relevant ones in the first ten: {', '.join(parts)}."


def _say(label: str) -> str:
    word, shape = LABELS[label]
    return f"{shape} {word}"
