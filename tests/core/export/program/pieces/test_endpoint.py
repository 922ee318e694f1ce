"""Vectors of a server, asked in parts and put in the order of the texts."""

from __future__ import annotations

import io
import json
import urllib.request
from typing import Any

import numpy as np
import pytest

from core.export.program.pieces.endpoint import embed_at_endpoint


def test_vectors_are_of_unit_length_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def answer(request: urllib.request.Request, timeout: float) -> io.BytesIO:
        assert request.full_url == "http://host/v1/embeddings" and request.get_header("Authorization") == "Bearer secret"
        assert isinstance(request.data, bytes)
        asked.append(json.loads(request.data))
        data = [{"index": row, "embedding": [3.0 * len(text), 4.0]} for row, text in enumerate(asked[-1]["input"])]
        return io.BytesIO(json.dumps({"data": data[::-1]}).encode())

    monkeypatch.setenv("EMBEDDINGS_BASE_URL", "http://host/v1/")
    monkeypatch.setenv("EMBEDDINGS_API_KEY", "secret")
    monkeypatch.setattr("urllib.request.urlopen", answer)
    vectors = embed_at_endpoint("model", ["x", *["yy"] * 69])
    assert [len(body["input"]) for body in asked] == [64, 6] and {body["model"] for body in asked} == {"model"}
    assert vectors[0].tolist() == pytest.approx([0.6, 0.8])
    assert len(vectors) == 70 and np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
