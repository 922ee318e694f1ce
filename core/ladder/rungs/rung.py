"""What a rung of the ladder is: one kind of change to a retrieval system, and all that the product has to know of it.

Whoever needs a fact about a rung asks the rung; nobody compares its name. A rung is made in a file of this folder and takes its
place in the order of cost in RUNGS of core/ladder/rungs/__init__.py. Its functions are pure, and get Systems and what the data
offer, never a measurement's objects: so a rung can be understood, and tested, alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.ladder.offer import Offer
from core.systems.system import System

# (diagnosed system, incumbent, chosen variant, what is offered) -> the diagnosed system with the rung's change and nothing else
Isolate = Callable[[System, System, System, Offer], System]


def say_nothing(*_: object) -> str:
    """For a rung that has nothing to say of itself in some place."""
    return ""


def rely_on(*sides: str) -> Callable[[System], tuple[str, ...]]:
    """A `relies_on` for rungs all of whose systems need these sides."""

    def list_sides(system: System) -> tuple[str, ...]:
        return sides

    return list_sides


_rely_on_nothing = rely_on()


@dataclass(frozen=True)
class Rung:
    """One rung. What every rung has stands first; the rest has defaults that say "nothing of that kind".

    What it is called:
      name: the key under which results hold it. title: as tables and charts show it. action: key of what is recommended where
      it gains most, and action_title: that action in a few words. Rungs may share an action.
    What it does:
      propose(incumbent, offer): its variants, the incumbent with something changed, cheapest first, as of equal means the first
      is chosen; none if the rung cannot be measured here. A variant keeps the incumbent's name, unless it has one of its own:
      propose_variants() names those that do not. describe(system): what the rung changed in a system, in a few plain words, ""
      if it does not use that rung. name_part(system): the same inside the system's name, as "chunk64" or "prf"; a part that
      two systems share must not stand for two different things. Rungs that change the same part of a system share these two.
    What it costs and risks:
      one_time(system, chunks): the work of adopting it, once; chunks: of the system's index, 0 if not known. A trained model's
      work is measured instead. risk(system, metadata): what may go wrong with a recommended system that has it, as a sentence;
      metadata: ErrorAnalysis.metadata. note(variants): what to know of it, given the variants that ran. absence: why it was not
      measured where it proposed nothing, and what to do about it. reads_chunks: its variants read the text of chunks with a
      model of their own, so that over another chunking they cost as much again; re-splits leave them out there.
      relies_on(system): the sides of core.diagnosis.sides without which its difference says nothing.
    What it is good for:
      cures: the cause of core.diagnosis.causes that it cures, "" if none; each cause has one cure at most. isolate: how that is
      proven, for the causes that a cheap fix proves; see Isolate. headroom: the fix of core.diagnosis.headroom of which it is
      the real counterpart, "" if none.
    Where it uses a model that was trained here:
      trained_kind: of core.systems.trained.KINDS, "" for a cheap rung, which trains nothing. proven_title: the action's title
      once the test has proven the model.
    """

    name: str
    title: str
    action: str
    action_title: str
    propose: Callable[[System, Offer], Sequence[System]]
    describe: Callable[[System], str]
    name_part: Callable[[System], str] = say_nothing
    one_time: Callable[[System, int], str] = say_nothing
    risk: Callable[[System, Mapping[str, Any]], str] = say_nothing
    note: Callable[[Sequence[System]], str] = say_nothing
    absence: str = "None of its variants fits the system it would be stacked on."
    reads_chunks: bool = False
    relies_on: Callable[[System], tuple[str, ...]] = _rely_on_nothing
    cures: str = ""
    isolate: Isolate | None = None
    headroom: str = ""
    trained_kind: str = ""
    proven_title: str = ""

    @property
    def is_trained(self) -> bool:
        """Whether it uses a model that was trained here, on the dataset's own tuning queries."""
        return self.trained_kind != ""


def take(*parts: str) -> Isolate:
    """An Isolate for rungs that set some parts of a system anew: the diagnosed system with these of the chosen variant."""

    def isolate(system: System, incumbent: System, chosen: System, offer: Offer) -> System:
        return replace(system, **{part: getattr(chosen, part) for part in parts})

    return isolate
