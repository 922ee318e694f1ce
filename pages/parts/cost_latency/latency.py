"""How fast is it: where a query's time goes, which steps systems share, and what more documents would do to it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.costs.scenario import Scenario
from core.costs.sentences import describe_machine_used
from core.data.dataset import Dataset
from core.errors import LadderError
from core.experiment.result import Experiment
from core.graph.latency import find_shared
from core.jobs.kinds import SCALING
from core.jobs.kinds.scaling import make_scaling_job
from core.jobs.state import CANCELLED, FAILED, INTERRUPTED, Job, find_active, list_jobs
from core.scaling.scaling import Scaling
from core.scaling.table import describe_far, find_scaling, list_ready_systems, list_sizes, tabulate_estimates
from core.systems.system import System
from core.text.phrases import join_words
from pages.parts.cost_latency.latency_charts import STEPS, draw_growth, draw_steps
from pages.shared.frame.follow_job import draw_progress
from pages.shared.frame.services import open_runner, open_workspace
from pages.shared.frame.text import escape_markdown, shorten
from pages.shared.show.charts import CONFIG
from pages.shared.show.stage_words import name_step

MEASURE = "Measure at several sizes"
_TROUBLE = "_scaling_trouble"  # why it could not be started
_REACH = (1, 2, 3, 5, 10, 20, 30, 50, 100)  # times the largest measured size
_DIMENSIONS = (128, 256, 384, 512, 768, 1024, 1536, 3072)
_DEPTHS = (10, 25, 50, 100, 200)
_AS_IT_IS = 0


def show_latency(experiment: Experiment, dataset: Dataset, scenario: Scenario) -> None:
    """The part of the page."""
    _show_stages(experiment)
    st.subheader("With more documents", anchor=False)
    _show_growth(experiment, dataset, scenario)


def _show_stages(experiment: Experiment) -> None:
    latencies: dict[str, dict[str, Any]] = {
        one.name: one.latency_ms for one in experiment.systems if one.latency_ms and one.name in experiment.ready
    }
    if not latencies:
        st.info("Latency was not measured in this experiment: it is once all systems are finished. Run it again.")
        return
    first = next(iter(latencies.values()))
    steps = tabulate_steps(latencies)
    beside = {name: f"p95 {told['p95']:,.0f} ms · p99 {told['p99']:,.0f}" for name, told in latencies.items()}
    st.markdown("**Where does a query's time go?**")
    st.caption(
        escape_markdown(
            f"Medians of {first['n']} queries, one at a time, on {describe_machine_used(first.get('machine') or {})}. 95 and "
            "99 of 100 queries are answered within p95 and p99."
        )
    )
    listed = ", ".join(f"{name} {told['p50']:,.1f} ms (p95 {told['p95']:,.1f})" for name, told in latencies.items())
    st.plotly_chart(draw_steps(steps, beside), key="latency_steps", config=CONFIG, alt=f"Median latency: {listed}.")
    told = describe_shared(latencies)
    if told:
        st.caption("Hatched: timed once, and shared. " + escape_markdown(told))


def tabulate_steps(latencies: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """STEPS: median milliseconds of every timed step of every system, in words. Older experiments know stages alone, none of
    them shared."""
    shared = find_shared(latencies)
    rows: list[tuple[str, str, float, bool]] = []
    for name, told in latencies.items():
        nodes = told.get("nodes") or {}
        if nodes:
            rows += [(name, name_step(node["stage"]), float(node["p50"]), key in shared) for key, node in nodes.items()]
        else:
            rows += [(name, name_step(stage), float(ms), False) for stage, ms in told["stages"].items()]
    return pd.DataFrame(rows, columns=STEPS)


def describe_shared(latencies: dict[str, dict[str, Any]]) -> str:
    """ "Embed query: dense, hybrid-rrf. Search words: bm25, hybrid-rrf." Plain text; "" if nothing is shared."""
    told: dict[tuple[str, ...], list[str]] = {}
    for key, names in find_shared(latencies).items():
        word = name_step(next(facts["nodes"][key]["stage"] for facts in latencies.values() if key in facts.get("nodes", {})))
        words = told.setdefault(tuple(names), [])
        if word not in words:
            words.append(word)
    parts = [f"{', '.join(words)}: {join_words([shorten(name, width=30) for name in names])}" for names, words in told.items()]
    return " ".join(f"{part[:1].upper()}{part[1:]}." for part in parts)


def _show_growth(experiment: Experiment, dataset: Dataset, scenario: Scenario) -> None:
    systems = list_ready_systems(experiment)
    job = _find_job(dataset.name)
    scaling = find_scaling(dataset, systems, open_workspace())
    if job is not None:
        _show_job(job)
    else:
        _show_ended(dataset.name)
    if job is None and scaling is None:
        st.markdown(
            "How latency grows is measured, not guessed: the systems are timed over an eighth, a quarter, half and all of the "
            "documents, and a curve is laid through that. It takes a few minutes; nothing of it but the times is kept."
        )
        _offer(dataset.name, systems, type="primary")
    if scaling is not None:
        _show_estimates(scaling, scenario, [name for name in systems if name not in scaling.systems])
        if job is None:
            _offer(dataset.name, systems, label="Measure again")


def _offer(dataset: str, systems: dict[str, System], *, label: str = MEASURE, type: Any = "secondary") -> None:
    busy = bool(find_active(open_workspace()))
    st.button(label, key="latency_measure", type=type, icon=":material/timer:", on_click=_begin, args=(dataset, systems))
    if st.session_state.get(_TROUBLE):
        st.error(escape_markdown(st.session_state.pop(_TROUBLE)))
    if busy:
        st.caption("Another run is at work; this one starts when that is done.")


def _begin(dataset: str, systems: dict[str, System]) -> None:
    """For a button's on_click: starts the job, or joins the same one if it runs already."""
    try:
        open_runner().submit(make_scaling_job(dataset, systems))
    except LadderError as error:
        st.session_state[_TROUBLE] = str(error)


def _find_job(dataset: str) -> Job | None:
    return next((job for job in find_active(open_workspace()) if job.kind == SCALING and job.dataset == dataset), None)


def _show_job(job: Job) -> None:
    with st.container(border=True):
        st.markdown(f"**{escape_markdown(job.title)}**")
        st.fragment(draw_progress, run_every=1.0)(
            job.id,
            key="latency_cancel",
            help="Stops soon. Times of different sessions cannot be compared, so nothing is kept.",
        )


def _show_ended(dataset: str) -> None:
    """What became of the last measurement if it ended badly."""
    last = next((job for job in list_jobs(open_workspace()) if job.kind == SCALING and job.dataset == dataset), None)
    if last is None:
        return
    if last.state == FAILED:
        st.error(f"The last measurement failed. {escape_markdown(last.error or '')}")
    elif last.state == CANCELLED:
        st.info("The last measurement was cancelled.")
    elif last.state == INTERRUPTED:
        st.warning("The last measurement was interrupted: its process ended. Start it again.")


def _show_estimates(scaling: Scaling, scenario: Scenario, missing: list[str]) -> None:
    sizes = list_sizes(scaling)
    documents, dimensions, depth = _ask_size(scaling, scenario)
    estimates = tabulate_estimates(scaling, [documents], dimensions=dimensions, depth=depth)
    st.markdown(escape_markdown(describe_estimates(estimates, documents)))
    if estimates["far"].any():
        st.warning(escape_markdown(describe_far(scaling)))
    if scenario.documents > sizes[-1] * _REACH[-1]:
        st.caption(
            f"You expect {scenario.documents:,.0f} documents, more than a hundred times what there are here: too far for any "
            "estimate."
        )
    number = st.column_config.NumberColumn
    config = {
        "system": st.column_config.TextColumn("System", pinned=True),
        "p50": number("p50 ms", format="%.0f", help="Half of the queries are answered within this time."),
        "low": number("At least", format="%.0f", help="Between these two the median is expected."),
        "high": number("At most", format="%.0f", help="Between these two the median is expected."),
        "p95": number("p95 ms", format="%.0f", help="95 of 100 queries are answered within this time."),
        "error": number("Error %", format="%.0f", help="How far a curve through the smaller sizes missed the largest one."),
        "far": st.column_config.CheckboxColumn("Far", help="Beyond what the curve is trusted for."),
    }
    st.dataframe(
        estimates.drop(columns="documents"), column_config=config, hide_index=True, key="latency_estimates",
        alt=f"Estimated latency over {documents:,} documents.",
    )  # fmt: skip
    st.plotly_chart(
        draw_growth(scaling, estimates, dimensions=dimensions, depth=depth), key="latency_growth", config=CONFIG,
        alt=f"Median latency by number of documents, measured at {', '.join(f'{size:,}' for size in sizes)}.",
    )  # fmt: skip
    told = ", ".join(f"{size:,}" for size in sizes)
    lacking = f" Not measured: {', '.join(missing)}." if missing else ""
    st.caption(
        escape_markdown(
            f"Filled marks are measured, at {told} documents, on {describe_machine_used(scaling.machine)}. Rings are the "
            f"estimate, with what is expected of it; dotted lines reach further than the curve is trusted for.{lacking}"
        )
    )


def _ask_size(scaling: Scaling, scenario: Scenario) -> tuple[int, int | None, int | None]:
    """(documents, dimensions or None for each model's own, depth or None for each system's own)."""
    most = list_sizes(scaling)[-1]
    reach = {most * times for times in _REACH}
    expected = round(scenario.documents)
    if most <= expected <= most * _REACH[-1]:
        reach.add(expected)
    left, middle, right = st.columns(3)
    documents = left.select_slider(
        "Documents", sorted(reach), expected if expected in reach and expected > most else most * 10,
        key=f"latency_documents_{most}_{expected}", format_func=lambda count: f"{count:,}",
    )  # fmt: skip
    own = sorted({max(measured.widths) for measured in scaling.systems.values() if measured.widths})
    dimensions = depth = _AS_IT_IS
    if own:
        words = "as they are (" + ", ".join(str(width) for width in own) + ")"
        dimensions = middle.selectbox(
            "Dimensions of a vector", [_AS_IT_IS, *_DIMENSIONS], key="latency_dimensions",
            format_func=lambda width: words if width == _AS_IT_IS else f"{width:,}",
            help="Of another model. The time that it takes to embed the query is not known here.",
        )  # fmt: skip
    if any(measured.reranker for measured in scaling.systems.values()):
        depth = right.selectbox(
            "Hits that are reranked", [_AS_IT_IS, *_DEPTHS], key="latency_depth",
            format_func=lambda count: "as it is" if count == _AS_IT_IS else str(count),
        )  # fmt: skip
    return int(documents), int(dimensions) or None, int(depth) or None


def describe_estimates(estimates: pd.DataFrame, documents: int) -> str:
    """The quickest and the slowest system at this size, with how far that can be trusted. Plain text."""
    ordered = estimates.sort_values("p50", kind="stable")
    quick, slow = ordered.iloc[0], ordered.iloc[-1]
    start = f"Over {documents:,} documents {quick['system']} would take about {quick['p50']:,.0f} ms a query"
    if len(ordered) > 1:
        start += f", {slow['system']} about {slow['p50']:,.0f}"
    worst = float(estimates["error"].max())
    return f"{start}. Where it was measured, the curves missed by up to {worst:.0f} %."
