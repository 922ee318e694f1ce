"""What a cost sheet takes for granted, in sentences: nothing that was not measured goes without saying."""

from __future__ import annotations

from collections.abc import Mapping

from core.costs.prices import Price, PriceTable
from core.costs.scenario import API, MIXED, OWN, Scenario
from core.costs.sheet import CostSheet
from core.costs.sheet_inputs import SheetInputs
from core.costs.system_facts import SystemFacts
from core.settings import DEFAULT_MODEL

DEPLOYMENT_WORDS = {
    OWN: "Everything runs on your own machines.",
    API: "Embeddings, the vector store and reranking are bought; only what no service does for you runs on an own machine.",
    MIXED: "Embeddings and reranking are bought; index and search run on an own machine.",
}


def list_assumptions(facts: Mapping[str, SystemFacts], scenario: Scenario, prices: PriceTable) -> list[str]:
    """Sentences about the scenario, the machines, what is bought, people, and each system's own gaps."""
    all_inputs = [SheetInputs(of_system, scenario, prices) for of_system in facts.values()]
    growing, changing = (f"{100 * share:.3g} %" for share in (scenario.growth_per_month, scenario.changed_per_week))
    said = [
        DEPLOYMENT_WORDS[scenario.deployment],
        f"{scenario.documents:,.0f} documents of {scenario.tokens_per_document:,.0f} tokens; {growing} more every month, and "
        f"{changing} of them change every week. "
        f"{scenario.queries_per_month:,.0f} queries a month, of {scenario.tokens_per_query:,.0f} tokens. Tokens are counted by "
        f"the tokenizer of {DEFAULT_MODEL}; services count a little differently.",
    ]
    if any(inputs.has_machine for inputs in all_inputs):
        said.append(
            f"Machines have {scenario.vcpus} vCPUs and run all month. A query keeps one core busy for its median time as "
            f"measured here, and the busiest hour has {scenario.peak_factor:g} times the average hour's queries. Latency is "
            "taken to stay the same while the documents grow."
        )
    if any(inputs.buys_embedding or inputs.buys_reranking for inputs in all_inputs):
        said.append(
            "Quality and latency are those of the experiment's own models: a bought model may do better or worse, and answers "
            "over the network."
        )
    if any(of_system.trained for of_system in facts.values()):
        said.append(
            f"A trained model takes {scenario.experiments} trainings until one is kept, {scenario.label_hours:g} hours of "
            f"labelling, {scenario.retrainings_per_year:g} further trainings a year and "
            f"{scenario.trained_upkeep_hours_per_month:g} hours a month more of upkeep. It cannot be bought as a service."
        )
        if scenario.gpu and scenario.gpu_speedup == 1:
            said.append("The GPU is taken to train no faster than this machine did; give the speed-up once it was measured.")
    people = " and ".join(dict.fromkeys(_tell(prices.get(name)) for name in (scenario.labelling, scenario.upkeep)))
    said.append(f"People: {people}. Prices are net and in US dollars, each as of its date; networks and taxes are left out.")
    said += [f"{name}: {sentence}." for name, of_system in facts.items() for sentence in of_system.assumed]
    return said


def list_prices_used(sheets: Mapping[str, CostSheet], prices: PriceTable) -> list[Price]:
    """The rows that the sheets were calculated with, in the table's order."""
    used = {price_id for sheet in sheets.values() for price_id in sheet.price_ids}
    return [price for price in prices.prices if price.id in used]


def _tell(price: Price) -> str:
    return f"{price.item}, ${price.price_usd:.10g} ({price.source})"
