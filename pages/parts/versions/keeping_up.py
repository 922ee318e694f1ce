"""Whether the live version is up to date, the refresh, and what that costs next to retraining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.errors import LadderError
from core.graph.resources import Resources
from core.schema import content_hash
from core.systems.trained import list_models
from core.text.phrases import count_of, describe_duration
from core.versions.refresh import Changes, look_for_changes
from core.versions.refresh_cost import read_refresh_cost
from core.versions.request import REFRESH, VersionRequest
from core.versions.version import Version
from pages.parts.versions.progress import begin_change, is_running
from pages.parts.versions.sentences import (
    say_seconds,
    say_usd,
    show_facts,
)
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_markdown, shorten

_NAMED = 8  # ids of documents that are named


@st.cache_data(max_entries=8, show_spinner="Comparing the documents with those of the live version")
def _look(key: str, _dataset: Dataset) -> Changes:
    return look_for_changes(_dataset, Resources(open_workspace()))[1]


def find_changes(dataset: Dataset, version: Version) -> Changes:
    """How the corpus differs from the live version's; compared once for each state of both. Raises LadderError."""
    return _look(content_hash([str(open_workspace().folder), dataset.corpus_fingerprint, version.id]), dataset)


def show_changes(dataset: Dataset, version: Version) -> None:
    """Whether the live version is up to date, Refresh, and what keeping up costs."""
    try:
        changes = find_changes(dataset, version)
    except LadderError as error:
        st.error(escape_markdown(error))
        return
    request = VersionRequest(REFRESH)
    if not changes.count:
        st.markdown(f"✓ Up to date: all {count_of(changes.after, 'document')} are as the live version has them.")
    else:
        counts = f"{len(changes.added):,} added, {len(changes.changed):,} changed, {len(changes.deleted):,} deleted"
        share = f"{changes.share:.1%} of {count_of(changes.before, 'document')}"
        st.markdown(escape_markdown(f"! The documents changed since it was made: {counts} ({share})."))
        lists = {"Added": changes.added, "Changed": changes.changed, "Deleted": changes.deleted}
        show_facts({name: name_some(ids) for name, ids in lists.items() if ids})
        st.button(
            "Refresh now",
            type="primary",
            key="versions_refresh",
            icon=":material/sync:",
            disabled=is_running(dataset.name, request),
            on_click=begin_change,
            args=(dataset.name, request),
        )
        st.caption(
            "Only what changed is embedded. The live version answers until the new one is whole, and stays to go back to."
        )
    _show_refresh_cost(dataset, version)


def name_some(ids: Sequence[str]) -> str:
    """The first ids, and how many more there are."""
    named = ", ".join(shorten(doc_id, width=40) for doc_id in ids[:_NAMED])
    return named + (f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else "")


@st.cache_data(max_entries=8, show_spinner="Counting what a refresh costs")
def _read_refresh_cost(key: str, _version: Version, _dataset: Dataset) -> dict[str, Any] | None:
    return read_refresh_cost(_version, _dataset, Resources(open_workspace()))


def _show_refresh_cost(dataset: Dataset, version: Version) -> None:
    """What the refresh took that the live version was made by, for each percent, next to retraining as often."""
    st.subheader("What keeping up costs", anchor=False)
    workspace = open_workspace()
    trained = [model.id for model in list_models(workspace, dataset=dataset.name)]
    key = content_hash([str(workspace.folder), version.id, dataset.fingerprint, trained])
    try:
        cost = _read_refresh_cost(key, version, dataset)
    except LadderError as error:
        st.error(escape_markdown(error))
        return
    if cost is None:
        st.markdown("The live version was built whole. Once it was refreshed, what that took stands here, next to retraining.")
        return
    work, spent, again = version.work, cost["refresh"], cost["retraining"]
    st.markdown(
        escape_markdown(
            f"The last refresh found {work['added']:,} added, {work['changed']:,} changed and {work['deleted']:,} deleted "
            f"documents; it embedded {count_of(work['encoded_texts'], 'text')}. Training an embedding model anew as often, and "
            f"embedding everything with it, takes about {describe_duration(again['seconds'])} each time "
            f"({'as measured' if again['measured'] else 'estimated'}){tell_times(again['seconds'], spent['seconds'])}."
        )
    )
    rows = [(f"This refresh, {spent['share']:.1%}", spent["seconds"], spent["usd"])]
    if spent["seconds_per_percent"] is not None:
        rows.append(("Each 1 % that changed", spent["seconds_per_percent"], spent["usd_per_percent"]))
    rows.append(("Retraining, each time", again["seconds"], again["usd"]))
    frame = pd.DataFrame(
        [(name, say_seconds(seconds), say_usd(usd)) for name, seconds, usd in rows], columns=["What", "Time here", "Cost"]
    )
    st.dataframe(
        frame,
        hide_index=True,
        column_config={"Cost": st.column_config.TextColumn(help="This machine's cores at the price of a CPU hour.")},
        alt="Time and cost of " + "; ".join(f"{name}: {say_seconds(seconds)}" for name, seconds, _ in rows),
    )


def tell_times(larger: float, smaller: float) -> str:
    """ ", 300 times as long as this refresh"; "" if it is not longer."""
    times = larger / smaller if smaller else 0.0
    return f", {times:,.0f} times as long as this refresh" if times >= 1.5 else ""
