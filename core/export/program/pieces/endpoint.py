"""An embedding server that speaks as OpenAI's does: asked by the client that measured it, with the limits as they come."""

from __future__ import annotations

import os

import numpy as np

from core.endpoints.embeddings import embed_texts
from core.endpoints.endpoint import Endpoint
from core.endpoints.limits import Limits
from core.endpoints.watch import Watch
from core.stages.arithmetic import unit_rows


def embed_at_endpoint(model: str, texts: list[str]) -> np.ndarray:
    """Unit vectors of texts. EMBEDDINGS_BASE_URL, and EMBEDDINGS_API_KEY if the server asks for one, say where."""
    url = os.environ.get("EMBEDDINGS_BASE_URL", "").strip()
    if not url:
        raise SystemExit("Set EMBEDDINGS_BASE_URL to where the model answers, such as http://localhost:8000/v1.")
    found: dict[int, np.ndarray] = {}

    def keep(places: list[int], vectors: np.ndarray) -> None:
        found.update(zip(places, vectors, strict=True))

    endpoint = Endpoint(url, os.environ.get("EMBEDDINGS_API_KEY", "").strip())
    embed_texts(endpoint, model, texts, keep, limits=Limits(), watch=Watch())
    return unit_rows(np.array([found[place] for place in range(len(texts))]))
