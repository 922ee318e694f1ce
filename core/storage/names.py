"""Names of things in a folder of the workspace: looked up in its list, never joined to a path because somebody wrote them."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import InputError
from core.schema import content_hash

_LONGEST = 200  # bytes: file systems have 255, and endings come behind


def find_entry(folder: Path, name: str) -> Path | None:
    """What a folder of the workspace holds under this name, or None.

    Looked up in its list, so that whatever stands in a link, an import or on a command line (.., a path, a name that no file
    can have) is at worst not there.
    """
    return folder / name if folder.is_dir() and name in os.listdir(folder) else None  # noqa: PTH208 (names alone)


def place_entry(folder: Path, name: str) -> Path:
    """Where something of this name lies or will lie in a folder of the workspace; long names are shortened, no two alike.

    Raises InputError for what cannot be the name of one thing in a folder.
    """
    if name in ("", ".", "..") or any(sign in name for sign in "/\\\0"):
        raise InputError(f"{name!r} cannot be the name of something in the workspace; give it a name without / and \\")
    if len(os.fsencode(name)) > _LONGEST:
        name = f"{name[: _LONGEST // 4 - 11]}-{content_hash(name)[:10]}"  # a letter has up to four bytes
    return folder / name
