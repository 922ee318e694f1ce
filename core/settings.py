"""Where things are and what this machine may use. The only reader of the environment."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from core.endpoints.endpoint import Endpoint
from core.errors import ModelUnavailable

REPOSITORY = Path(__file__).resolve().parent.parent
SAMPLES = Path(os.environ.get("LADDER_SAMPLES") or REPOSITORY / "sample_corpora").expanduser().resolve()
DEFAULT_MODEL = "all-MiniLM-L6-v2"
BUNDLED_NAMES = (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}")
ENDPOINT_PREFIX = "endpoint:"  # before the name that a model has at the embedding server
TRAINED_PREFIX = "trained:"  # before the id of a model trained in the workspace; what it stands for never changes
UNSCALED_PREFIX = "unscaled:"  # before the name of a model whose vectors keep the length that it gives them
DEFAULT_DIMENSIONS = 384  # of its vectors
_CONFINED = "LADDER_CONFINED"
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


def get_password() -> str:
    """What a visitor has to type before the app answers, from LADDER_PASSWORD; "" if none is set."""
    return os.environ.get("LADDER_PASSWORD", "")


def is_open() -> bool:
    """Whether the app answers everyone who can reach it, without a password. LADDER_OPEN=1 says so."""
    return os.environ.get("LADDER_OPEN", "") == "1"


def get_users() -> tuple[str, ...]:
    """Who may enter where an identity provider says who somebody is: e-mail addresses, @domains, or * for everyone that it
    knows; from LADDER_USERS, separated by commas."""
    return tuple(user.strip().casefold() for user in os.environ.get("LADDER_USERS", "").split(",") if user.strip())


def get_roots() -> tuple[Path, ...]:
    """Folders below which visitors of a shared app may name paths, links followed; from LADDER_ROOTS, separated as PATH is."""
    named = os.environ.get("LADDER_ROOTS", "").split(os.pathsep)
    return tuple(Path(root.strip()).expanduser().resolve() for root in named if root.strip())


def confine_paths() -> None:
    """From now on this process, and what it starts, opens no dataset and no model from a path outside get_roots(): for an app
    whose visitors are not at this machine."""
    os.environ[_CONFINED] = "1"


def is_confined() -> bool:
    """Whether paths are held to get_roots(); never on the command line, unless the app started it."""
    return os.environ.get(_CONFINED) == "1"


def may_open(path: Path) -> bool:
    """Whether a path that somebody named may be opened; links are followed first."""
    return not is_confined() or any(path.resolve().is_relative_to(root) for root in get_roots())


def find_model_folder(name: str) -> Path | None:
    """The folder that a model's name means, or None if it is none: a name on the hub, say.

    Raises ModelUnavailable for a path that may not be opened, be something there or not.
    """
    if not name:
        return None
    try:
        folder = Path(name).expanduser()
        trained = folder.resolve().is_relative_to(get_workspace() / "models")
        if not trained and not may_open(folder):
            if not looks_like_path(name):
                return None
            raise ModelUnavailable(
                f"The model folder {name!r} cannot be opened from an app that others can reach, unless whoever runs it names "
                "its folder in LADDER_ROOTS."
            )
        return folder if folder.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # a name that no file can have; the home of somebody unknown
        return None


def looks_like_path(name: str) -> bool:
    """Whether a model's name can only be a path: names on the hub have one slash at most."""
    return Path(name).is_absolute() or name.startswith((".", "~")) or name.count("/") > 1 or "\\" in name


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
