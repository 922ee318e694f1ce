"""Cost & latency: what does each system cost, is the better one worth it, when does training pay off, and how fast is it?"""

from __future__ import annotations

import streamlit as st

from core.costs.prices import PriceTable, read_prices
from core.data.dataset import Dataset
from core.errors import LadderError
from core.experiment.result import Experiment
from pages.parts.cost_latency import prices as price_table
from pages.parts.cost_latency import scenario_form
from pages.parts.cost_latency.break_even import show_training
from pages.parts.cost_latency.cost_overview import open_overview
from pages.parts.cost_latency.costs import show_costs, show_headline, show_worth
from pages.parts.cost_latency.latency import show_latency
from pages.shared.forms.choose import choose_part
from pages.shared.frame.empty_page import show_nothing
from pages.shared.frame.follow_job import find_job, list_waiting, show_waiting
from pages.shared.frame.page import page_setup
from pages.shared.frame.services import open_dataset, open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown

_PART = "cost_part"
COSTS, WORTH, TRAINING, LATENCY, PRICES = PARTS = (
    "What does it cost?", "Is it worth it?", "When does training pay off?", "How fast is it?", "Prices",
)  # fmt: skip


def show_part(view: View, experiment: Experiment, dataset: Dataset, prices: PriceTable) -> None:
    """Headline, what is expected, and the chosen question."""
    headline = st.container()
    try:
        scenario = scenario_form.show_scenario(dataset, prices)
    except LadderError as error:
        scenario_form.show_broken(dataset, error)
        return
    part = choose_part(_PART, PARTS, label="Question", kept=True)
    if part == PRICES:
        price_table.show_prices(prices)
    try:
        found = open_overview(view, experiment, dataset, scenario, prices)
    except LadderError as error:  # a row of the price table that the scenario names is gone
        headline.error(escape_markdown(error))
        return
    with headline:
        show_headline(view, found)
    if part == COSTS:
        show_costs(view, found)
    elif part == WORTH:
        show_worth(view, dataset, found)
    elif part == TRAINING:
        show_training(view, experiment, dataset, found, prices)
    elif part == LATENCY:
        show_latency(experiment, dataset, scenario)


def show_notices(view: View, experiment: Experiment, waiting: list[str]) -> None:
    """What one must know before reading the numbers."""
    if view.data_changed:
        st.warning("The dataset changed since this run: sizes are those of today, quality and latency those of then.")
    if experiment.status == "cancelled":
        st.info("This run was cancelled. What was finished is shown; run the experiment again to complete it.")
    elif experiment.status == "running" and not waiting:
        st.info("This run was interrupted. What was finished is shown; run the experiment again to complete it.")
    failed = [system.name for system in experiment.systems if system.error]
    if failed:
        st.warning(f"No result: {escape_markdown(', '.join(failed))}. The page Results says why.")


def main() -> None:
    """The page: what one must know first, then the chosen question."""
    view = page_setup("Cost & latency")
    job = find_job(view)
    experiment = view.experiment
    if experiment is None:
        show_nothing(view, job)
        return
    waiting = list_waiting(job, experiment)
    if job and waiting:
        show_waiting(job, waiting)
    show_notices(view, experiment, waiting)
    if not experiment.ready:
        return
    try:
        prices = read_prices(open_workspace())
    except LadderError as error:
        price_table.show_broken(error)
        return
    show_part(view, experiment, open_dataset(view.dataset_name), prices)


try:
    main()
except LadderError as error:
    st.error(escape_markdown(error))
