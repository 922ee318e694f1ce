"""Records of trained models as a workspace keeps them; no weights belong to them."""

from __future__ import annotations

import dataclasses
from typing import Any

from core.settings import DEFAULT_MODEL
from core.systems.named import make_named_systems
from core.systems.trained import READY, RERANKER, TrainedModel

NAMED = make_named_systems()


def make_model(kind: str, digits: str = "1234567890", *, start: str | None = None, **changes: Any) -> TrainedModel:
    """A model trained on the dataset tiny, ready unless `changes` say otherwise; learned from a and b, stopped by c."""
    system = NAMED[start or ("hybrid-rrf" if kind == RERANKER else "dense")]
    model = TrainedModel(
        id=f"{kind}-{digits}",
        kind=kind,
        base=DEFAULT_MODEL,
        base_revision="1",
        system=system.to_spec(),
        dataset="tiny",
        fingerprint="f",
        split={"tuning": ["a", "b", "c"], "test": ["d"], "learning": ["a", "b"], "validation": ["c"]},
        plan={"depth": 30},
        data={"form": "pairs"},
        created="2026-01-02T03:04:05+00:00",
        state=READY,
    )
    return dataclasses.replace(model, **changes)
