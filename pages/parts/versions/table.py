"""Index versions as they are: the live one and the way back, all in a table, one in full, and what was live when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.text.phrases import count_of
from core.versions.version import Live, Version, measure_size, read_evaluation
from pages.parts.versions.charts import draw_evaluation
from pages.parts.versions.forms import show_promotion
from pages.parts.versions.progress import go_back, remove
from pages.parts.versions.sentences import (
    mark_evaluation,
    say_evaluation,
    say_size,
    say_time,
    show_facts,
)
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_markdown, shorten
from pages.shared.show.charts import CONFIG

_LIVE, _BEFORE, _NEVER = "● live", "◐ live before", "○ never live"


def describe_version(version: Version) -> dict[str, str]:
    """What a version is, as names and values."""
    return {
        "System": version.name,
        "Model": version.model or "none: words are matched",
        "Chunking": version.chunking,
        "Documents": f"{version.documents:,}",
        "Passages": f"{version.passages:,}" if version.model else "none: documents are whole",
        "On disk": say_size(measure_size(version, open_workspace())),
        "Built": say_time(version.created),
    }


def show_live(dataset: Dataset, live: Live, version: Version | None) -> None:
    """Which version answers now, and the way back. version: None where nothing is live, or it cannot be read."""
    with st.container(border=True, key="versions_live"):
        if version is not None:
            st.subheader(f"{escape_markdown(shorten(version.name))} answers now", anchor=False)
            show_facts({"Version": version.id, **describe_version(version)})
            told = read_evaluation(version, open_workspace())
            st.markdown(escape_markdown(f"{mark_evaluation(version, told).split(' ')[0]} {say_evaluation(version, told)}"))
        elif live.version:
            st.subheader("The live version cannot be read", anchor=False)
            st.error(f"{escape_markdown(live.version)} is gone or damaged. Roll back, or promote another version.")
        else:
            st.subheader("No version answers yet", anchor=False)
            st.markdown("Choose one under Versions and promote it: it answers once it was measured on the test queries.")
        if live.previous:
            target = live.previous[-1]
            st.button(
                f"Roll back to {escape_markdown(target)}",
                key="versions_back",
                icon=":material/undo:",
                on_click=go_back,
                args=(dataset.name, target),
                help="At once: nothing is computed. What answers now is kept, and can be promoted again.",
            )


def list_states(versions: Sequence[Version], live: Live) -> dict[str, str]:
    """Id -> whether it is, was or never was live, in words with a shape."""
    once = {str(entry.get(side)) for entry in live.log for side in ("version", "before")}
    return {
        version.id: _LIVE if version.id == live.version else _BEFORE if version.id in once else _NEVER for version in versions
    }


def say_corpus(version: Version, dataset: Dataset) -> str:
    """Whether the version was built of the documents as they are now."""
    return "as it is now" if version.corpus_fingerprint == dataset.corpus_fingerprint else "older"


def make_table(versions: Sequence[Version], dataset: Dataset, live: Live) -> pd.DataFrame:
    """One row per version, in their order."""
    workspace = open_workspace()
    states = list_states(versions, live)
    rows = [
        {
            "State": states[version.id],
            "Version": version.id,
            "System": version.name,
            "Test queries": mark_evaluation(version, read_evaluation(version, workspace)),
            "Corpus": say_corpus(version, dataset),
            "Built": say_time(version.created)[:16],
            "Documents": version.documents,
            "Passages": version.passages if version.model else None,
            "MB": measure_size(version, workspace) / 1e6,
            "Model": version.model or "word matching",
            "Chunking": version.chunking,
        }
        for version in versions
    ]
    return pd.DataFrame(rows)


def show_table(table: pd.DataFrame, chosen: int, *, key: str, on_select: Any) -> None:
    """The versions; the chosen row is ticked, another one is chosen by a click."""
    number = st.column_config.NumberColumn
    config = {
        "State": st.column_config.TextColumn(pinned=True),
        "Test queries": st.column_config.TextColumn(help="What came out when it was last measured against the live version."),
        "Corpus": st.column_config.TextColumn(help="Whether it holds the documents as they are now."),
        "Built": st.column_config.TextColumn(help="UTC"),
        "MB": number(format="%.1f"),
        "Documents": number(format="localized"),
        "Passages": number(format="localized"),
    }
    st.dataframe(
        table,
        hide_index=True,
        height=38 + 35 * min(len(table), 8),
        column_config=config,
        key=key,
        on_select=on_select,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [chosen]}},
        placeholder="–",
        alt=f"{count_of(len(table), 'version')}, the newest first.",
    )


def show_version(version: Version, dataset: Dataset, live: Live) -> None:
    """One version in full: what it is, what the test queries say, Promote, Remove."""
    st.subheader(escape_markdown(version.id), anchor=False)
    facts = {"State": list_states([version], live)[version.id], **describe_version(version)}
    facts["Corpus"] = say_corpus(version, dataset)
    if version.parent:
        facts["Refreshed from"] = version.parent
    show_facts(facts)
    told = read_evaluation(version, open_workspace())
    _show_evaluation(version, told, live)
    if version.id == live.version:
        st.caption("It answers now, so it can neither be promoted nor removed.")
        return
    show_promotion(version, dataset, live, told)
    with st.popover("Remove", icon=":material/delete:"):
        st.markdown("Deletes its index and its copy of the documents. Texts that were embedded stay in the cache.")
        st.button(
            "Remove this version",
            key=f"versions_remove_{version.id}",
            type="primary",
            on_click=remove,
            args=(dataset.name, version.id),
        )


def _show_evaluation(version: Version, told: Mapping[str, Any] | None, live: Live) -> None:
    st.markdown("**On the test queries**")
    mark = mark_evaluation(version, told).split(" ")[0]
    st.markdown(escape_markdown(f"{mark} {say_evaluation(version, told)}"))
    if told is None:
        return
    if told["delta"] is not None and told["against"] != live.version and version.id != live.version:
        st.caption(escape_markdown(f"That was against {told['against']}, which no longer answers. Measure it again."))
    st.plotly_chart(draw_evaluation(told, name=version.name), key="versions_chart", alt=str(told["sentence"]), config=CONFIG)
    words = f"The 95 % interval of its mean, over {count_of(told['n'], 'query')}."
    if told["delta"] is not None:
        words = (
            f"Over {count_of(told['n'], 'query')}. The line through the diamond is the 95 % interval of the difference to the "
            "version that was live; the grey band is too small to matter."
        )
    st.caption(words)


def show_history(live: Live) -> None:
    """What was live when."""
    if not live.log:
        return
    with st.expander("What was live when", icon=":material/history:"):
        frame = pd.DataFrame(
            [
                {
                    "When (UTC)": say_time(str(entry["at"]))[:16],
                    "What": entry["what"],
                    "Version": entry["version"],
                    "Instead of": entry["before"] if entry["before"] != entry["version"] else "",
                    "Note": entry["note"],
                }
                for entry in reversed(live.log)
            ]
        )
        st.dataframe(
            frame, hide_index=True, placeholder="–", alt=f"{count_of(len(frame), 'change')} of versions, the newest first."
        )
