"""Text files: strict UTF-8, and the likely encoding when they are not."""

from __future__ import annotations

import re
import stat
import unicodedata
from pathlib import Path

from core.errors import InputError

_BOMS = ((b"\xff\xfe\x00\x00", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_HEAD = 4096  # bytes at the beginning by which a file that is no text is known
_NULS = 10  # text holds no NUL; a file with one in ten bytes is of another encoding or kind
_SURROGATES = re.compile("[\ud800-\udfff]")
_COMMON = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "latin_1", "koi8_r", "shift_jis", "euc_jp", "gb18030",
    "big5hkscs", "euc_kr", "utf_16",
]  # fmt: skip
_SPELLED = {"cp1252": "WINDOWS-1252", "latin_1": "ISO-8859-1"}  # as iconv takes them, else in capitals with hyphens
_UNTEXTLIKE = {"Cc", "Cn", "Co", "Cs"}  # categories of Unicode; line ends and tabs are of the first one
_ASCII = 0.75  # of bytes that look like it: half of them in Latin script, and in Chinese
_EXCERPT = 60  # characters


def guess_encoding(data: bytes) -> str:
    """The likely encoding of bytes that are not UTF-8, spelled as iconv takes it; "" if nothing fits."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name
    if unmarked := find_utf16(data[:_HEAD]):
        return unmarked
    from charset_normalizer import from_bytes

    matches = from_bytes(data, cp_isolation=_COMMON)
    best = matches.best()
    if best is None:
        return ""
    # Western European text fits several code pages equally well; Windows-1252 is by far the commonest of them.
    equal = [match for match in matches if match.chaos == best.chaos and match.coherence >= best.coherence]
    name = "cp1252" if any("cp1252" in match.could_be_from_charset for match in equal) else best.encoding
    return _SPELLED.get(name, name.upper().replace("_", "-"))


def find_utf16(head: bytes) -> str:
    """ "UTF-16LE" or "UTF-16BE" if the first bytes of a file are text in it without a mark, else "".

    Such text has a NUL beside every space and line end, nothing in it is a control sign or a character that is none, and its
    bytes are not ASCII for the most part, which tells it from text with a few NULs in it.
    """
    if len(head) % 2 or 0 not in head or sum(32 <= byte < 127 for byte in head) > _ASCII * len(head):
        return ""
    for name in ("UTF-16LE", "UTF-16BE"):
        try:
            text = head.decode(name)
        except UnicodeDecodeError as error:
            if error.end < len(head) - 2:  # not just a letter that the head cuts apart
                continue
            text = head[: error.start].decode(name)
        shown = text.translate({ord(sign): " " for sign in "\t\n\r\f"})
        if text and not any(unicodedata.category(sign) in _UNTEXTLIKE for sign in set(shown)):
            return name
    return ""


def not_utf8(path: Path, sample: bytes, *, line: int) -> InputError:
    """The error for a file that is not UTF-8. sample: bytes from the first bad line on; line: its number."""
    text = sample.decode("utf-8", errors="replace")
    written = sample.count("\ufffd".encode())  # by who wrote the file
    bad = text.count("\ufffd") - written
    if sum(sign > "\x7f" for sign in text) - bad - written > bad:  # in another encoding next to none of them would be letters
        return InputError(
            f"holds bytes that are not UTF-8 among letters that are ({bad:,} from here on); correct them, or take them out "
            f"with: iconv -c -f UTF-8 -t UTF-8 {path.name} > utf8-{path.name}",
            file=path,
            line=line,
        )
    encoding = guess_encoding(sample)
    likely = f"it looks like {encoding}" if encoding else "its encoding is not known"
    command = f"iconv -f {encoding or 'OLD_ENCODING'} -t UTF-8 {path.name} > utf8-{path.name}"
    then = f" (it would say: {excerpt})" if (excerpt := _make_excerpt(sample, encoding)) else ""
    return InputError(f"not UTF-8 ({likely}); convert it to UTF-8, for example with: {command}{then}", file=path, line=line)


def _make_excerpt(sample: bytes, encoding: str) -> str:
    """What a bad line says in this encoding, around its first sign beyond ASCII: whether that is right only a person sees."""
    if not encoding:
        return ""
    text = sample.decode(encoding, errors="replace")
    first = next((place for place, sign in enumerate(text) if sign > "\x7f"), -1)
    if first < 0:
        return ""
    start = max(text.rfind("\n", 0, first) + 1, first - _EXCERPT // 2)
    return repr(" ".join(text[start:].split("\n")[0][:_EXCERPT].split()))


def decode_text(data: bytes, path: Path) -> str:
    """Bytes of a text file as text with a leading byte order mark removed and line ends as line feeds.

    Raises InputError that names the line and the likely encoding if they are not UTF-8.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A line of UTF-16 ends with two bytes, so what begins behind the first of them is none.
        start = 0 if find_utf16(data[:_HEAD]) else data.rfind(b"\n", 0, error.start) + 1
        raise not_utf8(path, data[start : start + 100_000], line=data.count(b"\n", 0, start) + 1) from error
    head = data[:_HEAD]
    if find_utf16(head):  # Russian, for one, is UTF-8 too then, if a strange one
        raise not_utf8(path, data[: 25 * _HEAD], line=1)
    if head.count(0) > len(head) // _NULS:
        raise InputError(
            "holds as many NUL signs as a file that is no text, or is damaged; save it as UTF-8",
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
