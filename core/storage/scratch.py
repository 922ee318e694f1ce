"""Working folders: gone when their block ends, and when their process was killed, gone at the next that somebody needs."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.storage.files import HELD, hold, is_held

_PREFIX = "retrieval-ladder-"
_YOUNG_SECONDS = 1.0  # a folder is there a moment before it is held


@contextmanager
def scratch_folder(parent: Path | None = None) -> Iterator[Path]:
    """An empty folder that is gone after the block. parent: where, by default the system's folder for such."""
    parent = parent or Path(tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    for left in list_abandoned(parent):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent, ignore_cleanup_errors=True) as name:
        mark, folder = Path(name, HELD), Path(name, "content")
        mark.touch()
        with hold(mark):
            folder.mkdir()
            yield folder


def list_abandoned(parent: Path) -> list[Path]:
    """Working folders of this user's processes that are there no more."""
    return [path for path in sorted(parent.glob(f"{_PREFIX}*")) if _is_abandoned(path)]


def _is_abandoned(folder: Path) -> bool:
    try:
        found = folder.stat()
    except OSError:  # gone a moment ago
        return False
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return mine and time.time() - found.st_mtime > _YOUNG_SECONDS and not is_held(folder / HELD)
