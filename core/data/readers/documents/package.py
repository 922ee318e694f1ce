"""Zips that hold a document (Word, PowerPoint, spreadsheets, e-books): their parts, within limits, and XML without entities."""

from __future__ import annotations

import io
import lzma
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from core.errors import InputError

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_UNPACKED = 300_000_000  # bytes a file may unpack to, whatever its directory promises
MAX_XML = 100_000_000  # bytes of one part, whose tree takes some five times as much memory
_STRICT, _USUAL = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/"), rb"http://schemas.openxmlformats.org/\1/2006/"
_RATIO = 60  # times its own size that a file of more than 4 MB unpacked may have
_SMALL = 4_000_000


class Package:
    """The parts of a zip, by name. Raises Damaged for what cannot be unpacked or parsed, and for a part that is not there."""

    def __init__(self, data: bytes) -> None:
        with _note_damage():
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            self.names = frozenset(self._archive.namelist())
        self._left = MAX_UNPACKED
        unpacked = sum(member.file_size for member in self._archive.infolist())
        if unpacked > MAX_UNPACKED or (unpacked > _SMALL and unpacked > _RATIO * len(data)):
            raise TooLarge

    def read(self, name: str) -> bytes:
        """A part's bytes."""
        with _note_damage(), self._archive.open(name) as part:
            content = part.read(self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise TooLarge
        return content

    def read_xml(self, name: str) -> _Element:
        """A part's XML. Entities are not resolved, so that none can grow or read another file."""
        from lxml import etree

        content = self.read(name)
        if len(content) > MAX_XML:
            raise TooLarge
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
        with _note_damage():
            return etree.fromstring(_STRICT.sub(_USUAL, content), parser)

    def find_main(self, usual: str) -> str:
        """The part that holds the document itself; `usual` where the package does not say."""
        return next((target for kind, target in self.list_relations("").values() if kind == "officeDocument"), "") or usual

    def list_relations(self, name: str) -> dict[str, tuple[str, str]]:
        """Of a part of an Office file: id of the relation -> (its type's last word, the part it leads to)."""
        folder, file = posixpath.split(name)
        relations = posixpath.join(folder, "_rels", f"{file}.rels")
        if relations not in self.names:
            return {}
        found = {}
        for relation in self.read_xml(relations):
            if isinstance(relation.tag, str) and relation.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/" + folder, unquote(relation.get("Target", "")))).lstrip("/")
                found[relation.get("Id", "")] = (relation.get("Type", "").rpartition("/")[2], target)
        return found


class TooLarge(Exception):
    """Unpacks to more than allowed."""


class Damaged(Exception):
    """What a library says of a file that it cannot read: the name of its error."""


@contextmanager
def _note_damage() -> Iterator[None]:
    """Errors of zipfile, its decompressors and lxml as Damaged. Nothing but calls of these libraries may stand inside."""
    from lxml.etree import LxmlError

    try:
        yield
    except (
        zipfile.BadZipFile, zlib.error, lzma.LZMAError, LxmlError, LookupError, ValueError, RuntimeError, EOFError, OSError,
        NotImplementedError,
    ) as error:  # fmt: skip
        raise Damaged(type(error).__name__) from error


@contextmanager
def refuse_damaged(what: str, path: Path, *, cure: str) -> Iterator[None]:
    """Turns what a damaged file does to its reader into an InputError: "is not a readable Word file (BadZipFile); …". Errors of
    our own code are none of the file's."""
    try:
        yield
    except TooLarge as error:
        raise InputError(
            f"unpacks to more than {MAX_UNPACKED // 1_000_000} MB, or {_RATIO} times its size; {cure}", file=path
        ) from error
    except (Damaged, RecursionError) as error:  # no sound file has its parts so deep in each other
        reason = str(error) if isinstance(error, Damaged) else type(error).__name__
        raise InputError(f"is not a readable {what} ({reason}); {cure}", file=path) from error


def is_locked_office(data: bytes) -> bool:
    """Whether an Office file is encrypted with a password: then it is no zip, but an OLE container with its cipher in it."""
    return data.startswith(b"\xd0\xcf\x11\xe0") and "EncryptedPackage".encode("utf-16-le") in data


def check_locked(data: bytes, path: Path) -> None:
    """Raises InputError if an Office file is protected by a password."""
    if is_locked_office(data):
        raise InputError("is protected by a password; save a copy without protection", file=path)
