"""Systems as they are over English documents, for tests that build graphs without a corpus to ask for its language."""

from __future__ import annotations

import dataclasses

from core.systems.named import make_named_systems
from core.systems.system import System


def speak_english(system: System) -> System:
    """The system, its words in English."""
    if system.lexical is None:
        return system
    return dataclasses.replace(system, lexical=dataclasses.replace(system.lexical, language="en"))


def make_english_systems() -> dict[str, System]:
    """make_named_systems(), their words in English."""
    return {name: speak_english(system) for name, system in make_named_systems().items()}
