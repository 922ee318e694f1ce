"""What the user expects: fields that answer at once. Their values are the dataset's saved scenario, and nothing else is: every
run writes it into the fields, and a changed field changes it, so that another page, the command line and a second browser see
the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.costs.assumptions import DEPLOYMENT_WORDS
from core.costs.prices import CPU, EMBEDDING, GPU, PERSON, RERANK_SEARCH, RERANK_TOKENS, PriceTable
from core.costs.scenario import (
    API,
    MIXED,
    OWN,
    Scenario,
    forget_scenario,
    make_scenario,
    read_scenario,
    save_scenario,
)
from core.data.dataset import Dataset
from core.errors import LadderError
from pages.shared.frame.services import open_dataset, open_models, open_workspace
from pages.shared.frame.text import escape_markdown

_TROUBLE = "_scenario_trouble"  # why a value could not be taken
_NAMES = {OWN: "On own machines", MIXED: "Models bought, search own", API: "Everything bought"}
_VOLUMES = (
    0, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
    10_000_000, 20_000_000, 50_000_000, 100_000_000,
)  # fmt: skip


@dataclass(frozen=True)
class _Field:
    """A number of the scenario. scale: what is shown of it (100 for percent). whole: shown as a whole number."""

    label: str
    help: str
    most: float
    step: float
    least: float = 0.0
    scale: float = 1.0
    whole: bool = False

    def show(self, value: float) -> float | int:
        """The field's value, of the type that its limits have; brought within them for a scenario from elsewhere."""
        shown = min(max(value * self.scale, self.least), self.most)
        return round(shown) if self.whole else round(shown, 1 if shown >= 10 else 4)


_FIELDS = {
    "documents": _Field("Documents", "At the beginning. They are taken to be as long as those of this dataset.", 1e9, 100,
                        whole=True),
    "growth_per_month": _Field("New documents a month, %", "Of those there are.", 100, 1, scale=100),
    "changed_per_week": _Field("Changed documents a week, %", "Of those there are; each is embedded anew.", 1000, 1,
                               scale=100),
    "label_hours": _Field("Hours of labelling", "Of people, once, before the first training. Untrained systems need none.",
                          1e6, 4),
    "retrainings_per_year": _Field("Trainings a year after that", "A trained model ages with the documents.", 366, 1),
    "upkeep_hours_per_month": _Field("Hours of upkeep a month", "Of people, for any system: watching it, updates, questions.",
                                     1e5, 1),
    "trained_upkeep_hours_per_month": _Field("Added upkeep if trained, hours", "A month, for a trained model.", 1e5, 1),
    "experiments": _Field("Trainings until one is kept", "The first is seldom the one.", 10_000, 1, least=1, whole=True),
    "gpu_speedup": _Field("How much faster the GPU trains", "Than this machine did; 1 until it was measured.", 10_000, 1,
                          least=0.01),
    "tokens_per_document": _Field("Tokens of a document", "As counted here, unless yours will be longer.", 1e8, 50),
    "tokens_per_query": _Field("Tokens of a query", "As counted here.", 1e6, 1),
    "dimensions": _Field("Dimensions of bought vectors", "0: the bought model's usual number.", 100_000, 128, whole=True),
    "vcpus": _Field("vCPUs of a machine", "The least that is rented; more load means more machines.", 1024, 1, least=1,
                    whole=True),
    "peak_factor": _Field("Busiest hour over the average one", "Machines are there for the busiest hour.", 1000, 1, least=1),
    "months": _Field("Months of the “first year”", "What one-time and monthly costs are added up over.", 600, 1, least=1,
                     whole=True),
}  # fmt: skip


def show_scenario(dataset: Dataset, prices: PriceTable) -> Scenario:
    """The form; returns what is expected now. Raises LadderError if what is kept cannot be read."""
    scenario = read_scenario(dataset, open_workspace(), models=open_models())
    with st.container(border=True):
        _show_head(dataset, scenario)
        if st.session_state.get(_TROUBLE):
            st.error(escape_markdown(st.session_state.pop(_TROUBLE)))
        _ask_deployment(dataset, scenario)
        _ask_bought(dataset, scenario, prices)
        columns = st.columns(3, gap="medium")
        # Column by column, so that they stand in this order also where the window is narrow.
        with columns[0]:
            _ask(dataset, scenario, "documents")
            _ask(dataset, scenario, "growth_per_month")
        with columns[1]:
            _ask_volume(dataset, scenario)
            _ask(dataset, scenario, "changed_per_week")
        with columns[2]:
            _ask(dataset, scenario, "upkeep_hours_per_month")
            _ask(dataset, scenario, "label_hours")
        with st.expander("More: lengths, machines, trainings, rates", icon=":material/tune:", key="cost_more"):
            _ask_more(dataset, scenario, prices)
    return scenario


def _show_head(dataset: Dataset, scenario: Scenario) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(
            "**What do you expect?**",
            width="content",
            help="Kept for this dataset: a recommendation with a limit on cost, and the command line, use the same.",
        )
        usual = scenario == make_scenario(dataset, open_workspace(), models=open_models())
        st.button(
            "Back to the defaults", key="cost_defaults", icon=":material/undo:", disabled=usual, on_click=_forget,
            args=(dataset.name,), type="tertiary",
        )  # fmt: skip


def _forget(dataset: str) -> None:
    forget_scenario(dataset, open_workspace())


def show_broken(dataset: Dataset, error: LadderError) -> None:
    """A saved scenario that cannot be read, and the way out."""
    st.error(escape_markdown(error))
    st.button("Back to the defaults", key="cost_defaults_broken", on_click=_forget, args=(dataset.name,))


def _key(name: str) -> str:
    return f"cost_{name}"


def _keep(dataset: str, name: str, read: Callable[[Any], Any]) -> None:
    """For a field's on_change: saves the scenario with this field's new value."""
    value = st.session_state[_key(name)]
    if value is None:  # emptied: it comes back
        return
    try:
        workspace = open_workspace()
        scenario = read_scenario(open_dataset(dataset), workspace, models=open_models())
        save_scenario(dataclasses.replace(scenario, **{name: read(value)}), dataset, workspace)
    except LadderError as error:
        st.session_state[_TROUBLE] = str(error)


def _ask(dataset: Dataset, scenario: Scenario, name: str) -> None:
    field = _FIELDS[name]
    whole = field.whole
    kind: Callable[[float], float] = int if whole else float
    st.session_state[_key(name)] = field.show(getattr(scenario, name))
    st.number_input(
        field.label,
        kind(field.least),
        kind(field.most),
        step=kind(field.step),
        format="%d" if whole else "%g",
        key=_key(name),
        help=field.help,
        on_change=_keep,
        args=(dataset.name, name, int if whole else (lambda value: value / field.scale)),
    )


def _ask_volume(dataset: Dataset, scenario: Scenario) -> None:
    """Steps that grow with the number: 10,000 and 11,000 queries cost the same, 10,000 and 100,000 do not."""
    now = scenario.queries_per_month
    st.session_state[_key("queries_per_month")] = now
    st.select_slider(
        "Queries a month",
        sorted({*map(float, _VOLUMES), float(now)}),
        key=_key("queries_per_month"),
        format_func=lambda value: f"{value:,.0f}",
        on_change=_keep,
        args=(dataset.name, "queries_per_month", float),
    )


def _ask_deployment(dataset: Dataset, scenario: Scenario) -> None:
    st.session_state[_key("deployment")] = scenario.deployment
    st.radio(
        "Where does it run?",
        list(_NAMES),
        key=_key("deployment"),
        format_func=_NAMES.__getitem__,
        horizontal=True,
        on_change=_keep,
        args=(dataset.name, "deployment", str),
        help="\n\n".join(f"**{_NAMES[name]}**: {DEPLOYMENT_WORDS[name]}" for name in _NAMES),
    )
    st.caption(DEPLOYMENT_WORDS[scenario.deployment])


def _ask_bought(dataset: Dataset, scenario: Scenario, prices: PriceTable) -> None:
    """Whose prices are paid for what is bought; nothing where nothing is."""
    if scenario.deployment == OWN:
        return
    columns = st.columns(3 if scenario.deployment == API else 2)
    with columns[0]:
        _ask_price(dataset, scenario, prices, "embedding", "Bought embeddings", EMBEDDING)
    with columns[1]:
        _ask_price(dataset, scenario, prices, "rerank", "Bought reranking", RERANK_SEARCH, RERANK_TOKENS)
    if scenario.deployment == API:
        with columns[2]:
            _choose(dataset, scenario, "vector_store", "Bought vector store", list(prices.stores), spell=str)


def _ask_more(dataset: Dataset, scenario: Scenario, prices: PriceTable) -> None:
    columns = st.columns(3, gap="medium")
    groups = (
        ("tokens_per_document", "tokens_per_query", "dimensions", "months"),
        ("vcpus", "peak_factor"),
        ("retrainings_per_year", "experiments", "trained_upkeep_hours_per_month"),
    )
    for column, names in zip(columns, groups, strict=True):
        with column:
            for name in names:
                _ask(dataset, scenario, name)
    with columns[1]:
        _ask_price(dataset, scenario, prices, "cpu", "Price of a vCPU", CPU)
        _ask_price(dataset, scenario, prices, "upkeep", "Rate of upkeep", PERSON)
    with columns[2]:
        _ask_price(dataset, scenario, prices, "labelling", "Rate of labelling", PERSON)
        _ask_price(dataset, scenario, prices, "gpu", "Train on", GPU, none="CPU cores, as here")
        if scenario.gpu:
            _ask(dataset, scenario, "gpu_speedup")


def _ask_price(
    dataset: Dataset, scenario: Scenario, prices: PriceTable, name: str, label: str, *kinds: str, none: str = ""
) -> None:
    """One of the price table's rows of these kinds. none: what it is called to buy nothing, "" where that cannot be."""
    rows = {price.id: f"{price.item}, ${price.price_usd:.10g} / {price.unit}" for price in prices.of_kind(*kinds)}
    words = ({"": none} if none else {}) | rows
    _choose(
        dataset,
        scenario,
        name,
        label,
        list(words),
        spell=lambda option: words.get(option, f"{option} (not in the price table)"),
    )


def _choose(
    dataset: Dataset, scenario: Scenario, name: str, label: str, options: list[str], *, spell: Callable[[str], str]
) -> None:
    """A select box; a row that was taken out of the price table since stays an option, so that the box shows what is kept."""
    now = getattr(scenario, name)
    st.session_state[_key(name)] = now
    st.selectbox(
        label,
        options if now in options else [now, *options],
        key=_key(name),
        format_func=spell,  # options are plain text
        on_change=_keep,
        args=(dataset.name, name, str),
    )
