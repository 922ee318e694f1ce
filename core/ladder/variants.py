"""What each rung tries: its variants, stacked on the incumbent, cheapest first, each under its name."""

from __future__ import annotations

from core.ladder.names import name_variant
from core.ladder.offer import Offer
from core.ladder.rungs.chunking import CHUNKING
from core.ladder.rungs.hybrid_search import take_words
from core.ladder.rungs.rung import Rung
from core.systems.named import BASELINE, make_named_systems
from core.systems.system import System


def make_baseline() -> System:
    """The named system that every ladder begins with."""
    return make_named_systems()[BASELINE]


def propose_variants(rung: Rung, incumbent: System, offer: Offer) -> list[System]:
    """The variants of a rung stacked on the incumbent, cheapest first; empty if the rung cannot be measured here."""
    proposed = rung.propose(incumbent, offer)
    return [name_variant(system) if system.name == incumbent.name else system for system in proposed]


def list_embedding_systems() -> list[System]:
    """The baseline and the same over other chunks: how long a ladder takes is decided by what these embed."""
    return [make_baseline(), *propose_variants(CHUNKING, make_baseline(), Offer())]


def search_words_alone(system: System, offer: Offer) -> System:
    """The lexical side of a system on its own, over the same units and under the same filter."""
    return name_variant(take_words(system, offer))
