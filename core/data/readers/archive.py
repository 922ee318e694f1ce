"""Unpacking zips that strangers made: within the target, within limits, all or nothing."""

from __future__ import annotations

import errno
import lzma
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from core.data.readers.encoding import check_regular_file
from core.errors import InputError
from core.text.phrases import count_of, shorten

_BLOCK = 1 << 20  # bytes copied at a time
MAX_FOLDERS = 100  # within each other
_USUAL = 100_000_000  # bytes that any zip may unpack to, and
_RATIO = 100  # times its own size, that a larger one may: text packs to a tenth or so of its size, a trap to a thousandth
# What zipfile and the libraries it unpacks with raise for damage; bz2 reports it by an OSError without a number.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    NotADirectoryError,
    UnicodeDecodeError,
    struct.error,
    OverflowError,
)


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
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def unpack_zip(path: Path, target: Path, *, max_bytes: int = 2_000_000_000, max_files: int = 100_000) -> None:
    """Unpacks a zip into `target`, a folder that must not exist yet or be empty.

    max_bytes: limit on what is really written, whatever the zip's directory promises, and never more than 100 MB or a hundred
    times the zip, whichever is more; max_files: limit on its members. Raises InputError for what cannot be read, a broken,
    encrypted or oversized zip, paths outside the target, links, and a disk without room; then nothing of it is left.
    """
    max_bytes = min(max_bytes, max(_USUAL, _RATIO * check_regular_file(path)))
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        try:
            with zipfile.ZipFile(path) as archive:
                members = _check_members(archive, path, max_files=max_files, max_bytes=max_bytes)
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
        except _DAMAGE as error:
            raise InputError(f"is not a whole, readable zip ({error}); pack or upload it again", file=path) from error
        except MemoryError as error:  # a damaged LZMA member may ask for any amount
            raise InputError("needs more memory to unpack than there is; pack it again as a usual zip", file=path) from error
        except OSError as error:
            if error.errno in (None, errno.EINVAL, errno.ENAMETOOLONG):
                raise InputError(f"is not a readable zip ({error.strerror or error}); pack it again", file=path) from error
            raise InputError(f"cannot be unpacked ({error.strerror}); it needs room in {target.parent}", file=path) from error
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


def _check_members(
    archive: zipfile.ZipFile, path: Path, *, max_files: int, max_bytes: int
) -> list[tuple[zipfile.ZipInfo, str]]:
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
                f'holds "{shorten(info.filename)}", a path outside its own folder; pack it again without such paths',
                file=path,
            )
        if name.count("/") > MAX_FOLDERS:
            raise InputError(
                f'holds "{shorten(name)}", in more than {MAX_FOLDERS} folders within each other; pack it again with fewer',
                file=path,
            )
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InputError(f'holds "{shorten(info.filename)}", which is a link or device; pack the file itself', file=path)
        if info.flag_bits & 0x1:
            raise InputError("is protected by a password; pack it again without one", file=path)
        if not info.is_dir() and not is_clutter(name):
            members.append((info, name))
    if not members:
        raise InputError("is an empty zip; pack the dataset's folder", file=path)
    if sum(info.file_size for info, _ in members) > max_bytes:
        raise _TooLarge
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
