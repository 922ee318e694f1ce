"""Damaged files: what tells that a file is damaged, and the one way to deal with it.

What can be made again is set aside and made again, see find_whole(); what cannot is told in one sentence, see reading().
Nothing damaged is deleted: it lies in the workspace's folder damaged/ until somebody removes it.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from core.errors import DamagedFile, LadderError

DAMAGED = "damaged"  # the folder, below the workspace
Value = TypeVar("Value")
_log = logging.getLogger(__name__)
# What the system says of one file; others (too many open files, no memory, no room) say something of the machine.
_OF_THE_FILE = {
    getattr(errno, name, -1)
    for name in ("EACCES", "EPERM", "EISDIR", "ENOTDIR", "EIO", "ELOOP", "EINVAL", "EBADMSG", "EUCLEAN", "ENXIO", "EILSEQ")
} | {None}  # libraries raise OSErrors of their own


class Damaged(ValueError):
    """A file that is not as it was written. str() says what is wrong with it, without its name."""


def is_damage(error: BaseException) -> bool:
    """Whether what reading a file raised means that the file is damaged. An error of ours (AttributeError, KeyError, TypeError)
    never does, nor does a file that is not there."""
    if isinstance(error, LadderError):
        return isinstance(error, DamagedFile)
    if isinstance(error, OSError):
        return error.errno in _OF_THE_FILE
    return isinstance(error, ValueError)


def say_damage(error: BaseException) -> str:
    """What is wrong with a file, for a bracket: "its checksum is wrong", "PermissionError"."""
    return str(error) if isinstance(error, Damaged) else getattr(error, "why", "") or type(error).__name__


@contextmanager
def reading(file: Path | str, *, cure: str) -> Iterator[None]:
    """Around the lines that decode a file of the workspace, and only these: what a damaged, foreign or missing file raises
    becomes a DamagedFile ("FILE: cannot be read (it is no JSON); CURE"). What is computed from it belongs after the block,
    where an error of ours stays one.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        if not isinstance(error, FileNotFoundError) and not is_damage(error):
            raise
        place = getattr(error, "filename", None) or file
        why = say_damage(error)
        raise DamagedFile(f"cannot be read ({why}); {cure}", file=place, why=why) from error


def find_whole(file: Path, read: Callable[[Path], Value], *, root: Path) -> Value | None:
    """read(file), for what can be made again: None if there is no file, or a damaged one, which is set aside.

    read: raises FileNotFoundError, and what is_damage() knows; everything else passes. root: the workspace.
    """
    try:
        return read(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, DamagedFile) as error:
        if not is_damage(error):
            raise
        set_aside(file, say_damage(error), root=root)
        return None


def _move(path: Path, target: Path) -> None:
    try:
        path.rename(target)
    except PermissionError:  # a folder that nobody may write cannot go to another place
        path.chmod(0o700)
        path.rename(target)


def set_aside(path: Path, why: str, *, root: Path, beside: Sequence[Path] = ()) -> Path | None:
    """Moves a damaged file or folder below the workspace `root` to damaged/TIME/, under the path that it had; returns where it
    is now, None if another process was quicker. beside: other files that belong to it."""
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d-%H%M%S-")
    (root / DAMAGED).mkdir(exist_ok=True)
    apart = Path(tempfile.mkdtemp(prefix=stamp, dir=root / DAMAGED))
    target = apart / path.relative_to(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _move(path, target)
    except FileNotFoundError:
        shutil.rmtree(apart, ignore_errors=True)
        return None
    for part in beside:
        with contextlib.suppress(FileNotFoundError):
            part.rename(target.with_name(part.name))
    _log.warning("%s is damaged (%s); it was set aside in %s", path, why, apart.relative_to(root))
    return target
