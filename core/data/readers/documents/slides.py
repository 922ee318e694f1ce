"""PowerPoint files: the slides in their order, each with title, texts, tables, diagrams, and the speaker's notes after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.readers.documents.drawings import A, count_text, note_unread, read_drawing, read_paragraph
from core.data.readers.documents.kind import Extracted, join_blocks
from core.data.readers.documents.package import Package, check_locked, refuse_damaged
from core.data.readers.documents.reading import Reading

if TYPE_CHECKING:
    from lxml.etree import _Element

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CHOICE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_REPEATED = {"sldNum", "dt", "ftr", "hdr"}  # placeholders for the slide's number, date, foot and head
_CURE = "open it in PowerPoint and save it again as .pptx, or as PDF"


def read_slides(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document. title is the core property. Raises InputError if it cannot be read."""
    check_locked(data, path)
    with refuse_damaged("PowerPoint file", path, cure=_CURE):
        package = Package(data)
        main = package.find_main("ppt/presentation.xml")
        relations = package.list_relations(main)
        blocks: list[str] = []
        unread: list[tuple[str, str]] = []
        held = 0
        for slide in package.read_xml(main).iter(f"{_P}sldId"):
            name = relations.get(slide.get(_ID, ""), ("", ""))[1]
            if name in package.names:
                read, letters = _read_slide(package, name)
                blocks += read
                held += letters
                unread += package.list_relations(name).values()
        notes = note_unread(package, unread)
        properties = package.read_xml("docProps/core.xml") if "docProps/core.xml" in package.names else None
        title = " ".join(((properties.findtext(_TITLE) if properties is not None else None) or "").split())
    return [Extracted(text=join_blocks(blocks), title=title, held=held, notes=notes)]


def _read_slide(package: Package, name: str) -> tuple[list[str], int]:
    """The texts of a slide and what belongs to it; how many letters all these parts hold."""
    slide = package.read_xml(name)
    blocks = list(_read_shapes(slide))
    blocks.sort(key=lambda block: not block.startswith("# "))  # stable: the title first, wherever it was drawn
    held = count_text(slide)
    for kind, target in package.list_relations(name).values():
        if kind == "notesSlide" and target in package.names:
            part = package.read_xml(target)
            blocks += _read_shapes(part)
            held += count_text(part)
        else:
            text, letters = read_drawing(package, kind, target)
            blocks.append(text)
            held += letters
    return blocks, held


def _read_shapes(parent: _Element) -> Iterator[str]:
    for element in parent:
        if element.tag == f"{_P}sp":
            kind = next((found.get("type", "body") for found in element.iter(f"{_P}ph")), "")
            text = "\n".join(line for line in map(read_paragraph, element.iter(f"{A}p")) if line)
            if kind in ("title", "ctrTitle") and text:
                yield "# " + " ".join(text.split())
            elif kind not in _REPEATED:
                yield text
        elif element.tag == f"{A}tbl":
            cells = [
                [" ".join(map(read_paragraph, cell.iter(f"{A}p"))) for cell in row.iter(f"{A}tc")]
                for row in element.iter(f"{A}tr")
            ]
            yield "\n".join(" | ".join(row) for row in cells if any(row))
        elif element.tag == _CHOICE:
            yield from _read_shapes(element[0]) if len(element) else ()
        else:
            yield from _read_shapes(element)
