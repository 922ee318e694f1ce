"""The disk: whether there is room for what is to be written, and what to say when there is none, or nothing may be written."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from core.errors import LadderError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
_SPARE = 5_000_000  # bytes that stay free for all that is small


class DiskTrouble(LadderError):
    """The disk is full, may not be written, or fails."""


def check_room(file: Path, needed: float) -> None:
    """Raises OSError (ENOSPC) if the disk that `file` is to lie on has less than the `needed` bytes free."""
    free = shutil.disk_usage(file.parent).free
    if needed + _SPARE > free:
        raise OSError(errno.ENOSPC, f"{_megabytes(needed)} are to be written and {_megabytes(free)} are free", str(file))


def explain_disk(error: OSError) -> DiskTrouble | None:
    """One sentence with the path and the cure, if the disk is what is wrong; None for every other error."""
    place = str(error.filename) if error.filename else "the workspace"
    if error.errno in _FULL:
        told = error.strerror if error.strerror and error.strerror != os.strerror(error.errno) else _say_free(error.filename)
        return DiskTrouble(
            f"{place}: the disk is full ({told}). Free some room (`python -m core doctor` shows what a workspace holds and "
            "what nobody needs), then do the same again; what was finished is kept."
        )
    if error.errno in _CLOSED:
        return DiskTrouble(
            f"{place} cannot be read or written ({os.strerror(error.errno)}). Give yourself the right to write there, or "
            "choose a workspace elsewhere with --workspace or LADDER_WORKSPACE; what was finished is kept."
        )
    if error.errno in _IN_THE_WAY:
        return DiskTrouble(
            f"{place} is in the way: a file stands where a folder belongs, or a folder where a file does. "
            "`python -m core doctor --mend` sets it aside; then do the same again."
        )
    if error.errno == errno.EIO:
        return DiskTrouble(f"{place} cannot be read or written ({error.strerror}): the disk fails. Use another one.")
    return None


def _say_free(filename: object) -> str:
    folder = Path(str(filename)).parent if filename else None
    if folder is None or not folder.is_dir():
        return "no room is left"
    return f"{_megabytes(shutil.disk_usage(folder).free)} are free"


def _megabytes(count: float) -> str:
    return f"{count / 1e6:,.1f} MB"
