"""The program asks a server as the tool does: with the same client, which waits, tries again and says what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ModelUnavailable
from core.export.program.pieces.endpoint import embed_at_endpoint
from tests.support.fake_service import Reply, answer_well, run_service


def test_vectors_are_of_unit_length_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDINGS_API_KEY", "secret")
    with run_service(Reply(status=503, headers={"Retry-After": "0"}), answer_well) as service:
        monkeypatch.setenv("EMBEDDINGS_BASE_URL", f"{service.url}/")
        vectors = embed_at_endpoint("model", ["x", *["yy"] * 69])
    assert vectors[0].tolist() == pytest.approx([0.5**0.5, 0.5**0.5])
    assert len(vectors) == 70 and np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    assert sorted(map(len, service.texts)) in ([6, 6, 64], [6, 64, 64])  # one of the two was asked for again
    assert {headers["Authorization"] for headers in service.headers} == {"Bearer secret"}


def test_what_a_program_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMBEDDINGS_BASE_URL", raising=False)
    with pytest.raises(SystemExit, match="Set EMBEDDINGS_BASE_URL"):
        embed_at_endpoint("model", ["x"])
    with run_service(Reply({"detail": "no such key: secret"}, 401)) as service:
        monkeypatch.setenv("EMBEDDINGS_BASE_URL", service.url)
        monkeypatch.setenv("EMBEDDINGS_API_KEY", "secret")
        with pytest.raises(ModelUnavailable, match=r"refused the key \(401 Unauthorized: no such key: \*\*\*\)"):
            embed_at_endpoint("model", ["x"])
