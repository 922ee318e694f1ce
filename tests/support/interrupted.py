"""Forks commands as tools/kills_process.py does, with a model that needs no torch: every known word is an axis.

A batch takes a moment, so that kills meet it too.
"""

from __future__ import annotations

import time
from typing import Any

from core.stages import embed
from tests.support.assessments import AxisEncoder
from tools.kills_process import LIGHT, serve

_SECONDS = 0.02  # a batch


class SlowEncoder(AxisEncoder):
    def __init__(self, name: str, **_: Any) -> None:
        super().__init__()

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> embed.Encoded:
        time.sleep(_SECONDS)
        return super().encode(texts, role=role, tokens=tokens)


if __name__ == "__main__":
    embed.SentenceTransformerEncoder = SlowEncoder  # type: ignore[assignment, misc]
    serve(heavy=LIGHT)
