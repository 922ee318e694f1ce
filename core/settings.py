"""Where things are and what this machine may use. The only reader of the environment."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from core.endpoints.endpoint import Endpoint

REPOSITORY = Path(__file__).resolve().parent.parent
SAMPLES = Path(os.environ.get("LADDER_SAMPLES") or REPOSITORY / "sample_corpora").expanduser().resolve()
DEFAULT_MODEL = "all-MiniLM-L6-v2"
BUNDLED_NAMES = (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}")
ENDPOINT_PREFIX = "endpoint:"  # before the name that a model has at the embedding server
TRAINED_PREFIX = "trained:"  # before the id of a model trained in the workspace; what it stands for never changes
UNSCALED_PREFIX = "unscaled:"  # before the name of a model whose vectors keep the length that it gives them
DEFAULT_DIMENSIONS = 384  # of its vectors
EXACT_SEARCH_LIMIT = 50_000  # passages up to which quality runs compare every vector


def get_workspace(path: str | Path | None = None) -> Path:
    """The workspace folder: the argument, else LADDER_WORKSPACE, else ./workspace in the repository. Created if absent."""
    folder = Path(path or os.environ.get("LADDER_WORKSPACE") or REPOSITORY / "workspace").expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def get_embedding_server() -> Endpoint | None:
    """The endpoint from EMBEDDINGS_BASE_URL and EMBEDDINGS_API_KEY; None if no address is set."""
    url = os.environ.get("EMBEDDINGS_BASE_URL", "").strip()
    return Endpoint(url, os.environ.get("EMBEDDINGS_API_KEY", "").strip()) if url else None


def get_preload() -> bool:
    """Whether the app loads the embedding model as it starts. LADDER_PRELOAD=0 saves its memory until somebody asks."""
    return os.environ.get("LADDER_PRELOAD", "1") != "0"


def get_threads(*, leave_one: bool = False) -> int:
    """Cores that encoding may use; `leave_one` keeps one for the pages of the running app."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1) if leave_one else cores


def describe_machine() -> dict[str, Any]:
    """What times were taken on: {processor, cores, system, python}. No host name: results are shown to others.

    processor: its model ("" where it cannot be found out); cores: those that may be used; system: such as "Linux x86_64".
    """
    system = f"{platform.system()} {platform.machine()}".strip()
    return {"processor": _find_processor(), "cores": get_threads(), "system": system, "python": platform.python_version()}


def _find_processor(cpu_info: Path = Path("/proc/cpuinfo")) -> str:
    """The model name from Linux's list of cores, else what Python knows."""
    try:
        lines = cpu_info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    names = (value.strip() for name, _, value in (line.partition(":") for line in lines) if name.strip() == "model name")
    return next(filter(None, names), platform.processor())


def quieten_libraries() -> None:
    """Nothing leaves the machine unasked: telemetry off, no progress bars of libraries, no fork warnings."""
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TQDM_DISABLE", "1")
