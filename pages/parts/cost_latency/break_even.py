"""When does training pay off? A trained system, or one that would be trained, against a dearer one that is as good without."""

from __future__ import annotations

import streamlit as st

from core.costs.break_even import TOLERANCE, BreakEven
from core.costs.lines import format_money
from core.costs.overview import CostOverview, IfTrained
from core.costs.prices import PriceTable
from core.costs.system_facts import SystemFacts
from core.data.dataset import Dataset
from core.experiment.result import Experiment
from core.systems.trained import ADAPTER, EMBEDDING, KIND_WORDS, RERANKER
from pages.parts.cost_latency.cost_charts import draw_pay_off
from pages.parts.cost_latency.cost_overview import find_pay_off, open_overview
from pages.shared.frame.links import Link, go
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown
from pages.shared.show.charts import CONFIG


def list_kinds(facts: SystemFacts) -> list[str]:
    """What could be trained in a system."""
    return [ADAPTER, EMBEDDING] * facts.dense + [RERANKER] * (facts.rerank_depth > 0)


def show_training(view: View, experiment: Experiment, dataset: Dataset, found: CostOverview, prices: PriceTable) -> None:
    """The part of the page."""
    trained = [name for name, facts in found.facts.items() if facts.trained]
    could = [name for name, facts in found.facts.items() if not facts.trained and list_kinds(facts)]
    if not trained and not could:
        st.info(
            "Nothing in this experiment can be trained: training needs embeddings or a reranker. Compare such a system too."
        )
        return
    left, right = st.columns(2)
    with left:
        ours = str(
            st.selectbox(
                "System with training",
                [*trained, *could],
                key="cost_trained",
                persist_state="session",
                format_func=lambda name: name if name in trained else f"{name}, if it were fine-tuned",
                help="Trained ones are measured. For the others, only what training would cost is known, not how good it makes "
                "them.",
            )
        )
        if ours in could:
            kinds = list_kinds(found.facts[ours])
            kind = st.segmented_control(
                "What would be trained", kinds, default=kinds[0], required=True, format_func=lambda one: KIND_WORDS[one],
                key=f"cost_kind_{'_'.join(kinds)}",
            )  # fmt: skip
            wish = IfTrained(ours, str(kind or kinds[0]))
            found = open_overview(view, experiment, dataset, found.scenario, prices, if_trained=[wish])
            base, ours = ours, f"{ours} if fine-tuned"
        else:
            base = ""
    with right:
        rivals = found.rivals[ours]
        others = [name for name, facts in found.facts.items() if not facts.trained and name not in (*rivals, base)]
        if not (rivals or others):
            st.info("There is no untrained system to hold it against. Compare one that reranks, say.")
            return
        other = str(
            st.selectbox(
                "Against",
                [*rivals, *others],
                key=f"cost_rival_{'_'.join((*rivals, *others))}",
                help="First those that could take its place without training: at least as good within "
                f"{TOLERANCE:g}, or, where it is not trained yet, better than it is now.",
            )
        )
    st.caption(escape_markdown(_tell_rival(found, ours, other, base=base)))
    _show_pay_off(found, find_pay_off(found, ours, other))


def _tell_rival(found: CostOverview, ours: str, other: str, *, base: str) -> str:
    """How good both are, and whether they can stand for one another. Plain text."""
    quality = found.quality
    if not quality:
        return "Without labels nobody knows whether the two are equally good."
    if base:
        known = (
            f"{base} untrained reaches {quality[base]:.3f} on {found.measure}" if base in quality else f"{base} is not measured"
        )
        theirs = f"{other} {quality[other]:.3f}" if other in quality else f"{other} is not measured"
        return (
            f"{known}, {theirs}. Whether training closes that gap nobody knows before it is tried; this is what it would cost."
        )
    if other in found.rivals[ours]:
        return f"{_tell_both(found, ours, other)}, so either could stand for the other."
    if ours not in quality or other not in quality:
        return "One of the two was not measured, so they may not be equally good."
    return f"{_tell_both(found, ours, other)}. {other} is not as good, so what is saved is not for the same answers."


def _tell_both(found: CostOverview, ours: str, other: str) -> str:
    return f"On {found.measure}: {ours} {found.quality[ours]:.3f}, {other} {found.quality[other]:.3f}"


def _show_pay_off(found: CostOverview, told: BreakEven) -> None:
    st.subheader(escape_markdown(describe_pay_off(told)), anchor=False)
    st.markdown(escape_markdown(told.describe()))
    once = found.sheets[told.trained].one_time - found.sheets[told.other].one_time
    saved = found.sheets[told.other].monthly - found.sheets[told.trained].monthly
    st.caption(escape_markdown(_tell_balance(once, saved)))
    last = told.curve.iloc[-1]
    alt = (
        f"Accumulated cost over {int(last['month'])} months: {told.trained} {format_money(float(last['trained']))}, "
        f"{told.other} {format_money(float(last['other']))}."
    )
    st.plotly_chart(draw_pay_off(told), key="cost_pay_off", config=CONFIG, alt=alt)
    if st.button("To Fine-tuning", key="cost_to_training", icon=":material/model_training:"):
        go(Link("fine_tuning"))


def describe_pay_off(told: BreakEven) -> str:
    """The answer in a few words. Plain text."""
    if told.months is None:
        return "It never pays off" + (" at this volume." if told.queries_per_month else ".")
    if told.months == 0:
        return "It pays off at once."
    return f"It pays off after {told.months} {'month' if told.months == 1 else 'months'}."


def _tell_balance(once: float, saved: float) -> str:
    """What is paid for and what comes back. Plain text."""
    first = f"Training asks for {format_money(max(0.0, once))} more at the beginning"
    if saved > 0:
        return f"{first} and saves {format_money(saved)} a month."
    return f"{first} and costs {format_money(-saved)} a month more: machines, people and trainings again."
