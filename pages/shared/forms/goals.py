"""The form of what would be good enough, and starting an assessment with it."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.costs.scenario import read_scenario
from core.data.dataset import Dataset
from core.errors import LadderError
from core.evaluation.measures import MEASURES, list_choosing, list_measures
from core.jobs.kinds.assess import make_assessment_job
from core.ladder.goals import PACES, Goals
from core.ladder.offer import find_joining_models
from core.ladder.rungs.reranking import SUGGESTED_RERANKER
from pages.shared.frame.services import open_runner, open_workspace
from pages.shared.frame.text import escape_markdown

ASSESSING = "_assessing"  # the job that this browser started and whose result it waits for
_NONE = "no target"
_BY_DATA = "chosen by the data"


def start_assessment(dataset: str, goals: Goals) -> None:
    """Starts the assessment, or joins the same one if it runs already, and draws the page anew."""
    st.session_state[ASSESSING] = open_runner().submit(make_assessment_job(dataset, goals))
    st.rerun()


def show_goals(dataset: Dataset, goals: Goals, *, button: str, disabled: bool = False) -> None:
    """The form in an expander, filled with the goals given; its button starts an assessment with what was entered."""
    with (
        st.expander("What would be good enough?", icon=":material/tune:", key="goals"),
        st.form(f"goals_form_{dataset.name}", border=False),
    ):
        left, right = st.columns(2)
        fields = {
            **_ask_target(left, right, dataset, goals),
            **_ask_limits(left, right, goals),
            **_ask_models(left, right, dataset, goals),
        }
        pressed = st.form_submit_button(button, type="primary", disabled=disabled, key="goals_start")
        st.caption("What was computed before is kept, so that another target or limit takes seconds. A new model takes longer.")
    if pressed:
        try:
            scenario = None if fields["max_monthly_usd"] is None else read_scenario(dataset, open_workspace())
            start_assessment(dataset.name, Goals(**fields, scenario=scenario, seed=goals.seed))
        except LadderError as error:
            st.error(escape_markdown(error))


def _ask_target(left: DeltaGenerator, right: DeltaGenerator, dataset: Dataset, goals: Goals) -> dict[str, Any]:
    """target and min_gain."""
    known = list_measures(has_evidence=len(dataset.evidence) > 0)
    target = goals.target if goals.target is not None and goals.target[0] in known else None
    measure = left.selectbox(
        "Target: measure",
        [_NONE, *known],
        index=[_NONE, *known].index(target[0]) if target else 0,
        format_func=_describe_measure,
        key="goal_measure",
        help="With a target, the cheapest system whose mean reaches it is recommended, and fine-tuning is worth a "
        "thought only while it is missed.",
    )
    value = right.number_input(
        "Target: value",
        0.0,
        1.0,
        target[1] if target else 0.8,
        0.05,
        format="%.2f",
        key="goal_value",
        help="From 0 to 1. With Success@5, 0.80 means: the answer is among the first five for 80 of 100 queries.",
    )
    gain = left.number_input(
        "Smallest useful gain",
        0.001,
        1.0,
        goals.min_gain,
        0.01,
        format="%.3f",
        key="goal_gain",
        help="A rung that gains less is not worth its cost. It decides what counts as better, and which system is good enough.",
    )
    return {"target": None if measure == _NONE else (measure, float(value)), "min_gain": float(gain)}


def _ask_limits(left: DeltaGenerator, right: DeltaGenerator, goals: Goals) -> dict[str, Any]:
    """max_latency_ms, max_monthly_usd and facts_change."""
    slowest = right.number_input(
        "Slowest answer allowed (ms)",
        0.0,
        value=goals.max_latency_ms,
        step=50.0,
        format="%.0f",
        key="goal_latency",
        placeholder="no limit",
        help="For 95 of 100 queries, one at a time, on this machine. Slower systems are left out. Empty: no limit.",
    )
    most = left.number_input(
        "Most it may cost a month (USD)",
        0.0,
        value=goals.max_monthly_usd,
        step=10.0,
        format="%.2f",
        key="goal_cost",
        placeholder="no limit",
        help="In the scenario of the page Cost & latency: documents, queries a month, where it runs. Dearer systems are left "
        "out. Empty: no limit.",
    )
    pace = right.selectbox(
        "How often do the facts change?",
        PACES,
        PACES.index(goals.facts_change),
        format_func=str.capitalize,
        key="goal_pace",
        help="What the documents say. If it changes weekly or daily, training is never proposed as the place to keep it: the "
        "index is refreshed instead.",
    )
    return {
        "max_latency_ms": None if slowest is None else float(slowest),
        "max_monthly_usd": None if most is None else float(most),
        "facts_change": str(pace),
    }


def _ask_models(left: DeltaGenerator, right: DeltaGenerator, dataset: Dataset, goals: Goals) -> dict[str, Any]:
    """primary, rerankers and with_training."""
    primaries = list_choosing(has_evidence=len(dataset.evidence) > 0)
    primary = left.selectbox(
        "Measure that chooses",
        [_BY_DATA, *primaries],
        index=[_BY_DATA, *primaries].index(goals.primary) if goals.primary in primaries else 0,
        format_func=_describe_measure,
        key="goal_primary",
        help="By the data: how much of the answer stands in the first 1,000 tokens, where at least half of the queries "
        "have evidence; else nDCG@10, how well the first ten are ordered.",
    )
    rerankers = right.text_area(
        "Cross-encoders to try, one a line",
        "\n".join(goals.rerankers),
        height=80,
        key="goal_rerankers",
        placeholder=SUGGESTED_RERANKER,
        help="Models that read query and text together and sort the first hits anew. A folder on this machine, or a "
        "name on the hub, which is downloaded when it runs.",
    )
    with_training = False
    if find_joining_models(dataset, open_workspace()):
        with_training = st.checkbox(
            "Let the trained models join",
            goals.with_training,
            key="goal_training",
            help="Models that were trained on this dataset become rungs, on the split that they were trained with.",
        )
    names = dict.fromkeys(line.strip() for line in rerankers.splitlines() if line.strip())
    return {
        "primary": "" if primary == _BY_DATA else primary,
        "rerankers": tuple(names),
        "with_training": with_training,
    }


def _describe_measure(name: str) -> str:
    return f"{name}: {MEASURES[name].plain_name}" if name in MEASURES else name
