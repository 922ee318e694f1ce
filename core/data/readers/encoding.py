"""Text files: strict UTF-8, and the likely encoding when they are not."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from core.errors import InputError

_BOMS = ((b"\xff\xfe\x00\x00", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_HEAD = 4096  # bytes at the beginning by which a file that is no text is known
_NULS = 10  # text holds no NUL; a file with one in ten bytes is of another encoding or kind
_SURROGATES = re.compile("[\ud800-\udfff]")
_COMMON = ["cp1252", "cp1250", "cp1251", "latin_1", "koi8_r", "shift_jis", "gb18030", "big5", "euc_kr", "utf_16"]


def guess_encoding(data: bytes) -> str:
    """The likely encoding of bytes that are not UTF-8, spelled as iconv takes it; "" if nothing fits."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name
    from charset_normalizer import from_bytes

    matches = from_bytes(data, cp_isolation=_COMMON)
    best = matches.best()
    if best is None:
        return ""
    # Western European text fits several code pages equally well; Windows-1252 is by far the commonest of them.
    equal = [match for match in matches if match.chaos == best.chaos and match.coherence >= best.coherence]
    name = "cp1252" if any("cp1252" in match.could_be_from_charset for match in equal) else best.encoding
    return {"cp1252": "WINDOWS-1252", "latin_1": "ISO-8859-1"}.get(name, name.upper().replace("_", "-"))


def not_utf8(path: Path, sample: bytes, *, line: int) -> InputError:
    """The error for a file that is not UTF-8. sample: bytes from the first bad line on; line: its number."""
    encoding = guess_encoding(sample)
    likely = f"it looks like {encoding}" if encoding else "its encoding is not known"
    command = f"iconv -f {encoding or 'OLD_ENCODING'} -t UTF-8 {path.name} > utf8-{path.name}"
    return InputError(f"not UTF-8 ({likely}); convert it to UTF-8, for example with: {command}", file=path, line=line)


def decode_text(data: bytes, path: Path) -> str:
    """Bytes of a text file as text with a leading byte order mark removed and line ends as line feeds.

    Raises InputError that names the line and the likely encoding if they are not UTF-8.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = data.rfind(b"\n", 0, error.start) + 1
        raise not_utf8(path, data[start : start + 100_000], line=data.count(b"\n", 0, start) + 1) from error
    head = data[:_HEAD]
    if head.count(0) > len(head) // _NULS:  # every other byte of Western text in UTF-16, and it is valid UTF-8
        raise InputError(
            "holds as many NUL signs as UTF-16 without a byte order mark, or as a file that is no text; save it as UTF-8",
            file=path,
            line=1,
        )
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def check_regular_file(path: Path) -> int:
    """The size of a file in bytes. Raises InputError if it cannot be found, or is a pipe or device, which may never end."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in its name
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot be read ({reason}); check its name and permissions", file=path) from error
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, device or socket"
        raise InputError(f"cannot be read (it is {kind}); put a file in its place", file=path)
    return found.st_size


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises InputError if it cannot be opened, is empty or is no file."""
    check_regular_file(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}); check its name and permissions", file=path) from error
    if not data:
        raise InputError("the file is empty; fill it or delete it", file=path)
    return data


def read_text(path: Path) -> str:
    """A UTF-8 file as text. Raises InputError if it is empty or not UTF-8."""
    return decode_text(read_bytes(path), path)


def replace_surrogates(text: str) -> str:
    """Half characters (lone surrogates, which no file can hold) as U+FFFD; every offset stays where it was."""
    return _SURROGATES.sub("\ufffd", text)
