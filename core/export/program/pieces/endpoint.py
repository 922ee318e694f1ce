"""An embedding server that speaks as OpenAI's does."""

from __future__ import annotations

import json
import os
import urllib.request

import numpy as np

from core.stages.arithmetic import unit_rows

_AT_ONCE = 64  # texts in a request


def embed_at_endpoint(model: str, texts: list[str]) -> np.ndarray:
    """Unit vectors of texts. EMBEDDINGS_BASE_URL, and EMBEDDINGS_API_KEY if the server asks for one, say where."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ.get('EMBEDDINGS_API_KEY', '')}"}
    url = os.environ["EMBEDDINGS_BASE_URL"].rstrip("/") + "/embeddings"
    rows = []
    for start in range(0, len(texts), _AT_ONCE):
        body = {"model": model, "input": texts[start : start + _AT_ONCE], "encoding_format": "float"}
        request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            data = sorted(json.load(answer)["data"], key=lambda item: item["index"])
        rows += [item["embedding"] for item in data]
    return unit_rows(np.array(rows))
