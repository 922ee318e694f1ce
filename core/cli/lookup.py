"""What the names on a command line stand for. Where there is no such thing, the error says what there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.errors import InputError
from core.systems.system import System


def pick_systems(names: Iterable[str], available: Mapping[str, System]) -> dict[str, System]:
    """Those of these names, in their order; InputError lists what there is."""
    wanted = list(names)
    for name in wanted:
        if name not in available:
            raise InputError(f"there is no system {name!r}; there are {', '.join(available)}")
    return {name: available[name] for name in wanted}
