"""Links from a diagnosis to queries, with the systems side by side that tell most about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.ladder.rungs import find_cure
from core.recommendation.assess import Assessment
from pages.shared.frame.links import Link
from pages.shared.frame.page import list_pages
from pages.shared.frame.text import escape_markdown, shorten

MOST_SYSTEMS = 4  # side by side on the page Queries
_OPEN = "Open side by side"


def link_query(query_id: str, assessment: Assessment, *, systems: Sequence[str], label: str = _OPEN) -> None:
    """A link to a query on the page Queries, with these systems side by side; it can be opened in a new tab too.

    label: plain text; it is cut where the window ends.
    """
    experiment = assessment.experiment
    link = Link(
        "queries",
        dataset=str(experiment.dataset["name"]),
        experiment=experiment.id,
        query=query_id,
        systems=tuple(systems),
    )
    st.page_link(
        next(page for group in list_pages().values() for page in group if page.url_path == link.page),
        label=escape_markdown(label),
        icon=":material/manage_search:",
        query_params=link.parameters,
        help="The query with the hits of these systems side by side: " + escape_markdown(", ".join(systems)),
    )


def pick_systems(assessment: Assessment, system: str, cause: str = "") -> list[str]:
    """The systems that tell most about a failed query: the diagnosed one, the fix or its rung, and the recommended one."""
    analysis = assessment.analysis
    fixes = analysis.rescues[(analysis.rescues["diagnosed"] == system) & (analysis.rescues["cause"] == cause)]["system"]
    cure = find_cure(cause)
    cures = [row["system"] for row in assessment.ladder if cure and row["rung"] == cure.name and row["system"]]
    wanted = [system, *fixes, *cures, assessment.recommendation.system, analysis.baseline]
    ready = assessment.experiment.ready
    return [name for name in dict.fromkeys(wanted) if name in ready][: MOST_SYSTEMS - 1]


_MOST_LINKS = 12


def name_pair(assessment: Assessment) -> list[str]:
    """The baseline and the recommended system, once if they are the same."""
    return list(dict.fromkeys((assessment.analysis.baseline, assessment.recommendation.system)))


def link_some(query_ids: Sequence[str], assessment: Assessment, texts: Mapping[str, str]) -> None:
    """A link to each of these queries that the dataset still has; of many, the first and how many more there are."""
    ready = assessment.experiment.ready
    systems = [name for name in name_pair(assessment) if name in ready]
    for query_id in query_ids[:_MOST_LINKS]:
        if query_id in texts:
            link_query(query_id, assessment, systems=systems, label=shorten(texts[query_id], width=100))
    if len(query_ids) > _MOST_LINKS:
        st.caption(f"And {len(query_ids) - _MOST_LINKS:,} more.")
