"""Which kinds of queries are hard: the measure by kind of query, and the queries of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.diagnosis.sentences import (
    CAUSE_TITLES,
)
from core.diagnosis.slices import describe_slice
from core.evaluation.per_query import pivot
from core.evaluation.spans import CONTEXT_RECALL
from core.recommendation.assess import Assessment
from core.report.figures.diagnosis import draw_slices
from pages.parts.diagnosis.headroom import describe_measure
from pages.parts.diagnosis.query_links import name_pair
from pages.parts.diagnosis.show_figures import MOST_ROWS, colour_systems, draw, read_click
from pages.shared.forms.choose import read_choice, select_choice
from pages.shared.frame.links import Link, go
from pages.shared.frame.text import escape_markdown, shorten

_SLICE = "slice"  # also the name in the link
_NONE = ""


def show_slices(assessment: Assessment, dataset: Dataset) -> None:
    """The primary measure by kind of query, for the baseline and the recommended system; a kind's queries."""
    slices = assessment.analysis.slices
    st.subheader(
        "Which kinds of queries are hard?",
        help="Kinds are found in the queries themselves; a query can be of several. " + describe_measure(assessment.primary),
    )
    present = set(slices["system"])
    systems = [name for name in name_pair(assessment) if name in present]
    if not systems:
        st.info("No kind was found among these queries: none has a code, a rare term, a filter or a tag.")
        return
    slices = slices[slices["system"].isin(systems)]
    pair = " and ".join(f"{escape_markdown(name)}" for name in systems)
    few = " Hollow dots are of fewer than five queries, too few to say anything." if slices["small"].any() else ""
    st.caption(
        f"A dot is the mean of {pair}; the line through it is the 95 % interval. Long lines mean few queries.{few} "
        "Click a dot to list its queries."
    )
    missing = "The kind of query {} is not here. Choose one of those below."
    read_choice(_SLICE, list(dict.fromkeys(slices["slice"])), default=_NONE, missing=missing)
    listed = ", ".join(f"{row.slice} {row.mean:.3f}" for row in slices[slices["system"] == systems[-1]].itertuples())
    draw(
        draw_slices(slices, systems=systems, measure=assessment.primary, colours=colour_systems(assessment)),
        key="chart_slices",
        alt=f"{assessment.primary} of {systems[-1]} by kind of query: {listed}.",
        on_select=_take_slice,
    )
    chosen = _choose_slice(slices, systems[0])
    if chosen != _NONE:
        _list_slice(chosen, assessment, dataset, systems=systems)
    with st.expander("All kinds as a table"):
        _show_slice_table(slices, systems)


def _take_slice() -> None:
    clicked = read_click("chart_slices")
    if clicked:
        st.session_state[_SLICE] = clicked


def _choose_slice(slices: pd.DataFrame, system: str) -> str:
    counts = slices[slices["system"] == system].set_index("slice")["n"]
    place, _ = st.columns([1, 1])
    explained = "\n\n".join(f"**{escape_markdown(name)}**: {escape_markdown(describe_slice(name))}" for name in counts.index)
    with place:
        return select_choice(
            "Queries of a kind",
            [_NONE, *counts.index],
            name=_SLICE,
            unlinked=_NONE,
            spell=lambda name: f"{name} ({counts[name]:,})" if name else "choose a kind",
            help=explained,
        )


def _list_slice(name: str, assessment: Assessment, dataset: Dataset, *, systems: Sequence[str]) -> None:
    """The kind's queries, hardest for the baseline first, with what each system makes of them; a row opens the query."""
    texts = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    values = assessment.experiment.per_query
    values = pivot(values[(values["measure"] == assessment.primary) & values["system"].isin(systems)])
    ids = [query_id for query_id in assessment.analysis.members.get(name, []) if query_id in values.index]
    failures = assessment.analysis.failures
    causes = dict(zip(zip(failures["system"], failures["query_id"], strict=True), failures["cause"], strict=True))
    table = pd.DataFrame({"Query": [texts.get(query_id, query_id) for query_id in ids]})
    for place, system in enumerate(systems):
        table[f"value {place}"] = values.loc[ids, system].to_numpy()
        why = [causes.get((system, query_id)) for query_id in ids]
        table[f"cause {place}"] = [f"✗ {CAUSE_TITLES[cause].lower()}" if cause else "✓ found" for cause in why]
    table["Query id"] = ids
    table = table.sort_values("value 0", kind="stable", ignore_index=True)
    config: dict[str, Any] = {"Query": st.column_config.TextColumn(width="large")}
    several = assessment.primary == CONTEXT_RECALL
    longer = " The score looks further: 1,000 tokens are more than five hits where chunks are short." if several else ""
    for place, system in enumerate(systems):
        label = shorten(system, width=26)
        config[f"value {place}"] = st.column_config.NumberColumn(
            label, format="%.3f", help=f"{escape_markdown(assessment.primary)} of {escape_markdown(system)} on this query."
        )
        words = f"Whether {escape_markdown(system)} has the answer among its first five hits, else why not.{longer}"
        config[f"cause {place}"] = st.column_config.TextColumn("Found?", help=words)
    st.caption(escape_markdown(describe_slice(name)) + " Hardest first. Select a row to open the query.")
    state = st.dataframe(
        table,
        column_config=config,
        hide_index=True,
        height=38 + 35 * min(len(table), MOST_ROWS),
        key="slice_queries",
        on_select="rerun",
        selection_mode="single-row",
        alt=f"{len(table)} queries of the kind {name}.",
    )
    picked = [row for row in state["selection"]["rows"] if row < len(table)]
    if picked:
        experiment = assessment.experiment
        go(
            Link(
                "queries",
                dataset=str(experiment.dataset["name"]),
                experiment=experiment.id,
                query=str(table["Query id"].iloc[picked[0]]),
                systems=tuple(systems),
            )
        )


def _show_slice_table(slices: pd.DataFrame, systems: Sequence[str]) -> None:
    rows = []
    for name, group in slices.groupby("slice", sort=False):
        own = group.set_index("system")
        cells = {
            f"mean {place}": f"{own.loc[system, 'mean']:.3f} ({own.loc[system, 'low']:.3f} to {own.loc[system, 'high']:.3f})"
            for place, system in enumerate(systems)
        }
        count = int(group["n"].iloc[0])
        rows.append({"Kind": name, "Queries": count, **cells, "What it is": describe_slice(str(name))})
    config: dict[str, Any] = {
        f"mean {place}": st.column_config.TextColumn(shorten(system, width=26), help="Mean with its 95 % interval.")
        for place, system in enumerate(systems)
    }
    st.dataframe(pd.DataFrame(rows), column_config=config, hide_index=True, alt="The measure by kind of query.")
