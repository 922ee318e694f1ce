"""Which system is diagnosed, why its queries fail, and the queries themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.diagnosis.causes import CAUSES
from core.diagnosis.sentences import CAUSE_TITLES, CAUSE_WORDS, FAILS, describe_failures
from core.ladder.rungs import find_cure
from core.recommendation.assess import Assessment
from core.report.figures.diagnosis import draw_causes
from core.text.phrases import count_of
from pages.parts.diagnosis.query_links import link_query, pick_systems
from pages.parts.diagnosis.show_figures import draw, read_click, show_rows
from pages.shared.forms.choose import read_choice, select_choice
from pages.shared.frame.address import follow_link, keep_in_link
from pages.shared.frame.text import escape_markdown

_PER_PAGE = 8
_SYSTEM, _CAUSE = "diagnosed", "cause"  # also the names in the link
_ALL = ""


def choose_system(assessment: Assessment) -> str:
    """The system that is diagnosed: the baseline, unless the link or a choice by hand says another."""
    counts, baseline = assessment.analysis.counts, assessment.analysis.baseline
    names = list(counts)
    default = baseline if baseline in names else names[0]
    read_choice(_SYSTEM, names, default=default, missing="The system {} was not diagnosed. Choose one of those below.")
    roles = {default: "today", assessment.recommendation.system: "recommended"}
    place, _ = st.columns([1, 1])
    with place:
        return select_choice(
            "System",
            names,
            name=_SYSTEM,
            unlinked=default,
            spell=lambda name: f"{name} ({roles[name]})" if name in roles else name,
            help="The baseline, and every system that was measured on the way up the ladder.",
        )


def show_failures(assessment: Assessment, dataset: Dataset) -> None:
    """Headline, system, causes, the failed queries, and which fixes were believed."""
    headline = st.container()
    system = choose_system(assessment)
    counts = assessment.analysis.counts[system]
    with headline:
        st.subheader(escape_markdown(describe_failures(system, counts)), help=FAILS)
    if not counts["failed"]:
        if len(assessment.analysis.counts) > 1:
            st.caption("Choose another system of the ladder to see where it fails.")
        follow_link(_CAUSE)
        keep_in_link(_CAUSE, [])
        return
    _show_causes(assessment, system, dataset)
    _show_rescues(assessment, system)


def _show_causes(assessment: Assessment, system: str, dataset: Dataset) -> None:
    counts = assessment.analysis.counts[system]
    st.markdown(
        "##### Why do they fail?",
        help="Each failed query gets one cause: the first that holds, cheapest cure first. The order is that of the ladder. "
        "Click a bar to list its queries.",
    )
    cause = _read_cause(counts["causes"])
    listed = ", ".join(f"{CAUSE_TITLES[name].lower()} {count}" for name, count in counts["causes"].items())
    draw(
        draw_causes(counts, chosen=cause),
        key="chart_causes",
        alt=f"Causes of {counts['failed']} failed queries of {system}: {listed}.",
        on_select=_take_cause,
    )
    present = [name for name in CAUSES if counts["causes"][name]]
    _explain_causes(present, assessment)
    if len(present) < len(CAUSES):
        with st.expander("The causes that do not occur"):
            _explain_causes([name for name in CAUSES if name not in present], assessment)
    failures = assessment.analysis.failures
    own = failures[failures["system"] == system]
    chosen = _choose_cause(counts["causes"])
    rows = own if chosen == _ALL else own[own["cause"] == chosen]
    if rows.empty:
        st.info(f"No failed query of {escape_markdown(system)} has this cause.")
        return
    _list_failures(rows, assessment, dataset, key=f"{system}/{chosen}")


def _take_cause() -> None:
    """A click on a bar lists its queries; one on the bar that is listed already lists them all."""
    clicked = read_click("chart_causes")
    st.session_state[_CAUSE] = _ALL if clicked == st.session_state.get(_CAUSE) else clicked


def _read_cause(causes: Mapping[str, int]) -> str:
    """The cause of the link, else the one last chosen. Called before the chart, which brings it out."""
    known = escape_markdown(", ".join(name for name in CAUSES if causes[name]))
    return read_choice(_CAUSE, CAUSES, default=_ALL, missing=f"The cause {{}} is not known. Here are {known}.")


def _choose_cause(causes: Mapping[str, int]) -> str:
    names = {_ALL: f"All causes ({sum(causes.values()):,})"}
    names |= {cause: f"{CAUSE_TITLES[cause]} ({causes[cause]:,})" for cause in CAUSES}
    place, _ = st.columns([1, 1])
    options = [_ALL, *(cause for cause in CAUSES if causes[cause] or cause == st.session_state[_CAUSE])]
    with place:
        return select_choice("Failed queries", options, name=_CAUSE, unlinked=_ALL, spell=names.__getitem__)


def _explain_causes(causes: Sequence[str], assessment: Assessment) -> None:
    measured = {row["rung"] for row in assessment.ladder if row["system"]}
    rows = [(CAUSE_TITLES[cause], CAUSE_WORDS[cause], _name_cure(cause, measured)) for cause in causes]
    show_rows(("Cause", "What it means", "Rung that cures it"), rows)


def _name_cure(cause: str, measured: Set[str]) -> str:
    rung = find_cure(cause)
    if rung is None:
        return "None: extend the corpus"
    return rung.title if rung.name in measured else f"{rung.title} (not measured)"


def _list_failures(rows: pd.DataFrame, assessment: Assessment, dataset: Dataset, *, key: str) -> None:
    """The failed queries, a page at a time, each with its sentence and a link; all of them as a table to take away."""
    texts = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    pages = math.ceil(len(rows) / _PER_PAGE)
    number = st.session_state.get(f"failures_page_{key}", 1) if pages > 1 else 1
    for row in rows.iloc[(number - 1) * _PER_PAGE : number * _PER_PAGE].itertuples():
        also = [CAUSE_TITLES[cause].lower() for cause in row.holds if cause != row.cause]
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{escape_markdown(texts.get(row.query_id, row.query_id))}**")
            st.markdown(escape_markdown(row.evidence))
            words = f"Cause: {CAUSE_TITLES[row.cause].lower()}." + (f" Also holds: {', '.join(also)}." if also else "")
            st.caption(escape_markdown(words))
            if row.query_id in texts:
                link_query(row.query_id, assessment, systems=pick_systems(assessment, row.system, row.cause))
            else:
                st.caption("This query is no longer in the dataset.")
    if pages > 1:
        st.pagination(pages, key=f"failures_page_{key}")
    with st.expander(f"{count_of(len(rows), 'query')} as a table"):
        table = pd.DataFrame(
            {
                "Query": [texts.get(query_id, query_id) for query_id in rows["query_id"]],
                "Cause": [CAUSE_TITLES[cause] for cause in rows["cause"]],
                "Evidence": rows["evidence"].to_numpy(),
                "All causes that hold": [", ".join(CAUSE_TITLES[cause].lower() for cause in own) for own in rows["holds"]],
                "Query id": rows["query_id"].to_numpy(),
            }
        )
        config = {"Query": st.column_config.TextColumn(width="medium"), "Evidence": st.column_config.TextColumn(width="large")}
        st.dataframe(table, column_config=config, hide_index=True, alt="The failed queries with cause and evidence.")


def _show_rescues(assessment: Assessment, system: str) -> None:
    """Net rescue of every fix on the tuning queries, which decides whether its cause is believed."""
    rescues = assessment.analysis.rescues
    own = rescues[rescues["diagnosed"] == system]
    if own.empty:
        return
    tuning = assessment.split["tuning"]
    st.markdown(
        "##### Which fixes can be believed?",
        help="Among several fixes each rescues some query by luck. So a fix counts as a cause only if, on the tuning queries, "
        "which are not among those above, it rescues more than it breaks. A filter of the query's own always counts.",
    )
    st.caption(
        f"Each fix, tried alone on {escape_markdown(system)} over the {count_of(tuning, 'tuning query')}. "
        "One that breaks as many queries as it rescues explains nothing and is not used."
    )
    table = pd.DataFrame(
        {
            "Cause": [CAUSE_TITLES[cause] for cause in own["cause"]],
            "Rescued": own["rescued"].to_numpy(),
            "Broken": own["broken"].to_numpy(),
            "Net": own["net"].to_numpy(),
            "Used": ["✓ used" if used else "✗ not used" for used in own["used"]],
            "Fix": own["system"].to_numpy(),
        }
    )
    number = st.column_config.NumberColumn
    config = {
        "Rescued": number(help="Tuning queries that fail without the fix and succeed with it.", width="small"),
        "Broken": number(help="Tuning queries that succeed without the fix and fail with it.", width="small"),
        "Net": number(format="%d", help="Rescued minus broken. Fixes with a larger one are tried first.", width="small"),
        "Used": st.column_config.TextColumn(
            help="Whether this cause is given to queries. It needs a net above 0; a filter always counts."
        ),
        "Fix": st.column_config.TextColumn(help="The system with this fix and nothing else changed."),
    }
    st.dataframe(table, column_config=config, hide_index=True, alt=f"Fixes tried on {system}: rescued and broken queries.")
