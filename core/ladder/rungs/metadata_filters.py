"""Metadata filters: the search goes only through documents whose metadata fit the query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.diagnosis import headroom
from core.ladder.offer import Offer
from core.ladder.rungs.rung import Rung, take
from core.systems.system import System


def _propose(incumbent: System, offer: Offer) -> list[System]:
    given = [replace(incumbent, filter=True)] if offer.has_filters else []
    if not offer.infer_fields:
        return given
    return [*given, replace(incumbent, filter=offer.has_filters, infer_filters=offer.infer_fields)]


def _describe(system: System) -> str:
    given = "the query's own filter" if system.filter else ""
    read = f"a filter read from the query ({', '.join(system.infer_filters)})" if system.infer_filters else ""
    return " or ".join(part for part in (given, read) if part)


def _name_part(system: System) -> str:
    return "-".join(part for part in ("filtered" if system.filter else "", "inferred" if system.infer_filters else "") if part)


def _say_once(system: System, chunks: int) -> str:
    return "keep the metadata complete"


def _say_risk(system: System, metadata: Mapping[str, Any]) -> str:
    lost = len(metadata["lost_by_own_filter"]) * system.filter + len(metadata["thrown_away"]) * bool(system.infer_filters)
    return (
        f"A filter that is wrong hides the answer: on the test queries that happens to {lost}. The gain supposes that "
        "users give these filters, or that they can be read from the query."
    )


METADATA_FILTERS = Rung(
    name="metadata_filters",
    title="Metadata filters",
    action="add_metadata_filters",
    action_title="Filter by metadata first",
    propose=_propose,
    describe=_describe,
    name_part=_name_part,
    one_time=_say_once,
    risk=_say_risk,
    absence="No query carries a filter, and no metadata field is named in the queries safely enough to filter by. "
    "Add filters to the queries, or metadata to the documents.",
    cures="metadata",
    isolate=take("filter", "infer_filters"),
    headroom=headroom.FILTER,
)
