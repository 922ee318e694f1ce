"""Rungs that are no product's: what a ladder does with a rung is the same whatever the rung changes."""

from __future__ import annotations

from typing import Any

from core.ladder.rungs.rung import Rung, say_nothing


def make_rung(name: str, **facts: Any) -> Rung:
    """A cheap rung that proposes nothing by itself; facts: of its fields, in place of that."""
    title = name.replace("_", " ").capitalize()
    usual = {"title": title, "action": f"use_{name}", "action_title": f"{title} first", "describe": say_nothing}
    return Rung(name, **{**usual, "propose": lambda incumbent, offer: [], **facts})
