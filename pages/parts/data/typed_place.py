"""What people type for a place on the machine that runs the app, or a server that it can reach: read here and nowhere else.

Where others than the person at the machine use the app, a place has to lie below one of the folders that whoever runs it has
named (LADDER_ROOTS), and addresses are left to the command line: who types one has this machine ask any other in its network.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.data.load import split_part
from core.data.readers.chroma_place import ChromaPlace, find_place
from core.errors import InputError
from core.settings import get_roots, is_confined, may_open

_OFF = "Off, since others can reach this app: whoever runs it may name folders with LADDER_ROOTS, or load the data there."


def may_type() -> bool:
    """Whether there is any path that may be typed."""
    return not is_confined() or bool(get_roots())


def describe_limits() -> str:
    """What may be typed, as a sentence beside the field; "" without limits."""
    if not is_confined():
        return ""
    return f"Below {', '.join(map(str, get_roots()))}." if get_roots() else _OFF


def read_path(typed: str) -> Path:
    """The path, from the root; it need not exist. Raises InputError for one that may not be opened, and for what is no path."""
    try:
        path = Path(typed.strip()).expanduser().resolve()
        _check(split_part(path)[0])
        path.exists()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, links in a circle, the home of somebody unknown
        raise InputError(f"{typed.strip()[:200]!r} cannot be the path of anything; check it") from error
    return path


def read_collection_place(typed: str, collection: str) -> ChromaPlace | None:
    """The place of a Chroma collection, or None if nothing of Chroma's is there. collection: its name, or "" for the only one.

    Raises InputError for an address that cannot be one, and for a place that may not be opened.
    """
    written = typed.strip()
    if "://" not in written:
        path = read_path(written)
        place = find_place(f"{path}#{collection}" if collection else path)
        for folder in (place.folder, place.labels) if place is not None else ():
            if folder is not None:
                _check(folder)
        return place
    if is_confined():
        raise InputError(
            "addresses are not taken here, since others can reach this app; whoever runs it can load the collection with "
            "`python -m core import`"
        )
    return find_place(f"{written.rstrip('/')}/{collection}" if collection else written)


def _check(path: Path) -> None:
    """Raises InputError for a path that may not be opened, or below which a link leads to one."""
    if not is_confined():
        return
    if not may_open(path):
        raise InputError(f"may not be opened; {describe_limits()}", file=path)
    for parent, folders, files in os.walk(path):
        for name in (*folders, *files):
            link = Path(parent, name)
            if link.is_symlink() and not may_open(link):
                raise InputError(f"is a link out of it; {describe_limits()}", file=link)
