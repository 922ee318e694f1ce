"""Numbers and contents inside the names of systems, as short as they can be without two systems sharing a name."""

from __future__ import annotations

from typing import Any

from core.schema import content_hash


def unless(value: int, usual: int) -> str:
    """The number, or nothing if it is the usual one."""
    return "" if value == usual else str(value)


def tell_apart(value: Any) -> str:
    """Four digits that differ where two values do, since a name must stand for one system."""
    return content_hash(value)[:4]
