"""Whether metadata filters would help: fields, filters read off queries, answers that filters throw away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.recommendation.assess import Assessment
from core.text.phrases import count_of, join_words
from pages.parts.diagnosis.query_links import link_some
from pages.parts.diagnosis.show_figures import MOST_ROWS
from pages.shared.frame.text import escape_markdown
from pages.shared.show.conditions import describe_conditions

_STRONG, _WEAK = 0.3, 0.1  # separation from which a field tells answers from other hits well, and hardly


def show_metadata(assessment: Assessment, dataset: Dataset) -> None:
    """Which fields could filter, the filters that could be read off queries, and answers that filters throw away."""
    metadata = assessment.analysis.metadata
    st.subheader(
        "Would metadata filters help?",
        help="Metadata are the facts that documents carry besides their text, such as product or version. A filter searches "
        "only the documents that have the right one.",
    )
    if not metadata["fields"]:
        st.info("The documents carry no metadata that tells them apart, so there is nothing to filter by.")
        return
    st.markdown(escape_markdown(_describe_fields(metadata["fields"], metadata["recommended"], assessment.split["tuning"])))
    _show_fields(metadata["fields"])
    texts = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    _show_proposals(metadata, assessment, texts)
    _show_lost(metadata["lost_by_own_filter"], assessment, dataset, texts)


def _describe_fields(fields: Sequence[Mapping[str, Any]], recommended: Sequence[str], tuning: int) -> str:
    """What the advice comes to. Plain text."""
    if recommended:
        return (
            f"It is safe to read a filter off the query by {join_words(list(recommended))}: on the tuning queries that name "
            "such a value the answer passes."
        )
    named = [field for field in fields if field["named"]]
    if not named:
        return (
            f"None of the {count_of(tuning, 'tuning query')} without a filter names a value of these fields, so no filter can "
            "be read off the text. Filters that queries carry themselves are not touched by this."
        )
    lost = [f"{field['field']} ({field['thrown_away']} of {field['named']})" for field in named if field["thrown_away"]]
    if not lost:
        return "Too few queries name a value to say whether a filter read off the text is safe: at least 3 are needed."
    return (
        "Do not read filters off the text of queries: answers would be thrown away by " + join_words(lost) + ". "
        "Filters that queries carry themselves are not touched by this."
    )


def _show_fields(fields: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        {
            "Field": field["field"],
            "Have it %": 100 * field["coverage"],
            "Values": field["distinct"],
            "Tells answers apart": _say_separation(field["separation"]),
            "Named": field["named"],
            "Answer kept": field["kept"],
            "Thrown away": field["thrown_away"],
            "Read off queries": "✓ yes" if field["recommended"] else "✗ no",
        }
        for field in fields
    ]
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    config = {
        "Field": text(pinned=True),
        "Have it %": number(format="%.0f", help="Share of the documents that carry the field."),
        "Values": number(help="How many different values it has."),
        "Tells answers apart": text(
            help="Among the first ten hits of queries that ask for a value: the share of the answers that have it, minus the "
            "share of the other hits that have it. 1: all answers and nothing else; 0: no difference."
        ),
        "Named": number(help="Tuning queries without a filter whose text names a value of the field."),
        "Answer kept": number(help="Of those, queries with an answer that passes the filter."),
        "Thrown away": number(help="Of those, queries whose answers are all left out by the filter."),
        "Read off queries": text(
            help="Yes if at least 3 queries with an answer name a value and at most 2 % of them would lose it."
        ),
    }
    st.dataframe(pd.DataFrame(rows), column_config=config, hide_index=True, alt="Metadata fields and what they are good for.")


def _say_separation(separation: float | None) -> str:
    if separation is None:
        return "not known"
    words = ((_STRONG, "well"), (_WEAK, "a little"), (-_WEAK, "no"), (-1.0, "the wrong way"))
    return f"{next(word for least, word in words if separation >= least)} ({separation:+z.2f})"


def _show_proposals(metadata: Mapping[str, Any], assessment: Assessment, texts: Mapping[str, str]) -> None:
    proposals = metadata["proposals"]
    if not proposals:
        return
    lost = list(metadata["thrown_away"])
    st.markdown("##### Filters that test queries name")
    st.markdown(
        escape_markdown(
            f"{count_of(len(proposals), 'test query')} without a filter {'names' if len(proposals) == 1 else 'name'} one. "
            f"The answer passes for {metadata['kept']:,}; for {len(lost):,} it would be thrown away."
        )
    )
    rows = pd.DataFrame(
        {
            "Query": [texts.get(row["query_id"], row["query_id"]) for row in proposals],
            "Filter": ["; ".join(describe_conditions(row["filter"])) for row in proposals],
            "Answer": [_say_kept(row["keeps"]) for row in proposals],
            "Query id": [row["query_id"] for row in proposals],
        }
    )
    order = rows["Answer"].map({_say_kept(False): 0, _say_kept(True): 1, _say_kept(None): 2})
    rows = rows.iloc[order.sort_values(kind="stable").index]
    config = {"Query": st.column_config.TextColumn(width="large")}
    st.dataframe(
        rows,
        column_config=config,
        hide_index=True,
        height=38 + 35 * min(len(rows), MOST_ROWS),
        alt=f"Filters read off {len(rows)} queries, and whether the answer passes.",
    )
    link_some(lost, assessment, texts)


def _say_kept(keeps: bool | None) -> str:
    return "? not known" if keeps is None else "✓ passes" if keeps else "✗ thrown away"


def _show_lost(lost: Sequence[str], assessment: Assessment, dataset: Dataset, texts: Mapping[str, str]) -> None:
    """Answers that the filters the queries carry themselves leave out."""
    if not any(dataset.queries["filter"]):
        return
    st.markdown("##### Answers lost by the queries' own filters")
    if not lost:
        st.markdown("None: every test query's own filter lets an answer pass.")
        return
    st.markdown(
        f"The own filter of {count_of(len(lost), 'test query')} leaves out every answer. Correct the filter, the metadata of "
        "the documents, or the labels."
    )
    link_some(lost, assessment, texts)
