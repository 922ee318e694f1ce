"""OpenDocument texts and slides (.odt, .odp), as LibreOffice saves them: headings, lists, tables, notes, slides in their order.

A text box stands behind the paragraph it is anchored in, a footnote behind the paragraph that refers to it, the notes of a
slide behind it, heads and feet of pages at the end, each wording once. What was deleted with its changes tracked is not read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.readers.documents.kind import Extracted, Note, count_letters, join_blocks
from core.data.readers.documents.package import Package, refuse_damaged
from core.data.readers.documents.reading import Reading
from core.errors import InputError

if TYPE_CHECKING:
    from lxml.etree import _Element

_OASIS = "{urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _TABLE, _DRAW, _OFFICE, _STYLE, _SHOWN = (
    f"{_OASIS}{name}:1.0}}" for name in ("text", "table", "drawing", "office", "style", "presentation")
)
_P, _H, _ITEM = f"{_TEXT}p", f"{_TEXT}h", f"{_TEXT}list-item"
_SIGNS = {f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n"}
_READING = f"{_TEXT}ruby-text"  # how the word before it is pronounced
_COMMENT = f"{_OFFICE}annotation"
_UNREAD = {f"{_TEXT}tracked-changes", f"{_TEXT}sequence-decls", f"{_TEXT}note-citation", _COMMENT}
_REPEATED = {"header", "footer", "date-time", "page-number"}  # of slides
_MANIFEST = "META-INF/manifest.xml"
_MOST_SPACES = 100
_CURE = "open it in LibreOffice and save it again, or save it as .docx or PDF"


def read_open_document(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document. title is the one of its properties. Raises InputError if it cannot be read or is protected."""
    with refuse_damaged("OpenDocument file", path, cure=_CURE):
        package = Package(data)
        if _MANIFEST in package.names and b":encryption-data" in package.read(_MANIFEST):
            raise InputError("is protected by a password; save a copy without protection", file=path)
        content = package.read_xml("content.xml")
        repeated = _read_repeated(package)
        meta = package.read_xml("meta.xml") if "meta.xml" in package.names else None
    body = content.find(f"{_OFFICE}body")
    reader = _Reader()
    blocks = reader.read_blocks(body) if body is not None else []
    read = count_letters("".join(_list_texts(body))) if body is not None else 0
    notes = []
    if comments := sum(1 for _ in content.iter(_COMMENT)):
        notes.append(Note("comments in the margin are not read", f"{comments}"))
    if objects := sum(1 for _ in content.iter(f"{_DRAW}object", f"{_DRAW}object-ole")):
        notes.append(Note("formulas, charts and files embedded in it are not read", f"{objects}"))
    title = "" if meta is None else " ".join((meta.findtext(".//{http://purl.org/dc/elements/1.1/}title") or "").split())
    return [
        Extracted(
            join_blocks([*blocks, *repeated]),
            title=title,
            held=read + count_letters("".join(repeated)),
            notes=tuple(notes),
        )
    ]


def _read_repeated(package: Package) -> list[str]:
    """Heads and feet of the pages of a text, each wording once."""
    if "styles.xml" not in package.names:
        return []
    parts = package.read_xml("styles.xml").iter(f"{_STYLE}header", f"{_STYLE}footer")
    return list(dict.fromkeys(filter(None, (join_blocks(_Reader().read_blocks(part)) for part in parts))))


@dataclass
class _Reader:
    aside: list[str] = field(default_factory=list)  # text boxes and notes of the paragraph that is being read

    def read_blocks(self, parent: _Element) -> list[str]:
        """Paragraphs, lists and tables below an element."""
        blocks: list[str] = []
        for element in parent:
            if element.tag in (_P, _H):
                aside, self.aside = self.aside, []
                blocks += [self._read_paragraph(element), *self.aside]
                self.aside = aside
            elif element.tag == f"{_TABLE}table":
                blocks.append(self._read_table(element))
            elif element.tag == _ITEM:
                item = join_blocks(self.read_blocks(element))
                blocks.append(item if item.startswith(("- ", "#")) else f"- {item}" if item else "")
            elif element.tag == f"{_DRAW}frame" and element.get(f"{_SHOWN}class") == "title":
                blocks.append("# " + " ".join(" ".join(self.read_blocks(element)).split()))
            elif element.tag not in _UNREAD and element.get(f"{_SHOWN}class") not in _REPEATED:
                blocks += self.read_blocks(element)
        return blocks

    def _read_paragraph(self, paragraph: _Element) -> str:
        parts: list[str] = []
        self._read_inline(paragraph, parts)
        text = "".join(parts).strip()
        if paragraph.tag == _H and text:
            return f"{'#' * min(_read_number(paragraph, 'outline-level'), 6)} {' '.join(text.split())}"
        return text

    def _read_inline(self, element: _Element, parts: list[str]) -> None:
        parts.append(element.text or "")
        for child in element:
            tag = child.tag
            if tag in _SIGNS:
                parts.append(_SIGNS[tag])
            elif tag == f"{_TEXT}s":
                parts.append(" " * min(_read_number(child, "c"), _MOST_SPACES))
            elif tag in (f"{_TEXT}note-body", f"{_DRAW}text-box"):
                self.aside += self.read_blocks(child)
            elif tag not in _UNREAD:
                inside: list[str] = []
                self._read_inline(child, inside)
                parts += ["(", *inside, ")"] if tag == _READING else inside
            parts.append(child.tail or "")

    def _read_table(self, table: _Element) -> str:
        rows = [
            [" ".join(" ".join(self.read_blocks(cell)).split()) for cell in row.iterfind(f"{_TABLE}table-cell")]
            for row in _find_rows(table)
        ]
        return "\n".join(" | ".join(row) for row in rows if any(row))


def _read_number(element: _Element, name: str) -> int:
    given = element.get(f"{_TEXT}{name}", "1")
    return int(given) if given.isdecimal() and len(given) < 5 else 1


def _find_rows(table: _Element) -> list[_Element]:
    """Also those in groups and heads, but not those of tables inside."""
    found: list[_Element] = []
    for element in table:
        if element.tag == f"{_TABLE}table-row":
            found.append(element)
        elif element.tag in (f"{_TABLE}table-header-rows", f"{_TABLE}table-rows", f"{_TABLE}table-row-group"):
            found += _find_rows(element)
    return found


def _list_texts(body: _Element) -> list[str]:
    """All text but what is not read on purpose."""
    from lxml import etree

    texts: list[str] = []
    walk = etree.iterwalk(body, events=("start", "end"))
    for event, element in walk:
        if event == "end":
            texts.append(element.tail or "")
        elif element.tag in _UNREAD or element.get(f"{_SHOWN}class") in _REPEATED:
            walk.skip_subtree()
        else:
            texts.append(element.text or "")
    return texts
