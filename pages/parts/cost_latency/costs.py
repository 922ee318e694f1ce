"""The first parts of the page Cost & latency: the headline, what each system costs and how that is reckoned, what nobody beats
and which limits to set."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd
import streamlit as st

from core.costs.lines import MONTHLY, ONCE, Line, format_money
from core.costs.overview import COST, LATENCY, MONTHLY_COST, CostOverview
from core.costs.sentences import describe_front, describe_headline, group_lines
from core.costs.sheet import CostSheet
from core.data.dataset import Dataset
from core.errors import LadderError
from core.evaluation.per_query import MeanValue
from core.evaluation.verdicts import INTERVAL_WORDS
from core.jobs.kinds import ASSESS
from core.jobs.state import find_active
from core.ladder.goals import Goals
from core.recommendation.files import find_assessments, load_assessment
from pages.parts.cost_latency.cost_charts import draw_front, draw_groups
from pages.parts.cost_latency.cost_overview import count_answers
from pages.shared.forms.goals import start_assessment
from pages.shared.frame.links import Link, go
from pages.shared.frame.services import open_experiment, open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_html, escape_markdown, show_html
from pages.shared.show import tables
from pages.shared.show.charts import CONFIG

_SYSTEM, _TABLE = "cost_system", "cost_table"
_LIMITS = {MONTHLY_COST: "cost_limit_usd", LATENCY: "cost_limit_ms"}
_LIMITS_OF = "_cost_limits_of"  # the dataset whose limits stand in the fields


def show_headline(view: View, found: CostOverview) -> None:
    """The answer in a sentence, how sure it is, and what nobody beats."""
    st.subheader(escape_markdown(describe_headline(found, count_answers(view))), anchor=False)
    sure = describe_difference(view, found)
    lines = [line for line in (sure, describe_front(found, MONTHLY_COST)) if line]
    if lines:
        st.markdown(escape_markdown(" ".join(lines)))
    for note in found.notes:
        st.warning(escape_markdown(note))


def describe_difference(view: View, found: CostOverview) -> str:
    """Whether the best system is better than the cheapest; "" where they are the same or there are no labels. Plain text."""
    front = found.frontier[MONTHLY_COST]
    if len(front) < 2:
        return ""
    base, best = front[0], front[-1]
    lead = tables.compare_view(view, base).get(best)
    return f"{lead.describe()} {INTERVAL_WORDS}" if lead is not None else ""


def show_costs(view: View, found: CostOverview) -> None:
    """Bars, the table, one system's arithmetic, and what is taken for granted."""
    names = list(found.sheets)
    left, right = st.columns(2)
    for column, when, title in ((left, MONTHLY, "A month"), (right, ONCE, "Once, at the beginning")):
        groups = {name: group_lines(found.sheets[name], when) for name in names}
        listed = ", ".join(f"{name} {format_money(sum(values.values()))}" for name, values in groups.items())
        with column:
            st.markdown(f"**{title}**")
            figure = draw_groups(groups, title="US dollars")
            st.plotly_chart(figure, key=f"cost_groups_{when}", config=CONFIG, alt=f"{title}: {listed}.")
    _show_table(view, found)
    chosen = str(
        st.selectbox(
            "How is it reckoned? Choose a system, or select its row above", names, key=_SYSTEM, persist_state="session"
        )
    )
    show_arithmetic(found, chosen)
    with st.expander("What is taken for granted", icon=":material/rule:", key="cost_assumptions"):
        st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in found.assumptions))


def tabulate_costs(view: View, found: CostOverview) -> pd.DataFrame:
    """system, unbeaten (bool), one_time, monthly, per_1000, first_year (USD), mean, low, high, n (quality), p95 (ms); NaN where
    it is not known."""
    means = tables.average_view(view, [view.measure])
    rows = []
    for name, sheet in found.sheets.items():
        value: MeanValue | None = means.get(name, {}).get(view.measure)
        row: dict[str, Any] = {
            "system": name,
            "unbeaten": name in found.frontier[COST],
            "one_time": sheet.one_time,
            "monthly": sheet.monthly,
            "per_1000": sheet.per_1000_queries,
            "first_year": sheet.first_year,
            "p95": found.facts[name].p95_ms,
        }
        if value is not None:
            row |= {"mean": value.mean, "low": value.low, "high": value.high, "n": value.n}
        rows.append(row)
    numbers = ["one_time", "monthly", "per_1000", "first_year", "mean", "low", "high", "n", "p95"]
    frame = pd.DataFrame(rows, columns=["system", "unbeaten", *numbers])
    return frame.astype(dict.fromkeys(numbers, float))


def _show_table(view: View, found: CostOverview) -> None:
    frame = tabulate_costs(view, found)
    number = st.column_config.NumberColumn
    first = "First year" if found.scenario.months == 12 else f"{found.scenario.months} months"
    interval = "95 % interval of this mean alone, over the queries."
    config = {
        "system": st.column_config.TextColumn("System", pinned=True, help="Select a row to see how it is reckoned."),
        "unbeaten": st.column_config.CheckboxColumn(
            "Unbeaten", help=f"No other system both scores higher and is cheaper, over the {first.lower()}."
        ),
        "one_time": number("Once", format="dollar", help="Before the first month: embedding, training, labelling."),
        "monthly": number("A month", format="dollar", help="With the documents of the beginning."),
        "per_1000": number("1,000 queries", format="dollar", help="A month's cost over its queries, times 1,000."),
        "first_year": number(first, format="dollar", help="Once, and every month while the documents grow."),
        "mean": number(view.measure, format="%.3f"),
        "low": number("Low", format="%.3f", help=interval),
        "high": number("High", format="%.3f", help=interval),
        "n": number("n", format="%d", help="Queries measured."),
        "p95": number("p95 ms", format="%.1f", help="95 of 100 queries are answered within this time."),
    }
    if not found.quality:
        frame = frame.drop(columns=["unbeaten", "mean", "low", "high", "n"])
    st.dataframe(
        frame,
        column_config=config,
        hide_index=True,
        placeholder="–",
        key=_TABLE,
        on_select=lambda: _follow_row(list(frame["system"])),
        selection_mode="single-row",
        alt="Costs, quality and latency of all systems.",
    )


def _follow_row(systems: list[str]) -> None:
    rows = st.session_state[_TABLE]["selection"]["rows"]
    if rows and rows[0] < len(systems):
        st.session_state[_SYSTEM] = systems[rows[0]]


def show_arithmetic(found: CostOverview, system: str) -> None:
    """Every line of a sheet with words, formula and value, the year's sum, and the prices used."""
    sheet = found.sheets[system]
    parts = [_spell_lines(sheet, when, title) for when, title in ((ONCE, "Once"), (MONTHLY, "A month"))]
    year = f"The first {len(sheet.by_month)} months: {escape_html(sheet.first_year_arithmetic)}"
    parts.append(f'<p style="margin: 0.5rem 0; font-size: 0.875rem">{year}</p>')
    show_html(f'<div style="overflow-wrap: anywhere">{"".join(parts)}</div>')
    used = [found.prices.get(price_id) for price_id in sheet.price_ids]
    st.caption("Prices used")
    frame = pd.DataFrame([{"item": p.item, "price": f"${p.price_usd:.10g} / {p.unit}", "source": p.source, "seen": p.seen}
                          for p in used], columns=["item", "price", "source", "seen"])  # fmt: skip
    config = {name: st.column_config.TextColumn(name.capitalize()) for name in frame.columns}
    st.dataframe(frame, column_config=config, hide_index=True, key="cost_prices_used", alt=f"{len(used)} prices with sources.")


def _spell_lines(sheet: CostSheet, when: str, title: str) -> str:
    """HTML: the lines that are paid once, or every month, with their sum."""
    lines = [line for line in sheet.lines if line.when == when]
    total = format_money(sum(line.value for line in lines))
    head = f"<p style='margin: 0.75rem 0 0.25rem'><b>{title}: {total}</b></p>"
    return head + "".join(map(_spell_line, lines)) if lines else f"{head}<p style='margin: 0; font-size: 0.875rem'>Nothing.</p>"


def _spell_line(line: Line) -> str:
    formula, _, value = line.arithmetic.rpartition(" = ")
    return (
        "<div style='display: flex; gap: 1rem; justify-content: space-between; padding: 0.25rem 0; "
        "border-top: 1px solid rgba(128, 128, 128, 0.25)'>"
        f"<div>{escape_html(line.words)}<br><span style='opacity: 0.7; font-size: 0.875rem'>{escape_html(formula)}</span></div>"
        f"<div style='white-space: nowrap; font-variant-numeric: tabular-nums'>{escape_html(value)}</div></div>"
    )


def show_worth(view: View, dataset: Dataset, found: CostOverview) -> None:
    """Quality against cost, and against latency, with the limits, and the button that recommends within them."""
    if not found.quality:
        st.info("Without labels nobody knows which system is better, so nothing can be weighed. Add labels to see it.")
        return
    goals = find_goals(dataset.name)
    with st.container(border=True):
        st.markdown("**Limits.** Set one to see which systems keep it.")
        usd, slowest = _ask_limits(dataset.name, goals)
        _offer_recommendation(dataset.name, dataclasses.replace(
            goals, max_monthly_usd=usd, max_latency_ms=slowest, scenario=found.scenario
        ))  # fmt: skip
    per_year = st.segmented_control(
        "Cost", ["A month", "First year"], default="A month", required=True, key="cost_span", label_visibility="collapsed"
    )
    left, right = st.columns(2)
    with left:
        price = COST if per_year == "First year" else MONTHLY_COST
        _show_front(view, found, price, limit=usd if price == MONTHLY_COST else None)
    with right:
        if found.points[LATENCY].isna().all():
            st.info("Latency was not measured in this experiment: it is once all systems are finished. Run it again.")
        else:
            _show_front(view, found, LATENCY, limit=slowest)


def _show_front(view: View, found: CostOverview, price: str, *, limit: float | None) -> None:
    titles = {MONTHLY_COST: "US dollars a month", COST: f"US dollars in {found.scenario.months} months", LATENCY: "p95 in ms"}
    means = tabulate_costs(view, found)[["system", "low", "high"]]
    rows = found.points.merge(means, on="system").dropna(subset=["quality", price])
    title = "Quality against latency" if price == LATENCY else "Quality against cost"
    st.markdown(f"**{title}**")
    st.caption(escape_markdown(describe_front(found, price)))
    if limit is not None:
        over = [str(name) for name in rows.loc[rows[price] > limit, "system"]]
        st.caption(escape_markdown(f"Over the limit: {', '.join(over)}." if over else "All systems keep the limit."))
    figure = draw_front(
        rows, price=price, front=found.frontier[price], title=titles[price], measure=view.measure, limit=limit,
        money=price != LATENCY,
    )  # fmt: skip
    listed = ", ".join(f"{row['system']} {row['quality']:.3f} at {row[price]:,.1f}" for row in rows.to_dict("records"))
    st.plotly_chart(figure, key=f"cost_front_{price}", config=CONFIG, alt=f"{title}, {titles[price]}: {listed}.")


def find_goals(dataset: str) -> Goals:
    """Those of the dataset's newest recommendation; the default ones before there is one."""
    workspace = open_workspace()
    newest = next(iter(find_assessments(dataset, workspace)), None)
    if newest is None:
        return Goals()
    return _read_goals(newest, str(workspace.folder))


@st.cache_data(max_entries=16, show_spinner=False)
def _read_goals(assessment: str, workspace: str) -> Goals:
    """An assessment never changes once it is there."""
    return load_assessment(assessment, open_workspace(), experiment=open_experiment(assessment)).goals


def _ask_limits(dataset: str, goals: Goals) -> tuple[float | None, float | None]:
    """(USD a month, p95 in ms); None is no limit. At first those of the newest recommendation."""
    state = st.session_state
    if state.get(_LIMITS_OF) != dataset:
        state[_LIMITS_OF] = dataset
        state[_LIMITS[MONTHLY_COST]], state[_LIMITS[LATENCY]] = goals.max_monthly_usd, goals.max_latency_ms
    left, right = st.columns(2)
    usd = left.number_input(
        "Most it may cost a month (USD)", 0.0, value=None, step=10.0, format="%.2f", key=_LIMITS[MONTHLY_COST],
        placeholder="no limit", persist_state="session", help="In what you expect, above. Empty: no limit.",
    )  # fmt: skip
    slowest = right.number_input(
        "Slowest answer allowed (ms)", 0.0, value=None, step=50.0, format="%.0f", key=_LIMITS[LATENCY],
        placeholder="no limit", persist_state="session", help="For 95 of 100 queries, one at a time. Empty: no limit.",
    )  # fmt: skip
    return (None if usd is None else float(usd)), (None if slowest is None else float(slowest))


def _offer_recommendation(dataset: str, goals: Goals) -> None:
    """The button, or the way to the run that it started."""
    running = any(job.kind == ASSESS and job.dataset == dataset for job in find_active(open_workspace()))
    unlimited = goals.max_monthly_usd is None and goals.max_latency_ms is None
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Recommend within these limits", key="cost_recommend", type="primary", disabled=running or unlimited):
            try:
                start_assessment(dataset, goals)
            except LadderError as error:
                st.error(escape_markdown(error))
        if st.button("Open Recommendation", key="cost_see_recommendation", icon=":material/flag:"):
            go(Link("recommendation", dataset=dataset))
        if running:
            st.caption("It is being found out; the page Recommendation shows it.")
        elif unlimited:
            st.caption("Set a limit first.")
        else:
            limits = [f"${goals.max_monthly_usd:,.2f} a month"] if goals.max_monthly_usd is not None else []
            limits += [f"{goals.max_latency_ms:,.0f} ms"] if goals.max_latency_ms is not None else []
            st.caption(escape_markdown(f"Within {' and '.join(limits)}, climbing the ladder again; seconds if it was climbed."))
