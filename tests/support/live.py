"""An encoder that counts a few words, and systems by name, for tests of live search."""

from __future__ import annotations

import threading

import numpy as np

from core.stages.embed import Encoded
from core.systems.named import make_named_systems
from core.systems.system import System

WORDS = ("reset", "hub", "clock", "mail", "battery", "export")  # one dimension each
SECONDS = 20.0
NAMED = make_named_systems()


class WordEncoder:
    """Counts a few words; remembers what it was asked to encode. Waits for `gate`, and fails once `broken`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self.gate = threading.Event()
        self.gate.set()

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        assert self.gate.wait(SECONDS)
        self.asked.append((role, list(texts)))
        rows = np.array([[text.lower().count(word) for word in WORDS] + [0.1] for text in texts], dtype=np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return Encoded(rows, [row[None].astype(np.float16) for row in rows] if tokens else None)

    def typed(self) -> list[str]:
        return [text for role, texts in self.asked for text in texts if role == "query"]


def pick(*names: str) -> dict[str, System]:
    return {name: NAMED[name] for name in names}
