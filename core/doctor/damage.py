"""What is damaged in a workspace: every file is read as what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from core.doctor.finding import DAMAGED, DROP_ROWS, SET_ASIDE, Finding
from core.errors import LadderError
from core.storage.damage import is_damage, say_damage
from core.storage.files import read_frame, read_json
from core.storage.vector_cache import VectorCache
from core.workspace import Workspace

_CACHES = {"vectors": "float32", "tokens": "float16", "pairs": "float64"}


def find_damage(workspace: Workspace) -> list[Finding]:
    """Everything that cannot be read, sorted by path."""
    found = [*_find_in_nodes(workspace), *_find_in_caches(workspace)]
    return sorted(found)


def _find_in_nodes(workspace: Workspace) -> Iterator[Finding]:
    for file in sorted((workspace.folder / "cache" / "nodes").glob("*")):
        read: Callable[[Path], object] | None = {".json": read_json, ".parquet": read_frame}.get(file.suffix)
        why = _try(file, read) if read is not None else None
        if why:
            yield Finding(DAMAGED, _name(file, workspace), 0, f"cannot be read ({why})", SET_ASIDE, "it is made again")


def _find_in_caches(workspace: Workspace) -> Iterator[Finding]:
    for kind in _CACHES:
        for file in sorted((workspace.folder / "cache" / kind).glob("*.sqlite")):
            why = VectorCache.find_damage(file)
            if why is not None:
                act = DROP_ROWS if why.endswith("checksum") else SET_ASIDE
                yield Finding(DAMAGED, _name(file, workspace), 0, why, act, "what is lost is made again")


def drop_rows(file: Path, workspace: Workspace) -> None:
    """Drops the damaged rows of a cache of vectors, tokens or pairs."""
    VectorCache(file, dtype=_CACHES[file.parent.name], root=workspace.folder).drop_damaged()


def _try(file: Path, read: Callable[[Path], object]) -> str | None:
    """What is wrong with a file; None if nothing is, or it is gone."""
    try:
        read(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LadderError) as error:
        if not is_damage(error):
            raise
        return say_damage(error)
    return None


def _name(path: Path, workspace: Workspace) -> str:
    return path.relative_to(workspace.folder).as_posix()
