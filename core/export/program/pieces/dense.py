"""Search by embeddings: a Chroma collection of all passages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import chromadb
import numpy as np
from chromadb.config import Settings

from core.export.program.pieces.chunks import Chunk
from core.export.program.pieces.corpus import Document
from core.export.program.pieces.runs import Hit, Run, sort_run

_BATCH = 1000  # passages between two writes to the index
_MOST_IDS = 10_000  # that one condition may hold


class DenseIndex:
    """The collection of all passages, built on first use and completed if that was interrupted.

    embed: vectors of passages; made_by: all that these depend on. A changed corpus or model gets a new collection.
    """

    def __init__(
        self,
        documents: list[Document],
        chunks: list[Chunk],
        embed: Callable[[list[str]], np.ndarray],
        made_by: Any,
        *,
        folder: str,
    ) -> None:
        self.ids = [document.id for document in documents]
        self.chunks = chunks
        self.chunk_of = [place for place, chunk in enumerate(chunks) for _ in chunk.passages]
        passages = [passage for chunk in chunks for passage in chunk.passages]
        owners = [self.ids[chunks[place].document] for place in self.chunk_of]
        name = "passages-" + hashlib.sha256(json.dumps([made_by, owners, passages]).encode()).hexdigest()[:32]
        client = chromadb.PersistentClient(path=folder, settings=Settings(anonymized_telemetry=False))
        hnsw: Any = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}
        self.collection: Any = client.get_or_create_collection(name, configuration={"hnsw": hnsw}, embedding_function=None)
        for start in range(self.collection.count(), len(passages), _BATCH):
            rows = range(start, min(start + _BATCH, len(passages)))
            self.collection.add(
                ids=[str(row) for row in rows],
                embeddings=embed([passages[row] for row in rows]),
                metadatas=[{"document": owners[row]} for row in rows],
            )

    def search(self, vector: np.ndarray, allowed: set[int] | None, *, depth: int) -> Run:
        """Chunks by the cosine of their best passage, down to the `depth`-th document or deeper."""
        where: list[dict[str, Any] | None] = [None]
        if allowed is not None:
            ids = [self.ids[number] for number in sorted(allowed)]
            where = [{"document": {"$in": ids[start : start + _MOST_IDS]}} for start in range(0, len(ids), _MOST_IDS)]
        reach = 3 * depth
        while True:
            best: dict[int, float] = {}
            for part in where:
                found = self.collection.query(
                    query_embeddings=[vector], n_results=min(reach, len(self.chunk_of)), where=part, include=["distances"]
                )
                for passage, distance in zip(found["ids"][0], found["distances"][0], strict=True):
                    chunk = self.chunk_of[int(passage)]
                    best[chunk] = max(best.get(chunk, -1.0), 1.0 - distance)
            run = sort_run([Hit(score, chunk, self.chunks[chunk].document) for chunk, score in best.items()])
            if reach >= len(self.chunk_of) or len({hit.document for hit in run}) >= depth:
                return run
            reach *= 4
