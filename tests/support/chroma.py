"""Chroma collections as other programs leave them, and what their files hold."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from core.data.chroma_client import connect_folder
from tests.support.app import build_environment
from tests.support.models import vector_of

TEXTS = (
    "the battery is empty",
    "the clock is late",
    "the hub is lost",
    "no mail has come",
    "the price is high",
    "a battery for the clock",
    "mail about the price",
    "nothing of this",
)


def make_collection(
    folder: Path,
    name: str = "docs",
    *,
    texts: Sequence[str | None] = TEXTS,
    vectors: np.ndarray | None = None,
    ids: Sequence[str] = (),
    metadata: dict[str, Any] | None = None,
    **options: Any,
) -> Path:
    """A folder with one more collection: ids "i0" …, metadata {"page": row}; by default the stand-in model's vectors."""
    rows = range(len(texts))
    matrix = vectors if vectors is not None else np.stack([vector_of(text or "") for text in texts])
    client = connect_folder(folder)
    try:
        collection = client.create_collection(name, metadata=metadata, embedding_function=None, **options)
        kept = {True: [row for row in rows if texts[row] is not None], False: [row for row in rows if texts[row] is None]}
        for with_text, part in kept.items():
            if part:
                collection.add(
                    ids=[ids[row] if ids else f"i{row}" for row in part],
                    embeddings=matrix[part],
                    metadatas=[{"page": row} for row in part],
                    documents=[texts[row] for row in part] if with_text else None,
                )
    finally:
        client.close()
    return folder


def hash_files(folder: Path) -> dict[str, str]:
    """Path -> hash of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@contextmanager
def run_server(folder: Path) -> Iterator[str]:
    """The address of a Chroma server over a folder, without a collection's name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "import sys; from chromadb.cli.cli import app; app()"
    command = [sys.executable, "-c", code, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=build_environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"chroma://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)
