"""Query rewriting: the query is changed before it is searched, by a glossary or by its own first hits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.diagnosis.sides import EMBEDDINGS
from core.ladder.offer import Offer
from core.ladder.rungs.rung import Rung, rely_on
from core.ladder.rungs.short_names import tell_apart, unless
from core.stages.rewrite import Feedback
from core.systems.system import System

_FEEDBACK = (
    Feedback(),
    Feedback(chunks=3, dense_weight=0.3, documents=5, lexical_weight=0.3),
    Feedback(chunks=10, dense_weight=0.7, documents=20, terms=20, lexical_weight=0.5),
)


def _propose(incumbent: System, offer: Offer) -> list[System]:
    return [replace(incumbent, rewrite=(*incumbent.rewrite, step)) for step in (*offer.glossaries, *_FEEDBACK)]


def _describe(system: System) -> str:
    return " and ".join(_describe_step(step) for step in system.rewrite)


def _describe_step(step: Any) -> str:
    if isinstance(step, Feedback):
        return f"queries enriched from their first {step.chunks} hits"
    return "queries enriched from a glossary"


def _name_part(system: System) -> str:
    return "-".join(_name_step(step) for step in system.rewrite)


def _name_step(step: Any) -> str:
    if isinstance(step, Feedback):
        return "prf" + unless(step.chunks, Feedback().chunks)
    return f"{step.type}-{tell_apart(step.groups)}"


def _say_once(system: System, chunks: int) -> str:
    return "none"


def _isolate(system: System, incumbent: System, chosen: System, offer: Offer) -> System:
    """The steps that the rung added, behind those that the system has."""
    added = tuple(step for step in chosen.rewrite if step not in incumbent.rewrite)
    missing = tuple(step for step in added if step not in system.rewrite)
    return replace(system, rewrite=(*system.rewrite, *missing))


QUERY_REWRITING = Rung(
    name="query_rewriting",
    title="Query rewriting",
    action="rewrite_queries",
    action_title="Rewrite the queries first",
    propose=_propose,
    describe=_describe,
    name_part=_name_part,
    one_time=_say_once,
    relies_on=rely_on(EMBEDDINGS),
    cures="wording",
    isolate=_isolate,
)
