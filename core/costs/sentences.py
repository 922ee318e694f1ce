"""Costs in plain words, and their lines in a few groups: what the page says first, and what others may quote."""

from __future__ import annotations

from collections.abc import Mapping

from core.costs.lines import format_money
from core.costs.overview import COST, LATENCY, MONTHLY_COST, CostOverview
from core.costs.sheet import CostSheet
from core.text.phrases import count_of, join_words

# group -> names of its lines; every line belongs to one
GROUPS: dict[str, tuple[str, ...]] = {
    "embedding": ("embed_corpus", "embed_changed", "embed_new", "embed_queries"),
    "search and storage": (
        "write_index", "write_changed", "write_new", "store", "search_store", "return_hits", "store_minimum",
    ),
    "reranking": ("rerank",),
    "machine": ("machine",),
    "people": ("label", "upkeep", "trained_upkeep"),
    "training": ("train", "retrain", "embed_again", "write_again"),
}  # fmt: skip
_GROUP_OF = {line: group for group, lines in GROUPS.items() for line in lines}
_SAME = 1.03  # costs that differ by less than 3 % are called the same: prices are not known better than that
_PRICE_WORDS = {
    COST: ("cheaper", "costs no more"),
    MONTHLY_COST: ("cheaper", "costs no more"),
    LATENCY: ("faster", "takes no longer"),
}


def group_lines(sheet: CostSheet, when: str) -> dict[str, float]:
    """USD by group of the lines that are paid once, or every month; groups in the order of GROUPS, 0 where there is nothing."""
    sums = dict.fromkeys(GROUPS, 0.0)
    for line in sheet.lines:
        if line.when == when:
            sums[_GROUP_OF[line.name]] += line.value
    return sums


def describe_headline(overview: CostOverview, hits: Mapping[str, tuple[int, int]]) -> str:
    """ "dense costs about $66 a month for 10,000 queries; hybrid-rerank costs 1.4 times that and finds the answer for 7 more of
    100 queries." Of the systems that nobody beats on quality and monthly cost, the cheapest and the best one.

    hits: system -> (queries with an answer among the first five, queries asked); empty without labels. Plain text.
    """
    monthly = {name: overview.sheets[name].monthly for name in overview.sheets if not overview.facts[name].imagined}
    front = overview.frontier[MONTHLY_COST]
    base, best = (
        (front[0], front[-1]) if front else (min(monthly, key=monthly.__getitem__), max(monthly, key=monthly.__getitem__))
    )
    queries = f"{overview.scenario.queries_per_month:,.0f} queries"
    start = f"{base} costs about {round_money(monthly[base])} a month for {queries}"
    others = len(monthly) - 1
    if not others:
        return f"{start}."
    if not front:
        dearest = f"; {best}, the dearest, costs {_compare(monthly[best], monthly[base])}" if best != base else ""
        return f"{start}{dearest}. Without labels nobody knows which is better."
    if base == best:
        rest = "the other system does not score" if others == 1 else f"none of the other {others} systems scores"
        return f"{start}, and {rest} higher on {overview.measure}."
    return f"{start}; {best} costs {_compare(monthly[best], monthly[base])} and {_tell_gain(overview, base, best, hits)}."


def _tell_gain(overview: CostOverview, base: str, best: str, hits: Mapping[str, tuple[int, int]]) -> str:
    means = f"{overview.quality[best]:.3f} against {overview.quality[base]:.3f}"
    if not all(hits.get(name, (0, 0))[1] for name in (base, best)):
        return f"scores higher on {overview.measure} ({means})"
    (more, asked), (before, asked_before) = hits[best], hits[base]
    gained = round(100 * (more / asked - before / asked_before))
    if gained <= 0:
        return f"scores higher on {overview.measure} ({means}), though it finds the answer among the first five no more often"
    return f"finds the answer among the first five for {gained} more of 100 queries"


def _compare(cost: float, base: float) -> str:
    if not base:
        return "nothing either" if not cost else f"about {round_money(cost)}"
    times = cost / base
    if times < _SAME:
        return "about the same"
    return f"{times:.1f} times that" if times < 10 else f"about {times:,.0f} times that"


def round_money(cost: float) -> str:
    """Whole dollars from 10 on, cents below: prices are no more exact than that."""
    return f"${cost:,.0f}" if cost >= 10 else format_money(cost)


def describe_front(overview: CostOverview, price: str) -> str:
    """Which systems nobody beats on quality and a price (a key of CostOverview.frontier), and which are beaten; "" without
    labels. Plain text."""
    front = overview.frontier[price]
    if not front:
        return ""
    less, no_more = _PRICE_WORDS[price]
    beaten = [name for name in overview.quality if name not in front and name in overview.sheets]
    kept = f"No other system both scores higher on {overview.measure} and is {less} than {join_words(front)}."
    if not beaten:
        return kept
    verb = "is" if len(beaten) == 1 else "are"
    return f"{kept} {join_words(beaten)} {verb} beaten: another scores no lower and {no_more}."


def describe_machine_used(machine: Mapping[str, object]) -> str:
    """ "AMD EPYC, 2 cores, Linux x86_64"; "a machine that was not noted" for older experiments."""
    cores = machine.get("cores")
    counted = count_of(cores, "core") if isinstance(cores, int) and cores else ""
    parts = [machine.get("processor"), counted, machine.get("system")]
    return ", ".join(str(part) for part in parts if part) or "a machine that was not noted"
