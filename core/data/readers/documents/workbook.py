"""The cells of a workbook, as the library reads them. Run as a program it reads an old one (.xls) from standard input.

A damaged .xls makes the library ask for gigabytes, which ends the process, or go on without end: such a file is read in a
process of its own, with a limit of memory and time. That one imports nothing but the library, so it starts quickly.
"""

from __future__ import annotations

import datetime
import io
import json
import subprocess
import sys
from typing import Any

Sheets = list[tuple[str, list[list[str]]]]  # name, rows of cells as text
_MEMORY, _TIMES = 256_000_000, 50  # bytes that the process may ask for, the interpreter's own included, and times the file's
_SECONDS, _BYTES_A_SECOND = 3, 1_000_000  # of processor time: at least, and by the size of the file
_FAILED = 3  # exit status: the library has said why


class WorkbookError(Exception):
    """What the library says of a file that it does not read, or what ended its process."""


def read_workbook(data: bytes) -> Sheets:
    """Every sheet. Raises WorkbookError for whatever the library does not read, and for what it takes too much for."""
    return _read(data) if data.startswith(b"PK") else _read_apart(data)


def _read(data: bytes) -> Sheets:
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = [(name, book.get_sheet_by_name(name).to_python(skip_empty_area=True)) for name in book.sheet_names]
    except BaseException as error:  # its errors have no common base, and a panic of its Rust code is no Exception
        if not type(error).__module__.startswith(("python_calamine", "builtins", "pyo3")) or isinstance(
            error, KeyboardInterrupt
        ):
            raise
        raise WorkbookError(str(error)) from error
    return [(name, [[_show(value) for value in row] for row in rows]) for name, rows in sheets]


def _read_apart(data: bytes) -> Sheets:
    ended = subprocess.run([sys.executable, "-I", __file__], input=data, capture_output=True, check=False)
    if ended.returncode:
        said = ended.stdout.decode() if ended.returncode == _FAILED else f"the process that read it ended: {ended.returncode}"
        raise WorkbookError(said)
    return [(name, rows) for name, rows in json.loads(ended.stdout)]


def _show(value: Any) -> str:
    """A cell as text: whole numbers without ".0", dates in ISO form, on one line."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return " ".join(str(value).split())


def _be_child() -> int:
    data = sys.stdin.buffer.read()
    try:
        import resource
    except ImportError:  # no limits on Windows
        pass
    else:
        seconds, memory = _SECONDS + len(data) // _BYTES_A_SECOND, _MEMORY + _TIMES * len(data)
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = json.dumps(_read(data))
    except WorkbookError as error:
        sys.stdout.write(str(error))
        return _FAILED
    sys.stdout.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(_be_child())
