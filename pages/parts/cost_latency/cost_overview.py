"""What the page Cost & latency rests on, kept warm: facts of the systems, the cost overview, break-even."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import streamlit as st

from core.costs.break_even import BreakEven
from core.costs.overview import CostOverview, IfTrained, make_overview
from core.costs.prices import PriceTable
from core.costs.scenario import Scenario
from core.costs.system_facts import SystemFacts, read_facts
from core.data.dataset import Dataset
from core.evaluation.per_query import count_hits
from core.experiment.result import Experiment
from core.graph.estimate import read_speed
from core.graph.resources import Resources
from core.records import encode
from core.schema import content_hash
from core.systems.trained import list_models
from pages.shared.frame.services import open_models, open_workspace
from pages.shared.frame.state import View
from pages.shared.show import tables


@st.cache_data(max_entries=16, show_spinner="Counting what is indexed")
def _read_facts(
    stamp: str, fingerprint: str, speed: float, models: tuple[str, ...], _experiment: Experiment, _dataset: Dataset
) -> dict[str, SystemFacts]:
    return read_facts(_experiment, _dataset, open_workspace(), models=open_models())


def open_facts(view: View, experiment: Experiment, dataset: Dataset) -> dict[str, SystemFacts]:
    """Facts of the experiment's systems; read anew when a system becomes ready, the data change, this machine turns out faster,
    or a trained model comes or goes."""
    workspace = open_workspace()
    models = tuple(model.id for model in list_models(workspace, dataset=dataset.name))
    speed = read_speed(Resources(workspace))
    return _read_facts(tables.stamp(view), dataset.fingerprint, speed, models, experiment, dataset)


def open_overview(
    view: View,
    experiment: Experiment,
    dataset: Dataset,
    scenario: Scenario,
    prices: PriceTable,
    *,
    if_trained: Sequence[IfTrained] = (),
) -> CostOverview:
    """The costs of the experiment's systems, with the quality over the view's queries. Raises LadderError."""
    means = tables.average_view(view, [view.measure])
    quality = {name: values[view.measure].mean for name, values in means.items() if view.measure in values}
    return make_overview(
        experiment,
        dataset,
        scenario,
        prices,
        workspace=open_workspace(),
        measure=view.measure if quality else "",
        quality=quality,
        if_trained=if_trained,
        facts=open_facts(view, experiment, dataset),
    )


def count_answers(view: View) -> dict[str, tuple[int, int]]:
    """system -> (queries with the answer among the first five, queries asked); empty without labels."""
    frame = view.per_query
    return {str(name): count_hits(frame, system=name) for name in frame["system"].drop_duplicates()}


@st.cache_data(max_entries=128, show_spinner="Looking for the point where it pays off")
def _pay_off(key: str, _found: CostOverview, trained: str, other: str) -> BreakEven:
    return _found.pay_off(trained, other)


def find_pay_off(found: CostOverview, trained: str, other: str) -> BreakEven:
    """CostOverview.pay_off(), remembered: it takes half a second."""
    sides = [dataclasses.asdict(found.facts[name]) for name in (trained, other)]
    rows = [dataclasses.asdict(price) for price in found.prices.prices]
    return _pay_off(content_hash([sides, rows, encode(found.scenario)]), found, trained, other)
