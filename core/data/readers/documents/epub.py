"""E-books (.epub): the chapters in the order of reading, each read as a web page; the book is one document."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from core.data.readers.documents.kind import Extracted, Note, join_blocks
from core.data.readers.documents.package import Damaged, Package, refuse_damaged
from core.data.readers.documents.reading import Reading
from core.data.readers.documents.web_page import LEFT_OUT, decode_page, extract_page
from core.errors import InputError

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTAINER = "META-INF/container.xml"
_OPF = "{http://www.idpf.org/2007/opf}"
_DUBLIN = "{http://purl.org/dc/elements/1.1/}"
_PAGE = "application/xhtml+xml"
_CURE = "open it in a reader of e-books and save it again, or convert it to .html"


def read_epub(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document. title, creator, language and date are the book's own.

    Raises InputError if it cannot be read or is protected against copying.
    """
    with refuse_damaged("e-book", path, cure=_CURE):
        package = Package(data)
        rootfile = package.read_xml(_CONTAINER).find(".//{*}rootfile")
        if rootfile is None:
            raise Damaged("no book in it")
        main = rootfile.get("full-path", "")
        book = package.read_xml(main)
        locked = _list_locked(package)
        items = {item.get("id", ""): item for item in book.iter(f"{_OPF}item")}
        pages, missing, taken = [], 0, set[str]()
        for reference in book.iter(f"{_OPF}itemref"):
            item = items.get(reference.get("idref", ""))
            name = _find(item, main) if item is not None else ""
            if name in locked:
                raise InputError("the e-book is protected against copying; use a copy without protection", file=path)
            if name and name in taken:  # a chapter has one place
                continue
            taken.add(name)
            if name in package.names:
                pages.append(extract_page(decode_page(package.read(name), Path(name)), reading))
            else:
                missing += 1
        pages_of_it = {
            _find(item, main) for item in items.values() if item.get("media-type") == _PAGE and not _is_contents(item)
        }
        aside = len((pages_of_it & package.names) - taken)
        fields = {
            field: " ".join((book.findtext(f".//{_DUBLIN}{field}") or "").split())
            for field in ("title", "creator", "language", "date")
        }
    return [
        Extracted(
            text=join_blocks([page.text for page in pages]),
            title=fields.pop("title"),
            metadata={name: value for name, value in fields.items() if value},
            held=sum(page.held or 0 for page in pages),
            left_out=LEFT_OUT if any(page.left_out for page in pages) else "",
            notes=(
                *((Note("chapters that the e-book names are not in it", f"{missing}"),) if missing else ()),
                *(
                    (Note("pages that have no place in the e-book's order of reading are not read", f"{aside}"),)
                    if aside
                    else ()
                ),
                *dict.fromkeys(note for page in pages for note in page.notes),
            ),
        )
    ]


def _find(item: _Element, main: str) -> str:
    """The part that an item of the book's list, in the part `main`, stands for."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(main), unquote(item.get("href", ""))))


def _is_contents(item: _Element) -> bool:
    """Whether it is the table of contents, which says nothing of its own."""
    return "nav" in item.get("properties", "").split()


def _list_locked(package: Package) -> set[str]:
    """The parts that are encrypted; fonts may be in a book that is free."""
    if "META-INF/encryption.xml" not in package.names:
        return set()
    return {unquote(part.get("URI", "")) for part in package.read_xml("META-INF/encryption.xml").iter("{*}CipherReference")}
