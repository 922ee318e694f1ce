"""Unpacking zips that strangers made: within the target, within limits, all or nothing."""

from __future__ import annotations

import errno
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from core.errors import InputError
from core.text.phrases import count_of

_BLOCK = 1 << 20  # bytes copied at a time


def check_relative_name(name: str) -> str | None:
    """The name with "/" between its parts if it stays inside a folder; None if it is absolute or has a ".."."""
    name = name.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name) or "\x00" in name:
        return None
    return "/".join(parts)


def is_clutter(name: str) -> bool:
    """Whether a file was added by an operating system and is of no interest (__MACOSX, .DS_Store and the like)."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def unpack_zip(path: Path, target: Path, *, max_bytes: int = 2_000_000_000, max_files: int = 100_000) -> None:
    """Unpacks a zip into `target`, a folder that must not exist yet or be empty.

    max_bytes: limit on what is really written, whatever the zip's directory promises; max_files: on its members.
    Raises InputError for a broken, encrypted or oversized zip, for paths outside the target and for links; then
    nothing of it is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        try:
            with zipfile.ZipFile(path) as archive:
                members = _check_members(archive, path, max_files=max_files)
                left = max_bytes
                for member, name in members:
                    left -= _write_member(archive, member, aside / name, left=left)
        except _TooLarge as error:
            raise InputError(
                f"unpacks to more than the limit of {max_bytes / 1e6:,.0f} MB; "
                "unpack it yourself and give the path of the folder",
                file=path,
            ) from error
        except FileExistsError as error:
            raise InputError("holds two files of the same name; pack it again", file=path) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, NotADirectoryError) as error:
            raise InputError(f"is not a whole, readable zip ({error}); pack or upload it again", file=path) from error
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENAMETOOLONG):  # a full disk, say, is not the zip's fault
                raise
            raise InputError(f"is not a readable zip ({error.strerror}); pack it again", file=path) from error
        move_whole(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def move_whole(source: Path, target: Path) -> None:
    """Renames a finished folder to `target`, which must not exist yet or be empty, else InputError."""
    if target.exists():
        if not target.is_dir() or any(target.iterdir()):
            raise InputError("exists already and is not empty; choose another name", file=target)
        target.rmdir()
    source.chmod(0o755)  # mkdtemp makes folders that only their owner can read
    source.rename(target)


class _TooLarge(Exception):
    """More bytes than allowed."""


def _check_members(archive: zipfile.ZipFile, path: Path, *, max_files: int) -> list[tuple[zipfile.ZipInfo, str]]:
    infos = archive.infolist()
    if len(infos) > max_files:
        raise InputError(
            f"holds {count_of(len(infos), 'file')}, more than the limit of {max_files:,}; "
            "unpack it yourself and give the path of the folder",
            file=path,
        )
    members = []
    for info in infos:
        name = check_relative_name(info.filename)
        if name is None:
            raise InputError(
                f'holds "{info.filename}", a path outside its own folder; pack it again without such paths',
                file=path,
            )
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InputError(f'holds "{info.filename}", which is a link or device; pack the file itself', file=path)
        if info.flag_bits & 0x1:
            raise InputError("is protected by a password; pack it again without one", file=path)
        if not info.is_dir() and not is_clutter(name):
            members.append((info, name))
    if not members:
        raise InputError("is an empty zip; pack the dataset's folder", file=path)
    return members


def _write_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, *, left: int) -> int:
    """Writes one member and returns its size in bytes; raises _TooLarge once more than `left` were read."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(member) as source, target.open("xb") as file:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > left:
                raise _TooLarge
            file.write(block)
    return written
