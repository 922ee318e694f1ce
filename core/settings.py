"""Where things are and what this machine may use. The only reader of the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SAMPLES = REPOSITORY / "sample_corpora"
DEFAULT_MODEL = "all-MiniLM-L6-v2"
EXACT_SEARCH_LIMIT = 50_000  # passages up to which quality runs compare every vector


@dataclass(frozen=True)
class EmbeddingServer:
    """An OpenAI-compatible endpoint: `url` ends before /embeddings; `key` may be empty for local servers."""

    url: str
    key: str


def get_workspace(path: str | Path | None = None) -> Path:
    """The workspace folder: the argument, else LADDER_WORKSPACE, else ./workspace in the repository. Created if absent."""
    folder = Path(path or os.environ.get("LADDER_WORKSPACE") or REPOSITORY / "workspace").expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def get_embedding_server() -> EmbeddingServer | None:
    """The endpoint from EMBEDDINGS_BASE_URL and EMBEDDINGS_API_KEY; None if no address is set."""
    url = os.environ.get("EMBEDDINGS_BASE_URL", "").rstrip("/")
    return EmbeddingServer(url=url, key=os.environ.get("EMBEDDINGS_API_KEY", "")) if url else None


def get_threads(*, leave_one: bool = False) -> int:
    """Cores that encoding may use; `leave_one` keeps one for the pages of the running app."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1) if leave_one else cores


def quieten_libraries() -> None:
    """Nothing leaves the machine unasked: telemetry off, no progress bars of libraries, no fork warnings."""
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TQDM_DISABLE", "1")
