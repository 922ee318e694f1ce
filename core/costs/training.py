"""Embedding, reranking, training, machines and people: what a system costs besides its vector store."""

from __future__ import annotations

import math

from core.costs.lines import MONTHLY, ONCE, Factor, Line, price_factor
from core.costs.prices import CPU, GPU, PERSON, RERANK_TOKENS
from core.costs.sheet_inputs import HOURS_A_MONTH, WEEKS_A_MONTH, SheetInputs
from core.costs.vector_store import write_index
from core.systems.trained import EMBEDDING, KIND_WORDS

SECONDS_A_MONTH = HOURS_A_MONTH * 3600
_MONTHS_A_YEAR = 12.0
_PER_SEARCH, _SEARCH_TOKENS = 100, 500  # documents of one search, and tokens of one document: Cohere's pricing page
_HOUR = Factor("", 3600.0, "seconds an hour", divides=True)


def embed_documents(inputs: SheetInputs, name: str, words: str, share: tuple[Factor, ...], when: str) -> list[Line]:
    """One line for embedding a share of the corpus: bought by the token, or own CPU hours at the speed measured here."""
    if not inputs.facts.dense:
        return []
    counted = (*inputs.count_indexed_tokens()[:1], *share, *inputs.count_indexed_tokens()[1:])
    if inputs.buys_embedding:
        return [Line(name, words, (*counted, price_factor(inputs.embedding_price)), when)]
    speed = Factor("measured here", inputs.facts.tokens_per_second, "tokens a second", divides=True)
    factors = (*counted, speed, _HOUR, _cores(inputs), price_factor(inputs.prices.pick(inputs.scenario.cpu, CPU)))
    return [Line(name, f"{words}, on own cores", factors, when)]


def _cores(inputs: SheetInputs) -> Factor:
    return Factor("as measured", inputs.facts.cores, "vCPUs")


def list_embedding_lines(inputs: SheetInputs) -> list[Line]:
    """The corpus once, then every month what changed and what is new; queries where they are embedded by a service."""
    scenario = inputs.scenario
    changed = (Factor("changed a week", scenario.changed_per_week, "of them"), Factor("", WEEKS_A_MONTH, "weeks a month"))
    new = (Factor("new a month", scenario.growth_per_month, "of them"),)
    lines = [
        *embed_documents(inputs, "embed_corpus", "Embed the corpus", (), ONCE),
        *embed_documents(inputs, "embed_changed", "Embed changed documents", changed, MONTHLY),
        *embed_documents(inputs, "embed_new", "Embed new documents", new, MONTHLY),
    ]
    if inputs.buys_embedding:
        tokens = Factor("", scenario.tokens_per_query, "tokens")
        factors = (inputs.count_queries(), tokens, price_factor(inputs.embedding_price))
        lines.append(Line("embed_queries", "Embed queries", factors, MONTHLY, per_query=True))
    return lines


def list_rerank_lines(inputs: SheetInputs) -> list[Line]:
    """Bought reranking, by the search (Cohere: up to 100 documents; longer ones than 500 tokens, the query's included, count as
    several) or by the token (Voyage: query tokens x documents + tokens of all documents). An own reranker is machine time."""
    if not inputs.buys_reranking:
        return []
    facts, price = inputs.facts, inputs.rerank_price
    tokens = facts.rerank_tokens + inputs.scenario.tokens_per_query
    sizes: tuple[Factor, ...]
    if price.kind == RERANK_TOKENS:
        words = f"{facts.rerank_tokens:,.4g} of a hit, and the query's again for each"
        sizes = (Factor("", facts.rerank_depth, "hits"), Factor(words, tokens, "tokens"))
    else:
        parts = facts.rerank_depth * max(1, math.ceil(tokens / _SEARCH_TOKENS))
        words = f"{facts.rerank_depth} hits; a search is up to {_PER_SEARCH} documents of {_SEARCH_TOKENS} tokens"
        searches = math.ceil(parts / _PER_SEARCH)
        sizes = (Factor(words, searches, "search a query" if searches == 1 else "searches a query"),)
    factors = (inputs.count_queries(), *sizes, price_factor(price))
    return [Line("rerank", f"Rerank the first {facts.rerank_depth} hits", factors, MONTHLY, per_query=True)]


def list_machine_lines(inputs: SheetInputs) -> list[Line]:
    """Machines that run all month, as many as the busiest hour needs, at least one.

    cores = queries x seconds x peak / seconds of a month: a query is taken to keep one core busy for its median time. More
    cores than a machine has mean another machine. Not per query: the cost goes up in steps.
    """
    if not inputs.has_machine:
        return []
    scenario, seconds = inputs.scenario, inputs.own_seconds
    cores = scenario.queries_per_month * (seconds or 0.0) * scenario.peak_factor / SECONDS_A_MONTH
    machines = max(1, math.ceil(cores / scenario.vcpus - 1e-9))
    words = "latency was not measured, one machine is assumed to be enough"
    if seconds is not None:
        words = (
            f"{scenario.queries_per_month:,.0f} queries × {seconds:.3g} s × {scenario.peak_factor:g} at the peak ÷ "
            f"{SECONDS_A_MONTH:,.0f} s = {cores:.3g} cores"
        )
    factors = (
        Factor(words, machines, "machine" if machines == 1 else "machines"),
        Factor("", scenario.vcpus, "vCPUs"),
        Factor("", HOURS_A_MONTH, "hours a month"),
        price_factor(inputs.prices.pick(scenario.cpu, CPU)),
    )
    return [Line("machine", "Own machine that answers queries, all month", factors, MONTHLY)]


def list_training_lines(inputs: SheetInputs) -> list[Line]:
    """Trainings until one is kept and labels for them, once; then training again, and with an embedding model embedding and
    writing all that is indexed again after each (adapters and rerankers leave the index as it is). None for a system without a
    trained model."""
    facts, scenario = inputs.facts, inputs.scenario
    if not facts.trained:
        return []
    kinds = " and ".join(KIND_WORDS[kind] for kind in facts.trained)
    again = (Factor("trainings a year", scenario.retrainings_per_year, "times"),)
    yearly = (*again, Factor("", _MONTHS_A_YEAR, "months", divides=True))
    tries = (Factor("until one is kept", scenario.experiments, "trainings"),)
    hours = Factor("of people", scenario.label_hours, "hours")
    labels = (hours, price_factor(inputs.prices.pick(scenario.labelling, PERSON)))
    lines = [
        Line("train", f"Train the {kinds}", (*_train_once(inputs), *tries, _pay_training(inputs)), ONCE),
        Line("label", "Label queries for the training", labels, ONCE),
        Line("retrain", f"Train the {kinds} again", (*_train_once(inputs), *yearly, _pay_training(inputs)), MONTHLY),
    ]
    if EMBEDDING in facts.trained:
        lines += embed_documents(inputs, "embed_again", "Embed everything again after each new training", yearly, MONTHLY)
        words = "Write everything into the vector store again after each new training"
        lines += write_index(inputs, "write_again", words, yearly, MONTHLY)
    return lines


def _train_once(inputs: SheetInputs) -> tuple[Factor, ...]:
    seconds = inputs.facts.training_seconds
    known = "as measured here" if seconds is not None else "unknown, the model was removed"
    known = "an assumption" if inputs.facts.imagined else known
    factors = [Factor(known, seconds or 0.0, "seconds of training"), _HOUR]
    if not inputs.scenario.gpu:
        return (*factors, _cores(inputs))
    speedup = Factor("how much faster the GPU trains", inputs.scenario.gpu_speedup, "times", divides=True)
    return (*factors, speedup)


def _pay_training(inputs: SheetInputs) -> Factor:
    gpu, cpu = inputs.scenario.gpu, inputs.scenario.cpu
    return price_factor(inputs.prices.pick(gpu, GPU) if gpu else inputs.prices.pick(cpu, CPU))


def list_upkeep_lines(inputs: SheetInputs) -> list[Line]:
    """Hours of people every month, and more of them where a trained model is in use."""
    scenario = inputs.scenario
    price = price_factor(inputs.prices.pick(scenario.upkeep, PERSON))
    base = (Factor("of people", scenario.upkeep_hours_per_month, "hours"), price)
    lines = [Line("upkeep", "Upkeep: watching it, updates, questions", base, MONTHLY)]
    if inputs.facts.trained:
        more = (Factor("of people", scenario.trained_upkeep_hours_per_month, "hours"), price)
        words = "More upkeep with a trained model: watching it, new labels, new trainings"
        lines.append(Line("trained_upkeep", words, more, MONTHLY))
    return lines
