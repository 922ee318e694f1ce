"""Files that are whole or not there, and sealed: what was written is what is read, or it is damaged.

A sealed file holds a CRC-32 of everything else in it. JSON has it in its first line, {"checksum": "0a1b2c3d", Parquet in eight
bytes before its footer, which readers skip. A file without one is of a program before this one, or written by a person.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.storage.damage import Damaged

PART, REMOVED = ".part", ".removed"  # endings of what is on its way in, and on its way out
HELD = ".held"  # of the file that stands for a folder on its way in
_FIRST_LINE = re.compile(rb'\{"checksum": "([0-9a-f]{8})",')
_MARK = b"CRC:"  # before the four bytes of a Parquet file's checksum
_TAIL = 8  # bytes that end a Parquet file: the length of its footer, and "PAR1"


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """While the block runs, is_held() says of a file or folder that it is being written; it ends with the process too."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """hold() for a folder that is made meanwhile: NAME.held beside it is held instead."""
    mark = folder.with_name(folder.name + HELD)
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    try:
        with hold(mark):
            yield
    finally:
        mark.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a living process has the file or folder on its way, see hold()."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # gone, or nobody's to read
        return False
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Whether the lock could be had, without waiting."""
    try:
        import fcntl
    except ImportError:  # Windows refuses by itself to remove what is open
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def replace_file(file: Path) -> Iterator[Path]:
    """A temporary file beside `file` that takes its place when the block ends well: readers see all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=PART)
    os.close(handle)
    aside = Path(name)
    try:
        with hold(aside):
            yield aside
            aside.replace(file)
    except OSError as error:
        error.filename = error.filename or str(file)  # a full disk does not say which file it was about
        raise
    finally:
        aside.unlink(missing_ok=True)


def write_json(file: Path, value: Any, *, sealed: bool = True) -> None:
    """Writes a JSON value, whole or not at all. Raises ValueError for NaN and infinity. sealed: objects get their checksum."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    if sealed and isinstance(value, dict) and value:
        rest = text.removeprefix("{")
        text = f'{{"checksum": "{zlib.crc32(rest.encode()):08x}",{rest}'
    with replace_file(file) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


def read_json(file: Path) -> Any:
    """The JSON value in a file. Raises OSError, or ValueError if it is no JSON or not what was written, see reading()."""
    data = file.read_bytes()
    first, _, rest = data.partition(b"\n")
    seal = _FIRST_LINE.fullmatch(first)
    if seal and int(seal[1], 16) != zlib.crc32(b"\n" + rest):
        raise Damaged("its checksum is wrong")
    if not seal and rest and first.strip() not in (b"{", b"["):  # no program and no editor begins a file of several lines so
        raise Damaged("it does not begin as it was written")
    try:
        value = json.loads(data.decode("utf-8"))
    except ValueError as error:
        raise Damaged("it is no JSON") from error
    if isinstance(value, dict):
        value.pop("checksum", None)
    return value


def write_frame(frame: pd.DataFrame, file: Path, *, index: bool = False) -> None:
    """Writes a frame as Parquet, whole or not at all. index: whether its index is kept too."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=index, compression="zstd")
    with replace_file(file) as aside:
        aside.write_bytes(_seal_parquet(buffer.getvalue()))


def _seal_parquet(data: bytes) -> bytes:
    footer = _find_footer(data)
    return data[:footer] + _MARK + zlib.crc32(data).to_bytes(4, "little") + data[footer:]


def _find_footer(data: bytes) -> int:
    """Where the footer begins: offsets in it count from the file's beginning, so that bytes before it move nothing."""
    return len(data) - _TAIL - int.from_bytes(data[-_TAIL:-4], "little")


def read_frame(file: Path) -> pd.DataFrame:
    """A frame as it was written: ids as str objects, lists as tuples. Raises OSError, ValueError if it is damaged."""
    import pyarrow as pa

    data = file.read_bytes()
    mark = _find_footer(data) - 8
    if mark > 0 and data[mark : mark + 4] == _MARK:
        checksum = zlib.crc32(data[mark + 8 :], zlib.crc32(data[:mark]))
        if checksum.to_bytes(4, "little") != data[mark + 4 : mark + 8]:
            raise Damaged("its checksum is wrong")
    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except (pa.ArrowException, AttributeError, LookupError, TypeError) as error:  # what pandas put beside is read too
        raise Damaged(f"it is no whole Parquet file, {type(error).__name__}") from error
    for name, dtype in frame.dtypes.items():
        if dtype == "str":
            frame[name] = frame[name].astype(object)
        elif dtype.kind == "O" and len(frame) and isinstance(frame[name].iloc[0], np.ndarray):
            frame[name] = [tuple(value) for value in frame[name]]
    return frame


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def remove_folder(folder: Path) -> None:
    """Deletes a folder at once for every reader: renamed first, then removed."""
    if folder.is_dir():
        doomed = folder.with_name(f".{folder.name}.{threading.get_ident()}{REMOVED}")
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
