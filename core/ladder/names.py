"""Names and descriptions of the systems on the ladder, made of what each rung says of them: one name for one system."""

from __future__ import annotations

import functools
from dataclasses import replace

from core.ladder.rungs import list_rungs
from core.ladder.rungs.chunking import CHUNKING
from core.ladder.rungs.fine_tuned import FINE_TUNED_ADAPTER, FINE_TUNED_EMBEDDING
from core.ladder.rungs.hybrid_search import HYBRID_SEARCH
from core.ladder.rungs.metadata_filters import METADATA_FILTERS
from core.ladder.rungs.query_rewriting import QUERY_REWRITING
from core.systems.named import make_named_systems
from core.systems.system import System, strip_name

# In a name the sides that search come first, and a reranker comes last, behind the vectors that it is given.
_FIRST = (HYBRID_SEARCH, CHUNKING, METADATA_FILTERS, QUERY_REWRITING, FINE_TUNED_EMBEDDING, FINE_TUNED_ADAPTER)


@functools.cache
def name_variant(system: System) -> System:
    """The system under the name of the named system it equals, else under one made of its parts; likewise its description."""
    named = _named_by_parts().get(strip_name(system))
    if named is not None:
        return named
    return replace(system, name=_join_names(system), description=describe_system(system))


@functools.cache
def _named_by_parts() -> dict[System, System]:
    return {strip_name(system): system for system in make_named_systems().values()}


def _join_names(system: System) -> str:
    rungs = [*_FIRST, *(rung for rung in list_rungs() if rung not in _FIRST)]
    alone = "" if system.fuse is not None else "dense" if system.dense is not None else "bm25"
    return "-".join(_say_once([alone, *(rung.name_part(system) for rung in rungs)]))


def describe_system(system: System) -> str:
    """What a system does, in one plain sentence made of its parts."""
    sides = {
        (True, False): "Embeddings",
        (False, True): "Word matching",
        (True, True): "Embeddings and word matching together",
    }[system.dense is not None, system.lexical is not None]
    return f"{sides}: {', '.join(_say_once([rung.describe(system) for rung in list_rungs()]))}."


def _say_once(parts: list[str]) -> list[str]:
    """The parts that say something: two rungs that change the same part of a system say the same of it."""
    return [part for part in dict.fromkeys(parts) if part]
